"""Estimators of this package as records."""

from __future__ import annotations

from typing import Any

from deltarule.examination._layers import layer_facts
from deltarule.examination._records import Array, Pass, Records, epoch_of
from deltarule.vitals import History


def knows(network: Any) -> bool:
    """Whether it is an estimator of this package."""
    from deltarule.estimators._base import BaseNetwork

    return isinstance(network, BaseNetwork)


def records(model: Any, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of one, fitted or not."""
    history = getattr(model, "history_", History())
    vitals = history.vitals
    weights = model._fitted_weights() if hasattr(model, "history_") else {}
    return Records(
        layer_facts(model._plan),
        model._plan.loss.name,
        model._plan.loss.link,
        model.get_params(),
        history,
        Pass(vitals=epoch_of(vitals, 0)),
        Pass(vitals=epoch_of(vitals, -1), weights=weights),
    )
