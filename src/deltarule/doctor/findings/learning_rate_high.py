"""Steps so long that training jumps about or diverges.

What is seen: the size of a step over that of the weights in the first epochs; whether the loss
rises or jumps; the network predicts worse than plain models.
What it means: see MEANING.
How sure: certain where a step changes the weights by more than 30 %, or where 10 % come with a loss
that rises; not below 3 %.
Repairs: a tenth of the rate, a hundredth.
Side effects: more epochs are needed.
Source: LeCun et al. 1998; Bengio 2012, Practical recommendations, 2.1.
"""

from __future__ import annotations

import numpy as np

from deltarule._language import Text
from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising, update_ratios
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import LearningRate

MEANING = Text(
    "The gradient tells the way for a short distance only; a longer step lands on the other side "
    "of the valley, often higher than before, and throws units where their gradient is 0.",
    "梯度只在很短的距离内指明方向；步子太大就会跨到谷的另一侧，往往比原来更高，"
    "还会把单元抛到梯度为零的地方。",
)


def look(case: Case) -> Seen | None:
    """Weights that change much in a step, and a loss that does not fall steadily."""
    ratios, loss = update_ratios(case), case.history.loss
    if not case.scores.fails or not ratios.size or len(loss) < 1:
        return None
    largest = float(np.nanmax(ratios[:3], initial=0.0))
    rises = float(np.mean(np.diff(loss) > 0)) if len(loss) > 3 else 0.0
    jumps = bool(len(loss) > 1 and np.nanmax(loss[1:]) > 1.5 * loss[0]) or rises > 0.3
    confidence = max(rising(largest, 0.1, 0.3), rising(largest, 0.02, 0.1) * jumps)
    rate = case.settings.get("learning_rate_init") or np.nan
    words = Text(
        f"A step with the learning rate {rate:g} changes the weights by {largest:.0%} of their "
        f"size in the first epochs (near 0.1 % is healthy), and the loss rose in {rises:.0%} of "
        "the epochs.",
        f"学习率为 {rate:g} 时，最初几轮中一步就把权重改变了其大小的 {largest:.0%}"
        f"（健康值约为 0.1 %），损失在 {rises:.0%} 的轮次中上升。",
    )
    return Seen(
        words,
        0.95 * confidence,
        epoch=0,
        numbers={"update_ratio": largest, "rises": rises, "rate": rate},
        repairs=(LearningRate(rate / 10), LearningRate(rate / 100)),
    )


RULE = Rule(
    code="learning_rate_high",
    title=Text("The learning rate is too high", "学习率过大"),
    meaning=MEANING,
    look=look,
    rank=20,
    repairs=(LearningRate(1e-3),),
    source="LeCun et al. 1998; Bengio 2012, 2.1",
)
