"""The layers of a plan as the doctor reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

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
    return LayerFacts(
        node.name,
        node.kind,
        node.shape[-1],
        math.prod(weights[0].shape[:-1]) if weights else 0,
        getattr(activation, "name", "") if is_activation else "",
        type(weights[0].init).__name__ if weights else "",
        float(getattr(node.layer, "rate", 0.0)) if node.kind == "dropout" else 0.0,
    )


def twin_shares(weights: Mapping[str, Any]) -> dict[str, float]:
    """By layer: share of its units whose incoming weights are those of another unit."""
    shares = {}
    for name, w in weights.items():
        layer, _, part = name.rpartition(".")
        if part != "weight" or w.ndim < 2 or w.shape[-1] < 2:
            continue
        columns = np.asarray(w).reshape(-1, w.shape[-1])
        _, places, sizes = np.unique(columns, axis=1, return_inverse=True, return_counts=True)
        shares[layer] = float((sizes[places.ravel()] > 1).mean())
    return shares
