"""Slopes that shrink from layer to layer on their way back.

What is seen: before training, the gradient of the first weights over that of the last ones; the
network predicts worse than plain models.
What it means: see MEANING.
How sure: certain from 0.001 down where slopes shrink to 0.01 of their norm; not above 0.02 or 0.05.
A gradient of exactly 0 is another fault: dead units, or weights that are all 0.
Repairs: an activation that keeps the size of values and slopes, with weights to match; batch
normalisation; residuals.
Side effects: batch normalisation makes rows of a batch depend on each other while training.
Source: Hochreiter 1991; Glorot and Bengio 2010; He et al. 2016; Klambauer et al. 2017.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import ends, falling, figure, gradient_ratio, growth
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import AddBatchNorm, AddResiduals, SwapActivation
from deltarule.language import Text

MEANING = Text(
    "On its way back every layer multiplies the gradient by its weights and by the slopes of its "
    "activation; where these products are below 1, hardly anything reaches the first layers, which "
    "stay as they began.",
    "梯度在反向传播时每经过一层都要乘以该层的权重和激活函数的导数；若乘积小于 1，"
    "传到前几层时几乎为零，前几层就停留在初始状态。",
)


def look(case: Case) -> Seen | None:
    """A first layer that is told far less than the last one."""
    ratio = gradient_ratio(case)
    alike = max(case.twins.values(), default=0.0) > 0.9  # units of equal weights have no gradient
    if not case.scores.underfits or not ratio > 0 or alike:
        return None
    first, last = ends(case)
    words = Text(
        f"Before training, the gradient of the weights of {first!r} is {figure(ratio)} times that "
        f"of {last!r}; between 0.05 and 20 is healthy.",
        f"训练开始前，层 {first!r} 的权重梯度只有层 {last!r} 的 {figure(ratio)} 倍；"
        "健康范围是 0.05 到 20。",
    )
    slopes = _slopes(case)
    shrinks = 1.0 if math.isnan(slopes) else falling(slopes, 0.05, 0.01)
    confidence = 0.95 * min(falling(ratio, 0.02, 1e-3), shrinks)
    return Seen(words, confidence, layer=first, epoch=0, numbers={"ratio": ratio})


def _slopes(case: Case) -> float:
    """Norm of the slopes at the first layer over that at the last, before training; NaN: unknown.

    With these of usual size the gradient of the first weights can be small all the same, where it
    cancels out over the rows: symmetric data do that.
    """
    first, last = (max(case.layers[i].units, 1) for i in (case.weighted[0], case.weighted[-1]))
    return growth(case)[1] * math.sqrt(first / last)


RULE = Rule(
    code="vanishing_gradient",
    title=Text("The gradient vanishes on its way to the first layers", "梯度消失"),
    meaning=MEANING,
    look=look,
    rank=19,
    repairs=(SwapActivation("selu", "lecun_normal"), AddBatchNorm(), AddResiduals()),
    source="Hochreiter 1991; Glorot and Bengio 2010; He et al. 2016; Klambauer et al. 2017",
)
