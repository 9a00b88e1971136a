"""A network that predicts no better than a constant: a symptom.

What is seen: how much of the gain of plain models over a constant the network has; the share of
rows for which the commonest prediction is made.
What it means: see MEANING.
How sure: certain where it has less than 5 % of the gain, or 98 % of the predictions are one class;
not above 25 %, below 90 %.
Repairs: those of the causes named before it; else, in a deep network, an activation that keeps the
size of values, batch normalisation, residuals; in others another activation, more epochs.
Side effects: those of the repairs.
Source: Glorot and Bengio 2010, 3.1; Goodfellow et al. 2016, Deep Learning, 8.2.
"""

from __future__ import annotations

import math

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import falling
from deltarule.doctor.finding import SYMPTOM, Rule, Seen
from deltarule.doctor.repairs import AddBatchNorm, AddResiduals, Epochs, SwapActivation
from deltarule.language import Text

MEANING = Text(
    "The last bias alone learns the commonest class or the mean, which is the first and easiest "
    "gain; the features play no part. Training is stuck on a plateau, a symptom that many faults "
    "have in common.",
    "仅靠最后一层的偏置就能学会最常见的类别或均值，这是最先、最容易的进步；特征没有起作用。"
    "训练停在平台期：许多毛病都会表现成这样，它只是症状，不是原因。",
)
_GLOROT = "glorot_uniform"
_DEEP = (SwapActivation("selu", "lecun_normal"), AddBatchNorm(), AddResiduals())


def look(case: Case) -> Seen | None:
    """Predictions that do not depend on the row, or as little as if they did not."""
    scores, share = case.scores, case.predicted_share
    if not scores.underfits or math.isnan(scores.train):
        return None
    gained = (scores.shown - scores.base) / (scores.reference - scores.base)
    confidence = falling(gained, 0.25, 0.05) * (gained > -0.5)
    confidence = max(confidence, falling(1 - share, 0.1, 0.02))
    bounded = any(case.layers[i].saturates == "both sides" for i in case.hidden_activations)
    swap = SwapActivation("relu", "he_normal") if bounded else SwapActivation("tanh", _GLOROT)
    deep = len(case.hidden_activations) > 4
    same_en = "" if math.isnan(share) else f"; {share:.0%} of its predictions are one class"
    same_zh = "" if math.isnan(share) else f"；{share:.0%} 的预测是同一类"
    words = Text(
        f"Its score is {scores.shown:z.2f}, that of a constant {scores.base:.2f}, that of plain "
        f"models {scores.reference:.2f}{same_en}. The loss went from {case.begin_loss:.3g} to "
        f"{case.end_loss:.3g}.",
        f"它的得分为 {scores.shown:z.2f}，常数预测为 {scores.base:.2f}，"
        f"基线模型为 {scores.reference:.2f}{same_zh}。"
        f"损失从 {case.begin_loss:.3g} 变为 {case.end_loss:.3g}。",
    )
    return Seen(
        words,
        0.95 * confidence,
        numbers={"predicted_share": share, "gained": gained},
        repairs=(_DEEP if deep else (swap, Epochs(500))),
    )


RULE = Rule(
    code="base_rate",
    title=Text("It predicts no better than a constant", "预测并不比常数好"),
    meaning=MEANING,
    look=look,
    rank=SYMPTOM,
    repairs=(SwapActivation("relu", "he_normal"),),
    source="Glorot and Bengio 2010, 3.1; Goodfellow et al. 2016, 8.2",
)
