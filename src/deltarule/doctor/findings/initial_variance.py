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
    figure,
    fitting_init,
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
    "单元只有处在激活函数弯曲且导数不为零的地方才起作用。初始权重过小，信号逐层缩小，到最后一层所有样本看起来"
    "都一样，传回的梯度也小得推不动权重；初始权重过大，单元一开始就落在激活函数的饱和区，或数值爆炸。",
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
    words = _of_size(case, layer, size, at == last + 1)
    if at in sizes and 0.02 <= size <= 6:
        words = _of_flat(layer, number(case.begin, "saturated", at))
    repairs: tuple[Repair, ...] = (Initialise(fitting_init(case)), AddBatchNorm())
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


def _of_size(case: Case, layer: str, size: float, is_output: bool) -> Text:
    unit = Text(", in units of the features", "，以特征的大小为单位")
    if is_output and case.task == "regression":
        unit = Text(", in units of the targets", "，以目标的大小为单位")
    elif is_output:
        unit = Text("", "")
    return Text(
        f"Before training, what {layer!r} computes has the size {figure(size)} (root mean square"
        f"{unit.en}); between 0.1 and 3 is healthy.",
        f"训练开始前，层 {layer!r} 算出的数值大小为 {figure(size)}（均方根{unit.zh}）；"
        "健康范围是 0.1 到 3。",
    )


def _of_flat(layer: str, flat: float) -> Text:
    return Text(
        f"Before training, {flat:.0%} of what {layer!r} computes lies on the flat ends of its "
        "activation; below 40% is healthy.",
        f"训练开始前，层 {layer!r} 算出的数值有 {flat:.0%} 落在其激活函数的饱和区；"
        "低于 40% 属正常。",
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
