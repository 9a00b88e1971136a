"""Steps so short that training ends about where it began.

What is seen: the size of steps over that of the weights in the middle one of the epochs, of the
layer where it is largest; how far the weights went in all steps; a gradient that does reach the
first layers, so that longer steps would lead somewhere.
What it means: see MEANING.
How sure: certain from steps of 0.03 % of the weights on down that add up to less than 5 % of their
usual size; not where steps are above 0.3 %, or the weights went half of their size.
Repairs: the rate that makes steps of 1 %, Adam.
Side effects: a rate that is too high makes the loss jump.
Source: Bengio 2012, Practical recommendations, 2.1.
"""

from __future__ import annotations

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    figure,
    gradient_ratio,
    growth,
    largest_steps,
    rises,
    travel,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import LearningRate, Optimizer
from deltarule.language import Text

MEANING = Text(
    "Every step changes the weights by the learning rate times the gradient (Adam: by about the "
    "rate itself). If it is far too small, all steps together hardly lead away from the random "
    "first weights; the loss falls so slowly that training seems to have converged and may be "
    "stopped by tol.",
    "每一步对权重的改变等于学习率乘以梯度（Adam 的改变大约等于学习率本身）。学习率过小，"
    "所有步加起来也离不开随机的初始权重；损失降得极慢，看上去像是已经收敛，"
    "还可能因 tol 而提前停止。",
)
_HEALTHY = 0.01  # of the weights, in a step of the first epochs


def look(case: Case) -> Seen | None:
    """Weights that stay where they began, although the gradient reaches them."""
    (first, step), far = largest_steps(case), travel(case)
    if not case.scores.underfits or not first > 0 or not step > 0 or rises(case) > 0.4:
        return None
    slopes = min(gradient_ratio(case), growth(case)[1])
    if len(case.weighted) > 1 and not slopes > 1e-4:
        return None
    confidence = min(falling(step, 3e-3, 3e-4), falling(far, 0.5, 0.05))
    rate = float(case.settings.get("learning_rate_init", np.nan))
    better = float(f"{rate * _HEALTHY / first:.0e}")
    words = Text(
        f"With the learning rate {rate:g} a step changes the weights of no layer by more than "
        f"{figure(first)} of their size in the first epochs (near 0.01 is healthy there) and "
        f"{figure(step)} half-way; all steps together moved the weights by {figure(far)} of their "
        "usual size (above 0.5 is healthy).",
        f"学习率为 {rate:g} 时，最初几轮里一步对任何一层权重的改变都不超过其大小的 {figure(first)}"
        f"（健康值约为 0.01），训练过半时不超过 {figure(step)}；"
        f"所有步加起来也只移动了权重通常大小的 {figure(far)}（高于 0.5 才健康）。",
    )
    return Seen(
        words,
        0.95 * confidence,
        epoch=0,
        numbers={"update_ratio": step, "travel": far, "rate": rate},
        repairs=(LearningRate(better), LearningRate(10 * rate), Optimizer("adam")),
    )


RULE = Rule(
    code="learning_rate_low",
    title=Text("The learning rate is too low", "学习率过小"),
    meaning=MEANING,
    look=look,
    rank=20,
    repairs=(LearningRate(1e-3),),
    source="Bengio 2012, 2.1",
)
