"""What the examples of networks share: handwritten digits, plain descent, sizes by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import deltarule as dr

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

CLASSES = 10


def digits() -> tuple[Floats, Codes]:
    """The 1,797 handwritten digits of scikit-learn: 64 pixels from -1 to 1, and what they are."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels / 8 - 1, labels


def descend(
    net: dr.Network, X: Floats, y: NDArray[Any], *, rate: float, batch: int, **options: Any
) -> None:
    """Train by plain gradient descent on mini-batches, one epoch unless ``options`` say more."""
    given: dict[str, Any] = {"epochs": 1, "n_jobs": 1, **options}
    net.fit(X, y, solver="sgd", momentum=0.0, learning_rate=rate, batch_size=batch, **given)


def rms(a: NDArray[Any]) -> float:
    """Root mean square of all numbers."""
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


def gradient_sizes(net: dr.Network, X: Floats, y: NDArray[Any]) -> Floats:
    """Root mean square of the gradient of the weights, layer by layer, shape (n_layers,)."""
    found = net.backward(X, y).gradients
    return np.array([rms(g) for name, g in found.items() if name.endswith(".weight")])


def accuracy(net: dr.Network, X: Floats, y: Codes) -> float:
    """Share of rows whose class has the largest score."""
    return float(np.mean(net.forward(X).argmax(axis=1) == y))


def require_counts(least: int = 1, **counts: int) -> None:
    """Raise a sentence for a number that is no integer or below the least.

    Raises
    ------
    ValueError
    """
    for name, count in counts.items():
        if isinstance(count, bool) or int(count) != count or count < least:
            raise ValueError(f"{name} must be an integer >= {least}; met {count!r}.")
