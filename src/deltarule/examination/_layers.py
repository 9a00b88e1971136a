"""The layers of a plan as the doctor reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from deltarule._activation_kinds import ElementwiseActivation
from deltarule._saturation import saturation_interval
from deltarule.doctor import LayerFacts
from deltarule.plan import Plan

_WEIGHTS = ("weight", "kernel")


def layer_facts(plan: Plan) -> tuple[LayerFacts, ...]:
    """A record per node of the plan, in the order of the vitals."""
    return tuple(facts_of(node) for node in plan.nodes)


def facts_of(node: Any) -> LayerFacts:
    """The record of a node."""
    weights = [p for p in node.parameters if len(p.shape) > 1]
    activation = getattr(node.layer, "activation", None)
    is_activation = node.kind.endswith("activation")
    controls = node.layer.controls if weights else {}
    low, high = getattr(activation, "facts", {}).get("range", (-math.inf, math.inf))
    return LayerFacts(
        node.name,
        node.kind,
        node.shape[-1],
        math.prod(weights[0].shape[:-1]) if weights else 0,
        getattr(activation, "name", "") if is_activation else "",
        type(weights[0].init).__name__ if weights else "",
        float(getattr(node.layer, "rate", 0.0)) if node.kind == "dropout" else 0.0,
        _sides(activation) if is_activation else "",
        low=float(low) if is_activation else -math.inf,
        high=float(high) if is_activation else math.inf,
        l1=controls.get("l1", 0.0),
        l2=controls.get("l2", 0.0),
        weight_decay=controls.get("decay", 0.0),
        max_norm=controls.get("largest_norm", math.inf),
    )


def _sides(activation: Any) -> Literal["", "one side", "both sides"]:
    if not isinstance(activation, ElementwiseActivation):
        return ""
    low, high = saturation_interval(activation)
    if -math.inf < low < 0 < high < math.inf:
        return "both sides"
    return "one side" if math.isfinite(low) or math.isfinite(high) else ""


def twin_shares(*states: Mapping[str, Any]) -> dict[str, float]:
    """By layer: share of its units with the incoming weights of another unit, in all states."""
    shares: dict[str, float] = {}
    for weights in states:
        for name, w in weights.items():
            layer, _, part = name.rpartition(".")
            if part == "weight" and w.ndim > 1 and w.shape[-1] > 1:
                shares[layer] = min(shares.get(layer, 1.0), _twins(np.asarray(w)))
    return shares


def _twins(w: Any) -> float:
    columns = w.reshape(-1, w.shape[-1])
    _, places, sizes = np.unique(columns, axis=1, return_inverse=True, return_counts=True)
    return float((sizes[places.ravel()] > 1).mean())
