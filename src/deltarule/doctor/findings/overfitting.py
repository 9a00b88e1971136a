"""Rows learned by heart.

What is seen: the score on rows that the network learned from and on others; on these it predicts
worse than plain models.
What it means: see MEANING.
How sure: certain where the gap is 0.25 and 40 % of what there is to gain over a constant, of which
plain models gain 30 % more; not below 0.05, 15 % and 10 %, nor where the own rows are learned badly
as well.
Repairs: a penalty of every weight, which leaves useless features out; a penalty of squares with
early stopping, dropout, fewer units.
Side effects: the score on the own rows falls.
Source: Bishop 2006, 1.1; Prechelt 1998, Early stopping - but when?
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import hidden_units, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Regularise, Repair, Together, Units
from deltarule.language import Text

MEANING = Text(
    "The network has enough freedom to remember single rows with their noise, and uses it: what it "
    "remembers says nothing about other rows.",
    "网络的自由度足以记住每一行连同其中的噪声，它也确实这样做了；记住的东西对其他样本毫无帮助。",
)


def look(case: Case) -> Seen | None:
    """Far better on rows that were learned than on others, worse there than plain models."""
    s = case.scores
    learned = s.reference - s.train < 0.3 * (s.reference - s.held_out)
    learned &= s.train > (s.base + s.reference) / 2
    if not s.fails or not learned or not s.train > s.held_out:
        return None
    gap = s.train - s.held_out
    relative = gap / max(s.reference - s.base, 1e-9)
    confidence = min(
        rising(relative, 0.15, 0.4), rising(gap, 0.05, 0.25), rising(s.shortfall, 0.1, 0.3)
    )
    words = Text(
        f"The score is {s.train:.3f} on the rows it learned from and {s.held_out:.3f} on others, "
        f"where plain models reach {s.reference:.3f}.",
        f"在学习过的样本上得分 {s.train:.3f}，在其他样本上只有 {s.held_out:.3f}，"
        f"而基线模型能达到 {s.reference:.3f}。",
    )
    numbers = {"train": s.train, "held_out": s.held_out, "reference": s.reference}
    return Seen(words, 0.95 * confidence, numbers=numbers, repairs=_repairs(case))


def _repairs(case: Case) -> tuple[Repair, ...]:
    alpha = float(case.settings.get("alpha") or 0.0)
    less = Regularise(max(100 * alpha, 1.0), early_stopping=True)
    units = hidden_units(case)
    sizes = tuple(max(4, n // 4) for n in units[:2]) or (16,)
    sparse = Together((Units((16,)), Regularise(alpha, l1=0.05)))
    dropout = Regularise(max(alpha, 1e-4), 0.3, True)
    return (sparse, Regularise(alpha, l1=0.01), less, dropout, Units(sizes))


RULE = Rule(
    code="overfitting",
    title=Text("The network has learned its rows by heart", "过拟合"),
    meaning=MEANING,
    look=look,
    rank=52,
    repairs=(Regularise(1.0, early_stopping=True),),
    source="Bishop 2006, 1.1; Prechelt 1998",
)
