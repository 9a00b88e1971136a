"""What a few plain models reach on the same data: what these let one expect."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rows = tuple[Array, Array]
_MOST = 3000  # rows that they learn from, and rows that they predict
FEW = 40  # rows below which none are held out
TREES = 30  # twice as many take twice as long, and gain less than another draw of the rows
_ENOUGH = 0.99  # a score from which on no other model is asked


class Plain(NamedTuple):
    """What plain models reach on rows that were held out.

    Attributes
    ----------
    best, linear : float
        Scores of the best and of the linear one; NaN where there is none.
    last : estimator or None
        The last that was asked, fitted: trees, unless simpler ones were enough.
    """

    best: float = math.nan
    linear: float = math.nan
    last: Any = None


def base_score(y: Array, y_test: Array, classifies: bool) -> float:
    """Of the constant that fits best: accuracy of the commonest class, 0 for numbers."""
    if not classifies:
        return 0.0
    values, counts = np.unique(y, return_counts=True, axis=0)
    same = y_test == values[np.argmax(counts)]
    return float(np.mean(same if y.ndim == 1 else same.all(axis=1)))


def plain_models(train: Rows, test: Rows, classifies: bool) -> Plain:
    """Fit a few plain models, the simplest first, until one is as good as can be.

    Of many labels a row the linear model has no score.
    """
    (x, y), (x_test, y_test) = few(*train), few(*test)
    x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    scores: list[float] = []
    model = None
    for model in _classifiers(y) if classifies else _regressors(y):
        scores.append(float(fitted(model, x, y).score(x_test, y_test)))
        if scores[-1] > _ENOUGH:
            break
    return Plain(max(scores), math.nan if classifies and y.ndim > 1 else scores[0], model)


def few(x: Array, y: Array) -> Rows:
    """Some of many rows, drawn evenly."""
    keep = np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(int)
    return x[keep], y[keep]


def fitted(model: Any, x: Array, y: Array) -> Any:
    """A model that has learned, in one thread: more cost more than they bring."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return model.fit(x, y)


def scaled(model: Any) -> Any:
    """A model behind a scaler."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model)


def _classifiers(y: Array) -> list[Any]:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    near = scaled(KNeighborsClassifier(min(9, len(y))))
    trees = ExtraTreesClassifier(TREES, random_state=0)
    if y.ndim > 1:
        return [near, trees]
    if len(np.unique(y)) < 2:
        return [DummyClassifier()]
    return [scaled(LogisticRegression(max_iter=200)), near, trees]


def _regressors(y: Array) -> list[Any]:
    """Of few rows with numbers of their own nothing but a linear one: others know them by heart."""
    from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    line, trees = scaled(Ridge()), ExtraTreesRegressor(TREES, random_state=0)
    near = scaled(KNeighborsRegressor(min(9, len(y)), weights="distance"))
    if len(y) < FEW:
        return [line, trees] if len(np.unique(y, axis=0)) <= len(y) / 2 else [line]
    if y.ndim > 1:
        return [line, near, trees]
    boosted = HistGradientBoostingRegressor(learning_rate=0.2, max_iter=TREES, random_state=0)
    return [line, near, boosted]
