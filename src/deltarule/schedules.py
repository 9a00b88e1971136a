"""Learning rates that change from epoch to epoch, as records: a checkpoint can hold them.

Each is called with the number of an epoch, counted from 0, and gives its learning rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


def _require(name: str, value: float, low: float, words: str) -> None:
    if not (math.isfinite(value) and value > low):
        raise ValueError(f"{name} must be {words}; met {value!r}.")


@dataclass(frozen=True)
class Constant:
    """The same ``rate`` in every epoch."""

    rate: float

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")

    def __call__(self, epoch: int) -> float:
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

    def __call__(self, epoch: int) -> float:
        return float(self.rate * self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Exponential:
    """``rate * decay**epoch``."""

    rate: float
    decay: float = 0.95

    def __post_init__(self) -> None:
        _require("rate", self.rate, 0.0, "a number > 0")
        _require("decay", self.decay, 0.0, "a number > 0")

    def __call__(self, epoch: int) -> float:
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

    def __call__(self, epoch: int) -> float:
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

    def __call__(self, epoch: int) -> float:
        top = max(self.rising * self.epochs - 1, 0.0)
        first, last = self.rate / 25, self.rate / 250000
        if epoch < top:
            return _between(first, self.rate, epoch / top)
        return _between(self.rate, last, min(1.0, (epoch - top) / (self.epochs - 1 - top)))


def _between(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


Schedule = Constant | Step | Exponential | Cosine | OneCycle
SCHEDULES = {cls.__name__: cls for cls in (Constant, Step, Exponential, Cosine, OneCycle)}
