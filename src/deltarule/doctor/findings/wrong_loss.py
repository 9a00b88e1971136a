"""A loss that does not fit the task or the targets.

What is seen: in regression whether the targets take two values, are one row of zeros with a single
1, or are few whole numbers that a linear model of classes meets far oftener than one of numbers;
in classification whether the classes are numbers, near which wrong answers lie; a percentage
error for targets near 0; a tube without loss as wide as the targets; a period shorter than they.
What it means: see MEANING.
How sure: 0.95 with such evidence where the network fails; targets of two values 0.9, and 0.7 where
it does not fail: they can be learned so, if worse; codes from 0 on in like numbers 0.5; ordered
grades and counts stay silent.
Repairs: the estimator, or the loss, of the task.
Side effects: scores are of another kind.
Source: Goodfellow et al. 2016, 6.2.2; Bishop 2006, 4.1.3 (least squares for classes).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import falling, is_limited, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import MatchShapes, OtherEstimator, OtherLoss
from deltarule.language import Text

MEANING = Text(
    "The loss is what a network learns; one that measures something else than what is wanted leads "
    "it elsewhere, however well it is minimised.",
    "网络学的就是损失函数；若损失衡量的不是想要的东西，把它降得再低也会走错方向。",
)


def look(case: Case) -> Seen | None:
    """The first mismatch that is evident."""
    checks = _of_numbers if case.task == "regression" else (_numbers_as_classes,)
    if case.data is None:
        return _shapes(case)
    seen = [s for check in (_shapes, *checks) if (s := check(case)) is not None]
    return max(seen, key=lambda s: s.confidence, default=None)


def _shapes(case: Case) -> Seen | None:
    """A column of predictions and a row of targets, of which a loss makes a square."""
    shapes = case.settings.get("compared", ())
    if len(set(shapes)) < 2:
        return None
    square = np.broadcast_shapes(*shapes)
    if math.prod(square) <= max(map(math.prod, shapes)):
        return None
    predicted, wanted = shapes
    words = Text(
        f"The loss compares predictions of shape {predicted} with targets of shape {wanted}: it "
        f"broadcasts both to {square}, every prediction against every target, and the best it can "
        "find is the mean of all.",
        f"损失函数拿形状为 {predicted} 的预测与形状为 {wanted} 的目标相比，两者被广播成 {square}："
        "每个预测都与每个目标相比，最好的结果就是全体的均值。",
    )
    return Seen(words, 0.95, repairs=(MatchShapes(),))


def _two_values(case: Case) -> Seen | None:
    """Classes in the shape of numbers, whatever their codes."""
    data, output = case.data, case.output
    assert data is not None
    bounded = output is not None and is_limited(output.low, output.high)  # has its own finding
    if bounded or not (data.one_hot or data.distinct_targets == 2):
        return None
    what_en = "are rows of zeros with a single 1" if data.one_hot else "take only two values"
    what_zh = "每行只有一个 1，其余为 0" if data.one_hot else "只取两个值"
    words = Text(
        f"The targets {what_en}: they are classes, and the loss {case.loss!r} is one of numbers.",
        f"目标{what_zh}：它们是类别，而损失函数 {case.loss!r} 是用于数值的。",
    )
    return Seen(words, 0.9 if case.scores.fails else 0.7, repairs=(OtherEstimator(),))


def _codes(case: Case) -> Seen | None:
    """Classes whose codes have no order."""
    data, hints = case.data, case.hints
    assert data is not None
    counts = data.counts
    if not 2 < len(counts) <= 30 or not hints.class_accuracy > 0:
        return None
    unordered = rising(hints.class_accuracy - hints.rounded_accuracy, 0.08, 0.25)
    better = rising(hints.class_accuracy - hints.own_accuracy, 0.04, 0.15)
    from_0 = list(counts) == list(range(len(counts))) and len(counts) <= 10
    alike = min(counts.values()) > 0.3 * max(counts.values())
    confidence = max(0.95 * min(unordered, better), 0.5 * (from_0 and alike))
    words = Text(
        f"The targets are {len(counts)} different whole numbers, which a linear model of classes "
        f"meets in {hints.class_accuracy:.0%} of the held-out rows, one of numbers in "
        f"{hints.rounded_accuracy:.0%}, and this network, rounded, in {hints.own_accuracy:.0%}: "
        f"they look like codes of classes, between which the loss {case.loss!r} sees an order "
        "that is not there.",
        f"目标是 {len(counts)} 个不同的整数：在留出样本上，"
        f"按类别的线性模型命中 {hints.class_accuracy:.0%}，"
        f"按数值的只命中 {hints.rounded_accuracy:.0%}，本网络四舍五入后命中 "
        f"{hints.own_accuracy:.0%}。"
        f"它们像是类别编号，而损失函数 {case.loss!r} 把编号之间并不存在的大小顺序当真。",
    )
    if not unordered * better > 0:
        words = Text(
            f"The targets are the {len(counts)} whole numbers from 0 to {len(counts) - 1}, each "
            f"about as often as the others: they look like codes of classes, between which the "
            f"loss {case.loss!r} sees an order that need not be there.",
            f"目标是 0 到 {len(counts) - 1} 这 {len(counts)} 个整数，各自出现的次数相近："
            f"它们像是类别编号，而损失函数 {case.loss!r} 把编号的大小顺序当真，"
            "这种顺序未必存在。",
        )
    numbers = {
        "classes": hints.class_accuracy,
        "rounded": hints.rounded_accuracy,
        "own": hints.own_accuracy,
    }
    return Seen(words, confidence, numbers=numbers, repairs=(OtherEstimator(),))


def _percentages(case: Case) -> Seen | None:
    """Errors divided by targets that are nearly 0."""
    data = case.data
    assert data is not None
    if case.loss not in ("mape", "smape") or not case.scores.fails:
        return None
    near = 0.1 * data.target_std
    share = 1 - data.share_outside(-near, near)
    words = Text(
        f"The loss {case.loss!r} divides errors by the size of the target, and {share:.0%} of the "
        f"targets, which go from {data.target_low:.3g} to {data.target_high:.3g}, are nearly 0: "
        "these outweigh all others.",
        f"损失函数 {case.loss!r} 把误差除以目标的大小，而目标从 {data.target_low:.3g} 到 "
        f"{data.target_high:.3g}，其中 {share:.0%} 接近 0：它们压过了其余所有样本。",
    )
    signs = data.target_low < 0 < data.target_high
    confidence = 0.95 * max(rising(share, 0.01, 0.04), 0.9 * signs)
    return Seen(words, confidence, repairs=(OtherLoss("squared_error"), OtherLoss("huber")))


def _tube(case: Case) -> Seen | None:
    """Errors that cost nothing, though they are as large as the targets vary."""
    data = case.data
    assert data is not None
    width = float(case.loss_parameters.get("epsilon", 0.0))
    if "epsilon_insensitive" not in case.loss or not case.scores.fails or not data.target_std:
        return None
    words = Text(
        f"The loss {case.loss!r} is 0 for errors below {width:.3g}, and the standard deviation of "
        f"the targets is {data.target_std:.3g}: a constant is (nearly) good enough for it.",
        f"损失函数 {case.loss!r} 对小于 {width:.3g} 的误差取 0，"
        f"而目标的标准差只有 {data.target_std:.3g}："
        "对它来说，预测一个常数就（几乎）够好了。",
    )
    confidence = 0.95 * rising(width / data.target_std, 0.5, 1.0)
    return Seen(words, confidence, repairs=(OtherLoss("squared_error"),))


def _period(case: Case) -> Seen | None:
    """Numbers that differ by a period, which the loss takes for equal."""
    data = case.data
    assert data is not None
    period = float(case.loss_parameters.get("c", math.inf))
    if case.loss != "periodic" or not case.scores.fails:
        return None
    length = data.target_high - data.target_low
    words = Text(
        f"The loss {case.loss!r} takes numbers that differ by {period:.3g} for equal, and the "
        f"targets go over a length of {length:.3g}.",
        f"损失函数 {case.loss!r} 把相差 {period:.3g} 的数视为相等，"
        f"而目标跨越的长度为 {length:.3g}。",
    )
    confidence = 0.95 * rising(length / period, 1.0, 1.5)
    return Seen(words, confidence, repairs=(OtherLoss("squared_error"),))


def _numbers_as_classes(case: Case) -> Seen | None:
    """Numbers of which each is a class."""
    data, order, shown = case.data, case.hints.order, case.scores.shown
    assert data is not None
    if not order > 0:
        return None
    words = Text(
        f"The {len(data.counts)} classes are numbers: where trees are wrong, they are {order:.0%} "
        f"nearer to the right one than chance would be. The network meets {shown:.0%}; a "
        "cross-entropy does not know that 7 is nearly 8.",
        f"{len(data.counts)} 个类别其实是数值：树模型答错时，比随机更接近正确值 {order:.0%}。"
        f"网络命中 {shown:.0%}；交叉熵不知道 7 和 8 很接近。",
    )
    rows = data.rows / len(data.counts)  # of a class
    ordered = max(rising(order, 0.3, 0.5), rising(order, 0.1, 0.2) * falling(rows, 5, 2))
    sure = ordered * falling(shown, 0.8, 0.5)
    repairs = (OtherEstimator("regression"),)
    return Seen(words, 0.95 * sure, numbers={"order": order}, repairs=repairs)


_of_numbers: tuple[Callable[[Case], Seen | None], ...] = (
    _two_values,
    _codes,
    _percentages,
    _tube,
    _period,
)

RULE = Rule(
    code="wrong_loss",
    title=Text("The loss does not fit the targets", "损失函数与目标不符"),
    meaning=MEANING,
    look=look,
    rank=6,
    repairs=(OtherEstimator(),),
    source="Goodfellow et al. 2016, 6.2.2; Bishop 2006, 4.1.3",
)
