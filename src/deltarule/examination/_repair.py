"""Repairs that are tried, verified on held-out rows, and kept only where they help."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from deltarule.doctor import Attempt, Diagnosis, Finding
from deltarule.doctor.attempt import USUAL_SCORE
from deltarule.doctor.repairs import (
    CleanLabels,
    DropFeatures,
    OtherEstimator,
    Repair,
    ScaleFeatures,
    ScaleTargets,
    SplitAnew,
    Together,
    Usual,
)
from deltarule.examination._after_care import all_usual, better_rate, more_epochs, reason_of
from deltarule.examination._examine import (
    Examined,
    Expected,
    examined_on,
    names_of_features,
    prepared,
)
from deltarule.examination._kinds import is_fitted
from deltarule.examination._split import Split, mended, score_of
from deltarule.examination._treatment import Treatment, apply
from deltarule.examination._wrapped import network_of
from deltarule.language import Language, Text

HELPS = 0.02  # a repair is kept if it gains more than this share of what was missing, and more
MOST = 10  # attempts
_SCALING = (ScaleFeatures(), ScaleTargets())
_RECALL = Text("mean recall", "平均召回率")


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
    feature_names: Sequence[str] | None = None,
) -> Repaired:
    """Find what keeps a network from learning, mend it, and prove the repair.

    A clone is fitted and examined; the repair of the likeliest finding is applied, the network
    trained anew and scored on rows it did not learn from; the change is kept if it helps, and
    rolled back otherwise.  This goes on until nothing is found any more, or nothing is left to try.

    Parameters
    ----------
    estimator : estimator
        Of deltarule, or `MLPClassifier` or `MLPRegressor` of scikit-learn, alone or within a
        `Pipeline`, a `TransformedTargetRegressor` or a fitted search.  It is not changed.
    X, y : array_like
        What it is to learn from.
    X_val, y_val : array_like, optional
        Rows to verify on; else a part of X and y.
    test_size : float, default=0.25
        Share of the rows that are held out where no others are given.
    random_state : int, default=0
        Of what is held out, and of a network that has none.
    feature_names : sequence of str, optional
        What the features are called; by default as the columns of a data frame are.

    Returns
    -------
    Repaired
        ``(estimator, diagnosis)``; ``diagnosis.attempts`` lists what was tried.

    Raises
    ------
    TypeError
        If it is no estimator that can be trained anew.
    ValueError
        If its numbers overflow whatever is tried.

    Notes
    -----
    Repairs of the network need a network of this package: one of scikit-learn is replaced by
    `deltarule.MLPClassifier` or `deltarule.MLPRegressor` with the same parameters.  Where targets
    turn out to be classes, the repaired estimator is a classifier, of the classes 0, 1, 2 ... where
    they came as rows of zeros with a single 1; likewise a regressor where classes are numbers.  A
    network that leaves out a column made of the target is compared with the old one on rows where
    that column is shuffled, one that learned from clean targets on rows with clean targets.
    """
    done = repaired(
        estimator,
        X,
        y,
        X_val,
        y_val,
        test_size=test_size,
        seed=random_state,
        names=names_of_features(X, feature_names),
    )
    if not is_fitted(network_of(done.estimator)):
        raise ValueError(
            "This network overflows in its first epoch whatever is tried, so there is nothing to "
            f"return. {done.diagnosis.explain()}"
        )
    return done


def repaired(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    test_size: float,
    seed: int,
    names: tuple[str, ...] = (),
    refused: tuple[type[Repair], ...] = (),
) -> Repaired:
    """As `repair`, but for repairs of some kinds."""
    model, split = prepared(estimator, X, y, X_val, y_val, test_size, seed)
    if not hasattr(network_of(model), "get_params"):
        raise TypeError(
            "A network is repaired by training it anew as an estimator, and this one has no "
            f"parameters to train it by; met {type(network_of(model)).__name__}. Put its layers "
            "into NetworkClassifier or NetworkRegressor, or apply what examine() proposes."
        )
    course = _Course(model, seed, names, refused)
    state = course.begun(split)
    first = state.found
    state = course.cured(state)
    reason = reason_of(first)
    if reason is not None:
        state = course.cared_for(state, reason)
    after = None if state.found is first else state.found.diagnosis
    diagnosis = replace(first.diagnosis, attempts=tuple(course.attempts), after=after)
    return Repaired(state.found.model, diagnosis)


class _State(NamedTuple):
    """An estimator with the repairs that were kept, the rows, and what was found in it."""

    treatment: Treatment
    split: Split
    found: Examined


@dataclass
class _Course:
    """What was tried on an estimator, and what may be."""

    estimator: Any
    seed: int
    names: tuple[str, ...]
    refused: tuple[type[Repair], ...]
    balanced: bool = False  # whether every class counts alike
    attempts: list[Attempt] = field(default_factory=list)
    tried: set[Repair] = field(default_factory=set)

    def begun(self, split: Split) -> _State:
        """The estimator as it was given."""
        untreated = Treatment()
        found = self._examined(untreated, split)
        self.balanced = "class_imbalance" in found.diagnosis
        return _State(untreated, split, found)

    def cured(self, state: _State) -> _State:
        """With the repairs of its findings, until there are none, or none is left to try."""
        while not state.found.diagnosis.healthy:
            changed = self._first_that_helps(state, _candidates(state.found.diagnosis))
            if changed is None:
                break
            state = changed
        return state

    def cared_for(self, state: _State, finding: Finding) -> _State:
        """With a rate and as many epochs as suit what was repaired; at last with all that is usual.

        Repairs of a cause leave a network that could learn with settings made for the sick one.
        """
        for step in (better_rate, more_epochs, all_usual, more_epochs):
            cure = step(self.estimator, state.treatment, state.split, state.found)
            if cure is not None:
                state = self._first_that_helps(state, [(finding, cure)]) or state
        return state

    def _examined(
        self, treatment: Treatment, split: Split, expected: Expected | None = None
    ) -> Examined:
        model = treatment.of(self.estimator)
        return examined_on(model, split, self.seed, names=self.names, expected=expected)

    def _first_that_helps(
        self, state: _State, candidates: Iterable[tuple[Finding, Repair]]
    ) -> _State | None:
        for finding, cure in candidates:
            if len(self.attempts) == MOST:
                return None
            if cure in self.tried or isinstance(cure, self.refused):
                continue
            changed = self._changed(state, cure)
            if changed is None:
                continue
            self.tried.add(cure)
            before, after = self._before(state, changed, cure), self._score(changed)
            kept = self._is_kept(cure, finding, before, after, changed)
            measure = _RECALL if self.balanced else USUAL_SCORE
            self.attempts.append(Attempt(finding, cure, before, after, kept, measure))
            if kept:
                self.tried.clear()  # what did not help before may help now
                return changed
        return None

    def _changed(self, state: _State, cure: Repair) -> _State | None:
        """With one more repair, fitted and examined; None where it changes nothing."""
        classifies = state.found.diagnosis.case.task == "classification"
        split = mended(state.split, cure, classifies, self.seed)
        table = np.ndim(split.train.x) == 2
        treatment = apply(cure, self.estimator, state.treatment, table)
        if split is state.split and treatment is None:
            return None
        treatment = treatment or state.treatment
        expected = state.found.expected if split is state.split else None
        try:
            return _State(treatment, split, self._examined(treatment, split, expected))
        except ValueError:  # a network that cannot take this repair
            return None

    def _before(self, state: _State, changed: _State, cure: Repair) -> float:
        """The score without a repair, on the rows by which it is judged."""
        if changed.split is state.split or isinstance(cure, SplitAnew):
            return self._score(state)
        model, test = state.found.model, changed.split.test
        return score_of(model, test, changed.found.diagnosis.case.task, self.balanced)

    def _score(self, state: _State) -> float:
        """On held-out rows; where a rare class is missed the mean of what is recognised."""
        if not self.balanced:
            return state.found.score
        return score_of(state.found.model, state.split.test, "classification", balanced=True)

    def _is_kept(
        self, cure: Repair, finding: Finding, before: float, after: float, changed: _State
    ) -> bool:
        """Whether a repair helps; or, where it is right in any case, whether it does no harm."""
        match cure:
            case SplitAnew():  # mends what is measured, not what is learned
                return finding.code not in changed.found.diagnosis
            case CleanLabels():
                return after > before - 0.005
            case DropFeatures():
                return after > before - 0.03
            case OtherEstimator():  # its settings were made for another task
                return after > before - 0.1
            case Usual():  # another network: it must be clearly better
                clearly = after > before + 0.15 * (1 - before)
                return clearly and self._helps(before, after, changed)
        return self._helps(before, after, changed)

    def _helps(self, before: float, after: float, changed: _State) -> bool:
        """By a share of what was missing, and of classes by more than one row."""
        if math.isnan(before) or math.isnan(after):
            return not math.isnan(after)
        case, rows = changed.found.diagnosis.case, len(changed.split.test.y)
        reference = case.scores.reference
        if self.balanced and case.hints.expected_recalls:
            reference = float(np.mean([*case.hints.expected_recalls.values()]))
        missing = min(max(reference - before, 0.0), 1.0) if math.isfinite(reference) else 0.0
        one_row = 1.5 / rows if case.task == "classification" else 0.0
        return after > before + max(HELPS * missing, 0.002, one_row)


def _candidates(diagnosis: Diagnosis) -> Iterator[tuple[Finding, Repair]]:
    """The first repair of every finding, then the second ...

    Scaling of features and of targets first at once: the one may be of no use without the other.
    """
    findings = diagnosis.findings
    scaling = {f.repairs[0]: f for f in findings if f.repairs and f.repairs[0] in _SCALING}
    if len(scaling) > 1:
        yield scaling[_SCALING[0]], Together(_SCALING)
    for i in range(max((len(f.repairs) for f in findings), default=0)):
        for finding in findings:
            if i < len(finding.repairs):
                yield finding, finding.repairs[i]
