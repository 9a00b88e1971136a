"""From a network, its data and its history to a diagnosis."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.doctor import Case, Diagnosis, Hints, Scores, Validation, diagnose
from deltarule.doctor.case import Task
from deltarule.examination._data import data_facts
from deltarule.examination._hints import hints_of
from deltarule.examination._layers import layer_facts, twin_shares
from deltarule.examination._probe import at_birth, changes, overflowed, plan_of, probe
from deltarule.examination._reference import FEW, base_score, plain_scores
from deltarule.examination._validation import validation_of
from deltarule.plan import Plan
from deltarule.vitals import History

Array = NDArray[Any]


def examine(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    test_size: float = 0.25,
    random_state: int = 0,
) -> Diagnosis:
    """Say what keeps a network from learning.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, NetworkClassifier or NetworkRegressor
        Fitted; or not, then a clone is fitted on part of the rows, with the seed 0 where it has
        none.
    X, y : array_like
        What it learned from, or is to learn from.
    X_val, y_val : array_like, optional
        Rows it did not learn from.
    test_size : float, default=0.25
        Share of the rows that are held out where no others are given: from the clone, and from the
        plain models that tell what the data let one expect.  Of less than 40 rows none is.
    random_state : int, default=0
        Of what is held out.

    Returns
    -------
    Diagnosis
    """
    x, targets = _dense(X), _in_a_row(y)
    classifies = hasattr(estimator, "predict_proba") or hasattr(estimator, "classes_")
    fitted = hasattr(estimator, "history_")
    if X_val is not None:
        test = _dense(X_val), _in_a_row(y_val)
        train = x, targets
    else:
        train, test = _split(x, targets, classifies, test_size, random_state)
    failure = ""
    if not fitted:
        estimator, failure = _fitted_clone(estimator, *train)
    seen = train if not fitted or X_val is not None else (x, targets)
    known = test if X_val is not None or (not fitted and len(x) >= FEW) else None
    plain = plain_scores(train, test, classifies)
    own = (math.nan, math.nan) if failure else _scores(estimator, seen, known)
    scores = Scores(*own, base_score(train[1], test[1], classifies), plain[0])
    predicted = None if failure else _predicted(estimator, test[0])
    hints = hints_of(predicted, train, test, classifies, plain)
    validation = None if X_val is None else validation_of(train, test, classifies)
    rows = known or test
    names = tuple(str(name) for name in getattr(X, "columns", ()))
    case = case_of(estimator, seen, rows, classifies, scores, failure, hints, validation, names)
    return diagnose(case)


def _dense(X: Any) -> Array:
    """Rows as an array, those of a sparse matrix as well."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def _in_a_row(y: Any) -> Array:
    """Targets; a single column of them as a row."""
    targets = np.asarray(y)
    return targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets


def _predicted(model: Any, x: Array) -> Array | None:
    """What a network predicts; None where that is not finite."""
    predicted = np.asarray(model.predict(x))
    finite = predicted.dtype.kind != "f" or np.isfinite(predicted).all()
    return predicted if finite else None


def _split(x: Array, y: Array, classifies: bool, size: float, seed: int) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    if len(x) < FEW:
        return (x, y), (x, y)
    counts = np.unique(y, return_counts=True)[1] if classifies and y.ndim == 1 else np.array([0])
    strata = y if counts.min() > 1 and len(counts) < size * len(y) else None
    x_a, x_b, y_a, y_b = train_test_split(x, y, test_size=size, random_state=seed, stratify=strata)
    return (x_a, y_a), (x_b, y_b)


def _fitted_clone(estimator: Any, x: Array, y: Array) -> tuple[Any, str]:
    """A clone, fitted, and the error where numbers overflowed: then fitted up to the epoch before.

    Where that was the first epoch, the clone is not fitted.
    """
    from sklearn.base import clone

    model = clone(estimator)
    if getattr(model, "random_state", 0) is None:
        model.set_params(random_state=0)  # what is said of the same data is the same
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(x, y), ""
        except ValueError as error:
            if not overflowed(error):
                raise
            failure = str(error)
        found = re.search(r"in epoch (\d+)", failure)
        before = int(found[1]) - 1 if found else int(model.max_iter) - 1
        if before < 1 or model.solver == "lbfgs":
            return model, failure
        return clone(model).set_params(max_iter=before).fit(x, y), failure


def _scores(model: Any, seen: Any, known: Any) -> tuple[float, float]:
    try:
        own = float(model.score(*seen))
        return own, float(model.score(*known)) if known and math.isfinite(own) else math.nan
    except ValueError:  # predictions that are not finite have no score
        return math.nan, math.nan


def _aims_at_the_middle(plan: Plan) -> bool:
    """False for a network of an outer quantile, of which R2 says nothing."""
    if plan.loss.name not in ("pinball", "expectile"):
        return True
    levels = plan.levels or tuple(plan.loss.parameters.values())[:1]
    return bool(min(levels) <= 0.5 <= max(levels))


def case_of(
    model: Any,
    seen: Any,
    test: Any,
    classifies: bool,
    scores: Scores,
    failure: str = "",
    hints: Hints | None = None,
    validation: Validation | None = None,
    names: tuple[str, ...] = (),
) -> Case:
    """The records of an estimator: a fitted one, or one whose first epoch failed."""
    task: Task = "classification" if classifies else "regression"
    fitted = hasattr(model, "history_")
    plan = model._plan if fitted else plan_of(model, *seen)
    first = probe(at_birth(model, *seen) if fitted else model, *seen)
    last = probe(model, *seen) if fitted else first
    return Case(
        task,
        layer_facts(plan),
        plan.loss.name,
        plan.loss.link,
        {**model.get_params(), "failure": failure},
        data_facts(seen[0], seen[1], task, names or tuple(getattr(model, "feature_names_in_", ()))),
        getattr(model, "history_", History()),
        first.vitals,
        last.vitals,
        first.loss,
        last.loss,
        changes(first.weights, last.weights),
        twin_shares(first.weights, last.weights),
        _commonest_share(model, test[0]) if fitted and classifies else math.nan,
        scores if _aims_at_the_middle(plan) else replace(scores, reference=math.nan),
        hints or Hints(),
        validation,
        dict(plan.loss.parameters),
    )


def _commonest_share(model: Any, x: Array) -> float:
    """Share of the rows for which a classifier predicts what it predicts most often."""
    predicted = np.asarray(model.predict(x))
    if predicted.ndim > 1:
        return math.nan
    return float(np.unique(predicted, return_counts=True)[1].max() / len(predicted))
