"""The runs of the race: small convolutional networks, looked at after every fourth update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import deltarule as dr
from deltarule.examples._nets import CLASSES, Codes, Floats, accuracy, descend
from deltarule.initialisers import VarianceScaling
from deltarule.layers import Conv2D, Dense, Flatten, Layer, MaxPool

BATCH, EVERY = 16, 4  # rows of an update; updates between two looks at the error


def _network(name: str, scale: float, X: Floats, seed: int) -> dr.Network:
    init = VarianceScaling("in", "normal", scale * dr.init_gain(name))
    layers: list[Layer] = [
        Conv2D(8, 3, init=init, activation=name),
        MaxPool(2),
        Conv2D(16, 3, init=init, activation=name),
        Flatten(),
        Dense(32, init=init, activation=name),
        Dense(CLASSES),
    ]
    return dr.Network(layers, "softmax_cross_entropy", seed=seed, input_shape=X.shape[1:])


@dataclass(frozen=True)
class Track:
    """What all runs have in common."""

    X: Floats
    y: Codes
    rates: tuple[float, ...]
    target: float
    updates: int
    seeds: range


def _course(net: dr.Network, track: Track, rate: float, seed: int) -> Iterator[float]:
    """Shares of wrong rows, before training and after every fourth update."""
    X, y, rng, waiting = track.X, track.y, np.random.default_rng(seed), np.empty(0, int)
    yield 1 - accuracy(net, X, y)
    for _ in range(track.updates // EVERY):
        while len(waiting) < EVERY * BATCH:
            waiting = np.append(waiting, rng.permutation(len(X)))
        chosen, waiting = np.split(waiting, [EVERY * BATCH])
        try:
            descend(net, X[chosen], y[chosen], rate=rate, batch=BATCH, shuffle=False)
        except ValueError:  # the loss overflowed
            return
        yield 1 - accuracy(net, X, y)


@dataclass
class _Run:
    """A run that is followed as far as it is asked for."""

    course: Iterator[float]
    errors: list[float]

    def arrives(self, target: float) -> float:
        """Updates until the error is no larger; infinite if that does not happen."""
        for error in self.course:
            self.errors.append(error)
            if error <= target:
                return EVERY * (len(self.errors) - 1)
        return np.inf

    def whole(self, length: int) -> list[float]:
        """All errors; NaN behind an overflow."""
        self.errors += self.course
        return [*self.errors, *[np.nan] * (length - len(self.errors))]


@dataclass(frozen=True)
class Runner:
    """An activation, with what each learning rate makes of it.

    Attributes
    ----------
    scale : float
        Of its initial weights.
    arrivals : dict of float to list of float
        By learning rate: updates to the target of every repeat, infinite where it is not reached.
    errors : ndarray, shape (repeats, n_looks)
        With the best learning rate, NaN behind an overflow.
    slope : float
        Mean of f'(z) over the hidden units before training.
    """

    name: str
    scale: float
    arrivals: dict[float, list[float]]
    errors: Floats
    slope: float

    @property
    def rate(self) -> float:
        """The best learning rate."""
        return min(self.arrivals, key=lambda rate: median_of(self.arrivals[rate]))

    @property
    def best(self) -> list[float]:
        """Updates to the target with the best learning rate."""
        return self.arrivals[self.rate]

    @property
    def median(self) -> float:
        """Median updates to the target with the best learning rate."""
        return median_of(self.best)

    @property
    def largest_rate(self) -> float | None:
        """The largest learning rate with which half of the runs arrive."""
        usable = [rate for rate, found in self.arrivals.items() if np.isfinite(median_of(found))]
        return max(usable, default=None)

    @property
    def figures(self) -> dict[str, float]:
        if self.largest_rate is None:
            return {"slope": self.slope}
        found = {"updates": self.median, "rate": self.rate, "largest rate": self.largest_rate}
        return {"slope": self.slope, **found}


def median_of(updates: list[float]) -> float:
    """The lower of two in the middle, as half of the runs have arrived by then."""
    return sorted(updates)[(len(updates) - 1) // 2]


def best_of(name: str, scale: float, track: Track) -> Runner:
    nets = {s: _network(name, scale, track.X, s) for s in track.seeds}
    slope = float(np.mean([_slope(name, net, track.X) for net in nets.values()]))
    runs = {
        rate: [
            _Run(_course(_network(name, scale, track.X, s), track, rate, s), [])
            for s in track.seeds
        ]
        for rate in track.rates
    }
    arrivals = {rate: [run.arrives(track.target) for run in runs[rate]] for rate in track.rates}
    first = min(arrivals, key=lambda rate: median_of(arrivals[rate]))
    looks = track.updates // EVERY + 1
    errors = np.array([run.whole(looks) for run in runs[first]])
    return Runner(name, scale, arrivals, errors, slope)


def _slope(name: str, net: dr.Network, X: Floats) -> float:
    """Mean of f'(z) over the hidden units."""
    f, values = dr.activation(name), net.forward(X[:200], keep=True).values
    layers = list(values)
    sums = [layers[i - 1] for i, layer in enumerate(layers) if layer.startswith("activation")]
    return float(np.mean(np.concatenate([f.derivative(values[z]).ravel() for z in sums])))
