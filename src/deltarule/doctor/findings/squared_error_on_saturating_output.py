"""A loss of distances on an output that flattens, such as the squared error of a sigmoid.

What is seen: the output activation and its slope at the end of training (dL/dz before it over
dL/dy behind it), and whether the targets are classes; the network predicts worse than plain models.
What it means: see MEANING.
How sure: 0.95 where the slope that is left is below 2 % of that at the middle and the network
fails; 0.9 for classes where it fails, 0.7 where it does not; numbers between the ends stay silent
unless it stalls.
Repairs: a linear output with the loss of the task.
Side effects: none.
Source: Solla, Levin and Fleisher 1988; Golik, Doetsch and Ney 2013; Nielsen 2015, chapter 3.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case, LayerFacts
from deltarule.doctor.evidence import falling, is_limited
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import OtherEstimator, UsualOutput
from deltarule.language import Text

MEANING = Text(
    "The slope of such an output vanishes near its ends, and the squared error multiplies by it: "
    "where the network is certain and wrong, hardly any gradient is left to correct it. A "
    "cross-entropy cancels that slope.",
    "这种输出在两端的导数趋于零，而平方误差的梯度要乘以它：网络越是自信地犯错，能纠正它的梯度就越小。"
    "交叉熵恰好约去这个导数。",
)


def look(case: Case) -> Seen | None:
    """A bounded output under a loss without a link of its own."""
    output, data = case.output, case.data
    if output is None or data is None or case.task != "regression" or case.link != "identity":
        return None
    if not is_limited(output.low, output.high) or data.share_outside(output.low, output.high) > 0.1:
        return None
    classes = data.one_hot or data.distinct_targets == 2
    fails = case.scores.fails
    slope = _slope(case, output)
    stalled = 0.95 * falling(slope, 0.1, 0.02) if fails else 0.0
    confidence = max(stalled, (0.9 if fails else 0.7) * classes)
    left_en = (
        ""
        if not slope < 0.1
        else f" At the end {slope:.1%} of the gradient gets past it (above 10% is healthy)."
    )
    left_zh = (
        "" if not slope < 0.1 else f"训练结束时只有 {slope:.1%} 的梯度能通过它（高于 10% 才健康）。"
    )
    of_en = ", though the targets are classes" if classes else ""
    of_zh = "，而目标其实是类别" if classes else ""
    words = Text(
        f"The output activation {output.activation!r} flattens towards {output.low:.3g} and "
        f"{output.high:.3g}, and the loss is {case.loss!r}{of_en}.{left_en}",
        f"输出激活函数 {output.activation!r} 在接近 {output.low:.3g} 和 {output.high:.3g} 时变平，"
        f"损失函数是 {case.loss!r}{of_zh}。{left_zh}",
    )
    cure = OtherEstimator() if classes else UsualOutput("regression")
    return Seen(words, confidence, output.name, None, {"slope": slope}, (cure,))


def _slope(case: Case, output: LayerFacts) -> float:
    """Mean slope of the output activation at the end, as the gradient meets it; NaN: unknown."""
    at = case.layers.index(output)
    if case.end is None or at == 0:
        return math.nan
    before, behind = case.end["delta_rms"][0, [at - 1, at]].astype(float)
    return float(before / behind) if behind > 0 else math.nan


RULE = Rule(
    code="squared_error_on_saturating_output",
    title=Text("Squared error on an output that saturates", "饱和输出配平方误差"),
    meaning=MEANING,
    look=look,
    rank=5,
    repairs=(UsualOutput("regression"),),
    source="Solla et al. 1988; Golik et al. 2013; Nielsen 2015, chapter 3",
)
