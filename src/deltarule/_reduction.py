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

from collections.abc import Mapping, Sequence
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


def times(weight: Any, x: Array) -> Array:
    """The product weight * x, and 0 where the weight is 0, whatever x is (but a NaN)."""
    return np.asarray(np.where((weight == 0) & ~np.isnan(x), x.dtype.type(0), weight * x))


def reduced(
    name: str,
    values: Array,
    weights: Array | None,
    reduction: str,
    masses: Array | None = None,
) -> tuple[Any, np.floating[Any]]:
    """The reduced loss, and the factor of each weighted slope in its gradient.

    Parameters
    ----------
    name : str
        The loss, for messages.
    values : ndarray of a floating dtype
    weights : ndarray of the shape of values, optional
    reduction : {"mean", "sum", "none", "weighted_mean"}
    masses : ndarray of the shape of values, optional
        What a weighted mean divides by the sum of, where that is not the weights: a value that is
        a sum of weighted terms has its weights in it.

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
    with np.errstate(invalid="ignore"):
        weighted = values if weights is None else times(weights, values)
    masses = weights if masses is None else masses
    dtype = values.dtype.type
    if reduction == "none":
        return weighted, dtype(1)
    count = 1.0
    if reduction != "sum":
        if values.size == 0:
            raise ValueError(f"The mean of {name} over no values is undefined.")
        count = float(values.size)
        if reduction == "weighted_mean" and masses is not None:
            count = float(masses.sum(dtype=np.float64))
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
    class_weight: Mapping[int, float] | ArrayLike,
    classes: int,
    dtype: Any,
    labels: Sequence[int] | None = None,
) -> Array:
    """One weight per class.

    Parameters
    ----------
    class_weight : Mapping or array_like
        Numbers >= 0: an array of shape (classes,), or a mapping from class codes, in which a class
        that is missing has the weight 1.
    classes : int
    dtype : numpy dtype
    labels : sequence of int, optional
        What the classes are called in a mapping; by default 0 ... classes - 1.

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
        known = range(classes) if labels is None else labels
        for label, weight in class_weight.items():
            if label not in known:
                words = " and ".join(map(str, labels)) if labels else f"0 ... {classes - 1}"
                raise ValueError(f"class_weight names the class {label!r}; the codes are {words}.")
            w[known.index(label)] = weight
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


def without(kept: Array, values: Any, instead: float) -> Any:
    """Values of the shape of the mask, with another number where it is False."""
    if values is None or np.shape(values) != kept.shape:
        return values
    values = np.asarray(values)
    return np.where(kept, values, values.dtype.type(instead))


def check_out(out: Any, gradient: Array, of: str = "") -> None:
    """Raise TypeError or ValueError unless `out` can take the gradient; `of` says of what."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array to write the gradient{of} into; met {out!r}.")
    if out.shape != gradient.shape or out.dtype != gradient.dtype:
        raise ValueError(
            f"out has the shape {out.shape} and dtype {out.dtype}; the gradient{of} needs "
            f"{gradient.shape} and {gradient.dtype}."
        )
    if not out.flags.writeable:
        raise ValueError(f"out for the gradient{of} is read-only.")


def into(out: Array | None, gradient: Array) -> Array:
    """The gradient, written into `out` where that is given and can take it."""
    if out is None:
        return gradient
    check_out(out, gradient)
    out[...] = gradient
    return out
