"""From a network, its data and its history to a diagnosis."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.doctor import Case, Diagnosis, Hints, Scores, Validation, diagnose
from deltarule.doctor.case import Task
from deltarule.examination import _tabular
from deltarule.examination._data import data_facts
from deltarule.examination._hints import hints_of, of_network
from deltarule.examination._histories import case_of_history
from deltarule.examination._kinds import (
    as_model,
    classifies_of,
    features_last,
    is_fitted,
    records_of,
)
from deltarule.examination._layers import twin_shares
from deltarule.examination._memory import dependence
from deltarule.examination._probe import changes, overflowed
from deltarule.examination._reference import Plain, base_score, plain_models
from deltarule.examination._split import Rows, Split
from deltarule.examination._validation import validation_of
from deltarule.examination._wrapped import as_numbers, as_read, names_of, network_of
from deltarule.vitals import History

Array = NDArray[Any]


class Expected(NamedTuple):
    """What plain models tell of the data: the best score, and hints."""

    score: float
    hints: Hints


class Examined(NamedTuple):
    """A fitted network with its diagnosis, and what it was compared with."""

    model: Any
    diagnosis: Diagnosis
    expected: Expected

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
    feature_names: Sequence[str] | None = None,
) -> Diagnosis:
    """Say what keeps a network from learning.

    Parameters
    ----------
    estimator : estimator, Network, Watch or History
        An estimator of deltarule, or `MLPClassifier` or `MLPRegressor` of scikit-learn, alone or
        within a `Pipeline`, a `TransformedTargetRegressor` or a fitted search: the data are looked
        at as the network reads them.  Fitted; or not, then a clone is fitted on part of the rows,
        with a seed where it has none.  A `deltarule.Network` likewise; what `deltarule.watch_torch`
        returned, after training; or a `History` alone, without data.
    X, y : array_like
        What it learned from, or is to learn from.  Not needed for a `History`.
    X_val, y_val : array_like, optional
        Rows it did not learn from.
    test_size : float, default=0.25
        Share of the rows that are held out where no others are given: from the clone, and from the
        plain models that tell what the data let one expect.  Of less than 40 rows none is.
    random_state : int, default=0
        Of what is held out, and of a clone that has none.
    fit_params : mapping, optional
        What ``fit`` of the clone is given, such as ``{"epochs": 50}`` for a `deltarule.Network`.

    feature_names : sequence of str, optional
        What the features are called; by default as the columns of a data frame are.

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
    once more to be watched; else nothing is said of them, and the diagnosis tells so.

    A `History` has no scores, so only what is wrong for every score is found in it.
    """
    if isinstance(estimator, History):
        return diagnose(case_of_history(estimator))
    if X is None or y is None:
        raise ValueError(
            "X and y are needed, what the network learned from or is to learn from: "
            "examine(estimator, X, y). A History alone can be examined without."
        )
    model, split = prepared(estimator, X, y, X_val, y_val, test_size, random_state)
    names = names_of_features(X, feature_names)
    return examined_on(
        model, split, random_state, fit_params=dict(fit_params or {}), names=names
    ).diagnosis


def prepared(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    test_size: float,
    random_state: int,
) -> tuple[Any, Split]:
    """What can be fitted and examined, and the rows for it."""
    targets = _in_a_row(y)
    model = as_model(estimator, targets)
    rows = Rows(_rows(model, X), targets)
    if X_val is not None:
        given = Rows(_rows(model, X_val), _in_a_row(y_val))
        return model, Split(rows, given, known=True, given=True)
    classifies = classifies_of(network_of(model))
    return model, Split.of(rows, classifies, test_size, random_state)


def examined_on(
    model: Any,
    split: Split,
    seed: int,
    *,
    fit_params: dict[str, Any] | None = None,
    names: tuple[str, ...] = (),
    expected: Expected | None = None,
) -> Examined:
    """A model, fitted on the rows to learn from where it is not, and what is to be said of it.

    ``expected`` is of an earlier examination on the same rows.
    """
    network = network_of(model)
    classifies, fitted, failure = classifies_of(network), is_fitted(network), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not fitted:
            model, failure = _fitted_clone(model, split.train, seed, fit_params or {})
        # A fitted network may have learned from all rows that were not given as others.
        seen = split.everything if fitted and not split.given else split.train
        known = split.test if split.known and (split.given or not fitted) else None
        own = (math.nan, math.nan) if failure else _scores(model, seen, known)
        if expected is None:
            expected = _expected_of(model, split, classifies)
        predicted = None if failure else _predicted(model, split.test.x)
        hints = of_network(expected.hints, predicted, split.test.y)
        base = base_score(split.train.y, split.test.y, classifies)
        scores = Scores(*own, base, expected.score)
        scores = scores.on_rows(len(split.test.y), "classification" if classifies else "regression")
        plain = _plain(model, split.train), _plain(model, split.test)
        validation = validation_of(*plain, classifies) if split.given else None
        case = case_of(
            model, seen, split.test, classifies, scores, failure, hints, validation, names
        )
    return Examined(model, diagnose(case), expected)


def _expected_of(model: Any, split: Split, classifies: bool) -> Expected:
    train, test = _plain(model, split.train), _plain(model, split.test)
    try:
        plain = plain_models(train, test, classifies)
    except ValueError:  # no plain model has such targets, as a class for every step of a sequence
        plain = Plain()
    return Expected(plain.best, hints_of(plain, train, test, classifies))


def _rows(model: Any, x: Any) -> Any:
    """Rows for a network as an array; for what stands before one, as they were given."""
    network = network_of(model)
    keeps = network is not model or _tabular.knows(network)
    return x if keeps and (hasattr(x, "iloc") or hasattr(x, "toarray")) else as_numbers(x)


def names_of_features(X: Any, given: Sequence[str] | None) -> tuple[str, ...]:
    """As they were given, or as the columns of a data frame are called; else empty."""
    return tuple(str(name) for name in (getattr(X, "columns", ()) if given is None else given))


def _in_a_row(y: Any) -> Array:
    """Targets; a single column of them as a row."""
    targets = np.asarray(y)
    return targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets


def _plain(model: Any, rows: Rows) -> tuple[Array, Array]:
    """Rows for plain models: as they were given where they are numbers, else as the network's."""
    x = rows[0]
    is_plain = isinstance(x, np.ndarray) and x.dtype.kind in "fiub"
    return (x if is_plain else as_read(model, *rows)[0]), rows[1]


