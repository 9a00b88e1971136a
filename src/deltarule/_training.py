"""Training: what the engine is told, and the epoch loop: train, look, remember, decide."""

from __future__ import annotations

import inspect
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from deltarule import _core
from deltarule._engine import Weights, weights_of
from deltarule._interrupt import StopOnInterrupt
from deltarule.plan import Plan
from deltarule.vitals import Epoch, History


class InterruptedFitWarning(UserWarning):
    """Training was stopped by Ctrl-C; the model is that of the epochs done."""


@dataclass(frozen=True)
class Rules:
    """When training ends: scikit-learn's parameters of the same names, and what they look at.

    Where ``monitor`` is a number of the validation, the weights of the best epoch are kept.
    """

    max_iter: int
    tol: float
    n_iter_no_change: float
    monitor: Literal["loss", "validation_loss", "validation_score"] = "loss"

    def value(self, epoch: Epoch) -> float:
        """What is monitored, larger being better."""
        number = float(getattr(epoch, self.monitor))
        return number if self.monitor == "validation_score" else -number

    @property
    def keeps_best(self) -> bool:
        return self.monitor != "loss"


@dataclass(frozen=True)
class Course:
    """What changes from batch to batch of an epoch, a number per batch; empty: it does not.

    Attributes
    ----------
    rates : list of float
        Learning rates.
    decays, dropouts : list of float
        Factors of the decoupled weight decay and of the rates of dropout.
    """

    rates: list[float]
    decays: list[float] = field(default_factory=list)
    dropouts: list[float] = field(default_factory=list)


def course_of(rate: Callable[[float], float], epoch: int, batches: int) -> Course:
    """The rates of the batches of an epoch."""
    return Course([rate(epoch + batch / batches) for batch in range(batches)])


# What the engine is told of a training; the parameters of the same names, or near them, say what
# each means.
DEFAULTS: Mapping[str, Any] = {
    "solver": "adam",
    "batch_size": 32,
    "seed": 0,
    "shuffle": True,
    "l2": 0.0,
    "learning_rate": 1e-3,
    "momentum": 0.9,
    "nesterov": True,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "rho": 0.9,
    "grad_clip_value": math.inf,
    "grad_clip_norm": math.inf,
    "accumulate": 1,
    "average_decay": 0.0,
    "average_from": -1,
    "drop_last": False,
    "vitals_every": 0,
    "responsive": (),
    "threads": 1,
}


OF_MOMENTUM = ("sgd", "momentum", "nesterov")
SOLVERS = ("adam", "adamw", "nadam", "adagrad", "rmsprop", "lion", *OF_MOMENTUM)


def rule_of(solver: str, nesterov: bool) -> dict[str, Any]:
    """A solver as settings of the engine: two names choose the momentum of sgd."""
    if solver in ("momentum", "nesterov"):
        return {"solver": "sgd", "nesterov": solver == "nesterov"}
    return {"solver": solver, "nesterov": nesterov}


def settings_of(**given: Any) -> dict[str, Any]:
    """The engine's settings; what is not given is as in `DEFAULTS`."""
    unknown = given.keys() - DEFAULTS.keys()
    if unknown:
        raise TypeError(f"There is no setting {', '.join(sorted(unknown))}.")
    return {**DEFAULTS, **given}


@dataclass
class Outcome:
    """What a fit leaves: the weights to keep and the last ones by name, and why it ended."""

    weights: Weights
    last: Weights
    history: History
    converged: bool
    interrupted: bool
    stopped: bool = False  # by a callback
    diverged: bool = False  # the last loss was not finite


