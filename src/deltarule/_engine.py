"""From a plan to a compiled net."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from deltarule import _core
from deltarule.plan import Plan

NETS = {np.dtype(np.float32): _core.Net32, np.dtype(np.float64): _core.Net64}
TRAINERS = {np.dtype(np.float32): _core.Trainer32, np.dtype(np.float64): _core.Trainer64}


N_JOBS = "None or an integer other than 0, at most 256"


def is_n_jobs(value: Any) -> bool:
    """Whether a value is `N_JOBS`."""
    if value is None:
        return True
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 != value <= 256


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
    if not is_n_jobs(n_jobs):
        raise ValueError(f"n_jobs must be {N_JOBS}; met {n_jobs!r}.")
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