def _predicted(model: Any, x: Any) -> Array | None:
    """What a network predicts; None where that is not finite."""
    try:
        predicted = np.asarray(model.predict(x))
    except ValueError:
        return None
    finite = predicted.dtype.kind != "f" or np.isfinite(predicted).all()
    return predicted if finite else None


def _fitted_clone(
    estimator: Any, rows: Rows, seed: int, parameters: dict[str, Any]
) -> tuple[Any, str]:
    """A clone, fitted, and the error where numbers overflowed: then fitted up to the epoch before.

    Where that was the first epoch, the clone is not fitted.
    """
    model = _seeded_clone(estimator, seed)
    try:
        return model.fit(*rows, **parameters), ""
    except ValueError as error:
        if not overflowed(error):
            raise
        failure = str(error)
    network = network_of(model)
    before = _epochs_before(network, failure)
    if before < 1 or getattr(network, "solver", "") == "lbfgs":
        return model, failure
    shorter = _seeded_clone(estimator, seed)
    if hasattr(network, "max_iter"):
        network_of(shorter).set_params(max_iter=before)
    else:
        parameters = {**parameters, "epochs": before}
    return shorter.fit(*rows, **parameters), failure


def _seeded_clone(estimator: Any, seed: int) -> Any:
    """A clone that does the same on the same data, and asks no doctor itself."""
    from sklearn.base import clone

    model = clone(estimator)
    network = network_of(model)
    if not isinstance(getattr(network, "random_state", 0), Integral):
        network.set_params(random_state=seed)
    if hasattr(network, "doctor"):
        network.set_params(doctor="off")
    return model


def _epochs_before(network: Any, failure: str) -> int:
    """How many epochs passed before numbers overflowed."""
    found = re.search(r"in epoch (\d+)", failure)
    if found:
        return int(found[1]) - 1
    losses = np.array([*getattr(network, "loss_curve_", ()), np.nan])
    return int(np.argmin(np.isfinite(losses))) - 1  # of scikit-learn, which goes on with NaN


def _scores(model: Any, seen: Rows, known: Rows | None) -> tuple[float, float]:
    try:
        own = float(model.score(*seen))
        return own, float(model.score(*known)) if known and math.isfinite(own) else math.nan
    except ValueError:  # predictions that are not finite have no score
        return math.nan, math.nan


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
    """The records of a model: a fitted one, or one whose first epoch failed."""
    task: Task = "classification" if classifies else "regression"
    network = network_of(model)
    x, y = as_read(model, *seen)
    found = records_of(network, x, y, classifies)
    first, last = found.first, found.last
    return Case(
        task,
        found.layers,
        found.loss,
        found.link,
        {**found.settings, "failure": failure},
        data_facts(features_last(network, x), y, task, _fitting(names_of(model) or names, x)),
        found.history,
        first.vitals,
        last.vitals,
        first.loss,
        last.loss,
        found.changes or changes(first.weights, last.weights),
        twin_shares(*(state.weights for state in (first, last) if state.weights)),
        _predicted_share(model, test[0]) if classifies else math.nan,
        scores if found.has_score else replace(scores, reference=math.nan),
        hints or Hints(),
        validation,
        found.loss_parameters,
        found.unknown,
        x.shape[1] if x.ndim == 3 else 0,
        dependence(model, test[0]) if hints and hints.quarters and not failure else (),
        found.stale,
    )


def _fitting(names: tuple[str, ...], x: Array) -> tuple[str, ...]:
    """Names of features, if they are those that the network reads."""
    return names if len(names) == x.shape[-1] else ()


def _predicted_share(model: Any, x: Any) -> float:
    """Of rows for which the commonest class is predicted; NaN where there is none."""
    predicted = _predicted(model, x) if is_fitted(network_of(model)) else None
    if predicted is None or predicted.ndim > 1:
        return math.nan
    return float(np.unique(predicted, return_counts=True)[1].max() / len(predicted))
