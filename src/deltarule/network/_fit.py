"""What a call of `Network.fit` was told."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from deltarule._training import Course, course_of
from deltarule.schedules import Schedule, changes_per_batch, rate_at
from deltarule.vitals import History


@dataclass(frozen=True)
class Fit:
    """What a training follows from, beside the data.

    Attributes
    ----------
    settings : mapping
        Of the engine.
    schedule : schedule or callable, optional
        The learning rate of an epoch of this training.  None: a function that a file could not
        hold.
    first : int
        Epochs of the history that belong to earlier trainings.
    """

    settings: Mapping[str, Any]
    schedule: Schedule | Callable[[int], float] | None
    first: int

    def rate(self, epoch: float, history: History) -> float:
        """The learning rate of an epoch of the history."""
        assert self.schedule is not None
        rate = rate_at(self.schedule, epoch - self.first, history, self.first)
        if not 0 <= rate < math.inf:
            raise ValueError(
                f"The learning rate of epoch {epoch - self.first} must be a number >= 0; the "
                f"schedule gave {rate!r}."
            )
        return rate

    def course(self, history: History) -> Callable[[int, int], Course] | None:
        """The rates of every batch of an epoch, where they change."""
        if self.schedule is None or not changes_per_batch(self.schedule):
            return None
        return lambda epoch, batches: course_of(lambda at: self.rate(at, history), epoch, batches)


@dataclass(frozen=True)
class Watch:
    """What happens beside a training."""

    validation: tuple[ArrayLike, ArrayLike] | None
    checkpoint: str | os.PathLike[str] | None
    callback: Callable[[History], Any] | None
    n_jobs: int | None
    verbose: bool

    def report(self, epochs: int) -> AbstractContextManager[Any] | None:
        """The progress bar, where one is wanted."""
        if not self.verbose:
            return None
        from deltarule.progress import EpochReport

        return EpochReport(epochs)
