"""Weights and reductions: the one vocabulary of every loss.

==================  ============================================================
reduction           of the values v with weights w (1 where none are given)
==================  ============================================================
``"none"``          w v, not reduced
``"sum"``           sum of w v
``"mean"``          sum of w v / number of values
``"weighted_mean"`` sum of w v / sum of w
==================  ============================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Reduction = Literal["mean", "sum", "none", "weighted_mean"]
REDUCTIONS = ("mean", "sum", "none", "weighted_mean")


def check_reduction(reduction: object) -> None:
    """Raise ValueError unless the reduction is one of the vocabulary."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"The reduction must be one of {', '.join(REDUCTIONS)}; met {reduction!r}."
        )


def reduced(
    name: str, values: Array, weights: Array | None, reduction: str
) -> tuple[Any, np.floating[Any]]:
    """The reduced loss, and the factor of each weighted slope in its gradient.

    Parameters
    ----------
    name : str
        The loss, for messages.
    values : ndarray of a floating dtype
    weights : ndarray of the shape of values, optional
    reduction : {"mean", "sum", "none", "weighted_mean"}

    Returns
    -------
    value : scalar of the dtype of values, or ndarray for ``"none"``
    factor : scalar of that dtype

    Raises
    ------
    ValueError
        If the mean is over no values or over weights that are all 0.
    """
    check_reduction(reduction)
    weighted = values if weights is None else values * weights
    dtype = values.dtype.type
    if reduction == "none":
        return weighted, dtype(1)
    count = 1.0
    if reduction != "sum":
        if values.size == 0:
            raise ValueError(f"The mean of {name} over no values is undefined.")
        count = float(values.size)
        if reduction == "weighted_mean" and weights is not None:
            count = float(weights.sum(dtype=np.float64))
            if count == 0:
                raise ValueError("The weighted mean is undefined: all weights are 0.")
    return dtype(np.sum(weighted, dtype=np.float64) / count), dtype(1 / count)


def weights_of(sample_weight: ArrayLike, shape: tuple[int, ...], dtype: Any) -> Array:
    """Sample weights, one per value.

    Parameters
    ----------
    sample_weight : array_like
        Numbers >= 0, one per entry of the first axis or one per value.
    shape : tuple of int
        The shape of the values.
    dtype : numpy dtype

    Returns
    -------
    ndarray of that shape and dtype, possibly a read-only view

    Raises
    ------
    ValueError
        If the shape does not fit or a weight is negative or NaN.
    """
    w = np.asarray(sample_weight, dtype=dtype)
    if w.shape == shape[:1]:
        w = w.reshape(w.shape + (1,) * (len(shape) - 1))
    elif w.shape != shape:
        raise ValueError(
            f"sample_weight has the shape {w.shape}; one weight per row would be {shape[:1]}, one "
            f"per value {shape}."
        )
    if not (w >= 0).all():
        raise ValueError("Sample weights must be numbers >= 0.")
    return np.broadcast_to(w, shape)


def class_weights_of(
    class_weight: Mapping[int, float] | ArrayLike, classes: int, dtype: Any
) -> Array:
    """One weight per class.

    Parameters
    ----------
    class_weight : Mapping or array_like
        Numbers >= 0: an array of shape (classes,), or a mapping from class codes, in which a class
        that is missing has the weight 1.
    classes : int
    dtype : numpy dtype

    Returns
    -------
    ndarray, shape (classes,)

    Raises
    ------
    ValueError
        If the shape does not fit, a code is outside 0 ... classes - 1 or a weight negative or NaN.
    """
    if isinstance(class_weight, Mapping):
        w = np.ones(classes, dtype)
        for code, weight in class_weight.items():
            if not (isinstance(code, int | np.integer) and 0 <= code < classes):
                raise ValueError(
                    f"class_weight names the class {code!r}; the codes are 0 ... {classes - 1}."
                )
            w[code] = weight
    else:
        w = np.asarray(class_weight, dtype=dtype)
        if w.shape != (classes,):
            raise ValueError(
                f"class_weight has the shape {w.shape}; one weight per class would be {(classes,)}."
            )
    if not (w >= 0).all():
        raise ValueError("Class weights must be numbers >= 0.")
    return w


def mask_of(where: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask that says which values count.

    Raises
    ------
    TypeError
        If it is not boolean.
    ValueError
        If its shape is not that of the values.
    """
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"where must be an array of booleans; met {mask.dtype}.")
    if mask.shape != shape:
        raise ValueError(f"where has the shape {mask.shape}; one entry per value would be {shape}.")
    return mask
