"""Lengths and distances of rows with their slopes, and sums over part of a row.

Axes: n rows, d components.  A zero row has the length 0, the unit vector 0 and the slope 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deltarule._catalogue import Array

_BLOCK = 1 << 21
"""Numbers of a temporary array of differences."""


def unit_rows(x: Array) -> tuple[Array, Array]:
    """Unit vectors (..., d) and lengths (..., 1); a scaled sum, so that no square overflows."""
    size = np.abs(x).max(axis=-1, keepdims=True, initial=0)
    scaled = x / np.where(size == 0, x.dtype.type(1), size)
    length = np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))
    return scaled / np.where(length == 0, x.dtype.type(1), length), size * length


def unit_rows_pullback(unit: Array, length: Array, g: Array) -> Array:
    """The gradient with respect to x of a function of x / |x| whose gradient there is g."""
    along = (g * unit).sum(axis=-1, keepdims=True)
    safe = np.where(length == 0, unit.dtype.type(1), length)
    return np.asarray(np.where(length == 0, unit.dtype.type(0), (g - along * unit) / safe))


def p_norm(x: Array, p: float) -> tuple[Array, Array]:
    """The p-norm (...) of rows (..., d) and its slopes (..., d).

    p = inf shares the slope among the largest components.
    """
    if p == 2:
        unit, length = unit_rows(x)
        return length[..., 0], unit
    if p == 1:
        return np.abs(x).sum(axis=-1), np.sign(x)
    one = x.dtype.type(1)
    size = np.abs(x).max(axis=-1, keepdims=True, initial=0)
    if math.isinf(p):
        largest = (np.abs(x) == size) & (size != 0)
        count = np.maximum(largest.sum(axis=-1, keepdims=True), 1).astype(x.dtype)
        slope = np.where(largest, np.sign(x) / count, np.where(np.isnan(size), size, 0 * one))
        return size[..., 0], slope
    ratio = np.abs(x) / np.where(size == 0, one, size)
    length = (ratio ** x.dtype.type(p)).sum(axis=-1, keepdims=True) ** x.dtype.type(1 / p)
    safe = np.where(length == 0, one, length)
    return (size * length)[..., 0], np.sign(x) * (ratio / safe) ** x.dtype.type(p - 1)


def differences(x: Array) -> Iterator[tuple[slice, Array]]:
    """Blocks of x_i - x_j, shape (block, n, d): subtracted before they are squared."""
    n, d = x.shape
    rows = max(1, _BLOCK // max(1, n * d))
    for start in range(0, n, rows):
        block = slice(start, min(n, start + rows))
        yield block, x[block, None, :] - x[None, :, :]


def pairwise_distances(x: Array) -> Array:
    """Euclidean distances (n, n) of the rows of x (n, d)."""
    distance = np.empty((len(x), len(x)), x.dtype)
    for block, difference in differences(x):
        distance[block] = p_norm(difference, 2)[0]
    return distance


def pairwise_distances_pullback(x: Array, distance: Array, g: Array) -> Array:
    """sum_j (g_ij + g_ji) (x_i - x_j) / distance_ij, shape (n, d)."""
    factor = (g + g.T) / np.where(distance == 0, x.dtype.type(1), distance)
    factor[distance == 0] = 0
    gradient = np.empty_like(x)
    for block, difference in differences(x):
        gradient[block] = np.matmul(factor[block, None, :], difference)[:, 0]
    return gradient


def unit_difference(x: Array, y: Array) -> tuple[Array, Array, Array, Array, Array]:
    """(x/|x| - y/|y|, unit x, |x|, unit y, |y|): the difference keeps digits where x is near y.

    The squared length of the difference is 2 (1 - cosine), without the subtraction.
    """
    unit_x, length_x = unit_rows(x)
    unit_y, length_y = unit_rows(y)
    safe = np.where(length_x == 0, x.dtype.type(1), length_x)
    ratio = length_y / safe
    near = (ratio >= 0.5) & (ratio <= 2)
    step = np.where(near, (x - y) / safe, x.dtype.type(0))
    ratio = np.where(near, ratio, x.dtype.type(1))
    stretch = (step * (unit_x + ratio * unit_y)).sum(axis=-1, keepdims=True) / (1 + ratio)
    return (
        np.where(near, step - unit_y * stretch, unit_x - unit_y),
        unit_x,
        length_x,
        unit_y,
        length_y,
    )


def masked_softmax(z: Array, mask: Array) -> tuple[Array, Array]:
    """Log-sum-exp (n, 1) and softmax (n, k) of the rows over the mask; -inf and 0 over none."""
    kept = np.where(mask, z, -np.inf)
    top = kept.max(axis=1, keepdims=True, initial=-np.inf)
    shifted = np.exp(kept - np.where(np.isneginf(top), 0, top))
    total = shifted.sum(axis=1, keepdims=True)
    total = np.where(total == 0, z.dtype.type(1), total)
    return top + np.log(total), shifted / total
