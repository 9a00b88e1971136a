"""Training of estimators: by steps on batches, or by L-BFGS on all rows."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from deltarule._engine import TRAINERS, Weights, make_net, threads_of, weights_of
from deltarule._training import Hooks, Outcome, Rules, averaged, run
from deltarule._watching import watching
from deltarule.estimators._callbacks import EpochTasks
from deltarule.estimators._held_out import Parts
from deltarule.estimators._lbfgs import Problem, minimise
from deltarule.estimators._rates import Adaptive, rate_of
from deltarule.vitals import History


def learn(
    estimator: Any,
    parts: Parts,
    weights: Weights,
    history: History,
    tasks: EpochTasks,
    incremental: bool,
) -> Outcome:
    """Train the network of an estimator; the state of its optimizer is kept for `partial_fit`."""
    if estimator.solver == "lbfgs":
        return _minimise(estimator, parts, weights, history, tasks)
    plan, dtype = estimator._plan, next(iter(weights.values())).dtype
    net = make_net(plan, dtype, weights)
    threads = threads_of(estimator.n_jobs)
    settings = {**estimator._settings(parts.rows), **watching(plan)}
    trainer = TRAINERS[dtype](net, *parts.data.engine(), settings, parts.kept)
    if estimator._state is not None:
        _go_on(trainer, estimator._state, settings["solver"])
    measure = parts.measure(estimator, threads)
    epochs = 1 if incremental else estimator._most_epochs()
    begins = 0 if incremental else len(history)
    course = estimator._course(history, begins)
    rate = None if course else rate_of(estimator, history, parts.rows, begins)

    def seen() -> Weights:
        with averaged(trainer):  # what would predict if training ended
            return weights_of(net, plan)

    hooks = Hooks(
        validate=None if measure is None else partial(measure, net),
        report=_report(estimator, len(history), epochs, tasks),
        rate=rate,
        course=course,
        before=tasks.begin,
        after=lambda history: tasks.end(history, seen),
        at_rest=rate.slow_down if isinstance(rate, Adaptive) else None,
    )
    outcome = run(net, trainer, plan, _rules(estimator, parts, history, epochs), hooks, history)
    behind = weights_of(net, plan) if trainer.averages else None
    estimator._state = {**trainer.state(), "weights": behind, "solver": settings["solver"]}
    return outcome


def _go_on(trainer: Any, state: dict[str, Any], solver: str) -> None:
    """Give a trainer the state of an earlier one.

    Raises
    ------
    ValueError
        If that of the optimizer means something else to this one.
    """
    before = state.get("solver", solver)
    if before != solver:
        raise ValueError(
            f"The network was trained with solver={before!r}, whose state means nothing to "
            f"{solver!r}, so partial_fit cannot change it; set solver back, or begin anew with fit."
        )
    trainer.set_state(state)


def _rules(estimator: Any, parts: Parts, history: History, epochs: int) -> Rules:
    end = len(history) + epochs
    if not estimator.early_stopping or parts.held_out is None:
        return Rules(end, estimator.tol, estimator.n_iter_no_change)
    looks_at: Literal["validation_loss", "validation_score"]
    looks_at = "validation_loss" if estimator.monitor == "loss" else "validation_score"
    return Rules(end, estimator.tol, estimator.n_iter_no_change, looks_at)


def _report(estimator: Any, done: int, epochs: int, tasks: EpochTasks) -> Any:
    """The lines or the bar of a fit that is verbose; of others a bar, if they take long."""
    if not estimator.verbose and (tasks.watched or epochs == 1):
        return None
    from deltarule.progress import EpochReport, LongFitReport

    return (EpochReport if estimator.verbose else LongFitReport)(done + epochs)


def _minimise(
    estimator: Any, parts: Parts, weights: Weights, history: History, tasks: EpochTasks
) -> Outcome:
    threads = threads_of(estimator.n_jobs)
    rows = parts.data.engine()
    problem = Problem(estimator._plan, weights, rows, float(estimator.alpha), threads)
    limits = estimator.max_iter, estimator.max_fun, estimator.tol
    return minimise(problem, weights, history, limits, parts.measure(estimator, threads), tasks)
