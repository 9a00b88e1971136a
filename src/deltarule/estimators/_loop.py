"""The epoch loop: train, look, remember, decide."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule import _core
from deltarule._interrupt import StopOnInterrupt
from deltarule.vitals import Epoch, History


class InterruptedFitWarning(UserWarning):
    """Training was stopped by Ctrl-C; the model is that of the epochs done."""


@dataclass(frozen=True)
class Rules:
    """When training ends: scikit-learn's parameters of the same names."""

    max_iter: int
    tol: float
    n_iter_no_change: float


@dataclass
class Outcome:
    """What a fit leaves: weights, learned activation parameters, history, and why it ended."""

    weights: _core.Weights
    learned: list[NDArray[Any]]
    history: History
    best_loss: float
    best_score: float | None
    converged: bool
    interrupted: bool


class _Patience:
    """Counts epochs without an improvement of at least ``tol``."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.best = -np.inf
        self.waited = 0

    def improved(self, value: float) -> bool:
        """Takes the next value (larger is better); True if none so far is better."""
        self.waited = self.waited + 1 if value < self.best + self._rules.tol else 0
        is_best = value >= self.best
        self.best = max(self.best, value)
        return is_best

    @property
    def exhausted(self) -> bool:
        return self.waited > self._rules.n_iter_no_change


def run(
    net: _core.Net32,
    trainer: _core.Trainer32,
    rules: Rules,
    validate: Callable[[], tuple[float, float]] | None,
    report: AbstractContextManager[Any] | None,
) -> Outcome:
    """Train until the rules, Ctrl-C or the last epoch end it.

    Parameters
    ----------
    net, trainer
        The engine's objects; the trainer refers to the net.
    rules
        When to stop.
    validate
        Gives loss and score on held-out rows; the score then decides when to stop and which
        epoch's weights are kept.  None: the training loss decides, the last weights are kept.
    report
        A context manager whose value has ``update(epoch, loss, validation_loss,
        validation_score)``.

    Raises
    ------
    ValueError
        If the loss of an epoch is not finite.
    """
    history, patience, stop = History(), _Patience(rules), StopOnInterrupt()
    best = None

    def done() -> bool:
        return len(history) >= rules.max_iter or stop.requested or patience.exhausted

    with report or nullcontext() as progress, stop:
        while not history or not done():
            start = time.perf_counter()
            loss = trainer.epoch()
            seconds = time.perf_counter() - start
            _require_finite(loss, len(history) + 1)
            held_out_loss, score = validate() if validate else (None, None)
            history.append(Epoch(loss, held_out_loss, score, seconds))
            if progress:
                progress.update(len(history), loss, held_out_loss, score)
            is_best = patience.improved(-loss if score is None else score)
            if is_best and score is not None:
                best = net.weights(), net.learned()
    if stop.requested:
        warnings.warn(
            f"Training was interrupted after epoch {len(history)}; the model is that of the epochs "
            "done.",
            InterruptedFitWarning,
            stacklevel=5,
        )
    return Outcome(
        *(best or (net.weights(), net.learned())),
        history=history,
        best_loss=float(history.loss.min()),
        best_score=patience.best if validate else None,
        converged=patience.exhausted,
        interrupted=stop.requested,
    )


def _require_finite(loss: float, epoch: int) -> None:
    if np.isfinite(loss):
        return
    raise ValueError(
        f"The loss became {loss} in epoch {epoch}: the weights have overflowed and cannot recover. "
        "A smaller learning_rate_init or scaled features (StandardScaler) usually help."
    )
