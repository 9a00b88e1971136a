"""What the doctor does at the end of a fit: watch, or repair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule._training import warn_caller
from deltarule.doctor import DiagnosisWarning, Scores, diagnose
from deltarule.doctor.repairs import (
    DropFeatures,
    OtherEstimator,
    Repair,
    ScaleFeatures,
    ScaleTargets,
    SplitAnew,
    Usual,
)
from deltarule.examination._examine import case_of
from deltarule.examination._fold import fold
from deltarule.examination._repair import repaired
from deltarule.examination._wrapped import network_of

Array = NDArray[Any]
LEARNED = 0.03  # of what a constant prediction costs: a network that gains less has learned nothing
FEWEST, FEWEST_STEPS = 20, 100  # epochs and steps that should have taught it something
STATED, CAUSES = 0.85, 50  # confidence and rank of what is worth a warning without being asked
GUIDE = "docs/doctor.md"  # of the sources; a code is an anchor in it
_ROWS = 2000
_ENTROPIES = ("softmax_cross_entropy", "bce_with_logits")


def watch(model: Any, X: ArrayLike, y: ArrayLike) -> None:
    """Warn once if a fitted estimator has learned nothing and the reason is plain.

    No model is fitted for comparison, so only a network that predicts no better than a constant
    after some epochs is looked at; frames, sparse matrices and targets of several columns are not.
    """
    if len(model.history_) < FEWEST or not isinstance(X, np.ndarray):
        return
    size = getattr(model, "batch_size", "auto")
    batches = math.ceil(len(X) / (200 if size == "auto" else int(size)))
    if len(model.history_) * batches < FEWEST_STEPS:
        return
    x, targets = X, np.asarray(y)
    if x.dtype.kind not in "fiub" or targets.ndim != 1:
        return
    classifies = hasattr(model, "predict_proba")
    gain = _gain(model, x, targets, classifies)
    if not gain < LEARNED:
        return
    scores = Scores(train=gain, base=0.0, reference=1.0)
    found = diagnose(case_of(model, (x, targets), (x[:_ROWS],), classifies, scores))
    plain = [f for f in found.findings if f.confidence >= STATED and f.rule.rank < CAUSES]
    if not plain:
        return
    first = plain[0]
    words = (
        f"The network predicts no better than a constant. {first.explain()} "
        "dr.examine(estimator, X, y) looks closer, dr.repair tries what may help, doctor='off' "
        f"silences this. [{GUIDE}#{first.code}]"
    )
    warn_caller(DiagnosisWarning(words, found))


def _gain(model: Any, x: Array, y: Array, classifies: bool) -> float:
    """Share of the cost of a constant prediction that the network saves; NaN where unknown."""
    if not classifies:
        return float(model.score(x[:_ROWS], y[:_ROWS])) if np.ptp(y[:_ROWS]) > 0 else np.nan
    if getattr(model, "class_weight", None) or model._plan.loss.name not in _ENTROPIES:
        return np.nan
    shares = np.unique(y, return_counts=True)[1] / len(y)
    entropy = -float(np.sum(shares * np.log(shares)))
    return 1 - float(model.history_.loss[-1]) / entropy if entropy > 0 else np.nan


def mend(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
) -> None:
    """Fit an estimator as `repair` does, with the repairs that go into its weights.

    Rows are held out to verify it, ``validation_fraction`` of them, unless others are given.
    Scaling that a repair adds goes into the weights.  The parameters of the estimator stay;
    ``diagnosis_`` tells what was found and tried.
    """
    from sklearn.base import clone
    from sklearn.utils.validation import validate_data

    unfitted = clone(model)

    def with_repairs(*refused: type[Repair]) -> Any:
        rows = X, y, X_val, y_val
        size = model.validation_fraction
        return repaired(unfitted, *rows, test_size=size, seed=0, refused=refused)

    done = with_repairs(*_REFUSED)
    try:
        fitted = network_of(fold(done.estimator, X))
    except ValueError:
        done = with_repairs(*_REFUSED, *_AROUND)
        fitted = network_of(done.estimator)
    if not hasattr(fitted, "history_"):  # it overflowed at once, and nothing helped
        fitted = unfitted.set_params(doctor="off").fit(X, y)
    own = set(model.get_params())
    model.__dict__.update({k: v for k, v in vars(fitted).items() if k not in own})
    model.diagnosis_ = done.diagnosis
    if hasattr(X, "columns"):
        validate_data(model, X, skip_check_array=True)


# What changes the task, the rows or the columns is no business of `fit`; what stands around a
# network has no place in an estimator that cannot take it into its weights.
_REFUSED = (OtherEstimator, SplitAnew, DropFeatures)
_AROUND = (ScaleFeatures, ScaleTargets, Usual)
