"""Learning rates that change from epoch to epoch, by scikit-learn's names or as schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deltarule._training import OF_MOMENTUM, Course, course_of
from deltarule.schedules import Schedule, changes_per_batch, rate_at
from deltarule.vitals import History


class Adaptive:
    """A learning rate that is divided by 5 whenever training comes to rest, until 1e-6."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, epoch: int, history: History) -> float:
        return self.rate

    def slow_down(self) -> bool:
        """Whether training is to end."""
        if self.rate <= 1e-6:
            return True
        self.rate /= 5.0
        return False


def rate_of(
    estimator: Any, history: History, rows: int, begins: int
) -> Callable[[int, History], float] | None:
    """The learning rate of an epoch of the history, where it is not one for all.

    ``begins`` is the epoch where a schedule begins: 0 for `partial_fit`, which goes on with it.
    """
    rule, scale = estimator.learning_rate, float(estimator.learning_rate_init)
    first = len(history)
    if isinstance(rule, Schedule):
        return lambda epoch, known: rate_at(rule, epoch - begins, known, begins)
    if estimator.solver not in OF_MOMENTUM or rule == "constant":
        return None
    if rule == "adaptive":
        return Adaptive(scale)
    done = estimator.t_ if first else 0

    def inverse(epoch: int, known: History) -> float:
        seen = done + (epoch - first) * rows
        return scale / float((seen + 1) ** estimator.power_t) if seen else scale

    return inverse


def course_of_estimator(
    estimator: Any, history: History, begins: int
) -> Callable[[int, int], Course] | None:
    """The learning rates of every batch of an epoch, where they change from batch to batch."""
    rule = estimator.learning_rate
    if not isinstance(rule, Schedule) or not changes_per_batch(rule):
        return None

    def rate(at: float) -> float:
        return rate_at(rule, at - begins, history, begins)

    return lambda epoch, batches: course_of(rate, epoch, batches)


def unfinished(estimator: Any) -> str:
    """The words of a warning that training has not converged."""
    if estimator.solver == "lbfgs":
        return (
            f"lbfgs ended after {estimator.n_iter_} iterations without having converged: raise "
            "max_iter or max_fun, or scale the features (StandardScaler)."
        )
    looks_at, advice = "loss", ", or set early_stopping=True"
    if estimator.early_stopping:
        looks_at = "score" if estimator.monitor == "score" else "validation loss"
        advice = ""
    return (
        f"Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't converged "
        f"yet: the {looks_at} still improves by more than tol. "
        f"Raise max_iter{advice}."
    )
