"""What a few plain models reach on the same data: what these let one expect."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_MOST = 3000  # rows that they learn from


def base_score(y: Array, y_test: Array, classifies: bool) -> float:
    """Of the constant that fits best: accuracy of the commonest class, 0 for numbers."""
    if not classifies:
        return 0.0
    values, counts = np.unique(y, return_counts=True)
    return float(np.mean(y_test == values[np.argmax(counts)]))


def reference_score(
    train: tuple[Array, Array], test: tuple[Array, Array], classifies: bool
) -> float:
    """The best score on rows that were held out, of a linear model, neighbours and trees."""
    from threadpoolctl import threadpool_limits

    (x, y), (x_test, y_test) = train, test
    x, x_test = x.reshape(len(x), -1), x_test.reshape(len(x_test), -1)
    if len(x) > _MOST:
        keep = np.linspace(0, len(x) - 1, _MOST).astype(int)
        x, y = x[keep], y[keep]
    scores = []
    with warnings.catch_warnings(), threadpool_limits(1):  # threads cost more than they bring
        warnings.simplefilter("ignore")
        for model in _models(classifies):
            scores.append(model.fit(x, y).score(x_test, y_test))
    return float(max(scores))


def _models(classifies: bool) -> list[Any]:
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if classifies:
        linear: Any = LogisticRegression(max_iter=200)
        near: Any = KNeighborsClassifier(9)
        trees: Any = ExtraTreesClassifier(60, random_state=0)
    else:
        linear, near = Ridge(), KNeighborsRegressor(9, weights="distance")
        trees = HistGradientBoostingRegressor(max_iter=60, random_state=0)
    return [*(make_pipeline(StandardScaler(), m) for m in (linear, near)), trees]