class _Patience:
    """Counts epochs without an improvement of at least ``tol``."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.best = -np.inf
        self.waited = 0

    def improved(self, value: float) -> bool:
        """Takes the next value (larger is better); True if none so far is better."""
        self.waited = 0 if value >= self.best + self._rules.tol else self.waited + 1
        is_best = value >= self.best
        self.best = max(self.best, value)
        return is_best

    @property
    def exhausted(self) -> bool:
        return self.waited > self._rules.n_iter_no_change


@dataclass(frozen=True)
class Hooks:
    """What is called while training goes on.

    Attributes
    ----------
    validate : callable, optional
        Gives loss and score (or None) on held-out rows.
    report : context manager, optional
        Its value has ``update(epoch, loss, validation_loss, validation_score)``.
    rate : callable, optional
        The learning rate of an epoch, counted from 0, after the history.
    course : callable, optional
        Instead: what changes from batch to batch of an epoch, given its number and the number of
        batches.
    before : callable, optional
        Is called before every epoch.
    after : callable, optional
        Is given the history after every epoch; true: training ends.
    at_rest : callable, optional
        Is asked where nothing has improved for long enough; false: go on, and wait anew.
    """

    validate: Callable[[], tuple[float, float | None]] | None = None
    report: AbstractContextManager[Any] | None = None
    rate: Callable[[int, History], float] | None = None
    course: Callable[[int, int], Course] | None = None
    before: Callable[[], None] | None = None
    after: Callable[[History], Any] | None = None
    at_rest: Callable[[], bool] | None = None


def run(
    net: _core.Net32,
    trainer: _core.Trainer32,
    plan: Plan,
    rules: Rules,
    hooks: Hooks,
    history: History | None = None,
) -> Outcome:
    """Train until the rules, Ctrl-C or the last epoch end it.

    Parameters
    ----------
    net, trainer
        The engine's objects; the trainer refers to the net.
    plan
        What the net was made of.
    rules
        When to stop.
    hooks
        Where the held-out rows have a score, it decides when to stop and which epoch's weights are
        kept; else the training loss decides and the last weights are kept.
    history
        The epochs before these, to be continued.

    Raises
    ------
    ValueError
        If the loss of an epoch is not finite.
    """
    history = History() if history is None else history
    patience, stop = _Patience(rules), StopOnInterrupt()
    best: Weights | None = None
    history.layers = tuple(node.name for node in plan.nodes)
    first, ended, stopped = len(history), False, False
    with hooks.report or nullcontext() as progress, stop:
        while len(history) == first or not (
            ended or len(history) >= rules.max_iter or stop.requested or patience.exhausted
        ):
            loss, epoch_of = _epoch(trainer, hooks, history)
            if best is None:
                _require_finite(loss, len(history) + 1, plan, trainer.culprit)
            with averaged(trainer, hooks.validate is not None):
                missed, score = hooks.validate() if hooks.validate else (None, None)
                epoch = epoch_of(validation_loss=missed, validation_score=score)
                if patience.improved(rules.value(epoch)) and rules.keeps_best:
                    best = weights_of(net, plan)
            history.append(epoch)
            if progress:
                progress.update(len(history), loss, missed, score)
            stopped = bool(hooks.after(history)) if hooks.after else False
            if patience.exhausted and hooks.at_rest and not hooks.at_rest():
                patience.waited = 0
            ended = stopped or not math.isfinite(loss)  # no epoch will improve on the best
    if stop.requested:
        _warn_of_interruption(len(history))
    with averaged(trainer):
        last = weights_of(net, plan)
    kept = best or last
    require_finite_weights(kept)
    diverged = not math.isfinite(history.loss[-1])
    return Outcome(kept, last, history, patience.exhausted, stop.requested, stopped, diverged)


def _warn_of_interruption(epochs: int) -> None:
    words = f"Training was interrupted after epoch {epochs}; the model is that of the epochs done."
    warn_caller(words, InterruptedFitWarning)


def warn_caller(words: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn at the line outside the package that called it."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(words, category, stacklevel=level)


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] == "deltarule" or module.startswith("sklearn.callback")


def _epoch(
    trainer: _core.Trainer32, hooks: Hooks, history: History
) -> tuple[float, Callable[..., Epoch]]:
    """Train for one epoch; its loss, and its record but for the validation."""
    number = len(history)
    if hooks.before:
        hooks.before()
    if hooks.rate:
        trainer.set_learning_rate(float(hooks.rate(number, history)))
    course = hooks.course(number, trainer.batches) if hooks.course else None
    start = time.perf_counter()
    if course:
        loss = trainer.epoch(course.rates, course.decays, course.dropouts)
    else:
        loss = trainer.epoch()
    return loss, partial(
        Epoch,
        loss,
        seconds=time.perf_counter() - start,
        learning_rate=trainer.learning_rate,
        number=number,
        clipped=trainer.clipped,
        vitals=trainer.vitals,
    )


@contextmanager
def averaged(trainer: _core.Trainer32, wanted: bool = True) -> Iterator[None]:
    """The net with the averages of its weights, where training keeps such."""
    if not (wanted and trainer.averages):
        yield
        return
    trainer.exchange_averages()
    trainer.renew_statistics()
    try:
        yield
    finally:
        trainer.exchange_averages()


def _require_finite(loss: float, epoch: int, plan: Plan, culprit: tuple[int, int]) -> None:
    """Raise for a loss that is not finite; name the first layer where a number became so."""
    if np.isfinite(loss):
        return
    advice = "A smaller learning rate, scaled features (StandardScaler) or clipping usually help."
    first, last = culprit
    names = [repr(node.name) for node in plan.nodes]
    if first == 0:
        where = "X holds numbers that are not finite, or too large for the dtype of the network"
        advice = "Look for missing values and scale the features."
    elif 0 < first <= len(names):
        others = f", or {names[last - 1]} behind it in the same memory," if last > first else ""
        where = f"the layer {names[first - 1]}{others} was the first to compute such a number"
    else:
        where = "every layer computed finite numbers before, so look at the targets too"
    raise ValueError(
        f"The loss became {loss} in epoch {epoch}: {where}. Solver produced non-finite parameter "
        f"weights. The input data may contain large values and need to be preprocessed. {advice}"
    )


def require_finite_weights(weights: Weights) -> None:
    """Raise for weights that are not finite; name the first."""
    for name, w in weights.items():
        if not np.isfinite(w).all():
            raise ValueError(
                f"The weights {name!r} are not finite after the last step. Solver produced "
                "non-finite parameter weights. The input data may contain large values and need to "
                "be preprocessed. A smaller learning rate usually helps."
            )
