"""Numbers to predict that are far from 0, of a large or of a tiny spread.

What is seen: mean and standard deviation of the targets, which the network is to reach with a
linear output; it predicts worse than plain models.
What it means: see MEANING.
How sure: certain where their size is 100, their mean 50 standard deviations from 0, or their spread
0.005; not below a size of 10, with a mean within 5 deviations, or above a spread of 0.05.
Repairs: scale the targets.
Side effects: errors are in scaled units while it trains; TransformedTargetRegressor scales
predictions back.
Source: LeCun et al. 1998, Efficient BackProp, sections 4.3 and 4.5; Bishop 1995, 8.2.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    figure,
    is_limited,
    rising,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import ScaleTargets
from deltarule.language import Text

MEANING = Text(
    "A network begins with predictions near 0 and of a size near 1. Targets far from that take "
    "many small steps to reach, or make gradients so large that a step overshoots; where they "
    "hardly vary, the noise of the first weights hides it and training seems finished too early.",
    "网络最初的预测在 0 附近，大小约为 1。目标离得太远，就要用小步走很长的路，"
    "或者梯度大到一步就冲过头；目标的波动太小，则会被初始权重的噪声淹没，训练也会过早被判定为完成。",
)


def look(case: Case) -> Seen | None:
    """Targets of a wrong place or size, in a regression that fails."""
    data, output = case.data, case.output
    if data is None or case.task != "regression" or not case.scores.fails:
        return None
    if case.link != "identity" or (output is not None and is_limited(output.low, output.high)):
        return None
    mean, std = data.target_mean, data.target_std
    size, offset = math.hypot(mean, std), abs(mean) / std if std > 0 else 0.0
    far = rising(offset, 5, 50) * rising(abs(mean), 1, 5)
    confidence = max(rising(size, 10, 100), far, falling(std, 0.05, 0.005) if std > 0 else 0.0)
    words = Text(
        f"The targets have the mean {figure(mean, 4)} and the standard deviation {figure(std)}; a "
        "mean near 0 and a deviation near 1 are healthy.",
        f"目标的均值为 {figure(mean, 4)}，标准差为 {figure(std)}；"
        "均值接近 0、标准差接近 1 才健康。",
    )
    return Seen(words, 0.95 * confidence, numbers={"mean": mean, "std": std})


RULE = Rule(
    code="unscaled_targets",
    title=Text("The targets are not scaled", "目标没有缩放"),
    meaning=MEANING,
    look=look,
    rank=11,
    repairs=(ScaleTargets(),),
    source="LeCun et al. 1998, Efficient BackProp, 4.3; Bishop 1995, 8.2",
)
