"""What the targets of a loss may be, and what their classes weigh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from deltarule._catalogue import Array
from deltarule._reduction import class_weights_of, without

if TYPE_CHECKING:
    from deltarule._losses import Loss

# Domain of targets -> what it is called, which values are in it, what to do about others.
_DOMAINS: Mapping[str, tuple[str, Callable[[Array], Array], str]] = {
    "non_negative": ("numbers >= 0", lambda y: y >= 0, "Counts and rates are never negative."),
    "positive": ("numbers > 0", lambda y: y > 0, "Leave out or shift what is not positive."),
    "above_minus_one": (
        "numbers > -1",
        lambda y: y > -1,
        "Shift the targets, or use a loss that takes any real number.",
    ),
    "unit_interval": (
        "numbers in [0, 1]",
        lambda y: (y >= 0) & (y <= 1),
        "Encode labels as 0 and 1, or pass integer class codes to a loss that takes them.",
    ),
    "signs": (
        "-1 or 1",
        lambda y: (y == 1) | (y == -1),
        "Labels 0 and 1 become signs by 2 * y - 1.",
    ),
}


def class_codes(name: str, y: Array, classes: int) -> Array:
    """Class codes as int64.

    Raises
    ------
    ValueError
        If a code is outside 0 ... classes - 1.
    """
    outside = (y < 0) | (y >= classes)
    if outside.any():
        raise ValueError(
            f"{name} has {classes} classes, so codes must be 0 ... {classes - 1}; met "
            f"{y[outside].flat[0]}. Re-code the labels, for example with np.unique(y, "
            "return_inverse=True)."
        )
    return y.astype(np.int64, copy=False)


def targets_of(loss: Loss, z: Array, y: Array) -> Array:
    """Targets that are numbers, one per element of z, in its dtype.

    Raises
    ------
    ValueError
        If shapes differ, a target is outside the domain of the loss or a row of classes does not
        sum to 1.
    TypeError
        If the targets are no numbers.
    """
    if y.shape != z.shape:
        also = "" if loss.elementwise else f" or of integer class codes {z.shape[:-1]}"
        raise ValueError(
            f"{loss.name} needs targets of the shape {z.shape}{also}; met {y.dtype} of the "
            f"shape {y.shape}. Nothing is broadcast: reshape y or z."
        )
    if y.dtype.kind not in "biuf":
        raise TypeError(f"{loss.name} needs numbers as targets; met {y.dtype}.")
    y = y.astype(z.dtype, copy=False)
    domain = loss.facts["targets"]
    if domain == "real":
        return y
    words, holds, advice = _DOMAINS["unit_interval" if domain == "classes" else domain]
    inside = holds(y)
    if not inside.all():
        raise ValueError(
            f"{loss.name} needs targets that are {words}; met {float(y[~inside].flat[0])!r}. "
            f"{advice}"
        )
    if domain == "classes" and y.size:
        sums = y.sum(axis=-1, dtype=np.float64)
        if not np.allclose(sums, 1, atol=1e-3):
            off = sums.flat[np.abs(sums - 1).argmax()]
            raise ValueError(
                f"{loss.name} needs rows of y that are distributions; met a row with the sum "
                f"{off:.6g}. Divide each row by its sum."
            )
    return y


def label_weights(
    loss: Loss, z: Array, y: Array, codes: bool, class_weight: Mapping[int, float] | ArrayLike
) -> tuple[Loss, Array, bool, Array | None, Array]:
    """What a loss with class weights is evaluated on.

    Returns
    -------
    loss, y, codes
        The loss, targets and their kind; weighted distributions take the weights into the targets.
    factor : ndarray, shape of the values, or None
        Weights of single values.
    mass : ndarray, shape of the values
        What a value weighs in a weighted mean: the mean weight of its classes.
    """
    domain = loss.facts["targets"]
    if domain in ("unit_interval", "signs"):
        labels = (0, 1) if domain == "unit_interval" else (-1, 1)
        weights = class_weights_of(class_weight, 2, z.dtype, labels)
        hard = (y == 1) | (y == labels[0])
        if not hard.all():
            raise ValueError(
                f"class_weight weighs labels, but {loss.name} met the soft target "
                f"{float(y[~hard].flat[0])!r}. Use pos_weight or alpha where the loss has them."
            )
        factor = np.where(y == 1, weights[1], weights[0])
        return loss, y, codes, factor, factor
    if domain != "classes":
        raise TypeError(f"{loss.name} is a loss of numbers; class_weight needs classes.")
    weights = class_weights_of(class_weight, z.shape[-1], z.dtype)
    smoothing = loss.parameters.get("label_smoothing") or 0.0
    if not smoothing and not codes and (y.max(axis=-1, initial=0) == 1).all():
        y, codes = y.argmax(axis=-1), True  # one-hot rows
    if not smoothing and codes:
        return loss, y, codes, weights[y], weights[y]
    if not loss.facts["linear_in_targets"]:
        raise ValueError(
            f"{loss.name} compares distributions, and one whose entries are weighed by their class "
            "is none. Weigh whole rows by sample_weight."
        )
    shares = np.eye(z.shape[-1], dtype=z.dtype)[y] if codes else y
    if smoothing:
        shares = (1 - smoothing) * shares + smoothing / z.shape[-1]
        loss = loss.with_parameters({"label_smoothing": 0.0})
    y = np.asarray(shares * weights, dtype=z.dtype)
    return loss, y, False, None, y.sum(axis=-1)


def predictions_of(z: ArrayLike) -> Array:
    """Predictions as float32 or float64; integers become float64.

    Raises
    ------
    TypeError
        If they are not such numbers.
    """
    z = np.asarray(z)
    if z.dtype.kind in "biu":
        return z.astype(np.float64)
    if z.dtype.kind != "f" or z.dtype.itemsize > 8:
        raise TypeError(f"Predictions must be float32 or float64 numbers; met {z.dtype}.")
    return z.astype(np.float32 if z.dtype.itemsize <= 4 else np.float64, copy=False)


def legal_targets(loss: Loss, kept: Array, y: Array, codes: bool) -> Array:
    """Targets with some of the domain where they do not count: no check meets those."""
    if codes:
        return np.asarray(without(kept, y, 0))
    if loss.elementwise:
        return np.asarray(without(kept, y, 1))
    if y.shape[:-1] != kept.shape:
        return y
    return np.where(kept[..., None], y, 1 / max(y.shape[-1], 1))
