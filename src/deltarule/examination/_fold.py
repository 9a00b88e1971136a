"""Scaling of features and targets as part of the weights of a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.examination._wrapped import network_of

_ROWS, _ROUNDED = 2000, 1e-3


def fold(model: Any, X: Any) -> Any:
    """The network of a treated estimator, predicting from features and of targets as they are.

    With x' = (x - m) / s, x' W + b = x (W / s) + (b - (m / s) W); the same backwards for targets.

    Parameters
    ----------
    model : estimator
        Fitted; a network, or one within a pipeline that scales.
    X : ndarray
        Rows on which its predictions must stay.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        If the first or the last layer is not dense, or rounding changes the predictions.
    """
    network = network_of(model)
    if network is model:
        return network
    some = X[:_ROWS]
    before = np.asarray(model.predict(some))
    nodes = network._plan.nodes
    weights = {name: w.astype(np.float64) for name, w in network._fitted_weights().items()}
    last = nodes[-1]
    pipeline, targets = getattr(model, "regressor_", model), getattr(model, "transformer_", None)
    if hasattr(pipeline, "steps"):
        readers = [node for node in nodes if 0 in node.reads]
        if any(node.kind != "dense" or f"{node.name}.bias" not in weights for node in readers):
            raise ValueError("Scaling goes into the weights of dense layers with biases only.")
        for name in (node.name for node in readers):
            for step in reversed(pipeline[:-1]):
                weights |= _without(step, weights[f"{name}.weight"], weights[f"{name}.bias"], name)
    if targets is not None:
        if last.kind != "dense" or network._plan.loss.link != "identity":
            raise ValueError("Scaling goes into the weights of a linear output only.")
        weights[f"{last.name}.weight"] *= targets.scale_
        weights[f"{last.name}.bias"] = weights[f"{last.name}.bias"] * targets.scale_ + targets.mean_
    dtype = next(iter(network._fitted_weights().values())).dtype
    network._set_weights({name: w.astype(dtype) for name, w in weights.items()})
    if _differ(before, np.asarray(network.predict(some))):
        raise ValueError("Scaling in the weights changes the predictions by rounding.")
    return network


def _differ(a: Any, b: Any) -> bool:
    if a.dtype.kind == "f":
        return bool(np.abs(a - b).max() > _ROUNDED * max(a.std(), np.finfo(a.dtype).tiny))
    return bool(np.mean(a != b) > _ROUNDED)


def _without(step: Any, weight: Any, bias: Any, name: str) -> dict[str, Any]:
    """The weights of a first layer that reads what a scaler reads."""
    bias = bias - (step.mean_ / step.scale_) @ weight
    weight = weight / step.scale_[:, None]
    return {f"{name}.weight": weight, f"{name}.bias": bias}
