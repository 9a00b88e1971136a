"""How far the running statistics of batch normalisation are off those of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.examination._replay import value_read
from deltarule.plan import Plan

Array = NDArray[Any]
Weights = Mapping[str, Array]
_LEAST = 1e-6  # momentum from which one step tells where the batch lies


def off_by(mean: Array, variance: Array, running_mean: Array, running_variance: Array) -> float:
    """What prediction makes of numbers that training brings to mean 0 and deviation 1.

    Parameters
    ----------
    mean, variance : ndarray, shape (channels,)
        Of the data.
    running_mean, running_variance : ndarray, shape (channels,)

    Returns
    -------
    float
        Root mean square over the channels of the distance of mean and deviation from 0 and 1.
    """
    with np.errstate(all="ignore"):
        followed = np.sqrt(np.asarray(running_variance, dtype=np.float64))
        shift = (np.asarray(mean, dtype=np.float64) - running_mean) / followed
        spread = np.sqrt(np.maximum(variance, 0.0)) / followed - 1
        varies = np.asarray(variance) > 0
        distance = np.where(varies, shift**2 + spread**2, 0.0)
        return float(np.sqrt(distance.mean()))


def after_one_step(plan: Plan, before: Weights, after: Weights) -> dict[str, float]:
    """By layer, of statistics that followed one batch from where they were."""
    found = {}
    for node in plan.nodes:
        momentum = float(node.fields.get("momentum", 0.0)) if node.kind == "batch_norm" else 0.0
        names = [f"{node.name}.running_{what}" for what in ("mean", "variance")]
        if momentum < _LEAST or not all(name in after for name in names):
            continue
        was = [before[name].astype(np.float64) for name in names]
        batch = [w + (after[name] - w) / momentum for name, w in zip(names, was, strict=True)]
        found[node.name] = off_by(*batch, *was)
    return found


def of_trace(plan: Plan, trace: Any, weights: Weights) -> dict[str, float]:
    """By layer, of a pass in training."""
    found = {}
    for node in plan.nodes:
        names = [f"{node.name}.running_{what}" for what in ("mean", "variance")]
        if node.kind != "batch_norm" or not all(name in weights for name in names):
            continue
        read = value_read(plan, node, trace)
        rows = read.reshape(-1, read.shape[-1]).astype(np.float64)
        running = (weights[name] for name in names)
        found[node.name] = off_by(rows.mean(axis=0), rows.var(axis=0), *running)
    return found
