"""Predicting classes with a function compiled by numba; products by SciPy's BLAS."""

from __future__ import annotations

import numba
import numpy as np
from jobs import Array
from train_numba import activate


@numba.njit(cache=True, fastmath=True)
def labels_of(
    X: Array, layers: tuple[tuple[Array, Array], ...], memory: tuple[Array, ...]
) -> Array:
    labels = np.empty(len(X), np.int64)
    block = len(memory[0])
    for start in range(0, len(X), block):
        n = min(block, len(X) - start)
        np.dot(X[start : start + n], layers[0][0], memory[0][:n])
        for k in range(len(layers)):
            b, z = layers[k][1], memory[k][:n]
            if k > 0:
                np.dot(memory[k - 1][:n], layers[k][0], z)
            activate(z, b, k < len(layers) - 1)
        for r in range(n):
            labels[start + r] = memory[-1][r].argmax()
    return labels
