"""Cross-entropy of the logits h W^T + b without the matrix of all logits.

Axes: n rows, d features, C classes.  Value and gradient go through tiles of logits; the gradient
computes them again instead of keeping them.

Each row has a reference class r, its label or the likeliest target.  With R the log-sum-exp of the
other logits, logsumexp(z) - z_r = softplus(R - z_r) and 1 - p_r = sigmoid(R - z_r): a confident row
keeps its digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._primitives import sigmoid, softplus
from deltarule.composites._record import Pullback

TILE_ROWS, TILE_CLASSES = 1024, 2048


class Targets(NamedTuple):
    """What a batch should predict: the reference classes (n,), and distributions (n, C) if soft.

    Smoothing mixes either with the uniform distribution; then each class counts by its weight (C,).
    """

    codes: Array
    rows: Array | None
    smoothing: float
    weights: Array

    @property
    def soft(self) -> bool:
        """Whether classes other than the reference have a target probability."""
        return self.rows is not None or self.smoothing > 0

    def part(self, rows: slice) -> Targets:
        """The targets of some rows."""
        distributions = None if self.rows is None else self.rows[rows]
        return self._replace(codes=self.codes[rows], rows=distributions)

    def tile(self, classes: slice) -> Array:
        """Weighted target probabilities (n, classes of the tile)."""
        keep, spread = self._shares()
        if self.rows is not None:
            return np.asarray((self.rows[:, classes] * keep + spread) * self.weights[classes])
        q = np.tile(self.weights[classes] * spread, (len(self.codes), 1))
        inside, place = self.where(classes)
        q[inside, place] += keep * self.weights[self.codes[inside]]
        return q

    def where(self, classes: slice) -> tuple[Array, Array]:
        """Rows whose reference class lies in the tile, and its column there."""
        inside = np.flatnonzero((self.codes >= classes.start) & (self.codes < classes.stop))
        return inside, self.codes[inside] - classes.start

    def total(self) -> Array:
        """The sum over the classes (n,)."""
        keep, spread = self._shares()
        kept = self.weights[self.codes] if self.rows is None else self.rows @ self.weights
        return np.asarray(keep * kept + spread * self.weights.sum())

    def at_reference(self) -> Array:
        """The weighted target probability of the reference class (n,)."""
        keep, spread = self._shares()
        q = 1 if self.rows is None else self.rows[np.arange(len(self.codes)), self.codes]
        return np.asarray((q * keep + spread) * self.weights[self.codes])

    def _shares(self) -> tuple[Any, Any]:
        """What smoothing leaves to the target, and what it gives to each class."""
        dtype = self.weights.dtype.type
        return dtype(1 - self.smoothing), dtype(self.smoothing / len(self.weights))


def linear_cross_entropy(h: Array, W: Array, b: Array, targets: Targets) -> tuple[Array, Pullback]:
    """Cross-entropy (n,) of features h (n, d) under the layer W (C, d), b (C,); for h, W and b."""
    parts = [slice(i, min(i + TILE_ROWS, len(h))) for i in range(0, len(h), TILE_ROWS)]
    passes = [_Pass(h[part], W, b, targets.part(part)) for part in parts]
    values = np.concatenate([p.values for p in passes]) if passes else np.zeros(0, h.dtype)

    def pullback(g: Array) -> tuple[Array, ...]:
        gh, gW, gb = np.zeros_like(h), np.zeros_like(W), np.zeros_like(b)
        for part, one in zip(parts, passes, strict=True):
            one.add_gradients(g[part], gh[part], gW, gb)
        return gh, gW, gb

    return values, pullback


class _Pass:
    """The rows of one tile over all classes: losses, and what the gradient needs of them."""

    def __init__(self, h: Array, W: Array, b: Array, targets: Targets) -> None:
        self.h, self.W, self.b, self.targets = h, W, b, targets
        self.reference = (h * W[targets.codes]).sum(axis=1) + b[targets.codes]
        top = np.full(len(h), -np.inf, h.dtype)
        scaled, drift = np.zeros_like(top), np.zeros_like(top)
        for classes, z in self._tiles():
            if targets.soft:
                q = targets.tile(classes)
                drift += np.where(q > 0, q * (z - self.reference[:, None]), 0).sum(axis=1)
            z[targets.where(classes)] = -np.inf
            peak = np.maximum(top, z.max(axis=1))
            finite = np.where(np.isneginf(peak), 0, peak)
            scaled *= np.exp(top - finite)
            scaled += np.exp(z - finite[:, None]).sum(axis=1)
            top = peak
        others = top + np.log(np.where(scaled == 0, 1, scaled))
        self.gap = others - self.reference
        self.total = targets.total()
        self.values = self.total * softplus(self.gap) - drift

    def _tiles(self) -> Iterator[tuple[slice, Array]]:
        """Logits, with the reference class as it was summed there."""
        for start in range(0, len(self.W), TILE_CLASSES):
            classes = slice(start, min(start + TILE_CLASSES, len(self.W)))
            z = self.h @ self.W[classes].T + self.b[classes]
            inside, place = self.targets.where(classes)
            z[inside, place] = self.reference[inside]
            yield classes, z

    def add_gradients(self, g: Array, gh: Array, gW: Array, gb: Array) -> None:
        """Adds to the gradients of h, W and b those of sum(g * values)."""
        targets = self.targets
        log_total = self.reference + softplus(self.gap)
        q_reference = targets.at_reference()
        slope = sigmoid(-self.gap) * (self.total - q_reference) - q_reference * sigmoid(self.gap)
        for classes, z in self._tiles():
            p = np.exp(z - log_total[:, None]) * self.total[:, None]
            if targets.soft:
                p -= targets.tile(classes)
            inside, place = targets.where(classes)
            p[inside, place] = slope[inside]
            p *= g[:, None]
            gh += p @ self.W[classes]
            gW[classes] += p.T @ self.h
            gb[classes] += p.sum(axis=0)


def check_layer(name: str, h: Array, W: Array, b: Array) -> None:
    """Raise ValueError unless h is (n, d), W (C, d) with C >= 1, and b (C,)."""
    fits = h.ndim == 2 and W.ndim == 2 and h.shape[1] == W.shape[1] and b.shape == W.shape[:1]
    if not fits or not len(W):
        raise ValueError(
            f"{name} needs features (n, d), a layer of weights (C, d) and biases (C,); met the "
            f"shapes {h.shape}, {W.shape} and {b.shape}. Without biases pass zeros."
        )


def class_codes(name: str, what: str, t: Array, n: int, C: int) -> Array:
    """Class codes (n,) as int64; they may come as floating numbers.

    Raises
    ------
    ValueError
        If the shape does not fit or a code is not one of 0 ... C - 1.
    """
    if t.shape != (n,):
        raise ValueError(
            f"{name} needs as {what} class codes of the shape {(n,)}; met {t.dtype} of the shape "
            f"{t.shape}."
        )
    wrong = ~((t >= 0) & (t < C) & (t == np.floor(t)))
    if wrong.any():
        raise ValueError(
            f"{name} has {C} classes, so {what} holds the codes 0 ... {C - 1}; met "
            f"{t[wrong].flat[0]}. Re-code the labels, for example with np.unique(t, "
            "return_inverse=True)."
        )
    return t.astype(np.int64)
