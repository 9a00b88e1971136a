"""Steps so long that training jumps about or diverges.

What is seen: the size of a step over that of the weights in the first epochs; whether the loss
rises, or was ever far above that of the first weights; how far the weights went; units that lost
their slope by training; a loss that overflowed in the first epoch although values and gradients
were of usual size before it.
What it means: see MEANING.
How sure: certain where a step changes the weights by more than 30 %, the loss was four times that
of the first weights, or the weights went 40 times as far as they are large; not where steps are
below 2 % and the loss falls.
Repairs: the rate whose first steps change the weights by 1 %, at most a tenth of the present one; a
tenth of that.
Side effects: more epochs are needed.
Source: LeCun et al. 1998; Bengio 2012, Practical recommendations, 2.1.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule._language import Text
from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    collapse,
    falling,
    first_step,
    growth,
    pre_activations,
    rises,
    rising,
    travel,
    usual_step,
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
_HEALTHY = 0.01  # of the weights, in a step of the first epoch


def look(case: Case) -> Seen | None:
    """Weights that change much in a step or go far, and a loss that does not fall steadily."""
    rate = float(case.settings.get("learning_rate_init", np.nan))
    gentle = float(f"{rate * min(0.1, _HEALTHY / (first_step(case) or np.nan)):.1e}")
    repairs = (LearningRate(gentle), LearningRate(gentle / 10))
    if not case.scores.underfits or case.settings.get("solver") == "lbfgs":
        return None
    usual = _usual(case)
    if case.settings.get("failure") and not len(case.history):
        words = Text(
            f"With the learning rate {rate:g} the numbers overflowed in the first epoch, although "
            f"the loss at the first weights was {case.begin_loss:.3g}.",
            f"学习率为 {rate:g} 时，第一轮中数值就溢出了，"
            f"而初始权重处的损失只有 {case.begin_loss:.3g}。",
        )
        return Seen(words, 0.95 * usual, epoch=0, numbers={"rate": rate}, repairs=repairs)
    step = usual_step(case)
    if math.isnan(step):
        return None
    jumps = rises(case)
    worst = worst_loss(case)
    far, lost = travel(case), collapse(case)
    confidence = max(
        rising(step, 0.1, 0.3),
        rising(step, 0.02, 0.1) * (jumps > 0.3),
        rising(lost, 0.4, 0.8) * rising(step, 0.01, 0.05),
        rising(worst, 1.5, 4),
        rising(far, 8, 40) * (jumps > 0.1),
    )
    words = Text(
        f"A step with the learning rate {rate:g} changes the weights by {step:.1%} of their "
        f"size in the first epochs (near 0.1 % to 1 % is healthy); the loss rose in {jumps:.0%} of "
        f"the epochs and was at most {worst:.3g} times that of the first weights.",
        f"学习率为 {rate:g} 时，最初几轮中一步就把权重改变了其大小的 {step:.1%}"
        f"（健康值约为 0.1 % 到 1 %）；损失在 {jumps:.0%} 的轮次中上升，"
        f"最高时是初始损失的 {worst:.3g} 倍。",
    )
    return Seen(
        words,
        0.95 * confidence * usual,
        epoch=0,
        numbers={
            "update_ratio": step,
            "rises": jumps,
            "worst": worst,
            "travel": far,
            "collapse": lost,
            "rate": rate,
        },
        repairs=repairs,
    )


def _usual(case: Case) -> float:
    """Whether the rate is to blame: not where values are so large that any rate would be too high.

    Those at the first weights, their growth, features, targets, and what dropout leaves.
    """
    sizes = [*pre_activations(case).values(), *growth(case)]
    if case.data is not None:
        of_targets = math.hypot(case.data.target_mean, case.data.target_std)
        sizes += [*np.hypot(case.data.mean, case.data.std), of_targets]
    large = max((s for s in sizes if not math.isnan(s)), default=1.0)
    dropped = max((layer.rate for layer in case.layers), default=0.0)
    return falling(large, 100, 10) * falling(1 / (1 - dropped), 10, 3)


RULE = Rule(
    code="learning_rate_high",
    title=Text("The learning rate is too high", "学习率过大"),
    meaning=MEANING,
    look=look,
    rank=20,
    repairs=(LearningRate(1e-3),),
    source="LeCun et al. 1998; Bengio 2012, 2.1",
)
