"""The kinds of networks that can be examined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deltarule.examination import (
    _estimators,
    _networks,
    _scikit_learn,
    _tabular,
    _torch_records,
)
from deltarule.examination._records import Array, Records
from deltarule.examination._wrapped import network_of

Reader = Callable[[Any, Array, Array, bool], Records]

# Who reads a network of a kind.
_KINDS: tuple[tuple[Callable[[Any], bool], Reader], ...] = (
    (_networks.knows, _networks.records),
    (_torch_records.knows, _torch_records.records),
    (_scikit_learn.knows, _scikit_learn.records),
    (_tabular.knows, _tabular.records),
    (_estimators.knows, _estimators.records),
)


def as_model(given: Any, y: Array) -> Any:
    """What fits, predicts and scores as an estimator does.

    Raises
    ------
    TypeError
        If it is no network that can be examined.
    """
    model = _torch_records.as_model(_networks.as_model(given, y), y)
    network = network_of(model)
    if not any(knows(network) for knows, _ in _KINDS):
        raise TypeError(
            "Examined are estimators of deltarule, MLPClassifier and MLPRegressor of scikit-learn, "
            "pipelines that end in one, a deltarule.Network, a watch of watch_torch and a History; "
            f"met {type(network).__name__}."
        )
    return model


def records_of(network: Any, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of a network, fitted or not, on rows that it reads."""
    read = next(read for knows, read in _KINDS if knows(network))
    return read(network, x, y, classifies)


def classifies_of(network: Any) -> bool:
    """Whether it tells classes, not numbers."""
    return bool(getattr(network, "classifies", hasattr(network, "predict_proba")))


def is_fitted(network: Any) -> bool:
    """Whether it was trained, to weights that predict."""
    coefs = getattr(network, "coefs_", [])
    if not all(np.isfinite(w).all() for w in coefs):
        return False
    return hasattr(network, "history_") or bool(coefs)


def features_last(network: Any, x: Array) -> Array:
    """Rows as a network reads them, with the features on the last axis."""
    turned: Array = network.features_last(x) if hasattr(network, "features_last") else x
    return turned
