"""From a network, its data and its history to a diagnosis."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.doctor import Case, Diagnosis, Scores, diagnose
from deltarule.doctor.case import Task
from deltarule.examination._data import data_facts
from deltarule.examination._layers import layer_facts, twin_shares
from deltarule.examination._reference import base_score, reference_score
from deltarule.examination._treatment import network_of
from deltarule.vitals import History, Vitals

Array = NDArray[Any]


class Examined(NamedTuple):
    """A fitted network with its diagnosis."""

    model: Any
    diagnosis: Diagnosis

    @property
    def score(self) -> float:
        """On rows it did not learn from."""
        return self.diagnosis.case.scores.shown


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
        Fitted; or not, then a clone is fitted on part of the rows.
    X, y : array_like
        What it learned from, or is to learn from.
    X_val, y_val : array_like, optional
        Rows it did not learn from.
    test_size : float, default=0.25
        Share of the rows that are held out where no others are given: from the clone, and from the
        plain models that tell what the data let one expect.
    random_state : int, default=0
        Of what is held out.

    Returns
    -------
    Diagnosis
    """
    seen = examined(estimator, X, y, X_val, y_val, test_size=test_size, random_state=random_state)
    return seen.diagnosis


def examined(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    *,
    test_size: float,
    random_state: int,
) -> Examined:
    """The fitted network, perhaps within a pipeline that scales, and what `examine` says of it."""
    x, targets = np.asarray(X), np.asarray(y)
    inner = network_of(estimator)
    classifies = hasattr(inner, "predict_proba")
    fitted = hasattr(inner, "history_")
    if X_val is not None:
        train, test = (x, targets), (np.asarray(X_val), np.asarray(y_val))
    else:
        train, test = _split(x, targets, classifies, test_size, random_state)
    failure = ""
    if not fitted:
        estimator, failure = _fitted_clone(estimator, *train)
    seen = train if not fitted or X_val is not None else (x, targets)
    known = None if fitted and X_val is None else test
    scores = _scores(estimator, seen, known, train, test, classifies)
    case = case_of(estimator, seen, known or test, classifies, scores, failure)
    return Examined(estimator, diagnose(case))


def _split(x: Array, y: Array, classifies: bool, size: float, seed: int) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    splits = classifies and y.ndim == 1 and np.unique(y, return_counts=True)[1].min() > 1
    strata = y if splits else None
    x_a, x_b, y_a, y_b = train_test_split(x, y, test_size=size, random_state=seed, stratify=strata)
    return (x_a, y_a), (x_b, y_b)


def _fitted_clone(estimator: Any, x: Array, y: Array) -> tuple[Any, str]:
    """A clone, fitted, and the error with which it failed."""
    import warnings

    from sklearn.base import clone

    model = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(x, y), ""
        except ValueError as error:
            if "not finite" not in str(error) and "non-finite" not in str(error):
                raise
            return model, str(error)


def _scores(model: Any, seen: Any, known: Any, train: Any, test: Any, classifies: bool) -> Scores:
    try:
        own = float(model.score(*seen)) if hasattr(network_of(model), "history_") else math.nan
        other = float(model.score(*known)) if known and math.isfinite(own) else math.nan
    except ValueError:  # predictions that are not finite have no score
        own = other = math.nan
    return Scores(
        own,
        other,
        base_score(train[1], test[1], classifies),
        reference_score(train, test, classifies),
    )


def case_of(
    model: Any, seen: Any, test: Any, classifies: bool, scores: Scores, failure: str = ""
) -> Case:
    """The records of a fitted estimator."""
    task: Task = "classification" if classifies else "regression"
    seen = _as_read(model, *seen)
    predicts, model = model, network_of(model)
    plan = model._plan
    history = getattr(model, "history_", History())
    vitals = history.vitals
    fitted = hasattr(model, "history_")
    share = math.nan
    if fitted and classifies:
        predicted = np.asarray(predicts.predict(test[0]))
        if predicted.ndim == 1:
            share = float(np.unique(predicted, return_counts=True)[1].max() / len(predicted))
    return Case(
        task,
        layer_facts(plan),
        plan.loss.name,
        plan.loss.link,
        {**model.get_params(), "failure": failure},
        data_facts(seen[0], seen[1], task, tuple(getattr(model, "feature_names_in_", ()))),
        history,
        _epoch(vitals, 0) if vitals.layers else None,
        _epoch(vitals, len(vitals) - 1) if vitals.layers else None,
        twin_shares(model._fitted_weights()) if fitted else {},
        share,
        scores,
    )


def _as_read(model: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Features and targets as the network in a pipeline is given them."""
    if hasattr(model, "transformer_"):
        y = model.transformer_.transform(y.reshape(len(y), -1)).reshape(y.shape)
        model = model.regressor_
    if hasattr(model, "steps"):
        x = model[:-1].transform(x)
    return x, y


def _epoch(vitals: Vitals, epoch: int) -> Vitals:
    at = slice(epoch, epoch + 1)
    return Vitals(vitals.layers, vitals.numbers[at], vitals.quantiles[at])
