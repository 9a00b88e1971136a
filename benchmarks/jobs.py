"""The work all trainers are given: a data set, a dense ReLU net, a batch size.

Softmax cross-entropy for classes and squared error for numbers, Adam with a rate of 1e-3, no
penalty, a new order of the rows every epoch; the last batch of an epoch holds the rows that are
left.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Layers = list[tuple[Array, Array]]  # weights (fan_in, fan_out) and biases (fan_out,)
Train = Callable[[int], Layers]  # trains that many epochs, always from the same start

NETS: Mapping[str, tuple[int, ...]] = {
    "64": (64,),
    "100": (100,),
    "256x256": (256, 256),
    "1024x1024": (1024, 1024),
    "10x64": (64,) * 10,
}
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Job:
    """What to train on what; integer targets are classes, floats a regression."""

    X: Array
    y: Array
    hidden: tuple[int, ...]
    batch: int
    threads: int = 1

    @property
    def classes(self) -> int:
        """How many classes there are; 0 for a regression."""
        return int(self.y.max()) + 1 if self.y.dtype.kind == "i" else 0

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.X.shape[1], *self.hidden, self.classes or 1)

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-len(self.X) // self.batch)

    @property
    def targets(self) -> Array:
        """One row per row of X, in its dtype: one-hot classes or the number."""
        if self.classes:
            return np.eye(self.classes, dtype=self.X.dtype)[self.y]
        return self.y.astype(self.X.dtype)[:, None]

    def initial_layers(self) -> Layers:
        """Glorot-uniform weights, zero biases."""
        random = np.random.default_rng(0)
        layers = []
        for i, o in itertools.pairwise(self.sizes):
            w = random.uniform(-1, 1, (i, o)) * np.sqrt(6 / (i + o))
            layers.append((w.astype(self.X.dtype), np.zeros(o, self.X.dtype)))
        return layers


def predict(layers: Layers, X: Array) -> Array:
    """What the last layer says before any softmax."""
    for w, b in layers[:-1]:
        X = np.maximum(X @ w + b, 0)
    return X @ layers[-1][0] + layers[-1][1]


def fitted(job: Job, layers: Layers) -> tuple[float, float]:
    """Accuracy (or R^2) and mean loss on the training rows."""
    z = predict(layers, job.X).astype(np.float64)
    if job.classes:
        z -= z.max(1, keepdims=True)
        z -= np.log(np.exp(z).sum(1, keepdims=True))
        right = z.argmax(1) == job.y
        return float(right.mean()), float(-z[np.arange(len(z)), job.y].mean())
    error = float(np.mean((z[:, 0] - job.y) ** 2))
    return 1 - error / float(np.var(job.y)), error / 2


def flattened(layers: Layers) -> Array:
    """All parameters in one vector."""
    return np.concatenate([a.ravel() for pair in layers for a in pair])


def views(flat: Any, sizes: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """The weights and biases of every layer as views of such a vector, an array or a tensor."""
    start, layers = 0, []
    for i, o in itertools.pairwise(sizes):
        middle, end = start + i * o, start + i * o + o
        layers.append((flat[start:middle].reshape(i, o), flat[middle:end]))
        start = end
    return layers


def digits(dtype: str) -> tuple[Array, Array]:
    """1797 rows, 64 columns, 10 classes."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return np.ascontiguousarray(X / 16, dtype=dtype), y.astype(np.int64)


def teacher(rows: int, outputs: int, dtype: str) -> tuple[Array, Array]:
    """Normal rows of 50 columns and what a random net of 20 units says of them."""
    random = np.random.default_rng(0)
    first, second = random.normal(size=(50, 20)) / 5, random.normal(size=(20, outputs))
    X = random.standard_normal((rows, 50), dtype=np.float32)
    return X.astype(dtype), np.tanh(X @ first) @ second


def clf100k(dtype: str) -> tuple[Array, Array]:
    X, z = teacher(100_000, 10, dtype)
    return X, z.argmax(1)


def reg100k(dtype: str) -> tuple[Array, Array]:
    X, z = teacher(100_000, 1, dtype)
    return X, (z[:, 0] / z.std()).astype(dtype)


SETS: Mapping[str, Callable[[str], tuple[Array, Array]]] = {
    "digits": digits,
    "clf100k": clf100k,
    "reg100k": reg100k,
}
