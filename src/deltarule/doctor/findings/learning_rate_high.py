"""Steps so long that training jumps about or diverges.

What is seen: the size of a step over that of the weights in the first epochs; whether the loss
rises, or was ever far above that of the first weights; how far the weights went; a loss that
overflowed in the first epoch although values and gradients were of usual size before it.
What it means: see MEANING.
How sure: certain where a step changes the weights by more than 30 %, the loss was four times that
of the first weights, or the weights went 40 times as far as they are large; not where steps are
below 2 % and the loss falls.
Repairs: a tenth of the rate, a hundredth.
Side effects: more epochs are needed.
Source: LeCun et al. 1998; Bengio 2012, Practical recommendations, 2.1.
"""

from __future__ import annotations

import numpy as np

from deltarule._language import Text
from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    growth,
    pre_activations,
    rises,
    rising,
    travel,
    update_ratios,
    worst_loss,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import LearningRate

MEANING = Text(
    "The gradient tells the way for a short distance only; a longer step lands on the other side "
    "of the valley, often higher than before, and throws units where their gradient is 0.",
    "梯度只在很短的距离内指明方向；步子太大就会跨到谷的另一侧，往往比原来更高，"
    "还会把单元抛到梯度为零的地方。",
)


def look(case: Case) -> Seen | None:
    """Weights that change much in a step or go far, and a loss that does not fall steadily."""
    rate = float(case.settings.get("learning_rate_init", np.nan))
    repairs = (LearningRate(rate / 10), LearningRate(rate / 100))
    if not case.scores.underfits or case.settings.get("solver") == "lbfgs":
        return None
    usual = _usual_weights(case)
    if case.settings.get("failure") and not len(case.history):
        words = Text(
            f"With the learning rate {rate:g} the numbers overflowed in the first epoch, although "
            f"the loss at the first weights was {case.begin_loss:.3g}.",
            f"学习率为 {rate:g} 时，第一轮中数值就溢出了，而初始权重处的损失只有 {case.begin_loss:.3g}。",
        )
        return Seen(words, 0.95 * usual, epoch=0, numbers={"rate": rate}, repairs=repairs)
    ratios = update_ratios(case)
    if not ratios.size:
        return None
    usual_step = float(np.nanmedian(ratios[:5])) if np.isfinite(ratios[:5]).any() else 0.0
    jumps = rises(case)
    worst = worst_loss(case)
    far = travel(case)
    confidence = max(
        rising(usual_step, 0.1, 0.3),
        rising(usual_step, 0.02, 0.1) * (jumps > 0.3),
        rising(worst, 1.5, 4),
        rising(far, 8, 40) * (jumps > 0.1),
    )
    words = Text(
        f"A step with the learning rate {rate:g} changes the weights by {usual_step:.1%} of their "
        f"size in the first epochs (near 0.1 % to 1 % is healthy); the loss rose in {jumps:.0%} of "
        f"the epochs and was at most {worst:.3g} times that of the first weights.",
        f"学习率为 {rate:g} 时，最初几轮中一步就把权重改变了其大小的 {usual_step:.1%}"
        f"（健康值约为 0.1 % 到 1 %）；损失在 {jumps:.0%} 的轮次中上升，最高时是初始损失的 {worst:.3g} 倍。",
    )
    return Seen(
        words,
        0.95 * confidence * usual,
        epoch=0,
        numbers={
            "update_ratio": usual_step,
            "rises": jumps,
            "worst": worst,
            "travel": far,
            "rate": rate,
        },
        repairs=repairs,
    )


def _usual_weights(case: Case) -> float:
    """Whether the first weights give values of usual size: where not, long steps are no wonder."""
    sizes = list(pre_activations(case).values())
    large = max(*(1.0, 1.0), *sizes)
    return falling(max(large, *(g for g in (1.0, *growth(case)) if g == g)), 1000, 100)


RULE = Rule(
    code="learning_rate_high",
    title=Text("The learning rate is too high", "学习率过大"),
    meaning=MEANING,
    look=look,
    rank=20,
    repairs=(LearningRate(1e-3),),
    source="LeCun et al. 1998; Bengio 2012, 2.1",
)
