"""From a plan to a compiled net: the one place that hands SciPy's BLAS to the engine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np

from deltarule import _core
from deltarule.plan import Plan

NETS = {np.dtype(np.float32): _core.Net32, np.dtype(np.float64): _core.Net64}
TRAINERS = {np.dtype(np.float32): _core.Trainer32, np.dtype(np.float64): _core.Trainer64}


@cache
def _gemm(dtype: np.dtype[Any]) -> object:
    from scipy.linalg import cython_blas

    return cython_blas.__pyx_capi__["sgemm" if dtype == np.float32 else "dgemm"]


@cache
def _threadpools() -> Any:
    from threadpoolctl import ThreadpoolController

    _gemm(np.dtype(np.float64))  # SciPy's BLAS must be loaded to be found
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Within the block BLAS uses one thread, so that training gives the same bits anywhere.

    The last bits of a product depend on how many threads share it; threads that spin while other
    programs hold the processors also made a small fit 2.5 times slower.
    """
    limit: AbstractContextManager[Any] = _threadpools().limit(limits=1, user_api="blas")
    return limit


def make_net(plan: Plan, dtype: np.dtype[Any]) -> _core.Net32:
    """An uninitialised net of float32 or float64."""
    layers, loss = plan.compile()
    return NETS[dtype](layers, plan.inputs, loss, _gemm(dtype))


def net_with_weights(plan: Plan, coefs: list[Any], intercepts: list[Any]) -> _core.Net32:
    """A net that holds fitted weights."""
    net = make_net(plan, coefs[0].dtype)
    pairs = zip(coefs, intercepts, strict=True)
    net.set_weights([(np.ascontiguousarray(w), np.ascontiguousarray(b)) for w, b in pairs])
    return net
