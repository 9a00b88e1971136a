"""What the engine is told to watch of the layers while they learn."""

from __future__ import annotations

from typing import Any

from deltarule._activation_kinds import ElementwiseActivation
from deltarule._saturation import saturation_interval
from deltarule.layers import Node
from deltarule.plan import Plan

EVERY = 32  # one batch in so many: less than 2 % of the time, see docs/decisions
SATURATED, DEAD = 0.05, 0.001  # of the largest slope

_NOTHING = (0.0, 0.0, 0.0, 0.0, 0)
_KINDS = ("activation", "custom_activation", "trainable_activation")


def watching(plan: Plan) -> dict[str, Any]:
    """Settings of the engine under which it gathers the vitals of a plan."""
    return {
        "vitals_every": EVERY,
        "responsive": [_responsive(node) for node in plan.nodes],
    }


def _responsive(node: Node) -> tuple[float, float, float, float, int]:
    """Between which inputs an activation is not saturated and not dead, and how many units it has.

    What has no slope of its own for every number has no units.
    """
    f = getattr(node.layer, "activation", None)
    if node.kind not in _KINDS or not isinstance(f, ElementwiseActivation):
        return _NOTHING
    return (
        *saturation_interval(f, SATURATED),
        *saturation_interval(f, DEAD),
        node.shape[-1],
    )
