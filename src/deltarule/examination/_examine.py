"""From a network, its data and its history to a diagnosis."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.doctor import Case, Diagnosis, Scores, diagnose
from deltarule.doctor.case import Task
from deltarule.examination._data import data_facts
from deltarule.examination._histories import case_of_history
from deltarule.examination._kinds import (
    as_model,
    classifies_of,
    features_last,
    is_fitted,
    records_of,
)
from deltarule.examination._layers import twin_shares
from deltarule.examination._records import overflowed
from deltarule.examination._reference import base_score, reference_score
from deltarule.examination._wrapped import as_read, names_of, network_of
from deltarule.vitals import History

Array = NDArray[Any]
Rows = tuple[Any, Array]


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
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    test_size: float = 0.25,
    random_state: int = 0,
    fit_params: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Say what keeps a network from learning.

    Parameters
    ----------
    estimator : estimator, Network, Watch or History
        An estimator of deltarule, or `MLPClassifier` or `MLPRegressor` of scikit-learn, alone or
        within a `Pipeline`, a `TransformedTargetRegressor` or a fitted search: the data are looked
        at as the network reads them.  Fitted; or not, then a clone is fitted on part of the rows.
        A `deltarule.Network` likewise; what `deltarule.watch_torch` returned, after training; or a
        `History` alone, without data.
    X, y : array_like
        What it learned from, or is to learn from.  Not needed for a `History`.
    X_val, y_val : array_like, optional
        Rows it did not learn from.
    test_size : float, default=0.25
        Share of the rows that are held out where no others are given: from the clone, and from the
        plain models that tell what the data let one expect.
    random_state : int, default=0
        Of what is held out, and of a clone that has none.
    fit_params : mapping, optional
        What ``fit`` of the clone is given, such as ``{"epochs": 50}`` for a `deltarule.Network`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    TypeError
        If it is no network that can be examined.
    ValueError
        If data are missing.

    Notes
    -----
    A fitted network of scikit-learn shows its losses and its last weights.  The weights with which
    it began follow from ``random_state`` where that is an integer, and the first epochs are trained
    once more to be watched; else nothing is said of them, and `Case.unknown` tells so.

    A `History` has no scores, so only what is wrong for every score is found in it.
    """
    if isinstance(estimator, History):
        return diagnose(case_of_history(estimator))
    if X is None or y is None:
        raise ValueError(
            "X and y are needed, what the network learned from or is to learn from: "
            "examine(estimator, X, y). A History alone can be examined without."
        )
    return examined(
        estimator,
        X,
        y,
        X_val,
        y_val,
        test_size=test_size,
        random_state=random_state,
        fit_params=fit_params,
    ).diagnosis


def examined(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    *,
    test_size: float,
    random_state: int,
    fit_params: Mapping[str, Any] | None = None,
) -> Examined:
    """The fitted network, perhaps within a pipeline that scales, and what `examine` says of it."""
    x, targets = _as_given(X), np.asarray(y)
    model = as_model(estimator, targets)
    network = network_of(model)
    classifies, fitted = classifies_of(network), is_fitted(network)
    if X_val is not None:
        train, test = (x, targets), (_as_given(X_val), np.asarray(y_val))
    else:
        train, test = _split(x, targets, classifies, test_size, random_state)
    failure = ""
    if not fitted:
        model, failure = _fitted_clone(model, train, random_state, fit_params or {})
    seen = train if not fitted or X_val is not None else (x, targets)
    known = None if fitted and X_val is None else test
    own, other = (math.nan, math.nan) if failure else _scores(model, seen, known)
    plain = _plain(model, train), _plain(model, test)
    base = base_score(plain[0][1], plain[1][1], classifies)
    scores = Scores(own, other, base, _expected(*plain, classifies))
    case = case_of(model, seen, known or test, classifies, scores, failure)
    return Examined(model, diagnose(case))


def _as_given(x: Any) -> Any:
    """Data frames and sparse matrices as they are, for what stands before the network."""
    return x if hasattr(x, "iloc") or hasattr(x, "toarray") else np.asarray(x)


def _plain(model: Any, rows: Rows) -> Rows:
    """Rows for plain models: as they were given where they are numbers, else as the network's."""
    x = rows[0]
    is_plain = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    return (x if is_plain else as_read(model, *rows)[0]), rows[1]


def _expected(train: Rows, test: Rows, classifies: bool) -> float:
    try:
        return reference_score(train, test, classifies)
    except ValueError:  # no plain model has such targets, as a class for every step of a sequence
        return math.nan


def _split(x: Any, y: Array, classifies: bool, size: float, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    splits = classifies and y.ndim == 1 and np.unique(y, return_counts=True)[1].min() > 1
    strata = y if splits else None
    x_a, x_b, y_a, y_b = train_test_split(x, y, test_size=size, random_state=seed, stratify=strata)
    return (x_a, y_a), (x_b, y_b)


def _fitted_clone(
    estimator: Any, rows: Rows, seed: int, parameters: Mapping[str, Any]
) -> tuple[Any, str]:
    """A clone, fitted, and the error with which it failed."""
    from sklearn.base import clone

    model = clone(estimator)
    network = network_of(model)
    if not isinstance(getattr(network, "random_state", 0), Integral):
        network.set_params(random_state=seed)  # what is said of the same data is the same
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(*rows, **parameters), ""
        except ValueError as error:
            if not overflowed(error):
                raise
            return model, str(error)


def _scores(model: Any, seen: Rows, known: Rows | None) -> tuple[float, float]:
    try:
        own = float(model.score(*seen))
        return own, float(model.score(*known)) if known and math.isfinite(own) else math.nan
    except ValueError:  # predictions that are not finite have no score
        return math.nan, math.nan


def case_of(
    model: Any, seen: Any, test: Any, classifies: bool, scores: Scores, failure: str = ""
) -> Case:
    """The records of a fitted model."""
    task: Task = "classification" if classifies else "regression"
    network = network_of(model)
    x, y = as_read(model, *seen)
    found = records_of(network, x, y, classifies)
    share = math.nan
    if is_fitted(network) and classifies and math.isfinite(scores.train):
        predicted = np.asarray(model.predict(test[0]))
        if predicted.ndim == 1:
            share = float(np.unique(predicted, return_counts=True)[1].max() / len(predicted))
    return Case(
        task,
        found.layers,
        found.loss,
        found.link,
        {**found.settings, "failure": failure},
        data_facts(features_last(network, x), y, task, names_of(model)),
        found.history,
        found.first.vitals,
        found.last.vitals,
        twin_shares(found.last.weights),
        share,
        scores,
        unknown=found.unknown,
    )
