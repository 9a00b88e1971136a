"""First weights that make pre-activations far too small or too large.

What is seen: before training, the size of what every hidden activation reads, in units of the
features' size, and of the raw predictions, in units of the targets' (of log-odds: 1); the share on
the flat ends of an activation that has two.
What it means: see MEANING.
How sure: certain below 0.001, above 60, or from 85 % on the flat ends on; not between 0.02 and 6
with less than half there.  Half as sure of a network that knows the rows it learned from.
Repairs: weights whose size fits the number of inputs and the activation; many narrow layers need
more: an activation that is nowhere flat, residuals.
Side effects: none.
Source: LeCun et al. 1998, 4.6; Glorot and Bengio 2010; He et al. 2015.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    narrow_and_deep,
    number,
    output_size,
    pre_activations,
    rising,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import (
    AddBatchNorm,
    AddResiduals,
    Initialise,
    Repair,
    SwapActivation,
)
from deltarule.language import Text

MEANING = Text(
    "A unit is useful where its activation bends and has a slope. If the first weights are far too "
    "small, every layer passes on less than it got, all rows look the same to the last one, and so "
    "little comes back that nothing moves; if they are far too large, units begin on the flat ends "
    "of their activations or values blow up.",
    "单元只有在激活函数弯曲且有斜率之处才有用。初始权重过小，信号逐层缩小，到最后一层所有样本看起来"
    "都一样，传回的梯度也小得推不动权重；初始权重过大，单元一开始就落在激活函数的平坦端，或数值爆炸。",
)


def look(case: Case) -> Seen | None:
    """The hidden layer that begins farthest from a healthy size."""
    sizes = pre_activations(case)
    if not case.scores.fails or not sizes:
        return None
    found = {i: (_confidence(case, i, size), size) for i, size in sizes.items()}
    last, size = case.weighted[-1], output_size(case)
    found[last + 1] = (rising(size, 6, 60), size)
    at = max(found, key=lambda i: found[i])
    confidence, size = found[at]
    layer = case.layers[at - 1].name
    scale_en, scale_zh = ("targets", "目标") if at == last + 1 else ("features", "特征")
    words = Text(
        f"Before training, what {layer!r} computes has the size {size:.1e} (root mean square, the "
        f"{scale_en}' being 1); between 0.1 and 3 is healthy.",
        f"训练开始前，层 {layer!r} 的输出（激活之前）大小为 {size:.1e}"
        f"（均方根，以{scale_zh}的大小为 1）；健康范围是 0.1 到 3。",
    )
    two_sided = {case.layers[i].saturates for i in case.hidden_activations} == {"both sides"}
    init = "glorot_uniform" if two_sided else "he_normal"
    repairs: tuple[Repair, ...] = (Initialise(init), AddBatchNorm())
    if narrow_and_deep(case):
        repairs = (SwapActivation("elu", "he_normal"), AddResiduals())
    overfits = not case.scores.underfits
    return Seen(
        words,
        (0.5 if overfits else 0.95) * confidence,
        layer=layer,
        epoch=0,
        numbers={"size": size},
        repairs=repairs,
    )


def _confidence(case: Case, at: int, size: float) -> float:
    if size == 0.0:  # constant weights, or dead layers before it
        return 0.0
    flat = number(case.begin, "saturated", at)
    full = case.layers[at].saturates == "both sides"
    small, large = falling(size, 0.02, 1e-3), rising(size, 6, 60)
    by_weights = rising(size, 1.0, 2.0)  # of usual size they are not to blame, but the features
    return max(small, large, rising(flat, 0.5, 0.85) * full * by_weights)


RULE = Rule(
    code="initial_variance",
    title=Text("The first weights have the wrong size", "初始权重的大小不合适"),
    meaning=MEANING,
    look=look,
    rank=18,
    repairs=(Initialise("he_normal"), AddBatchNorm()),
    source="LeCun et al. 1998, 4.6; Glorot and Bengio 2010; He et al. 2015",
)
