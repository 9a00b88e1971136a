"""Units on the flat ends of two-sided activations.

What is seen: of the layer where it is largest, the share of pre-activations at the last weights
where the slope is below 5 % of its largest, and what it was at the first ones.
What it means: see MEANING.
How sure: certain from 90 % on; not below 60 %.
Repairs: from the start: smaller first weights; by steps: a smaller rate; an activation with one
open side.
Side effects: none to speak of.
Source: LeCun et al. 1998, 4.4; Glorot and Bengio 2010.
"""

from __future__ import annotations

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import number, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import AddBatchNorm, Initialise, LearningRate, SwapActivation
from deltarule.language import Text

MEANING = Text(
    "On the flat ends of an activation its slope is nearly 0: whatever the error is, almost no "
    "gradient passes, so these units and all layers before them learn very slowly.",
    "在激活函数的饱和区，导数几乎为零：无论误差多大，梯度都几乎传不过去，"
    "所以这些单元以及它们前面的各层学得极慢。",
)


def look(case: Case) -> Seen | None:
    """A layer of two-sided activations most of whose inputs are on the flat ends."""
    places = [i for i in case.hidden_activations if case.layers[i].saturates == "both sides"]
    if not case.scores.underfits or not places or case.end is None:
        return None
    at = max(places, key=lambda i: np.nan_to_num(number(case.end, "saturated", i)))
    flat, began = number(case.end, "saturated", at), number(case.begin, "saturated", at)
    from_start = began > 0.7 * flat
    layer, f = case.layers[at].name, case.layers[at].activation
    how_en = "the first weights did it" if from_start else "training steps did it"
    how_zh = "原因在初始权重" if from_start else "原因在训练过程"
    words = Text(
        f"At the end {flat:.0%} of what {layer!r} ({f}) reads lies on its flat ends (below 40% is "
        f"healthy), before training {began:.0%}: {how_en}.",
        f"训练结束时，层 {layer!r}（{f}）的输入有 {flat:.0%} 落在饱和区（低于 40% 属正常），"
        f"训练前为 {began:.0%}：{how_zh}。",
    )
    rate = float(case.settings.get("learning_rate_init", np.nan))
    first = Initialise("glorot_uniform") if from_start else LearningRate(rate / 10)
    return Seen(
        words,
        0.95 * rising(flat, 0.6, 0.9) * (1.0 if from_start else 0.7),
        layer=layer,
        epoch=0 if from_start else len(case.history) - 1,
        numbers={"saturated": flat, "saturated_at_first": began},
        repairs=(first, AddBatchNorm(), SwapActivation("relu", "he_normal")),
    )


RULE = Rule(
    code="saturation",
    title=Text("Units are saturated", "单元饱和"),
    meaning=MEANING,
    look=look,
    rank=40,
    repairs=(Initialise("glorot_uniform"), SwapActivation("relu", "he_normal")),
    source="LeCun et al. 1998, 4.4; Glorot and Bengio 2010",
)
