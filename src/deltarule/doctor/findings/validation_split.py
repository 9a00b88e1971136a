"""Validation rows that are not like those to learn from, or are the same.

What is seen: means and standard deviations of the features in both; classes that one lacks; shares
of the classes, means of the numbers; rows that are in both.
What it means: see MEANING.
How sure: certain where a feature is moved by 1.5 or spread by 4 of its standard deviations, where
5 % of the rows have an unknown class, 40 % would have to change theirs, the mean target moves by
one deviation, or 30 % of the rows are those learned from; what chance can do is taken off first.
Repairs: draw both parts from the same rows.
Side effects: none.
Source: Quinonero-Candela et al. 2009, Dataset Shift in Machine Learning; Rabanser et al. 2019.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Case, DataFacts, Validation
from deltarule.doctor.evidence import figure, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import SplitAnew
from deltarule.language import Text

MEANING = Text(
    "A score on such rows does not tell how well the network has learned: unlike rows make it look "
    "bad, rows it has seen make it look good, and early stopping is led astray by both.",
    "这样的验证得分说明不了网络学得怎么样：分布不同的样本让它显得很差，学习过的样本让它显得很好，"
    "早停也会因此被误导。",
)

Evidence = tuple[float, Text]


def look(case: Case) -> Seen | None:
    """The clearest difference between the two sets of rows."""
    given, data = case.validation, case.data
    if given is None or data is None:
        return None
    chance = 5 / math.sqrt(min(given.rows, data.rows))
    seen = [_features(given, data, chance), _classes(given, chance), _shared(given)]
    confidence, words = max(seen, key=lambda s: s[0])
    return Seen(words, 0.95 * confidence)


def _features(given: Validation, data: DataFacts, chance: float) -> Evidence:
    """Of features that vary enough for their deviation to mean something."""
    usual = data.std > 0.1 * np.median(data.std)
    shift = np.where(usual, np.abs(given.shift), 0.0)
    spread = np.where(usual, np.maximum(given.spread, 1 / np.maximum(given.spread, 1e-9)), 1.0)
    moved, spreads = int(shift.argmax()), int(spread.argmax())
    target = abs(given.target_shift)
    found = [
        (
            rising(float(shift[moved]) - chance, 0.5, 1.5),
            Text(
                f"In the validation rows feature {data.named(moved)} is on average "
                f"{figure(abs(float(given.shift[moved])))} standard deviations away from the "
                "training rows (near 0 is healthy).",
                f"验证集中特征 {data.named(moved)} 的均值与训练集相差 "
                f"{figure(float(given.shift[moved]))} 个标准差（接近 0 才健康）。",
            ),
        ),
        (
            rising(float(spread[spreads]) / (1 + chance), 2, 4),
            Text(
                f"In the validation rows feature {data.named(spreads)} varies "
                f"{figure(float(given.spread[spreads]))} times as much as in the training rows "
                "(near 1 is healthy).",
                f"验证集中特征 {data.named(spreads)} 的波动是训练集的 "
                f"{figure(float(given.spread[spreads]))} 倍（接近 1 才健康）。",
            ),
        ),
        (
            rising(target - chance, 0.4, 1.0),
            Text(
                f"The mean target of the validation rows is {figure(target)} standard "
                "deviations away from that of the training rows (near 0 is healthy).",
                f"验证集目标的均值与训练集相差 {figure(target)} 个标准差（接近 0 才健康）。",
            ),
        ),
    ]
    return max(found, key=lambda s: s[0])


def _classes(given: Validation, chance: float) -> Evidence:
    unseen = rising(given.unseen, 0.01, 0.05)
    others = rising(given.other_classes - chance / 2, 0.15, 0.4)
    if unseen >= others:
        return unseen, Text(
            f"{given.unseen:.0%} of the validation rows have a class that no training row has "
            "(0% is healthy).",
            f"验证集中 {given.unseen:.0%} 的样本属于训练集里没有的类别（健康值是 0%）。",
        )
    return others, Text(
        f"{given.other_classes:.0%} of the validation rows would have to change their class "
        "for the shares of the classes to be those of the training rows (near 0% is healthy).",
        f"验证集与训练集的类别比例不同：要有 {given.other_classes:.0%} 的验证样本换一个类别，"
        "两者才会一致（接近 0% 才健康）。",
    )


def _shared(given: Validation) -> Evidence:
    return rising(given.shared, 0.05, 0.3), Text(
        f"{given.shared:.0%} of the validation rows are among those to learn from (0% is healthy).",
        f"验证集中有 {given.shared:.0%} 的样本也在训练集里（健康值是 0%）。",
    )


RULE = Rule(
    code="validation_split",
    title=Text("The validation rows are not like the training rows", "验证集与训练集不一致"),
    meaning=MEANING,
    look=look,
    rank=3,
    repairs=(SplitAnew(),),
    source="Quinonero-Candela et al. 2009; Rabanser et al. 2019",
)
