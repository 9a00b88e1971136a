"""Repairs that are tried, verified on held-out rows, and kept only where they help."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from deltarule.doctor import Attempt, Diagnosis, Finding
from deltarule.doctor.repairs import Repair
from deltarule.examination._examine import Examined, examined
from deltarule.examination._treatment import Treatment, apply
from deltarule.language import Language

HELPS = 0.02  # a repair is kept if it gains more than this share of what was missing, and more
MOST = 8  # attempts


class Repaired(NamedTuple):
    """What `repair` returns.

    Attributes
    ----------
    estimator : object
        Fitted on the rows that were not held out: the network as it was given, or as it was
        repaired, then perhaps within a pipeline that scales.
    diagnosis : Diagnosis
        Of the network as it was given, with all that was tried and the diagnosis afterwards.
    """

    estimator: Any
    diagnosis: Diagnosis

    def explain(self, lang: Language = "en") -> str:
        """The diagnosis, and what was tried."""
        return self.diagnosis.explain(lang)


def repair(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    test_size: float = 0.25,
    random_state: int = 0,
) -> Repaired:
    """Find what keeps a network from learning, mend it, and prove the repair.

    A clone is fitted and examined; the repair of the likeliest finding is applied, the network
    trained anew and scored on rows it did not learn from; the change is kept if it helps, and
    rolled back otherwise.  This goes on until nothing is found any more, or nothing is left to try.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, NetworkClassifier or NetworkRegressor
        It is not changed.
    X, y : array_like
    X_val, y_val : array_like, optional
        Rows to verify on; else a part of X and y.
    test_size : float, default=0.25
    random_state : int, default=0

    Returns
    -------
    Repaired
        ``(estimator, diagnosis)``; ``diagnosis.attempts`` lists what was tried.
    """

    def fitted(treatment: Treatment) -> Examined:
        model = treatment.of(estimator)
        return examined(model, X, y, X_val, y_val, test_size=test_size, random_state=random_state)

    treatment = Treatment()
    best = first = fitted(treatment)
    attempts: list[Attempt] = []
    tried: set[Repair] = set()
    while len(attempts) < MOST and not best.diagnosis.healthy:
        for finding, cure, changed in _candidates(best.diagnosis, estimator, treatment, tried):
            tried.add(cure)
            after = fitted(changed)
            kept = _helps(best, after)
            attempts.append(Attempt(finding, cure, best.score, after.score, kept))
            if kept:
                best, treatment = after, changed
            if kept or len(attempts) == MOST:
                break
        else:
            break
    mended = None if best is first else best.diagnosis
    return Repaired(best.model, replace(first.diagnosis, attempts=tuple(attempts), after=mended))


def _candidates(
    diagnosis: Diagnosis, estimator: Any, treatment: Treatment, tried: set[Repair]
) -> Iterator[tuple[Finding, Repair, Treatment]]:
    """The first repair of every finding, then the second ..., where they change something."""
    findings = diagnosis.findings
    for i in range(max((len(f.repairs) for f in findings), default=0)):
        for finding in findings:
            if i >= len(finding.repairs) or finding.repairs[i] in tried:
                continue
            changed = apply(finding.repairs[i], estimator, treatment)
            if changed is not None:
                yield finding, finding.repairs[i], changed


def _helps(before: Examined, after: Examined) -> bool:
    if math.isnan(before.score) or math.isnan(after.score):
        return not math.isnan(after.score)
    missing = min(max(before.diagnosis.case.scores.reference - before.score, 0.0), 1.0)
    return after.score > before.score + max(HELPS * missing, 0.002)
