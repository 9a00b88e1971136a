"""Too few units for what there is to learn.

What is seen: the units of the narrowest layer; whether the loss has stopped falling and the
gradient reaches the first layer; the network fails on the rows that it learned from, too.
What it means: see MEANING.
How sure: certain from 2 units down (of many outputs more), not from 5 on, and only where nothing
else holds training up: the loss has fallen and come to rest, with a sound gradient.  Of a single
unit, or of fewer than the answers need, all that is asked is that the loss has fallen.
Repairs: wider layers.
Side effects: more time per epoch; with few rows it may overfit.
Source: Cybenko 1989; Goodfellow et al. 2016, 5.2.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Array, Case
from deltarule.doctor.evidence import falling, gradient_ratio, hidden_units, is_linear, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Units
from deltarule.language import Text

MEANING = Text(
    "Everything a network knows of a row has to pass each of its layers; a few units bend the line "
    "between answers in a few places only, and what a narrow layer loses no later one can find "
    "again.",
    "网络对一个样本的全部了解都要穿过每一层；几个单元只能让分界线弯折几处，"
    "而窄层丢掉的信息，后面的层再也找不回来。",
)


def look(case: Case) -> Seen | None:
    """A narrow layer in a network that has learned all it can."""
    units = hidden_units(case)
    if not case.scores.underfits or not units or is_linear(case):
        return None
    loss, ratio = case.history.loss, gradient_ratio(case)
    if len(loss) < 5 or not np.isfinite(loss).all():
        return None
    outputs = case.layers[case.weighted[-1]].units
    narrow = min(units)
    falls = _fall(loss)
    learned = 1 - float(loss.min()) / case.begin_loss
    needed = max(1.0, math.sqrt(outputs / 2))
    narrowness = falling(narrow, 5 * needed, 2 * needed) * (math.isnan(ratio) or ratio > 0.02)
    settled = max(falling(falls, 0.1, 0.03), 0.8 * (narrow <= needed))
    confidence = max(narrowness, narrow <= needed) * settled * rising(learned, 0.02, 0.1)
    words = Text(
        f"The narrowest hidden layer has {narrow} unit{'s' * (narrow > 1)} (at least "
        f"{math.ceil(5 * needed)} are healthy), and the loss fell by only {falls:.1%} in the last "
        f"quarter of {len(loss)} epochs; the score on its own rows is "
        f"{case.scores.train:.3f}, plain models reach {case.scores.reference:.3f} on others.",
        f"最窄的隐藏层只有 {narrow} 个单元（至少 {math.ceil(5 * needed)} 个才健康），"
        f"损失在 {len(loss)} 轮的最后四分之一里只下降了 {falls:.1%}；"
        f"在学习过的样本上得分 {case.scores.train:.3f}，而基线模型在其他样本上能达到 "
        f"{case.scores.reference:.3f}。",
    )
    wide = tuple(max(32, 8 * n) for n in units)
    numbers = {"units": float(narrow), "fall": falls}
    return Seen(words, 0.95 * confidence, numbers=numbers, repairs=(Units(wide),))


def _fall(loss: Array) -> float:
    """By which share the loss fell in the last quarter of training, from median to median."""
    part = max(1, len(loss) // 8)
    before, after = np.median(loss[-2 * part :][:part]), np.median(loss[-part:])
    return max(float(2 * (before - after) / before), 0.0) if before > 0 else 0.0


RULE = Rule(
    code="underfitting",
    title=Text("The network is too small", "网络太小（欠拟合）"),
    meaning=MEANING,
    look=look,
    rank=51,
    repairs=(Units((64, 64)),),
    source="Cybenko 1989; Goodfellow et al. 2016, 5.2",
)
