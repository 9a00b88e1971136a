"""A feature that gives the target away.

What is seen: how much of the target one feature tells by itself (squared correlation, of classes
correlation ratio), what plain models reach with it alone and with all others.
What it means: see MEANING.
How sure: certain where it tells 99.99 %, or 99.5 % and the others lose 15 % of what it gains; not
below 95 % or a loss of 3 %. A natural law with a single cause looks the same.
Repairs: leave the feature out, unless it is known when predictions are needed.
Side effects: the score falls to what is true.
Source: Kaufman et al. 2012, Leakage in data mining; Kapoor and Narayanan 2023.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import DropFeatures
from deltarule.language import Text

MEANING = Text(
    "Such a feature is mostly made of the target or known only after it. Scores look excellent and "
    "mean nothing: where predictions are needed the feature is missing, and the network has hardly "
    "looked at the others.",
    "这样的特征多半由目标算出，或在目标之后才知道。分数看上去极好却没有意义："
    "真正需要预测时没有这个特征，而网络几乎没有学习其他特征。",
)


def look(case: Case) -> Seen | None:
    """One feature near the target, the others far."""
    data, hints, base = case.data, case.hints, case.scores.base
    if data is None or not hints.alone > base:
        return None
    at = int(data.relation.argmax())
    told = float(data.relation[at])
    lost = (hints.alone - hints.others) / (hints.alone - base)
    copied = told > 0.9999
    confidence = rising(1 / (1.0001 - told), 20, 200) * max(copied, rising(lost, 0.03, 0.15))
    words = Text(
        f"Feature {data.named(at)} alone tells {told:.1%} of the target (below 95% is healthy): "
        f"plain models score {hints.alone:.3f} with it and {hints.others:.3f} with all the others "
        f"(a constant: {base:.3f}).",
        f"仅特征 {data.named(at)} 一个就决定了目标的 {told:.1%}（低于 95% 属正常）："
        f"基线模型只用它得分 {hints.alone:.3f}，"
        f"用其余全部特征得分 {hints.others:.3f}（常数预测为 {base:.3f}）。",
    )
    numbers = {"relation": told, "alone": hints.alone, "others": hints.others}
    return Seen(
        words, 0.95 * confidence, numbers=numbers, repairs=(DropFeatures((at,), (data.named(at),)),)
    )


RULE = Rule(
    code="leaking_feature",
    title=Text("A feature gives the target away", "有特征泄漏了目标"),
    meaning=MEANING,
    look=look,
    rank=9,
    repairs=(DropFeatures(),),
    source="Kaufman et al. 2012; Kapoor and Narayanan 2023",
)
