"""Estimators of this package as records."""

from __future__ import annotations

from typing import Any

from deltarule.examination._batch_norm import after_one_step
from deltarule.examination._layers import layer_facts
from deltarule.examination._probe import at_birth, plan_of, probe
from deltarule.examination._records import Array, Records
from deltarule.plan import Plan
from deltarule.vitals import History


def knows(network: Any) -> bool:
    """Whether it is an estimator of this package."""
    from deltarule.estimators._base import BaseNetwork

    return isinstance(network, BaseNetwork)


def records(model: Any, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of one, fitted, or not as its first epoch failed."""
    fitted = hasattr(model, "history_")
    plan = model._plan if fitted else plan_of(model, x, y)
    first = probe(at_birth(model, x, y) if fitted else model, x, y)
    settings = model.get_params()
    if settings.get("learning_rate_init", 0.0) is None:  # what it is follows from the data
        del settings["learning_rate_init"]
    last = probe(model, x, y) if fitted else first
    stale = after_one_step(plan, model._fitted_weights(), last.weights) if fitted else {}
    return Records(
        layer_facts(plan),
        plan.loss.name,
        plan.loss.link,
        settings,
        getattr(model, "history_", History()),
        first,
        last,
        dict(plan.loss.parameters),
        _aims_at_the_middle(plan),
        stale=stale,
    )


def _aims_at_the_middle(plan: Plan) -> bool:
    """False for a network of an outer quantile, of which R2 says nothing."""
    if plan.loss.name not in ("pinball", "expectile"):
        return True
    levels = plan.levels or tuple(plan.loss.parameters.values())[:1]
    return bool(min(levels) <= 0.5 <= max(levels))
