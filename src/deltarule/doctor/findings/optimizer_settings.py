"""Settings of the optimizer with which it stalls or runs away.

What is seen: momentum, beta_1, beta_2 and epsilon; for epsilon the size of the gradient before
and after training, for a missing momentum how long the steps are.
What it means: see MEANING.
How sure: momentum: certain from 0.997 on, not below 0.98; beta_2: certain below 0.3 beta_1^2, not
from beta_1^2 on; epsilon: certain where it shortens steps to 15 %, not above a half.
Repairs: the usual number.
Side effects: none.
Source: Sutskever et al. 2013; Kingma and Ba 2015; Reddi et al. 2018; Zhang et al. 2022, Adam can
converge without any modification on update rules.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    figure,
    gradient_ratio,
    largest_steps,
    number,
    recent_fall,
    rising,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Optimizer, Setting
from deltarule.language import Text
from deltarule.vitals import Vitals

MEANING = Text(
    "An optimizer turns gradients into steps. Too much momentum keeps running in a direction long "
    "after the gradient has changed; none at all makes steps ten times as short as usual; Adam "
    "needs a longer memory for sizes (beta_2) than for directions (beta_1); an epsilon above the "
    "gradient swallows it.",
    "优化器把梯度变成步子。动量过大，梯度早已改变方向，它还在朝旧方向冲；完全没有动量，步子只有通常的"
    "十分之一；Adam 对大小的记忆（beta_2）要比对方向的记忆（beta_1）更长；epsilon 若超过梯度，"
    "就把梯度淹没了。",
)
_SGD = ("sgd", "momentum", "nesterov")
_ADAMS = ("adam", "adamw", "nadam")


class _Odd(NamedTuple):
    confidence: float
    name: str
    value: float
    why: Text
    usual: float


def look(case: Case) -> Seen | None:
    """The oddest of the settings that this optimizer uses."""
    if not case.scores.underfits:
        return None
    odd = max(_momentum(case), _no_momentum(case), _betas(case), _epsilon(case))
    words = Text(
        f"The optimizer {case.settings.get('solver')} has {odd.name}={odd.value:g}: {odd.why.en}; "
        f"{odd.usual:g} is usual.",
        f"优化器 {case.settings.get('solver')} 的 {odd.name}={odd.value:g}：{odd.why.zh}；"
        f"通常取 {odd.usual:g}。",
    )
    return Seen(
        words,
        0.95 * odd.confidence,
        numbers={odd.name: odd.value},
        repairs=(Setting(odd.name, odd.usual), Optimizer("adam")),
    )


def _setting(case: Case, name: str, solvers: tuple[str, ...]) -> float:
    """NaN: this optimizer does not use it."""
    uses = case.settings.get("solver") in solvers
    return float(case.settings.get(name, math.nan)) if uses else math.nan


def _momentum(case: Case) -> _Odd:
    momentum = _setting(case, "momentum", _SGD)
    memory = 1 / (1 - momentum) if momentum < 1 else math.inf
    why = Text(
        f"a gradient goes on driving the weights for {memory:.0f} steps",
        f"一个梯度会继续推动权重约 {memory:.0f} 步",
    )
    sure = rising(memory, 50, 300) if momentum > 0 else 0.0
    return _Odd(sure, "momentum", momentum, why, 0.9)


def _no_momentum(case: Case) -> _Odd:
    momentum, (_, step) = _setting(case, "momentum", _SGD), largest_steps(case)
    why = Text(
        f"steps change the weights of no layer by more than {figure(step)} of their size (near "
        "0.01 is healthy)",
        f"一步对任何一层权重的改变都不超过其大小的 {figure(step)}（健康值约为 0.01）",
    )
    reached = gradient_ratio(case) > 1e-3
    slow = falling(step, 5e-3, 5e-4) * rising(recent_fall(case)[0], 1e-4, 1e-3) * reached
    return _Odd(slow * falling(momentum, 0.5, 0.1), "momentum", momentum, why, 0.9)


def _betas(case: Case) -> _Odd:
    first, second = _setting(case, "beta_1", _ADAMS), _setting(case, "beta_2", _ADAMS)
    why = Text(
        f"less than the square of beta_1={first:g}, where Adam is known to diverge",
        f"小于 beta_1={first:g} 的平方，已知此时 Adam 会发散",
    )
    low = falling(second / first**2, 1.0, 0.3) if first > 0 else 0.0
    return _Odd(low, "beta_2", second, why, 0.999)


def _epsilon(case: Case) -> _Odd:
    epsilon = _setting(case, "epsilon", (*_ADAMS, "rmsprop", "adagrad"))
    largest = min(_largest_gradient(case.begin, case), _largest_gradient(case.end, case))
    left = largest / (largest + epsilon)
    why = Text(
        f"beside gradients of the size {figure(largest)} it leaves {left:.1%} of a step",
        f"梯度的大小只有 {figure(largest)}，步子只剩下原来的 {left:.1%}",
    )
    notable = epsilon > 1e-5
    return _Odd(falling(left, 0.5, 0.15) * notable, "epsilon", epsilon, why, 1e-8)


def _largest_gradient(vitals: Vitals | None, case: Case) -> float:
    sizes = [number(vitals, "gradient_rms", i) for i in case.weighted]
    return max((s for s in sizes if not math.isnan(s)), default=math.nan)


RULE = Rule(
    code="optimizer_settings",
    title=Text("A setting of the optimizer is odd", "优化器的设置不当"),
    meaning=MEANING,
    look=look,
    rank=19,
    repairs=(Optimizer("adam"),),
    source="Sutskever et al. 2013; Kingma and Ba 2015; Reddi et al. 2018; Zhang et al. 2022",
)
