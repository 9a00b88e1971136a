"""Estimators for tables as records."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.examination._layers import layer_facts
from deltarule.examination._probe import Probe
from deltarule.examination._records import Array, Records, epoch_of
from deltarule.vitals import History


def knows(network: Any) -> bool:
    """Whether it is an estimator for tables."""
    from deltarule.estimators._tabular import BaseTabular

    return isinstance(network, BaseTabular)


def as_read(network: Any, x: Any) -> Array:
    """Columns as numbers of mean 0 and deviation 1, as which the recipe reads them; codes too.

    Of a network that could not be fitted: those columns that are numbers.
    """
    from deltarule.estimators._frame import read_columns

    if hasattr(network, "encoder_"):
        columns = read_columns(network, x, reset=False)
        read = np.asarray(network.encoder_.transform(columns, spare=0), dtype=np.float64)
    else:
        table = x.select_dtypes("number") if hasattr(x, "select_dtypes") else x
        read = np.asarray(table, dtype=np.float64)
    read = np.nan_to_num(read)
    spread = read.std(axis=0)
    return np.asarray((read - read.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def records(model: Any, x: Array, y: Array, classifies: bool) -> Records:
    """What its history shows: the recipe normalises and initialises by itself."""
    history = getattr(model, "history_", History())
    settings = {k: v for k, v in model.get_params().items() if v is not None}
    if not hasattr(model, "_plan"):
        return Records((), "unknown", "unknown", settings, history)
    plan, vitals = model._plan, history.vitals
    first, last = (epoch_of(vitals, at) if len(history) else None for at in (0, -1))
    ends = (history.loss[0], history.loss[-1]) if len(history) else (np.nan, np.nan)
    return Records(
        layer_facts(plan),
        plan.loss.name,
        plan.loss.link,
        {**settings, "solver": model.solver, "max_iter": len(history) or 1, "tol": 0.0},
        history,
        Probe(float(ends[0]), first),
        Probe(float(ends[1]), last),
        dict(plan.loss.parameters),
    )
