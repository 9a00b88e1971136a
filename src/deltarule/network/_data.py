"""Rows, targets and weights of callers as the engine takes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule._engine import check_codes
from deltarule.plan import Plan

Array = NDArray[Any]
Data = tuple[Array, Array | None, Array | None, Array | None]


def rows_of(plan: Plan, x: Array, dtype: np.dtype[Any]) -> Array:
    """Rows as a matrix; of float64 where they are not of ``dtype``: the engine rounds them.

    Raises
    ------
    ValueError
        If a row has another shape, or holds a code that an embedding does not have.
    TypeError
        If X is not made of real numbers.
    """
    shape = x.shape[1:] or (1,)
    if x.ndim < 1 or shape != plan.shape:
        raise ValueError(
            f"A row of X has the shape {plan.shape} in this network; met X of the shape {x.shape}."
        )
    require_numbers(x)
    kept = dtype if x.dtype == dtype else np.dtype(np.float64)
    rows = np.ascontiguousarray(x.reshape(len(x), math.prod(shape)), dtype=kept)
    check_codes(plan, rows)
    return rows


def require_numbers(x: Array) -> None:
    """Raise for an array of anything else than real numbers."""
    if x.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers; met an array of {x.dtype}.")


def data_of(
    plan: Plan, x: Array, y: ArrayLike, weights: ArrayLike | None, dtype: np.dtype[Any]
) -> Data:
    """Rows with targets as values or as class codes, and weights.

    Raises
    ------
    ValueError
        If the targets or the weights do not fit the rows and the predictions.
    """
    targets = np.asarray(y)
    if targets.ndim < 1 or len(targets) != len(x):
        raise ValueError(
            f"X has {len(x)} rows and y the shape {targets.shape}; they must be the same rows."
        )
    values = codes = None
    steps = plan.output_shape[:-1]
    takes_codes = plan.loss.link == "softmax" and targets.shape[1:] in (steps, (*steps, 1))
    if takes_codes and targets.dtype.kind in "iub":
        codes = np.ascontiguousarray(targets.reshape(-1), dtype=np.int64)
    elif targets.shape[1:] in _target_shapes(plan) and targets.dtype.kind in "fiub":
        values = np.ascontiguousarray(targets.reshape(len(x), plan.outputs), dtype=dtype)
        _check_domain(plan, values)
    else:
        raise ValueError(
            f"The network predicts numbers of the shape {plan.output_shape} per row; met y of the "
            f"shape {targets.shape} and the dtype {targets.dtype}. Classes are integer codes from "
            "0 on."
        )
    return x, values, codes, None if weights is None else _weights(weights, len(x), dtype)


_DOMAINS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "unit_interval": ("in [0, 1]", lambda t: (t < 0) | (t > 1)),
    "non_negative": (">= 0", lambda t: t < 0),
    "positive": ("> 0", lambda t: t <= 0),
    "above_minus_one": ("> -1", lambda t: t <= -1),
    "signs": ("-1 or 1", lambda t: abs(t) != 1),
}


def _check_domain(plan: Plan, values: Array) -> None:
    """Raise for targets that the loss is not defined for; NaN is left to the loss."""
    words, wrong = _DOMAINS.get(plan.loss.facts["targets"], ("", np.isnan))
    outside = wrong(values) & ~np.isnan(values)
    if words and outside.any():
        raise ValueError(
            f"The loss {plan.loss.name} takes targets {words}; y holds "
            f"{values[outside][0].item()!r}."
        )


def _target_shapes(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """Of the targets of a row: those of the predictions, flat, and without a last axis of 1."""
    shape = plan.output_shape
    shapes = (shape, (plan.outputs,))
    return (*shapes, shape[:-1]) if shape[-1] == 1 else shapes


def _weights(given: ArrayLike, rows: int, dtype: np.dtype[Any]) -> Array:
    weights = np.ascontiguousarray(given, dtype=dtype)
    right = weights.shape == (rows,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not right or not weights.any():
        raise ValueError(
            f"sample_weight must be {rows} numbers >= 0, not all of them 0; met the shape "
            f"{weights.shape}."
        )
    return weights
