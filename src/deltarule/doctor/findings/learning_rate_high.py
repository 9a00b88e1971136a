"""Steps so long that training jumps about or diverges.

What is seen: the size of a step over that of the weights in the first epochs; whether the loss
rises, or was ever far above that of the first weights; how far the weights went; units that lost
their slope by training; a loss that overflowed in the first epoch although values and gradients
were of usual size before it.
What it means: see MEANING.
How sure: certain where a step changes the weights by more than 30 %, the loss was four times that
of the first weights, or the weights went 40 times as far as they are large; not where steps are
below 2 % and the loss falls.  Less sure where features, targets, first weights or dropout make
values so large that any rate would be too high.
Repairs: the rate whose first steps change the weights by 1 %, at most a tenth of the present one; a
tenth of that.
Side effects: more epochs are needed.
Source: LeCun et al. 1998; Bengio 2012, Practical recommendations, 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    collapse,
    falling,
    figure,
    first_step,
    growth,
    pre_activations,
    rises,
    rising,
    total_steps,
    travel,
    usual_step,
    worst_loss,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import LearningRate
from deltarule.language import Text, joined

MEANING = Text(
    "The gradient tells the way for a short distance only; a longer step lands on the other side "
    "of the valley, often higher than before, and throws units where their gradient is 0.",
    "梯度只在很短的距离内指明方向；步子太大就会跨到山谷的另一侧，往往比原来更高，"
    "还会把单元抛到梯度为零的地方。",
)
_HEALTHY = 0.01  # of the weights, in a step of the first epoch


def look(case: Case) -> Seen | None:
    """Weights that change much in a step or go far, and a loss that does not fall steadily."""
    if not case.scores.underfits or case.settings.get("solver") == "lbfgs":
        return None
    rate = float(case.settings.get("learning_rate_init", math.nan))
    at_once = bool(case.settings.get("failure")) and not len(case.history)
    if at_once and case.begin is None:  # it overflowed before any step
        return None
    numbers = {
        "rate": rate,
        "update_ratio": usual_step(case),
        "first": first_step(case),
        "steps": total_steps(case),
        "rises": rises(case),
        "worst": worst_loss(case),
        "travel": travel(case),
        "collapse": collapse(case),
    }
    gentle = float(f"{rate * min(0.1, _HEALTHY / (first_step(case) or math.nan)):.1e}")
    return Seen(
        _overflow(case, rate) if at_once else _words(numbers),
        0.95 * (1.0 if at_once else _confidence(numbers)) * _blame(case),
        epoch=0,
        numbers=numbers,
        repairs=(LearningRate(gentle), LearningRate(gentle / 10)),
    )


def _confidence(n: Mapping[str, float]) -> float:
    """A far way counts where it took long steps, not many; after a collapse steps are short."""
    step, unsteady = n["update_ratio"], n["rises"] > 0.1
    thrown = max(rising(step, 0.01, 0.05), rising(n["first"], 0.05, 0.2))
    return max(
        rising(step, 0.1, 0.3),
        rising(step, 0.02, 0.1) * (n["rises"] > 0.3),
        rising(n["worst"], 1.5, 4),
        rising(n["travel"], 8, 40) * unsteady * (not n["travel"] < 0.02 * n["steps"]),
        rising(n["collapse"], 0.4, 0.8) * thrown,
    )


def _blame(case: Case) -> float:
    """Whether the rate is to blame, and not values so large that any rate would be too high."""
    sizes = [*pre_activations(case).values(), *growth(case)]
    if case.data is not None:
        of_targets = math.hypot(case.data.target_mean, case.data.target_std)
        sizes += [*np.hypot(case.data.mean, case.data.std), of_targets]
    large = max((s for s in sizes if not math.isnan(s)), default=1.0)
    dropped = max((layer.rate for layer in case.layers), default=0.0)
    return falling(large, 100, 10) * falling(1 / (1 - dropped), 10, 3)


def _overflow(case: Case, rate: float) -> Text:
    return Text(
        f"With the learning rate {rate:g} the numbers overflowed in the first epoch, although the "
        f"loss at the first weights was {case.begin_loss:.3g}.",
        f"学习率为 {rate:g} 时，第一轮中数值就溢出了，"
        f"而初始权重处的损失只有 {case.begin_loss:.3g}。",
    )


# What is said of each number, and from where on.
_SAID: Mapping[str, tuple[float, Text]] = {
    "update_ratio": (
        0.02,
        Text(
            "a step changes the weights by {share} of their size in the first epochs (near 1% is "
            "healthy there)",
            "最初几轮里一步就使权重改变其大小的 {share}（健康值约为 1%）",
        ),
    ),
    "first": (
        0.05,
        Text("the first steps change them by {share}", "开头几步使权重改变 {share}"),
    ),
    "travel": (
        8.0,
        Text(
            "all steps together moved them by {times} times their usual size (below 8 is healthy)",
            "所有步加起来移动了权重通常大小的 {times} 倍（低于 8 才健康）",
        ),
    ),
    "rises": (
        0.1,
        Text("the loss rose in {share} of the epochs", "损失在 {share} 的轮次中上升"),
    ),
    "worst": (
        1.2,
        Text(
            "the loss went up to {times} times that of the first weights",
            "损失最高时达到初始损失的 {times} 倍",
        ),
    ),
    "collapse": (
        0.4,
        Text(
            "{share} of the units of a layer lost their slope while training",
            "某一层有 {share} 的单元在训练中失去了导数",
        ),
    ),
}


def _words(n: Mapping[str, float]) -> Text:
    """What is out of its range; all that was measured where nothing is by itself."""
    odd = [name for name, (limit, _) in _SAID.items() if n[name] > limit]
    said = [
        _SAID[name][1].with_numbers(share=f"{n[name]:.1%}", times=figure(n[name]))
        for name in odd or _SAID
    ]
    all_said = joined(said)
    return Text(
        f"With the learning rate {n['rate']:g} {all_said.en}.",
        f"学习率为 {n['rate']:g} 时，{all_said.zh}。",
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
