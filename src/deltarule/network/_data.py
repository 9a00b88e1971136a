"""Rows, targets and weights of callers as the engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    if x.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers; met an array of {x.dtype}.")
    kept = dtype if x.dtype == dtype else np.dtype(np.float64)
    rows = np.ascontiguousarray(x.reshape(len(x), -1), dtype=kept)
    for node in plan.nodes:
        if node.kind == "embedding" and node.reads == (0,) and rows.size:
            _check_codes(rows, node.name, node.layer.codes)
    return rows


def _check_codes(rows: Array, name: str, codes: int) -> None:
    right = (rows >= 0) & (rows < codes) & (rows == np.floor(rows))
    if not right.all():
        raise ValueError(
            f"The embedding {name!r} has the codes 0 ... {codes - 1}; X holds "
            f"{rows[~right][0].item()!r}."
        )


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
    takes_codes = plan.loss.link == "softmax" and targets.size == len(x) * plan.positions
    if takes_codes and targets.dtype.kind in "iub":
        codes = np.ascontiguousarray(targets.reshape(-1), dtype=np.int64)
    elif targets.size == len(x) * plan.outputs:
        values = np.ascontiguousarray(targets.reshape(len(x), -1), dtype=dtype)
    else:
        raise ValueError(
            f"The network predicts numbers of the shape {plan.output_shape} per row; met y of the "
            f"shape {targets.shape} and the dtype {targets.dtype}. Classes are integer codes from "
            "0 on."
        )
    return x, values, codes, None if weights is None else _weights(weights, len(x), dtype)


def _weights(given: ArrayLike, rows: int, dtype: np.dtype[Any]) -> Array:
    weights = np.ascontiguousarray(given, dtype=dtype)
    right = weights.shape == (rows,) and np.isfinite(weights).all() and (weights >= 0).all()
    if not right or not weights.any():
        raise ValueError(
            f"sample_weight must be {rows} numbers >= 0, not all of them 0; met the shape "
            f"{weights.shape}."
        )
    return weights
