"""Vitals of passes that are looked at from outside: what the engine gathers, from arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._activation_kinds import ElementwiseActivation
from deltarule._saturation import saturation_interval
from deltarule._watching import DEAD, SATURATED
from deltarule.vitals import NUMBERS, QUANTILES, Vitals

Array = NDArray[Any]
Floats = NDArray[np.float64]

WEIGHTS = ("weight", "recurrent")  # the other parameters count where a layer has none of these
_DYING = 0.05
_FADE = 7 / 8  # of what is known of gradients, from batch to batch
_SEGMENTS, _SEGMENT = 4, 16  # of a gradient that are compared from batch to batch
_SAMPLE = 4096  # numbers of an epoch from which quantiles are taken


@dataclass
class _Sums:
    """Of the numbers of some arrays."""

    count: int = 0
    sum: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    zeros: int = 0
    not_finite: int = 0

    def add(self, array: Array) -> None:
        a = np.ravel(array)
        if not a.size:
            return
        self.count += a.size
        with np.errstate(all="ignore"):
            total = float(a.sum(dtype=np.float64))
            self.sum += total
            self.squares += _squares(a)
        self.zeros += a.size - int(np.count_nonzero(a))
        if math.isfinite(total):  # so is every number
            self.largest = max(self.largest, float(a.max()), -float(a.min()))
            return
        finite = np.isfinite(a)
        self.not_finite += a.size - int(np.count_nonzero(finite))
        self.largest = max(self.largest, float(np.abs(a).max(initial=0.0, where=finite)))


@dataclass
class _Size:
    """Of the numbers of some arrays: their root mean square."""

    count: int = 0
    squares: float = 0.0

    def add(self, arrays: Sequence[Array]) -> None:
        self.count += sum(a.size for a in arrays)
        with np.errstate(all="ignore"):
            self.squares += sum(_squares(np.ravel(a)) for a in arrays)

    @property
    def rms(self) -> float:
        return math.sqrt(self.squares / self.count) if self.count else math.nan


@dataclass
class _Direction:
    """Some numbers of a gradient in the batches seen, older batches weighing less."""

    sum: Floats = field(default_factory=lambda: np.zeros(0))
    squares: float = 0.0
    batches: float = 0.0
    batches_squared: float = 0.0

    def add(self, arrays: Sequence[Array]) -> None:
        flat = np.ravel(arrays[0]) if len(arrays) == 1 else np.concatenate([*map(np.ravel, arrays)])
        size = min(len(flat), _SEGMENT)
        begins = [(len(flat) - size) * (2 * s + 1) // 8 for s in range(_SEGMENTS)]
        chosen = np.concatenate([flat[b : b + size] for b in begins]).astype(np.float64)
        self.sum = chosen if not self.batches else _FADE * self.sum + chosen
        self.squares = _FADE * self.squares + float(chosen @ chosen)
        self.batches = _FADE * self.batches + 1
        self.batches_squared = _FADE**2 * self.batches_squared + 1

    @property
    def signal(self) -> float:
        """Size of the mean over that of the deviations, unbiased; NaN for a single batch."""
        lost = self.batches_squared / self.batches**2 if self.batches else 1.0
        if lost > 0.999:
            return math.nan
        mean = float(np.sum(np.square(self.sum / self.batches)))
        noise = max(self.squares / self.batches - mean, 0.0) / (1 - lost)
        wanted = max(mean - noise * lost, 0.0)
        return math.sqrt(wanted / noise) if noise else math.inf if wanted else math.nan


class Tally:
    """What one layer did in the batches of an epoch that were looked at, as sums.

    Parameters
    ----------
    activation : Activation, optional
        Of the layer: which of its inputs saturate, and which units are dead, follows from it.
    """

    def __init__(self, activation: Any = None) -> None:
        self.intervals: tuple[tuple[float, float], ...] = ()
        if isinstance(activation, ElementwiseActivation):
            self.intervals = tuple(
                saturation_interval(activation, level) for level in (SATURATED, DEAD)
            )
        self._direction = _Direction()
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Forget the sums, but not the direction of the gradient."""
        self._value, self._delta = _Sums(), _Sums()
        self._weight, self._gradient, self._update = _Size(), _Size(), _Size()
        self._counts: Floats | None = None
        self._lines = 0
        self._sample = np.zeros(0)

    @property
    def is_empty(self) -> bool:
        """Whether no value was seen in the epoch."""
        return not self._value.count

    def see_value(self, value: Array) -> None:
        """What the layer computed for some rows."""
        self._value.add(value)
        if not self._sample.size:
            flat = np.ravel(value)
            places = np.linspace(0, flat.size - 1, min(flat.size, _SAMPLE)).astype(int)
            self._sample = flat[places].astype(np.float64)

    def see_delta(self, delta: Array) -> None:
        """The slope of the mean loss of a batch by what the layer computed."""
        self._delta.add(delta)

    def see_inputs(self, inputs: Array) -> None:
        """What an activation read; the last axis counts units."""
        x = np.asarray(inputs).reshape(-1, inputs.shape[-1])
        self.see_counts(
            [((x > low) & (x < high)).sum(axis=0) for low, high in self.intervals], len(x)
        )

    def see_counts(self, within: Sequence[Array], lines: int) -> None:
        """How many of so many inputs of every unit lie within each of the ``intervals``."""
        counts = np.array(within, dtype=np.float64)
        self._counts = counts if self._counts is None else self._counts + counts
        self._lines += lines

    def see_gradient(self, arrays: Sequence[Array]) -> None:
        """The slope of the mean loss of a batch by the weights."""
        self._gradient.add(arrays)
        self._direction.add(arrays)

    def see_weights(self, arrays: Sequence[Array]) -> None:
        """The weights as they are, after a step where there is one."""
        self._weight.add(arrays)

    def see_update(self, arrays: Sequence[Array]) -> None:
        """The change of the weights in a step."""
        self._update.add(arrays)

    def numbers(self) -> NDArray[np.float32]:
        """The numbers of the layer in the order of `deltarule.vitals.NUMBERS`, then quantiles."""
        value, delta = self._value, self._delta
        found = dict.fromkeys(NUMBERS, math.nan)
        if value.count:
            mean = value.sum / value.count
            variance = value.squares / value.count - mean * mean
            found["value_mean"] = mean
            found["value_std"] = math.sqrt(max(variance, 0.0))
            found["value_largest"] = value.largest
            found["not_finite"] = value.not_finite / value.count
        if delta.count:
            found["delta_mean"] = delta.sum / delta.count
            found["delta_rms"] = math.sqrt(delta.squares / delta.count)
            found["delta_zeros"] = delta.zeros / delta.count
        if self._counts is not None:
            unsaturated, alive = self._counts / self._lines
            found["saturated"] = 1 - float(unsaturated.mean())
            found["dead"] = float(np.mean(alive == 0))
            found["dying"] = float(np.mean(alive < _DYING))
        found["weight_rms"] = self._weight.rms
        found["gradient_rms"], found["update_rms"] = self._gradient.rms, self._update.rms
        found["signal"] = self._direction.signal
        with np.errstate(over="ignore"):
            return np.array([*found.values(), *_quantiles(self._sample)], dtype=np.float32)


