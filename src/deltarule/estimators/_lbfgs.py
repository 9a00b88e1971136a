"""L-BFGS on all rows at once, through SciPy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._engine import TRAINERS, Weights, make_net, named, put_weights, weights_of
from deltarule._training import Outcome, settings_of
from deltarule.estimators._callbacks import EpochTasks
from deltarule.estimators._rows import SparseRows
from deltarule.plan import Plan
from deltarule.vitals import Epoch, History

Array = NDArray[Any]
_CHUNK, _NUMBERS = 4096, 1 << 22  # rows and their features in memory together, if independent


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
        if whole and isinstance(x, SparseRows):
            raise ValueError(
                "With batch normalisation or a loss that is a root of a mean, solver='lbfgs' needs "
                "all rows dense at once: give X.toarray(), or choose 'adam' or 'sgd'."
            )
        self._chunk = len(x) if whole else min(_CHUNK, max(1, _NUMBERS // x.shape[1]))

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

    def net_of(self, weights: Weights) -> Any:
        """The net with some weights."""
        put_weights(self._net, self._plan, weights, self._dtype)
        return self._net

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
        names = [name for name, _ in self._plan.parameters]
        decays = {name: block[4] for name, block in zip(names, self._net.blocks(), strict=True)}
        for name in self._names:
            size = self._weights[name].size
            w, part = flat[at : at + size], slice(at, at + size)
            layer = name.rpartition(".")[0]
            at += size
            if not decays[name]:
                continue
            l2 = controls[layer]["l2"] + self._alpha / self._weight
            l1 = controls[layer]["l1"]
            total += l2 / 2 * float(w @ w) + l1 * float(np.abs(w).sum())
            slope[part] = l2 * w + l1 * np.sign(w)
        return total, slope


def _is_root(plan: Plan) -> bool:
    return bool(plan.loss.facts.get("root_of_mean", False))


class _Iterations:
    """The iterations that are done, as epochs of the history."""

    def __init__(
        self,
        problem: Problem,
        history: History,
        measure: Callable[[Any], tuple[float, float]] | None,
        tasks: EpochTasks,
    ) -> None:
        self._problem, self._history = problem, history
        self._measure, self._tasks = measure, tasks
        self._started = time.perf_counter()
        self.stopped = False

    def record(self, loss: float, weights: Weights) -> None:
        seconds = time.perf_counter() - self._started
        held_out_loss, score = None, None
        if self._measure:
            held_out_loss, score = self._measure(self._problem.net_of(weights))
        number = len(self._history)
        self._history.append(Epoch(loss, held_out_loss, score, seconds, number=number))

    def __call__(self, intermediate_result: Any) -> None:
        self._tasks.begin()  # that there was an iteration is known at its end
        weights = self._problem.unpack(intermediate_result.x)
        if self._measure or self._tasks.told:
            weights = self._problem.with_statistics(weights)
        self.record(float(intermediate_result.fun), weights)
        self.stopped = self._tasks.end(self._history, lambda: weights)
        self._started = time.perf_counter()
        if self.stopped:
            raise StopIteration


def minimise(
    problem: Problem,
    weights: Weights,
    history: History,
    limits: tuple[int, int, float],
    measure: Callable[[Any], tuple[float, float]] | None,
    tasks: EpochTasks,
) -> Outcome:
    """The weights where L-BFGS-B ends, an epoch of the history per iteration.

    Parameters
    ----------
    problem, weights, history
    limits : tuple of (int, int, float)
        Iterations and evaluations at most, and the largest slope that counts as none.
    measure : callable, optional
        Gives loss and score of a net on held-out rows.
    tasks : EpochTasks

    Raises
    ------
    ValueError
        If the weights or the loss are not finite.
    """
    from scipy.optimize import minimize

    iterations = _Iterations(problem, history, measure, tasks)
    max_iter, max_fun, tol = limits
    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize(
            problem,
            problem.pack(weights),
            method="L-BFGS-B",
            jac=True,
            callback=iterations,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        raise ValueError(
            f"The loss became {found.fun}. Solver produced non-finite parameter weights. The input "
            "data may contain large values and need to be preprocessed: StandardScaler usually "
            "helps."
        )
    best = problem.with_statistics(problem.unpack(found.x))
    if not history.epochs:  # the first point was the best
        iterations.record(float(found.fun), best)
    return Outcome(
        best,
        best,
        history=history,
        converged=found.status == 0,
        interrupted=False,
        stopped=iterations.stopped,
    )
