"""Small nets that are kept between predictions, whose making would take longer than they take."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from deltarule._engine import make_net, put_weights, threads_of
from deltarule.estimators._rows import Array, Features
from deltarule.plan import Plan

_MOST = 1 << 16  # weights; of larger nets nothing is kept


class _Ready:
    """A net without its weights, which every prediction gives it anew: they may have changed."""

    def __init__(self, plan: Plan, dtype: np.dtype[Any]) -> None:
        self.plan, self.dtype = plan, dtype
        self.net = make_net(plan, dtype)
        self.lock = threading.Lock()


# No attributes of the estimators: predictions leave these as they are, and so do copies and files.
_KEPT: WeakKeyDictionary[Any, _Ready] = WeakKeyDictionary()


def predict(estimator: Any, x: Features, arrays: list[Array]) -> Array:
    """The raw predictions of an estimator's plan with some weights, in the engine's order."""
    plan, dtype = estimator._plan, arrays[0].dtype
    threads = threads_of(estimator.n_jobs)
    if sum(a.size for a in arrays) > _MOST:
        return _predict(plan, make_net(plan, dtype), arrays, x, threads)
    ready = _KEPT.get(estimator)
    if ready is None or ready.plan is not plan or ready.dtype != dtype:
        ready = _KEPT[estimator] = _Ready(plan, dtype)
    if not ready.lock.acquire(blocking=False):  # another thread predicts with it
        return _predict(plan, make_net(plan, dtype), arrays, x, threads)
    try:
        return _predict(plan, ready.net, arrays, x, threads)
    finally:
        ready.lock.release()


def _predict(plan: Plan, net: Any, arrays: list[Array], x: Features, threads: int) -> Array:
    try:
        net.set_weights(arrays)
    except (TypeError, ValueError):  # of another layout, or wrong: the words are those of the names
        names = [name for name, _ in plan.parameters]
        put_weights(net, plan, dict(zip(names, arrays, strict=True)), arrays[0].dtype)
    raw: Array = net.predict(x, threads)
    return raw