def vitals_of(tallies: Mapping[str, Tally]) -> Vitals:
    """The vitals of one epoch, from what every layer did in it."""
    numbers = np.array([tally.numbers() for tally in tallies.values()], dtype=np.float32)
    rows = numbers.reshape(1, len(tallies), len(NUMBERS) + QUANTILES)
    split = np.split(rows, [len(NUMBERS)], axis=2)
    return Vitals(tuple(tallies), split[0], split[1])


def replay(network: Any, X: Array, y: Array) -> tuple[float, Vitals]:
    """Loss and vitals of one pass there and back at the weights as they are; nothing is learned.

    Parameters
    ----------
    network : deltarule.Network
    X, y : ndarray
        All rows are one batch.
    """
    trace, weights = network.backward(X, y), network.weights()
    tallies: dict[str, Tally] = {}
    for node in network.plan.nodes:
        is_activation = node.kind.endswith("activation")
        tally = Tally(getattr(node.layer, "activation", None) if is_activation else None)
        tallies[node.name] = tally
        tally.see_value(trace.values[node.name])
        if node.name in trace.deltas:
            tally.see_delta(trace.deltas[node.name])
        if tally.intervals:
            tally.see_inputs(value_read(network.plan, node, trace))
        own = [p.name for p in node.parameters if f"{node.name}.{p.name}" in trace.gradients]
        names = [f"{node.name}.{n}" for n in [n for n in own if n in WEIGHTS] or own]
        if names:
            tally.see_gradient([trace.gradients[n] for n in names])
            tally.see_weights([weights[n] for n in names])
    return float(trace.loss), vitals_of(tallies)


def value_read(plan: Any, node: Any, trace: Any) -> Array:
    """What a node read in a pass: the value of the node before it, or the rows."""
    index = node.reads[0]
    return np.asarray(trace.values[plan.nodes[index - 1].name] if index else trace.x)


def _squares(flat: Array) -> float:
    """The sum of squares, in double and in one thread."""
    return float(np.einsum("i,i->", flat, flat, dtype=np.float64))


def _quantiles(sample: Floats) -> Floats:
    """Of the numbers of a sample, from the smallest to the largest, NaN last."""
    if not sample.size:
        return np.full(QUANTILES, np.nan)
    places = np.linspace(0, sample.size - 1, QUANTILES).round().astype(int)
    return np.asarray(np.sort(sample)[places])
