"""That a network predicts worse than it could: the rule that is asked where no other tells why."""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.finding import SUSPECT, SYMPTOM, Finding, Rule, Seen
from deltarule.language import Text

_NOTABLE = 0.2  # of what there is to gain over a constant


def lagging(case: Case, notable: float) -> Finding | None:
    """The finding of a network that lags behind plain models by more than a share of their gain."""
    scores = case.scores
    if not scores.shortfall > notable:
        return None
    words = Text(
        f"The score is {scores.shown:.3f}, and plain models reach {scores.reference:.3f}.",
        f"得分为 {scores.shown:.3f}，而基线模型能达到 {scores.reference:.3f}。",
    )
    numbers = {"shown": scores.shown, "reference": scores.reference}
    return Finding(RULE, Seen(words, SUSPECT, numbers=numbers))


def look(case: Case) -> Seen | None:
    """A network that fails by a notable share."""
    found = lagging(case, _NOTABLE) if case.scores.fails else None
    return found.seen if found else None


RULE = Rule(
    code="lagging",
    title=Text("It predicts worse than plain models", "预测不如基线模型"),
    meaning=Text(
        "No single cause stands out; dr.repair tries another learning rate, more epochs and the "
        "usual settings.",
        "没有哪个单独的原因特别突出；dr.repair 会尝试别的学习率、更多轮数和常用设置。",
    ),
    look=look,
    rank=SYMPTOM,
    repairs=(),
    source="",
)
