"""Rows whose targets plain models, which did not learn from them, have good reason to doubt."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from deltarule.examination._reference import TREES, Array, scaled

_MARGIN = 0.05  # by which another class must be the likelier
_FOLDS = 5


def disputed(x: Any, y: Array, classifies: bool) -> Array:
    """Which rows; of numbers, only such as have a twin with equal features and another target.

    Parameters
    ----------
    x : ndarray, shape (n, n_features)
    y : ndarray, shape (n,)
    classifies : bool

    Returns
    -------
    ndarray of bool, shape (n,)
        Nothing is disputed where rows are no table of numbers, or too few.

    References
    ----------
    Northcutt et al. 2021, Confident learning.
    """
    nothing = np.zeros(len(y), dtype=bool)
    if not isinstance(x, np.ndarray) or x.ndim != 2 or y.ndim > 1 or len(y) < 10 * _FOLDS:
        return nothing
    groups = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    if classifies:
        likelier: Array = _margin(x, y, groups) > _MARGIN
        return likelier
    return _of_numbers(x, y, groups)


def _margin(x: Array, y: Array, groups: Array) -> Array:
    """Probability of the likeliest class less that of the given one, on average of two models."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.neighbors import KNeighborsClassifier

    codes = np.unique(y, return_inverse=True)[1].ravel()
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=3, random_state=0)
    near = scaled(KNeighborsClassifier(15))
    said = [_foretold(m, x, codes, groups, "predict_proba") for m in (trees, near)]
    mean: Array = np.mean(said, axis=0)
    return np.asarray(mean.max(axis=1) - mean[np.arange(len(codes)), codes])


def _of_numbers(x: Array, y: Array, groups: Array) -> Array:
    from sklearn.ensemble import ExtraTreesRegressor

    twice = np.bincount(groups)[groups] > 1
    spread = np.zeros(groups.max() + 1)
    for group in np.unique(groups[twice]):
        spread[group] = np.ptp(y[groups == group])
    torn: Array = twice & (spread[groups] > y.std())
    if not torn.any():
        return torn
    model = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=0)
    off = np.abs(_foretold(model, x, y, groups, "predict") - y)
    nearest = np.full(groups.max() + 1, np.inf)
    np.minimum.at(nearest, groups, off)
    farther: Array = torn & (off > nearest[groups])
    return farther


def _foretold(model: Any, x: Array, y: Array, groups: Array, method: str) -> Array:
    """What a model says of rows of which it knows neither them nor their twins."""
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        folds = GroupKFold(_FOLDS, shuffle=True, random_state=0)
        found: Array = np.asarray(
            cross_val_predict(model, x, y, groups=groups, cv=folds, method=method)
        )
        return found
