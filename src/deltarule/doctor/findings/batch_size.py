"""Batches of a row or two, or so large that there are hardly any steps.

What is seen: rows of a batch, steps of the whole training, the signal-to-noise ratio of the
gradient in the first epochs, and whether the loss still falls.
What it means: see MEANING.
How sure: too small: certain for one row whose gradients do not agree, not from 8 rows on; too
large: certain with less than 60 steps, one or two an epoch, and a loss that still falls; not from
300 steps on.
Repairs: batches of 32 rows.
Side effects: smaller batches are noisier and take longer an epoch, larger ones need more epochs.
Source: Bengio 2012, 2.1; Keskar et al. 2017; McCandlish et al. 2018.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    batch_rows,
    early_signal,
    falling,
    figure,
    recent_fall,
    rises,
    rising,
    steps_per_epoch,
    total_steps,
    worst_loss,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import BatchSize, LearningRate
from deltarule.language import Text

MEANING = Text(
    "The gradient of a batch is an estimate of that of all rows. From a row or two it is mostly "
    "noise, and with a rate that suits larger batches steps lead anywhere; from nearly all rows it "
    "is exact, but there is only a step or two in an epoch, too few to get anywhere.",
    "一批样本的梯度是对全部样本梯度的估计。只取一两行时它几乎全是噪声，配上适合大批量的学习率，"
    "每一步都像在乱走；几乎取全部行时它很准确，但每轮只走一两步，总步数太少，走不远。",
)


def look(case: Case) -> Seen | None:
    """A batch whose size is at an end of the range."""
    rows, signal, steps = batch_rows(case), early_signal(case), total_steps(case)
    rate = float(case.settings.get("learning_rate_init", math.nan))
    if not case.scores.underfits or case.data is None or case.settings.get("solver") == "lbfgs":
        return None
    noisy = falling(rows, 8, 2) * (1.0 if not signal > 0.15 else falling(signal, 0.6, 0.15))
    noisy *= rising(max(rises(case), 0.3 * (worst_loss(case) > 1.2)), 0.15, 0.3)
    idle = falling(steps_per_epoch(case), 5, 2) * falling(steps, 300, 60)
    cut_short = steps < 60 and case.end_loss < 0.95 * case.begin_loss
    few = idle * max(rising(recent_fall(case)[0], 0.02, 0.1), cut_short) * (rows >= 64)
    if noisy >= few:
        repairs = (BatchSize(32), LearningRate(rate / 10))
        numbers = {"rows": rows, "signal": signal}
        return Seen(_of_noise(rows, signal), 0.95 * noisy, numbers=numbers, repairs=repairs)
    words = Text(
        f"Batches of {rows:.0f} rows make {steps:.0f} steps in all (many hundreds are healthy), "
        f"{steps_per_epoch(case):.0f} in each epoch, and the loss still fell at the end.",
        f"每批 {rows:.0f} 行，每轮只走 {steps_per_epoch(case):.0f} 步，总共 {steps:.0f} 步"
        "（健康的训练有几百步以上），而结束时损失仍在下降。",
    )
    smaller = BatchSize(int(min(32, max(case.data.rows // 20, 1))))
    return Seen(
        words,
        0.95 * few,
        numbers={"rows": rows, "steps": steps},
        repairs=(smaller, LearningRate(3 * rate)),
    )


def _of_noise(rows: float, signal: float) -> Text:
    """How little a batch tells; of the signal only where it is known."""
    told = Text(
        f", and in the first epochs the signal of the gradient is {figure(signal)} times its "
        "noise (above 0.3 is healthy)",
        f"，最初几轮里梯度的信号只有噪声的 {figure(signal)} 倍（高于 0.3 才健康）",
    )
    if signal < 1e-3:
        told = Text(
            ", and in the first epochs nothing of the gradient stands out from its noise",
            "，最初几轮里梯度完全淹没在噪声之中",
        )
    known = not math.isnan(signal)
    return Text(
        f"The batch size is {rows:.0f} (at least 8 is healthy){told.en * known}.",
        f"每批只有 {rows:.0f} 行（至少 8 行才健康）{told.zh * known}。",
    )


RULE = Rule(
    code="batch_size",
    title=Text("The batch size does not suit the data", "批量大小不合适"),
    meaning=MEANING,
    look=look,
    rank=21,
    repairs=(BatchSize(32),),
    source="Bengio 2012, 2.1; Keskar et al. 2017; McCandlish et al. 2018",
)
