"""A rare class that the network does not recognise, which accuracy hides.

What is seen: rows per class, and the share of the held-out rows of each that are recognised, by the
network and by plain models that weigh classes by their rarity.
What it means: see MEANING.
How sure: certain where a class of two classes with less than 10 % of the rows is recognised in 50 %
of its rows fewer than by these models; not from a share of 30 % on or below a difference of 20 %,
nor where no class is recognised or the accuracy is below 40 %.
Repairs: weigh the classes.
Side effects: more rows of the common class are taken for the rare one; probabilities shift.
Source: He and Garcia 2009, Learning from imbalanced data; Buda et al. 2018.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import falling, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import WeighClasses
from deltarule.language import Text

MEANING = Text(
    "Rare rows add little to the mean loss, so it falls fastest where the network answers with the "
    "common class; accuracy stays high, although the class that mostly matters is missed.",
    "稀有类的样本在平均损失中所占甚少，网络只要一律回答常见类，损失就降得最快；"
    "准确率依然很高，而往往最重要的那一类却被漏掉了。",
)


def look(case: Case) -> Seen | None:
    """The rare class that is missed most."""
    data, hints = case.data, case.hints
    if data is None or not hints.recalls:
        return None
    rows = sum(data.counts.values())
    common = max(data.counts.values())
    rare = [c for c, n in data.counts.items() if n < 0.5 * common and c in hints.recalls]
    if not rare:
        return None
    missed = {c: hints.expected_recalls[c] - hints.recalls[c] for c in rare}
    worst = max(rare, key=lambda c: missed[c])
    share = data.counts[worst] / rows
    hidden = rising(max(hints.recalls.values()), 0.5, 0.8)  # by classes that are recognised
    hidden *= rising(case.scores.shown, 0.4, 0.6)
    rarity = falling(share * len(data.counts), 0.6, 0.2)
    confidence = hidden * rarity * rising(missed[worst], 0.2, 0.5)
    recall, expected = hints.recalls[worst], hints.expected_recalls[worst]
    words = Text(
        f"Class {worst!r} has {share:.1%} of the rows; the network recognises {recall:.0%} of its "
        f"held-out rows, plain models that weigh the classes {expected:.0%}. The accuracy of "
        f"{case.scores.shown:.1%} does not show it.",
        f"类别 {worst!r} 只占 {share:.1%} 的样本；网络在留出样本中只认出它的 {recall:.0%}，"
        f"对类别加权的基线模型能认出 {expected:.0%}。准确率 {case.scores.shown:.1%} 看不出这一点。",
    )
    numbers = {"share": share, "recall": recall, "expected": expected}
    return Seen(words, 0.95 * confidence, numbers=numbers)


RULE = Rule(
    code="class_imbalance",
    title=Text("A rare class is not recognised", "稀有类别没有被识别"),
    meaning=MEANING,
    look=look,
    rank=12,
    repairs=(WeighClasses(),),
    source="He and Garcia 2009; Buda et al. 2018",
)
