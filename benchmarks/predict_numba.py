"""Predicting classes with a function compiled by numba; products by SciPy's BLAS."""

from __future__ import annotations

import numba
import numpy as np
from jobs import Array


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
            for r in range(n):
                for c in range(b.size):
                    z[r, c] += b[c]
            if k < len(layers) - 1:
                for r in range(n):
                    for c in range(b.size):
                        z[r, c] = max(z[r, c], 0)
        for r in range(n):
            labels[start + r] = memory[-1][r].argmax()
    return labels
