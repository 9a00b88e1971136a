"""Learning rates that change from epoch to epoch, as records: a checkpoint can hold them.

`rate_at` gives the learning rate of an epoch, counted from 0, of those that change from batch to
batch of a fraction of an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from deltarule.vitals import History


def _require(name: str, value: float, low: float, words: str) -> None:
    if not (math.isfinite(value) and value > low):
        raise ValueError(f"{name} must be {words}; met {value!r}.")


@dataclass(frozen=True)
class Constant:
    """The same ``rate`` in every epoch."""

    rate: float

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")

    def __call__(self, epoch: float) -> float:
        return self.rate


@dataclass(frozen=True)
class Step:
    """``rate``, times ``factor`` after every ``every`` epochs."""

    rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("every", self.every, 0.0, "an integer >= 1")
        _require("factor", self.factor, 0.0, "a number > 0")

    def __call__(self, epoch: float) -> float:
        return float(self.rate * self.factor ** (int(epoch) // self.every))


@dataclass(frozen=True)
class Exponential:
    """``rate * decay**epoch``."""

    rate: float
    decay: float = 0.95

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("decay", self.decay, 0.0, "a number > 0")

    def __call__(self, epoch: float) -> float:
        return float(self.rate * self.decay**epoch)


@dataclass(frozen=True)
class Cosine:
    """From ``rate`` down to ``last`` over ``epochs`` epochs along half a cosine.

    Loshchilov and Hutter 2017; before it ``warm_up`` epochs in which the rate rises in equal steps.
    """

    rate: float
    epochs: int
    last: float = 0.0
    warm_up: int = 0

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("epochs", self.epochs, self.warm_up, "an integer larger than warm_up")

    def __call__(self, epoch: float) -> float:
        if epoch < self.warm_up:
            return self.rate * (epoch + 1) / (self.warm_up + 1)
        done = min(1.0, (epoch - self.warm_up) / (self.epochs - self.warm_up))
        return self.last + (self.rate - self.last) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class OneCycle:
    """Up to ``rate`` and down again over ``epochs`` epochs along cosines (Smith 2018).

    From ``rate / 25`` to ``rate`` in the first ``rising`` of the epochs, then down to
    ``rate / 250000``, as in PyTorch.
    """

    rate: float
    epochs: int
    rising: float = 0.3

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("epochs", self.epochs, 1.0, "an integer >= 2")
        if not 0 < self.rising < 1:
            raise ValueError(f"rising must be in (0, 1); met {self.rising!r}.")

    def __call__(self, epoch: float) -> float:
        top = max(self.rising * self.epochs - 1, 0.0)
        first, last = self.rate / 25, self.rate / 250000
        if epoch < top:
            return _between(first, self.rate, epoch / top)
        return _between(self.rate, last, min(1.0, (epoch - top) / (self.epochs - 1 - top)))


def _between(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class CosLog4:
    """Four cosine waves from 0 to ``rate`` and back, each twice as long as the one before.

    rate / 2 * (1 - cos(2 pi log2(1 + 15 t))), where t is the share of ``epochs`` that is done,
    batch by batch (Holzmüller, Grinsztajn and Steinwart 2024).
    """

    rate: float
    epochs: int
    per_batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("epochs", self.epochs, 0.0, "an integer >= 1")

    def __call__(self, epoch: float) -> float:
        done = min(1.0, epoch / self.epochs)
        return self.rate * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * done)))


@dataclass(frozen=True)
class ReduceOnPlateau:
    """``rate``, times ``factor`` whenever the loss has not fallen for ``patience`` epochs.

    The loss is that of the validation where there is one, else that of training; it has fallen
    where it is below the smallest before by more than ``threshold`` of its size.  As PyTorch's
    scheduler of this name for losses >= 0.
    """

    rate: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    last: float = 0.0

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("patience", self.patience, -1.0, "an integer >= 0")
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be in (0, 1); met {self.factor!r}.")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be in [0, 1); met {self.threshold!r}.")
        if not 0 <= self.last <= self.rate:
            raise ValueError(f"last must be in [0, rate]; met {self.last!r}.")

    def after(self, losses: list[float]) -> float:
        """The rate of the epoch that follows epochs of these losses."""
        rate, best, waited = self.rate, math.inf, 0
        for loss in losses:
            better = loss < best - self.threshold * abs(best) if best < math.inf else loss < best
            best, waited = (loss, 0) if better else (best, waited + 1)
            if waited > self.patience:
                rate, waited = max(rate * self.factor, self.last), 0
        return rate


@dataclass(frozen=True)
class WarmUp:
    """Equal steps up to where ``schedule`` begins, over ``epochs`` epochs, then the schedule."""

    schedule: Schedule
    epochs: int

    def __post_init__(self) -> None:
        _require("epochs", self.epochs, 0.0, "an integer >= 1")
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule must be one of deltarule.schedules; met {self.schedule!r}.")

    @property
    def per_batch(self) -> bool:
        """Whether the rate changes from batch to batch."""
        return changes_per_batch(self.schedule)

    def rising(self, epoch: float, top: float) -> float:
        """The rate of one of the first epochs, where the schedule begins with ``top``."""
        return top * (math.floor(epoch) + 1) / (self.epochs + 1)


Schedule = Constant | Step | Exponential | Cosine | OneCycle | CosLog4 | ReduceOnPlateau | WarmUp
_NAMED: Mapping[str, Any] = {cls.__name__: cls for cls in Schedule.__args__}


def changes_per_batch(schedule: Schedule | Callable[[int], float]) -> bool:
    """Whether a schedule is asked for the rate of every batch."""
    return bool(getattr(schedule, "per_batch", False))


def rate_at(
    schedule: Schedule | Callable[[int], float], epoch: float, history: History, first: int = 0
) -> float:
    """The learning rate of a schedule, or of a function.

    Parameters
    ----------
    schedule
    epoch : float
        Of this training, counted from 0; only schedules that change per batch are asked for
        fractions.
    history : History
        The epochs before, those of earlier trainings included.
    first : int
        Epochs of the history that belong to earlier trainings.
    """
    if isinstance(schedule, WarmUp):
        if epoch >= schedule.epochs:
            later = first + schedule.epochs
            return rate_at(schedule.schedule, epoch - schedule.epochs, history, later)
        top = _top(schedule.schedule)
        return schedule.rising(epoch, top)
    if isinstance(schedule, ReduceOnPlateau):
        epochs = history.epochs[first:]
        held = [e.loss if e.validation_loss is None else e.validation_loss for e in epochs]
        return schedule.after([math.nan if loss is None else loss for loss in held])
    if isinstance(schedule, Schedule):
        return schedule(epoch)
    return float(schedule(int(epoch)))


def _top(schedule: Schedule) -> float:
    """Where a schedule begins, or its largest rate where it begins at 0."""
    begins = rate_at(schedule, 0, History())
    if begins or isinstance(schedule, WarmUp):
        return begins
    return schedule.rate


def to_record(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data."""
    if isinstance(schedule, WarmUp):
        return {
            "type": "WarmUp",
            "schedule": to_record(schedule.schedule),
            "epochs": schedule.epochs,
        }
    return {"type": type(schedule).__name__, **asdict(schedule)}


def is_record(value: Mapping[str, Any]) -> bool:
    """Whether plain data describes a schedule."""
    return value.get("type") in _NAMED


def from_record(record: Mapping[str, Any]) -> Schedule:
    """The schedule that `to_record` described."""
    stated = dict(record)
    kind = stated.pop("type", None)
    if kind not in _NAMED:
        raise ValueError(f"There is no schedule {kind!r}.")
    if kind == "WarmUp":
        stated["schedule"] = from_record(stated["schedule"])
    made: Schedule = _NAMED[kind](**stated)
    return made
