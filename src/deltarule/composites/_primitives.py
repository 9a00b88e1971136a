"""What several losses are made of: rows along the last axis, in the dtype of the input.

The compiled kernels keep the digits of confident rows: log_softmax ends in -log1p(rest), where
rest is the sum of e^(x_j - max) over all but the largest entry, and its vector-Jacobian product
takes 1 - p from that sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule._activations import activations
from deltarule._catalogue import Array

# ---- rows ---------------------------------------------------------------------------------------


def softmax(x: Array) -> Array:
    """e^x_k / sum_j e^x_j."""
    return np.asarray(activations["softmax"](x))


def log_softmax(x: Array) -> Array:
    """Logarithm of the softmax."""
    return np.asarray(activations["log_softmax"](x))


def log_softmax_pullback(x: Array, c: Array) -> Array:
    """The gradient in x of a function whose gradient in log_softmax(x) is c: c - p sum(c).

    An entry is right to the last digits where c has a single entry; else relative to the largest
    of c.
    """
    return np.asarray(activations["log_softmax"].vjp(x, c))


def log_sum_exp(x: Array) -> Array:
    """log(sum_k e^x_k), shape without the last axis; -inf for a row of -inf."""
    top = x.max(axis=-1)
    return np.asarray(top - log_softmax(x).max(axis=-1))


def sum_of_others(x: Array) -> Array:
    """sum_j x_j - x_k for each k; of the largest |x_k| it is summed, not a difference."""
    rest = x.sum(axis=-1, keepdims=True) - x
    top = np.abs(x).argmax(axis=-1)[..., None]
    others = x.copy()
    np.put_along_axis(others, top, 0, axis=-1)
    np.put_along_axis(rest, top, others.sum(axis=-1, keepdims=True), axis=-1)
    return np.asarray(rest)


def complement(p: Array) -> Array:
    """1 - p for rows p that sum to 1; of the largest entry it is the sum of the others."""
    top = p == p.max(axis=-1, keepdims=True)
    return np.where(top, sum_of_others(p), 1 - p)


def sparsemax(x: Array) -> tuple[Array, Array]:
    """The point p of the simplex that is closest to x, and tau - max(x), where p = max(x - tau, 0).

    Shapes (..., K) and (..., 1).  p_j is taken from the differences of x_j to the entries of the
    support, which are exact near a tie.
    """
    top = x.max(axis=-1, keepdims=True)
    d = np.where(x == top, x.dtype.type(0), x - top)
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    rank = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    size = (1 + rank * ordered > sums).sum(axis=-1, keepdims=True)
    total = np.take_along_axis(sums, np.maximum(size - 1, 0), axis=-1)
    p = np.maximum((1 + (size * d - total)) / np.maximum(size, 1), 0).astype(x.dtype)
    tau = ((total - 1) / np.maximum(size, 1)).astype(x.dtype)
    bad = np.isnan(top)
    return np.where(bad, top, p), np.where(bad, top, tau)


def one_hot(codes: Array, classes: int, dtype: Any) -> Array:
    """Rows with a single 1; shape (..., classes)."""
    rows = np.zeros((*codes.shape, classes), dtype)
    np.put_along_axis(rows, codes[..., None], 1, axis=-1)
    return rows


def smoothed(t: Array, smoothing: float) -> Array:
    """Targets mixed with the uniform distribution: (1 - smoothing) t + smoothing / K."""
    if smoothing == 0:
        return t
    dtype = t.dtype.type
    return np.asarray(t * dtype(1 - smoothing) + dtype(smoothing / t.shape[-1]))


def at_label(x: Array, codes: Array) -> Array:
    """x[..., code], shape (...)."""
    return np.asarray(np.take_along_axis(x, codes[..., None], axis=-1)[..., 0])


# ---- elements -----------------------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return np.asarray(activations["sigmoid"](x))


def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return np.asarray(activations["softplus"](x))


def log_sigmoid(x: Array) -> Array:
    """log(1 / (1 + e^-x))."""
    return -softplus(-x)


def surprise(p: Array) -> Array:
    """-log p of probabilities: 0 at p = 1, infinite at p = 0."""
    return np.abs(np.log(p))


def hinge(h: Array) -> tuple[Array, Array]:
    """max(h, 0) and its slope: 1 for h > 0, 0 at the kink and below, NaN for a NaN."""
    one, zero = h.dtype.type(1), h.dtype.type(0)
    return np.maximum(h, 0), np.where(h > 0, one, np.where(np.isnan(h), h, zero))


# ---- checks -------------------------------------------------------------------------------------


def is_integer(value: object) -> bool:
    """Whether an option is a whole number, and no switch."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def same_shape(loss: str, **arrays: Array) -> None:
    """Raise ValueError unless all arrays have one shape."""
    shapes = {name: a.shape for name, a in arrays.items()}
    if len(set(shapes.values())) > 1:
        met = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{loss} needs operands of one shape; met {met}. Nothing is broadcast.")


def in_unit_interval(loss: str, name: str, a: Array, slack: float = 0) -> None:
    """Raise ValueError unless a is in [0, 1 + slack]; a NaN passes."""
    outside = (a < 0) | (a > 1 + slack)
    if outside.any():
        raise ValueError(
            f"{loss} needs {name} in [0, 1]; met {float(a[outside].flat[0])!r}. Predictions that "
            "are raw scores have to go through a softmax or sigmoid first."
        )


def probabilities(loss: str, name: str, p: Array) -> Array:
    """Probabilities; one that rounding has put above 1, by up to 16 eps, counts as 1.

    Raises
    ------
    ValueError
        If a number is outside [0, 1]; a NaN passes.
    """
    in_unit_interval(loss, name, p, 16 * float(np.finfo(p.dtype).eps))
    return np.minimum(p, 1)


def non_negative(loss: str, name: str, a: Array) -> None:
    """Raise ValueError if a number is negative; a NaN passes."""
    if (a < 0).any():
        raise ValueError(f"{loss} needs {name} >= 0; met {float(a[a < 0].flat[0])!r}.")
