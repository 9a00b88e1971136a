"""Networks within pipelines, transformers of targets and searches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.examination import _tabular

Array = NDArray[Any]


def within(model: Any) -> Any | None:
    """What a pipeline, a `TransformedTargetRegressor` or a search leads to; None for others."""
    for name in ("best_estimator_", "regressor_", "regressor"):
        if hasattr(model, name):
            return getattr(model, name)
    return model.steps[-1][1] if hasattr(model, "steps") else None


def network_of(model: Any) -> Any:
    """The network itself, fitted where its wrapping is."""
    while (inner := within(model)) is not None:
        model = inner
    return model


def as_read(model: Any, x: Any, y: Array) -> tuple[Array, Array]:
    """Features and targets as the network in a fitted wrapping is given them."""
    while (inner := within(model)) is not None:
        if hasattr(model, "transformer_"):
            y = model.transformer_.transform(y.reshape(len(y), -1)).reshape(y.shape)
        elif len(getattr(model, "steps", ())) > 1:
            x = model[:-1].transform(x)
        model = inner
    return _tabular.as_read(model, x) if _tabular.knows(model) else as_numbers(x), y


def as_numbers(x: Any) -> Array:
    """Rows as an array: those of a sparse matrix too."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


def names_of(model: Any) -> tuple[str, ...]:
    """What the features are called that the network in a fitted wrapping reads; empty: nothing."""
    while (inner := within(model)) is not None:
        if len(getattr(model, "steps", ())) > 1 and hasattr(model, "feature_names_in_"):
            try:
                return tuple(map(str, model[:-1].get_feature_names_out()))
            except (AttributeError, ValueError):  # a step that cannot tell
                return ()
        model = inner
    return tuple(map(str, getattr(model, "feature_names_in_", ())))
