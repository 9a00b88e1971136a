"""What plain models tell of the data beside the score to expect."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.doctor import Hints
from deltarule.examination._data import codes_of, distinct, relation
from deltarule.examination._memory import quarters_of
from deltarule.examination._reference import (
    FEW,
    TREES,
    Array,
    Plain,
    Rows,
    few,
    fitted,
    plain_models,
    scaled,
)

_TELLING = 0.9  # relation of a feature with the target from which it is looked at alone
_RARE = 0.25  # rows of the rarest class over those of the commonest


def hints_of(plain: Plain, train: Rows, test: Rows, classifies: bool) -> Hints:
    """Ask only what the data give a reason to ask.

    Parameters
    ----------
    plain : Plain
        Of the same rows.
    train, test : tuple of ndarray
        Rows and targets.
    classifies : bool
    """
    if train[1].ndim > 1 or len(train[1]) < FEW:
        return Hints(linear=plain.linear)
    quarters = _quarters(train, test, classifies) if train[0].ndim == 3 else ()
    train = few(train[0].reshape(len(train[0]), -1), train[1])
    test = test[0].reshape(len(test[0]), -1), test[1]
    asked = _leak(train, test, classifies)
    if classifies:
        asked |= _noise(train, plain.best) | _recalls(train, test) | _order(plain, train, test)
    else:
        asked |= _classes(train, test)
    return Hints(linear=plain.linear, quarters=quarters, **asked)


def of_network(hints: Hints, predicted: Array | None, y: Array) -> Hints:
    """The same of a network, for what plain models were asked.

    Parameters
    ----------
    hints : Hints
    predicted : ndarray or None
        What the network predicts for the held-out rows.
    y : ndarray
        Their targets.
    """
    if predicted is None:
        return replace(hints, recalls={}, own_accuracy=math.nan)
    if hints.expected_recalls:
        hints = replace(hints, recalls=_recalled(predicted, y))
    if not math.isnan(hints.class_accuracy):
        hints = replace(hints, own_accuracy=_met(predicted, y))
    return hints


def _quarters(train: Rows, test: Rows, classifies: bool) -> tuple[float, ...]:
    """Scores of plain models that read a part of the steps."""
    found = []
    for part in quarters_of(train[0].shape[1]):
        rows = (train[0][:, part], train[1]), (test[0][:, part], test[1])
        found.append(plain_models(*rows, classifies).best)
    return tuple(found)


def _leak(train: Rows, test: Rows, classifies: bool) -> dict[str, Any]:
    x, y = train
    told = relation(x.astype(np.float64), y, "classification" if classifies else "regression")
    if len(told) < 3 or told.max() < _TELLING:
        return {}
    at = int(told.argmax())
    chosen = np.arange(len(told)) == at

    def score(kept: Array) -> float:
        return plain_models((x[:, kept], y), (test[0][:, kept], test[1]), classifies).best

    return {"alone": score(chosen), "others": score(~chosen)}


def _noise(train: Rows, best: float) -> dict[str, Any]:
    """Errors on rows that a model did not learn from, of the one that is surer of what it knows."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    x, y = train
    codes = codes_of(y)
    if best > 0.95 or len(x) < 100 or np.bincount(codes).min() < 3:
        return {}
    options = {"min_samples_leaf": 5, "bootstrap": True, "oob_score": True, "random_state": 0}
    trees = fitted(ExtraTreesClassifier(100, **options), x, codes)
    linear = scaled(LogisticRegression(max_iter=100))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines = cross_val_predict(linear, x, codes, cv=3, method="predict_proba")
    drawn = np.nan_to_num(trees.oob_decision_function_)
    core, error = min(_errors(shares, codes) for shares in (drawn, lines))
    return {"error": error, "core_error": core}


def _errors(shares: Array, codes: Array) -> tuple[float, float]:
    """Share of wrong rows among the surest quarter, and among all."""
    wrong = shares.argmax(axis=1) != codes
    surest = np.argsort(-shares.max(axis=1), kind="stable")[: len(codes) // 4]
    return float(wrong[surest].mean()), float(wrong.mean())


def _recalls(train: Rows, test: Rows) -> dict[str, Any]:
    """Of every class, where one is rare."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression

    counts = list(distinct(train[1]).values())
    if min(counts) > _RARE * max(counts):
        return {}
    weighs = {"class_weight": "balanced"}
    models = [
        scaled(LogisticRegression(max_iter=200, **weighs)),
        ExtraTreesClassifier(TREES, min_samples_leaf=3, random_state=0, **weighs),
    ]
    found = [_recalled(fitted(m, *train).predict(test[0]), test[1]) for m in models]
    return {"expected_recalls": max(found, key=lambda recalls: sum(recalls.values()))}


def _recalled(predicted: Array, y: Array) -> dict[Any, float]:
    return {c: float(np.mean(predicted[y == c] == c)) for c in np.unique(y).tolist()}


def _order(plain: Plain, train: Rows, test: Rows) -> dict[str, Any]:
    """How near wrong classes are to the right ones, where classes are numbers."""
    y = test[1]
    if plain.last is None or y.dtype.kind not in "iuf" or len(np.unique(train[1])) < 10:
        return {}
    off = np.abs(plain.last.predict(test[0]).astype(float) - y)
    usual = float(np.abs(y[:, None].astype(float) - y).mean())
    return {"order": 1 - float(off[off > 0].mean()) / usual} if np.sum(off > 0) >= 20 else {}


def _classes(train: Rows, test: Rows) -> dict[str, Any]:
    """How well a model of classes meets numbers that are few and whole."""
    from sklearn.linear_model import LogisticRegression, Ridge

    (x, y), (x_test, y_test) = train, test
    values = np.unique(y)
    if not 2 < len(values) <= 30 or (values != np.round(values)).any():
        return {}
    classes = fitted(scaled(LogisticRegression(max_iter=200)), x, y.astype(np.int64))
    rounded = values[_nearest(fitted(scaled(Ridge()), x, y).predict(x_test), values)]
    return {
        "class_accuracy": float(classes.score(x_test, y_test.astype(np.int64))),
        "rounded_accuracy": float(np.mean(rounded == y_test)),
    }


def _met(numbers: Array, y: Array) -> float:
    """Share of whole numbers that are met by the nearest of those that occur."""
    values = np.unique(y)
    return float(np.mean(values[_nearest(numbers, values)] == y))


def _nearest(numbers: Array, values: Array) -> Array:
    return np.asarray(np.abs(np.nan_to_num(numbers)[:, None] - values).argmin(axis=1))
