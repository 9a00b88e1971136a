"""L-BFGS on all rows at once, through SciPy."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._engine import TRAINERS, Weights, make_net, named, put_weights, weights_of
from deltarule._training import Outcome, settings_of
from deltarule.plan import Plan
from deltarule.vitals import Epoch, History

Array = NDArray[Any]
_CHUNK = 4096  # rows whose values are in memory together, where rows are independent


class Problem:
    """The loss of all rows and its gradient, as a function of one vector of weights."""

    def __init__(self, plan: Plan, weights: Weights, rows: Any, alpha: float, threads: int) -> None:
        self._plan, self._weights, self._rows = plan, weights, rows
        self._alpha, self._threads = alpha, threads
        self._dtype = next(iter(weights.values())).dtype
        self._net = make_net(plan, self._dtype)
        self._names = [
            f"{node.name}.{p.name}"
            for node in plan.nodes
            for p in node.parameters
            if p.trained and node.controls["trained"]
        ]
        x, _, _, w = rows
        self._weight = float(len(x) if w is None else w.sum(dtype=np.float64))
        whole = any(node.kind == "batch_norm" for node in plan.nodes) or _is_root(plan)
        self._chunk = len(x) if whole else _CHUNK

    def pack(self, arrays: Weights) -> Array:
        """The trained arrays as one vector of float64."""
        return np.concatenate([arrays[name].ravel() for name in self._names], dtype=np.float64)

    def unpack(self, flat: Array) -> Weights:
        """All weights, the trained ones from a vector."""
        found, at = dict(self._weights), 0
        for name in self._names:
            old = self._weights[name]
            found[name] = flat[at : at + old.size].reshape(old.shape).astype(self._dtype)
            at += old.size
        return found

    def __call__(self, flat: Array) -> tuple[float, Array]:
        """The mean loss with its penalty, and the gradient."""
        put_weights(self._net, self._plan, self.unpack(flat), self._dtype)
        loss, gradient = 0.0, np.zeros_like(flat)
        for start in range(0, len(self._rows[0]), self._chunk):
            stop = start + self._chunk
            x, values, codes, w = (a if a is None else a[start:stop] for a in self._rows)
            assert x is not None
            weight = float(len(x) if w is None else w.sum(dtype=np.float64))
            if weight == 0:
                continue
            value, arrays, _, _ = self._net.gradient(x, values, codes, w, self._threads)
            share = weight / self._weight
            loss += share * value
            gradient += share * self.pack(named(self._plan, arrays))
        penalty, slope = self._penalty(flat)
        return loss + penalty, gradient + slope

    def with_statistics(self, weights: Weights) -> Weights:
        """The weights with running statistics from one pass over the rows."""
        if not any(node.kind == "batch_norm" for node in self._plan.nodes):
            return weights
        put_weights(self._net, self._plan, weights, self._dtype)
        settings = settings_of(batch_size=len(self._rows[0]), average_from=0)
        x, values, codes, w = self._rows
        TRAINERS[self._dtype](self._net, x, values, codes, w, settings).renew_statistics()
        return weights_of(self._net, self._plan)

    def _penalty(self, flat: Array) -> tuple[float, Array]:
        controls = {n.name: n.controls for n in self._plan.nodes}
        total, slope, at = 0.0, np.zeros_like(flat), 0
        for name in self._names:
            size = self._weights[name].size
            w, part = flat[at : at + size], slice(at, at + size)
            layer, _, array = name.rpartition(".")
            at += size
            if array not in ("weight", "recurrent"):
                continue
            l2 = controls[layer]["l2"] + self._alpha / self._weight
            l1 = controls[layer]["l1"]
            total += l2 / 2 * float(w @ w) + l1 * float(np.abs(w).sum())
            slope[part] = l2 * w + l1 * np.sign(w)
        return total, slope


def _is_root(plan: Plan) -> bool:
    return bool(plan.loss.facts.get("root_of_mean", False))


def minimise(
    problem: Problem, weights: Weights, history: History, max_iter: int, max_fun: int, tol: float
) -> Outcome:
    """The weights where L-BFGS-B ends, an epoch of the history per iteration.

    Raises
    ------
    ValueError
        If the weights or the loss are not finite.
    """
    from scipy.optimize import minimize

    started = [time.perf_counter()]

    def after(intermediate_result: Any) -> None:
        now = time.perf_counter()
        history.append(Epoch(float(intermediate_result.fun), seconds=now - started[0]))
        started[0] = now

    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize(
            problem,
            problem.pack(weights),
            method="L-BFGS-B",
            jac=True,
            callback=after,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        raise ValueError(
            f"The loss became {found.fun}. Solver produced non-finite parameter weights. The input "
            "data may contain large values and need to be preprocessed: StandardScaler usually "
            "helps."
        )
    if not history.epochs:  # the first point was the best
        history.append(Epoch(float(found.fun), seconds=time.perf_counter() - started[0]))
    best = problem.with_statistics(problem.unpack(found.x))
    return Outcome(
        best,
        best,
        history=history,
        best_loss=float(np.nanmin(history.loss)),
        best_score=None,
        converged=found.status == 0,
        interrupted=False,
    )
