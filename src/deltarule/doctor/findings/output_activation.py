"""An output that cannot take the values it should.

What is seen: the range of the output activation; in regression the share of targets outside of it;
in classification the loss, which needs raw outputs of any size and sign.
What it means: see MEANING.
How sure: certain where 30 % of the targets are out of reach, where a softmax is of a single number
or the activation has no slope, and of a range with ends under a cross-entropy in a network that
fails (0.6 to 0.75 where it does not); not where less than 5 % of the targets are out of reach.
Repairs: a linear output.
Side effects: predictions are no longer bounded.
Source: Goodfellow et al. 2016, Deep Learning, 6.2.2.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case, LayerFacts
from deltarule.doctor.evidence import SHARES, applies_link, is_limited, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import UsualOutput
from deltarule.language import Text

MEANING = Text(
    "What lies outside the range of the last activation can never be predicted, however long it "
    "trains; near the ends of the range the slope vanishes and learning with it.",
    "最后一个激活函数取值范围之外的值永远预测不到，训练多久都没有用；在范围的两端导数趋于零，学习也随之停止。",
)
_FLAT = ("step", "sign", "hardmax")  # without a slope


def look(case: Case) -> Seen | None:
    """A last activation that does not fit the targets or the loss."""
    for layer in case.layers:
        if layer.activation in SHARES and layer.units == 1:
            return _single(case, layer)
    output = case.output
    if output is None:
        return None
    if output.activation in _FLAT and case.scores.fails:
        return _flat(case, output)
    return _under_a_link(case, output) if applies_link(case) else _out_of_reach(case, output)


def _seen(case: Case, output: LayerFacts, words: Text, confidence: float) -> Seen:
    numbers = {"low": output.low, "high": output.high}
    return Seen(words, confidence, output.name, None, numbers, (UsualOutput(case.task),))


def _single(case: Case, output: LayerFacts) -> Seen:
    words = Text(
        f"The layer {output.name!r} is {output.activation!r} of a single number, which is 1 "
        "whatever that number is; so every row gets the same prediction.",
        f"层 {output.name!r} 对单个数做 {output.activation!r}，无论这个数是多少结果都是 1，"
        "所以每一行的预测都相同。",
    )
    return _seen(case, output, words, 0.95)


def _flat(case: Case, output: LayerFacts) -> Seen:
    words = Text(
        f"The output activation {output.activation!r} has the slope 0 nearly everywhere, so no "
        "gradient reaches any weight.",
        f"输出激活函数 {output.activation!r} 的导数几乎处处为 0，梯度传不到任何权重。",
    )
    return _seen(case, output, words, 0.95)


def _under_a_link(case: Case, output: LayerFacts) -> Seen | None:
    low, high = output.low, output.high
    doubles = low >= 0 and high <= 1  # that is double_softmax
    harmless = output.activation == "log_softmax" and case.link == "softmax"
    if doubles or harmless or not (math.isfinite(low) or math.isfinite(high)):
        return None
    words = Text(
        f"The output activation {output.activation!r} gives numbers {_range(low, high).en}; the "
        f"loss {case.loss!r} needs raw outputs of any size and sign, from which its {case.link} "
        "makes probabilities.",
        f"输出激活函数 {output.activation!r} 的取值{_range(low, high).zh}；"
        f"损失函数 {case.loss!r} 需要任意大小和正负的原始输出，再由 {case.link} 变成概率。",
    )
    unfailing = 0.75 if is_limited(low, high) else 0.6
    return _seen(case, output, words, 0.95 if case.scores.fails else unfailing)


def _out_of_reach(case: Case, output: LayerFacts) -> Seen | None:
    if case.data is None:
        return None
    low, high = output.low, output.high
    if case.link == "exponential":
        low, high = math.exp(max(low, -700)), math.exp(min(high, 700))
    share = case.data.share_outside(low, high)
    words = Text(
        f"The output activation {output.activation!r} gives numbers {_range(low, high).en}, but "
        f"{share:.0%} of the targets, which go from {case.data.target_low:.3g} to "
        f"{case.data.target_high:.3g}, lie outside (0% is healthy).",
        f"输出激活函数 {output.activation!r} 的取值{_range(low, high).zh}，"
        f"而目标从 {case.data.target_low:.3g} 到 {case.data.target_high:.3g}，"
        f"其中 {share:.0%} 在范围之外（健康值是 0%）。",
    )
    return _seen(case, output, words, 0.95 * rising(share, 0.05, 0.3))


def _range(low: float, high: float) -> Text:
    if math.isinf(high):
        return Text(f"of at least {low:.3g}", f"不小于 {low:.3g}")
    if math.isinf(low):
        return Text(f"of at most {high:.3g}", f"不大于 {high:.3g}")
    return Text(f"between {low:.3g} and {high:.3g}", f"在 {low:.3g} 与 {high:.3g} 之间")


RULE = Rule(
    code="output_activation",
    title=Text("The output activation does not fit", "输出激活函数不合适"),
    meaning=MEANING,
    look=look,
    rank=5,
    repairs=(UsualOutput("regression"),),
    source="Goodfellow et al. 2016, Deep Learning, 6.2.2",
)
