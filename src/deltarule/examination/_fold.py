"""Scaling of features and targets as part of the weights of a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.examination._treatment import network_of


def fold(model: Any) -> Any | None:
    """The network of a treated estimator, predicting from features and of targets as they are.

    With x' = (x - m) / s, x' W + b = x (W / s) + (b - (m / s) W); the same backwards for targets.

    Parameters
    ----------
    model : estimator
        Fitted; a network, or one within a pipeline that scales.

    Returns
    -------
    estimator or None
        None where the first or the last layer is not dense.
    """
    network = network_of(model)
    if network is model:
        return network
    nodes = network._plan.nodes
    weights = {name: w.astype(np.float64) for name, w in network._fitted_weights().items()}
    first, last = nodes[0], nodes[-1]
    pipeline, targets = getattr(model, "regressor_", model), getattr(model, "transformer_", None)
    if hasattr(pipeline, "steps"):
        if first.kind != "dense" or sum(0 in node.reads for node in nodes) > 1:
            return None
        scaler = pipeline[0]
        W = weights[f"{first.name}.weight"]
        weights[f"{first.name}.weight"] = W / scaler.scale_[:, None]
        weights[f"{first.name}.bias"] = (
            weights[f"{first.name}.bias"] - (scaler.mean_ / scaler.scale_) @ W
        )
    if targets is not None:
        if last.kind != "dense" or network._plan.loss.link != "identity":
            return None
        weights[f"{last.name}.weight"] *= targets.scale_
        weights[f"{last.name}.bias"] = weights[f"{last.name}.bias"] * targets.scale_ + targets.mean_
    dtype = next(iter(network._fitted_weights().values())).dtype
    network._set_weights({name: w.astype(dtype) for name, w in weights.items()})
    return network
