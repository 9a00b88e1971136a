"""What a network does at given weights, without learning."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.plan import Plan
from deltarule.vitals import Vitals

Array = NDArray[Any]
Weights = Mapping[str, Array]
MOST = 1000  # rows that are looked at

# One step on all rows, too short to change a weight.
_STILL: Mapping[str, Any] = {
    "solver": "sgd",
    "learning_rate": "constant",
    "learning_rate_init": 1e-36,
    "momentum": 0.0,
    "max_iter": 1,
    "warm_start": True,
    "early_stopping": False,
    "callbacks": None,
    "verbose": False,
    "accumulate": 1,
    "ema": None,
    "swa_from": None,
    "doctor": "off",
}


@dataclass(frozen=True)
class Probe:
    """Loss and vitals of one pass over some rows, and the weights; empty where it overflows."""

    loss: float = math.nan
    vitals: Vitals | None = None
    weights: Weights = field(default_factory=dict)


def probe(model: Any, x: Array, y: Array) -> Probe:
    """Of a network at its fitted weights; of an unfitted one where its weights begin."""
    keep = some_rows(x, y, hasattr(model, "predict_proba"))
    batch = 200 if model.batch_size == "auto" else int(model.batch_size)
    penalty = float(model.alpha) * len(keep) / min(batch, len(x))  # as large as that of a batch
    still = copy.copy(model).set_params(**_STILL, batch_size=len(keep), alpha=penalty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            still.fit(x[keep], y[keep])
        except ValueError as error:
            if not overflowed(error):
                raise
            return Probe()
    vitals = still.history_.vitals
    last = slice(len(vitals) - 1, None)
    seen = Vitals(vitals.layers, vitals.numbers[last], vitals.quantiles[last])
    return Probe(float(still.history_.loss[-1]), seen, still._fitted_weights())


def at_birth(model: Any, x: Array, y: Array) -> Any:
    """A fitted network with the weights it began with; of one from a file with others like them."""
    newborn = copy.copy(model)
    weights = model._fitted_weights()
    dtype = next(iter(weights.values())).dtype
    rows = model._further_rows(dtype, x, y)
    newborn._set_weights(model._initial_weights(rows, dtype))
    return newborn


def plan_of(model: Any, x: Array, y: Array) -> Plan:
    """The network that an unfitted estimator makes for some data."""
    from sklearn.base import clone

    unfitted = clone(model)
    rows, dtype = unfitted._validate_training_data(x, y, None, None)
    unfitted._make_plan(rows, dtype, continues=False)
    plan: Plan = unfitted._plan
    return plan


def overflowed(error: ValueError) -> bool:
    """Whether a fit ended because numbers were not finite."""
    return "not finite" in str(error) or "non-finite" in str(error)


def changes(first: Weights, last: Weights) -> dict[str, float]:
    """By layer: size of the change of its weights over the size with which they began."""
    found = {}
    for name, w in first.items():
        layer, _, _ = name.rpartition(".")
        if w.ndim > 1 and layer not in found and name in last:
            with np.errstate(over="ignore"):
                began = float(np.linalg.norm(w.astype(np.float64)))
                moved = float(np.linalg.norm(last[name].astype(np.float64) - w))
            found[layer] = moved / began if began > 0 else math.inf if moved > 0 else 0.0
    return found


def some_rows(x: Array, y: Array, classifies: bool) -> Array:
    """Places of some rows, drawn evenly, with one of every class."""
    keep = np.linspace(0, len(x) - 1, min(len(x), MOST)).astype(int)
    if classifies and y.ndim == 1:
        keep = np.union1d(keep, np.unique(y, return_index=True)[1])
    return keep
