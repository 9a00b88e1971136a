"""Targets that contradict each other.

What is seen: rows with equal features and different targets; or errors of trees or a linear model
on rows that they did not learn from, among the quarter of which they are surest and among all.
What it means: see MEANING.
How sure: certain from 5 % of contradictory rows on, not below 1 % (rows of few possible values,
which meet by chance, do not count); by errors certain where 15 % of the surest quarter are wrong,
nearly as many as of all, not below 6 %: overlapping classes err less the surer the models are;
not where they err as often as a guess, from which nothing follows.
Repairs: look at the rows; a penalty and early stopping keep it from learning them by heart.
Side effects: none.
Source: Northcutt et al. 2021, Confident learning; Zhang et al. 2017.
"""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import falling, rising
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import CleanLabels, Regularise
from deltarule.language import Text

MEANING = Text(
    "No network can learn both of two answers to one question. It spends its units on learning "
    "wrong answers by heart, and neither its score nor that of any model can be better than the "
    "targets are.",
    "同一个问题有两个答案，任何网络都学不会。它会把单元浪费在死记错误答案上，"
    "而任何模型的得分都不可能好过目标本身的质量。",
)


def look(case: Case) -> Seen | None:
    """Contradictions between rows, or errors where nothing is unclear."""
    data, hints = case.data, case.hints
    if data is None:
        return None
    apart = 0.95 * rising(data.contradictory, 0.01, 0.05)
    scores, core = case.scores, _core_error(case)
    even = hints.core_error / hints.error if hints.error > 0 else 0.0
    learned = (scores.reference - scores.base) / (1 - scores.base) if scores.base < 1 else 0.0
    sure = rising(core, 0.06, 0.12) * rising(even, 0.65, 0.8) * rising(learned, 0.2, 0.35)
    guessed = hints.core_error / max(1 - scores.base, 1e-9)  # 1: nothing was learned
    sure *= falling(guessed, 0.9, 0.75)
    confidence = max(apart, 0.95 * sure)
    if apart >= confidence:
        words = Text(
            f"{data.contradictory:.1%} of the rows have a twin with the same features and another "
            "target (0% is healthy).",
            f"{data.contradictory:.1%} 的样本有特征完全相同、目标却不同的“孪生”样本"
            "（健康值是 0%）。",
        )
    else:
        words = Text(
            f"Plain models that did not see them get {hints.error:.0%} of the rows wrong, and "
            f"{hints.core_error:.0%} even of the quarter about which they are surest; with clean "
            "targets that is near 0. About as many targets seem to be wrong.",
            f"基线模型对未见过的样本错判了 {hints.error:.0%}，"
            f"连最有把握的四分之一也错判了 {hints.core_error:.0%}；目标干净时应接近 0。"
            "大约有同样比例的目标是错的。",
        )
    numbers = {"contradictory": data.contradictory, "core_error": hints.core_error}
    return Seen(words, confidence, numbers=numbers)


def _core_error(case: Case) -> float:
    """What is wrong in the surest quarter, less a standard error; not more than the best errs."""
    assert case.data is not None
    seen, best = case.hints.core_error, np.fmax(case.scores.reference, case.scores.held_out)
    wrong = np.fmin(seen, 1 - best)
    rows = max(min(case.data.rows, 3000) / 4, 1)
    return float(wrong - math.sqrt(max(wrong * (1 - wrong), 0.0) / rows))


RULE = Rule(
    code="label_noise",
    title=Text("Targets contradict each other", "目标互相矛盾"),
    meaning=MEANING,
    look=look,
    rank=13,
    repairs=(CleanLabels(), Regularise(alpha=1.0, early_stopping=True)),
    source="Northcutt et al. 2021; Zhang et al. 2017",
)
