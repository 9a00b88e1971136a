"""What the doctor does at the end of a fit: watch, or repair."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule._training import warn_caller
from deltarule.doctor import Diagnosis, Scores, diagnose
from deltarule.examination._examine import case_of
from deltarule.examination._fold import fold
from deltarule.examination._repair import repair
from deltarule.examination._treatment import network_of

Array = NDArray[Any]
LEARNED = 0.03  # of what a constant prediction costs: a network that gains less has learned nothing
FEWEST = 20  # epochs, after which something should have been learned
STATED, CAUSES = 0.85, 50  # confidence and rank of what is worth a warning without being asked
GUIDE = "docs/doctor.md"  # of the sources; a code is an anchor in it
_ROWS = 2000
_ENTROPIES = ("softmax_cross_entropy", "bce_with_logits")


class DiagnosisWarning(UserWarning):
    """A network learned nothing, and the doctor knows why.

    Attributes
    ----------
    diagnosis : Diagnosis
    """

    def __init__(self, words: str, diagnosis: Diagnosis) -> None:
        super().__init__(words)
        self.diagnosis = diagnosis


def watch(model: Any, X: ArrayLike, y: ArrayLike) -> None:
    """Warn once if a fitted estimator has learned nothing and the reason is plain.

    No model is fitted for comparison, so only a network that predicts no better than a constant
    after some epochs is looked at; frames, sparse matrices and targets of several columns are not.
    """
    if len(model.history_) < FEWEST or not isinstance(X, np.ndarray):
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


def mend(model: Any, X: ArrayLike, y: ArrayLike) -> None:
    """Examine a fitted estimator, and give it the weights of a repaired one where that helps.

    Rows are held out to verify it, ``validation_fraction`` of them.  Scaling that a repair adds
    goes into the weights.  The parameters of the estimator stay; ``diagnosis_`` tells what was
    found and tried.
    """
    from sklearn.base import clone

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = repair(
            clone(model).set_params(doctor="off"), X, y, test_size=model.validation_fraction
        )
    model.diagnosis_ = done.diagnosis
    if done.diagnosis.after is None:
        return
    mended = fold(done.estimator)
    if mended is None:
        return
    own = {*model.get_params(), "feature_names_in_"}
    model.__dict__.update({k: v for k, v in vars(network_of(mended)).items() if k not in own})
