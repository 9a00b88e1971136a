"""From a plan to a compiled net."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from deltarule import _core
from deltarule.plan import Plan

NETS = {np.dtype(np.float32): _core.Net32, np.dtype(np.float64): _core.Net64}
TRAINERS = {np.dtype(np.float32): _core.Trainer32, np.dtype(np.float64): _core.Trainer64}


def threads_of(n_jobs: int | None) -> int:
    """How many threads may work: ``n_jobs`` as joblib counts them; None: as many as are allowed.

    Allowed are as many as DELTARULE_NUM_THREADS or OMP_NUM_THREADS says, which joblib and Dask set
    in their workers, else the processors of this process.

    Raises
    ------
    ValueError
        If ``n_jobs`` is no such number.
    """
    allowed = _core.thread_count()
    if n_jobs is None:
        return allowed
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral) or not n_jobs or n_jobs > 256:
        raise ValueError(
            f"n_jobs must be None or an integer other than 0, at most 256; met {n_jobs!r}."
        )
    n_jobs = int(n_jobs)
    return n_jobs if n_jobs > 0 else max(1, allowed + 1 + n_jobs)


def make_net(plan: Plan, dtype: np.dtype[Any]) -> _core.Net32:
    """An uninitialised net of float32 or float64."""
    layers, loss = plan.compile()
    return NETS[dtype](layers, plan.inputs, loss)


def net_with_weights(plan: Plan, coefs: list[Any], intercepts: list[Any]) -> _core.Net32:
    """A net that holds fitted weights."""
    net = make_net(plan, coefs[0].dtype)
    pairs = zip(coefs, intercepts, strict=True)
    net.set_weights([(np.ascontiguousarray(w), np.ascontiguousarray(b)) for w, b in pairs])
    return net
