"""Units whose slope is 0 for every row.

What is seen: the layer with the largest share of units that are dead for all rows looked at, at
the last weights, and what it was at the first ones.
What it means: see MEANING.
How sure: certain from 90 % of a layer on; not below 50 %, which a healthy network can spare.
Repairs: dead from the start: weights that begin well, an activation that is nowhere flat; dead by
steps: a smaller rate first; in many narrow layers: fewer and wider ones.
Side effects: none to speak of.
Source: Maas et al. 2013; He et al. 2015; Lu et al. 2020, Dying ReLU.
"""

from __future__ import annotations

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import narrow_and_deep, number, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Initialise, LearningRate, Repair, SwapActivation, Units
from deltarule.language import Text

MEANING = Text(
    "A unit that is on the flat side of its activation for every row has the slope 0 everywhere: "
    "no gradient reaches its weights, so it cannot come back, and it passes on the same number for "
    "every row. Where a whole layer is dead, the layers before it learn nothing.",
    "若一个单元对所有样本都落在激活函数的平坦一侧，它的导数处处为零：没有梯度到达它的权重，它无法恢复，"
    "而且对每个样本都输出同一个数。如果整层都死亡，它前面的各层就什么也学不到。",
)


def look(case: Case) -> Seen | None:
    """A layer of one-sided activations most of whose units are dead at the end."""
    places = [i for i in case.hidden_activations if case.layers[i].saturates == "one side"]
    if not case.scores.underfits or not places or case.end is None:
        return None
    at = max(places, key=lambda i: np.nan_to_num(number(case.end, "dead", i)))
    dead, began = number(case.end, "dead", at), number(case.begin, "dead", at)
    from_start = began > 0.7 * dead
    layer = case.layers[at].name
    how_en = f"{began:.0%} were so before training" + (
        ": the first weights or biases did it" if from_start else ", so training steps did it"
    )
    why_zh = "初始权重或偏置" if from_start else "训练过程"
    words = Text(
        f"Of the units of {layer!r}, {dead:.0%} have the slope 0 for every row at the end (below "
        f"40% is healthy); {how_en}.",
        f"训练结束时，层 {layer!r} 有 {dead:.0%} 的单元对所有样本导数都为零（低于 40% 属正常）；"
        f"训练前已有 {began:.0%}，原因在{why_zh}。",
    )
    rate = float(case.settings.get("learning_rate_init", np.nan))
    softer = SwapActivation("leaky_relu", "he_normal")
    repairs: tuple[Repair, ...] = (LearningRate(rate / 10), softer)
    if narrow_and_deep(case):
        repairs = (Units((32, 32)), SwapActivation("elu", "he_normal"))
    elif from_start:
        repairs = (Initialise("he_normal"), softer)
    return Seen(
        words,
        0.95 * rising(dead, 0.5, 0.9) * (1.0 if from_start else 0.7),
        layer=layer,
        epoch=0 if from_start else len(case.history) - 1,
        numbers={"dead": dead, "dead_at_first": began},
        repairs=repairs,
    )


RULE = Rule(
    code="dead_units",
    title=Text("Units are dead", "单元死亡"),
    meaning=MEANING,
    look=look,
    rank=40,
    repairs=(SwapActivation("leaky_relu", "he_normal"),),
    source="Maas et al. 2013; He et al. 2015; Lu et al. 2020",
)
