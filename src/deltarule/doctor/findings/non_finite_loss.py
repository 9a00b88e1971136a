"""A loss that is infinite or not a number.

What is seen: the error with which the fit ended, or a last loss that is not finite; whether the
network could compute at its first weights.
What it means: see MEANING.
How sure: certain.
Repairs: a smaller rate, a bound for the gradient; smaller first weights where it began large.
Side effects: more epochs are needed.
Source: Pascanu et al. 2013; Goodfellow et al. 2016, Deep Learning, 8.2.4.
"""

from __future__ import annotations

import math
import re

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ClipGradients, Initialise, LearningRate, Repair, ScaleFeatures
from deltarule.language import Text

MEANING = Text(
    "Numbers grew until they no longer fit the computer's format. From then on every gradient is "
    "infinite or undefined, and no weight can be trusted.",
    "数值一直增长，直到超出计算机格式的范围。从那时起，梯度全是无穷大或未定义，任何权重都不可信。",
)


def look(case: Case) -> Seen | None:
    """A fit that ended in numbers that are not finite."""
    failure, loss = str(case.settings.get("failure", "")), case.history.loss
    if not failure and (not len(loss) or math.isfinite(loss[-1])):
        return None
    epoch = int(found[1]) if (found := re.search(r"in epoch (\d+)", failure)) else len(loss)
    layer = found[1] if (found := re.search(r"the layer '([^']+)'", failure)) else ""
    at_once = case.begin is None
    where_en = f"; numbers overflowed first in the layer {layer!r}" if layer else ""
    where_zh = f"，最先溢出的是层 {layer!r}" if layer else ""
    when_en = (
        "It was so at the first weights, before any step."
        if at_once
        else f"At the first weights it was {case.begin_loss:.3g}."
    )
    when_zh = (
        "在初始权重处、一步都还没走时就已如此。"
        if at_once
        else f"在初始权重处，损失是 {case.begin_loss:.3g}。"
    )
    words = Text(
        f"In epoch {epoch} the loss was no longer finite{where_en}. {when_en}",
        f"第 {epoch} 轮的损失不再是有限数{where_zh}。{when_zh}",
    )
    rate = float(case.settings.get("learning_rate_init", np.nan))
    slower: tuple[Repair, ...] = (LearningRate(rate / 10), LearningRate(rate / 1000))
    repairs = (
        (Initialise("he_normal"), ScaleFeatures())
        if at_once
        else (*slower, ClipGradients(1.0), ScaleFeatures())
    )
    return Seen(
        words, 0.95, layer=layer, epoch=epoch - 1, numbers={"epoch": epoch}, repairs=repairs
    )


RULE = Rule(
    code="non_finite_loss",
    title=Text("The loss became infinite or undefined", "损失变为无穷大或未定义"),
    meaning=MEANING,
    look=look,
    rank=58,
    repairs=(LearningRate(1e-4), ClipGradients(1.0)),
    source="Pascanu et al. 2013; Goodfellow et al. 2016, 8.2.4",
)
