"""Values or slopes that grow from layer to layer.

What is seen: before training, how much larger the last pre-activations are than the first, and the
slopes of the first layer than those of the last.
What it means: see MEANING.
How sure: certain from a factor of 1000 on; not below 30.  Half as sure of a network that knows the
rows it learned from.
Repairs: weights whose size fits the number of inputs, a bound for the gradient, batch
normalisation.
Side effects: a bound changes the direction of no step, but its length; batch normalisation makes
rows of a batch depend on each other while training.
Source: Bengio et al. 1994; Glorot and Bengio 2010; Pascanu et al. 2013.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import ends, figure, fitting_init, growth, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import AddBatchNorm, ClipGradients, Initialise
from deltarule.language import Text

MEANING = Text(
    "Every layer multiplies what passes through it by its weights; where these products are above "
    "1, values grow on their way forward and gradients on their way back, by the same factor in "
    "every layer. Predictions begin absurdly large, and a step that suits one layer tears another "
    "apart.",
    "每一层都把经过它的数值乘以权重；若乘积大于 1，数值在前向传播中、"
    "梯度在反向传播中就会逐层成倍增长。预测一开始就大得离谱，适合某一层的步长会毁掉另一层。",
)


def look(case: Case) -> Seen | None:
    """A first layer whose slopes are far larger than those of the last, or values that grow."""
    forward, backward = growth(case)
    if not case.scores.fails:
        return None
    confidence = max(rising(forward, 30, 1000), rising(backward, 30, 1000))
    confidence *= 0.95 if case.scores.underfits else 0.5
    first, last = ends(case)
    words = Text(
        f"Before training, the gradient at {first!r} is {figure(backward)} times that at {last!r}, "
        f"and pre-activations change by a factor of {figure(forward)} through the hidden layers; "
        "factors between 0.05 and 20 are healthy.",
        f"训练开始前，层 {first!r} 处的梯度是层 {last!r} 处的 {figure(backward)} 倍，"
        f"隐藏层的预激活值从前到后变为 {figure(forward)} 倍；健康的倍数在 0.05 到 20 之间。",
    )
    return Seen(
        words,
        confidence,
        layer=first,
        epoch=0,
        numbers={"forward": forward, "backward": backward},
        repairs=(Initialise(fitting_init(case)), ClipGradients(1.0), AddBatchNorm()),
    )


RULE = Rule(
    code="exploding_gradient",
    title=Text("Values and gradients explode from layer to layer", "梯度爆炸"),
    meaning=MEANING,
    look=look,
    rank=17,
    repairs=(Initialise("he_normal"), ClipGradients(1.0), AddBatchNorm()),
    source="Bengio et al. 1994; Glorot and Bengio 2010; Pascanu et al. 2013",
)
