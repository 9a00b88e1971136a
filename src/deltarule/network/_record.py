"""Networks as plain data and arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from deltarule import schedules
from deltarule._engine import make_net, read_weights
from deltarule._training import settings_of
from deltarule.network._fit import Fit
from deltarule.plan import Plan
from deltarule.vitals import History


def describe(network: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file holds of a network."""
    state = network._state or {}
    arrays = {f"weights.{name}": w for name, w in network.weights().items()}
    # where the weights that predict are averages, training goes on with others
    arrays |= {f"raw.weights.{name}": w for name, w in state.get("weights", {}).items()}
    arrays |= {f"state.{k}": v for k, v in state.items() if isinstance(v, np.ndarray)}
    arrays |= {f"history.{k}": v for k, v in network.history_.as_arrays().items()}
    counts = {k: v for k, v in state.items() if isinstance(v, int)}
    fit = None if network._fit is None else _describe_fit(network._fit)
    metadata = {
        "plan": network.plan.to_record(),
        "dtype": network.dtype.name,
        "seed": network.seed,
        "fit": fit,
        "state": counts,
    }
    return metadata, arrays


def _describe_fit(fit: Fit) -> dict[str, Any]:
    schedule = None
    if isinstance(fit.schedule, schedules.Schedule):
        schedule = schedules.to_record(fit.schedule)
    # what is infinite is so by default
    finite = {k: v for k, v in fit.settings.items() if v != math.inf}
    return {"settings": finite, "schedule": schedule, "first": fit.first}


def _restored_fit(record: Mapping[str, Any]) -> Fit:
    stated = record["schedule"]
    schedule = None if stated is None else schedules.from_record(stated)
    return Fit(settings_of(**record["settings"]), schedule, int(record["first"]))


def restore(cls: Any, metadata: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
    """The network a file describes."""
    plan = Plan.from_record(metadata["plan"])
    network = cls(
        plan.layers,
        plan.loss,
        dtype=str(metadata["dtype"]),
        seed=int(metadata["seed"]),
    )
    network._plan = plan
    weights = read_weights(plan, arrays)
    network._net = make_net(plan, network.dtype, weights)
    history = {k.removeprefix("history."): v for k, v in arrays.items() if k.startswith("history.")}
    network.history_ = History.from_arrays(history, tuple(node.name for node in plan.nodes))
    if metadata["fit"] is not None:
        network._fit = _restored_fit(metadata["fit"])
    if metadata["state"]:
        kept = {k.removeprefix("state."): v for k, v in arrays.items() if k.startswith("state.")}
        raw = {k.removeprefix("raw."): v for k, v in arrays.items() if k.startswith("raw.")}
        network._state = {**kept, **metadata["state"], "weights": read_weights(plan, raw)}
    return network
