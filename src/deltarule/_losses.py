"""The losses of the catalogue as objects."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._catalogue import Array, Catalogue, Function

Reduction = Literal["mean", "sum", "none", "weighted_mean"]
_REDUCTIONS = ("mean", "sum", "none", "weighted_mean")


class Loss(Function):
    """A loss of raw predictions ``z`` and targets ``y``.

    The link is merged: ``cross_entropy`` takes logits and includes the softmax,
    ``binary_cross_entropy`` includes the sigmoid.  Log-probabilities are logits too.

    An element-wise loss has one value per element, ``y`` of the shape of ``z``.  A row-wise loss
    has one value per row (last axis of ``z``); ``y`` holds class codes, shape ``z.shape[:-1]``, or
    distributions, shape ``z.shape``.

    ==================  ============================================================
    reduction           of the values v with weights w (1 where none are given)
    ==================  ============================================================
    ``"none"``          w v, not reduced
    ``"sum"``           sum of w v
    ``"mean"``          sum of w v / number of values
    ``"weighted_mean"`` sum of w v / sum of w
    ==================  ============================================================

    ``rmse`` is the square root of that mean (or sum) of squares, so it has no ``"none"``.
    """

    @property
    def elementwise(self) -> bool:
        return bool(self.facts["kind"] == "elementwise")

    @property
    def formula(self) -> str:
        element = super().formula
        return f"sqrt(mean({element}))" if self.facts["root_of_mean"] else element

    @property
    def gradient_formula(self) -> str:
        """The formula of the gradient with respect to ``z``."""
        element = str(self.facts["gradient"])
        root = f"{element} / (2 * size(z) * {self.name})"
        return root if self.facts["root_of_mean"] else element

    @property
    def link(self) -> str:
        """How raw predictions become the user's: ``"identity"``, ``"sigmoid"`` or ``"softmax"``."""
        return str(self.facts["link"])

    def __call__(
        self,
        z: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        reduction: Reduction = "mean",
    ) -> Any:
        """The loss.

        Parameters
        ----------
        z : array_like
            Raw predictions, shape (...) or (..., K) for a row-wise loss.
        y : array_like
            Targets: see the class.
        sample_weight : array_like, optional
            Weights >= 0, shape (n,) for the first axis or one per value.
        reduction : {"mean", "sum", "none", "weighted_mean"}, default="mean"

        Returns
        -------
        scalar, or ndarray of one value per element or row for ``reduction="none"``

        Raises
        ------
        ValueError
            If shapes do not fit, targets are outside the loss's domain or weights are negative.
        """
        return self._reduced(self._prepare(z, y, sample_weight, reduction))[0]

    def gradient(
        self,
        z: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        reduction: Reduction = "mean",
    ) -> Array:
        """The gradient of the loss with respect to ``z``; parameters as for the call.

        With ``reduction="none"`` each element holds the slope of its own value.
        """
        return self.value_and_gradient(z, y, sample_weight=sample_weight, reduction=reduction)[1]

    def value_and_gradient(
        self,
        z: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        reduction: Reduction = "mean",
    ) -> tuple[Any, Array]:
        """The loss and its gradient with respect to ``z``; parameters as for the call."""
        case = self._prepare(z, y, sample_weight, reduction)
        value, factor = self._reduced(case)
        slope = self._call("code_gradient" if case.codes else "gradient", case.z, case.y)
        if case.weights is not None:
            factor = factor * (case.weights if self.elementwise else case.weights[..., None])
        return value, np.asarray(slope * factor, dtype=case.z.dtype)

    def _prepare(
        self, z: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, reduction: str
    ) -> _Case:
        z, y = _floating(z), np.asarray(y)
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"The reduction must be one of {', '.join(_REDUCTIONS)}; met {reduction!r}."
            )
        if self.facts["root_of_mean"] and reduction == "none":
            raise ValueError(
                f"{self.name} is the root of a mean over the batch and has no value per element. "
                "Use reduction='mean', or squared_error with reduction='none'."
            )
        codes = False
        if not self.elementwise:
            if z.ndim == 0 or z.shape[-1] == 0:
                raise ValueError(f"{self.name} needs at least one class along the last axis of z.")
            codes = y.shape == z.shape[:-1] and y.dtype.kind in "iu"
        y = _class_codes(self.name, y, z.shape[-1]) if codes else self._values(z, y)
        shape = z.shape if self.elementwise else z.shape[:-1]
        if reduction in ("mean", "weighted_mean") and 0 in shape:
            raise ValueError(f"The mean of {self.name} over no values is undefined; z is empty.")
        weights = None if sample_weight is None else _weights(sample_weight, shape, z.dtype)
        if reduction == "weighted_mean" and weights is not None and not weights.any():
            raise ValueError("The weighted mean is undefined: all sample weights are 0.")
        return _Case(z, y, codes, weights, reduction)

    def _values(self, z: Array, y: Array) -> Array:
        """Targets that are numbers, one per element of z."""
        if y.shape != z.shape:
            also = "" if self.elementwise else f" or of integer class codes {z.shape[:-1]}"
            raise ValueError(
                f"{self.name} needs targets of the shape {z.shape}{also}; met {y.dtype} of the "
                f"shape {y.shape}. Nothing is broadcast: reshape y or z."
            )
        if y.dtype.kind not in "biuf":
            raise TypeError(f"{self.name} needs numbers as targets; met {y.dtype}.")
        y = y.astype(z.dtype, copy=False)
        domain = self.facts["targets"]
        if domain != "real" and not ((y >= 0) & (y <= 1)).all():
            raise ValueError(
                f"{self.name} needs targets in [0, 1]; met {_first_outside(y)!r}. Encode labels as "
                "0 and 1, or pass integer class codes to a loss that takes them."
            )
        if domain == "classes" and y.size:
            worst = y.sum(axis=-1, dtype=np.float64)
            if not np.allclose(worst, 1, atol=1e-3):
                off = worst.flat[np.abs(worst - 1).argmax()]
                raise ValueError(
                    f"{self.name} needs rows of y that are distributions; met a row with the sum "
                    f"{off:.6g}. Divide each row by its sum."
                )
        return y

    def _reduced(self, case: _Case) -> tuple[Any, Any]:
        """The reduced loss, and the factor of each (weighted) slope in its gradient."""
        values = self._call("code_value" if case.codes else "value", case.z, case.y)
        weighted = values if case.weights is None else values * case.weights
        dtype = case.z.dtype.type
        if case.reduction == "none":
            return weighted, dtype(1)
        total, count = np.sum(weighted, dtype=np.float64), 1.0
        if case.reduction == "mean":
            count = np.size(values)
        elif case.reduction == "weighted_mean":
            count = (
                np.size(values) if case.weights is None else float(case.weights.sum(dtype=float))
            )
        value = total / count
        if not self.facts["root_of_mean"]:
            return dtype(value), dtype(1 / count)
        root = np.sqrt(value)
        return dtype(root), dtype(0.5 / (root * count) if root > 0 else 0.0)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, dict(self.parameters))


class _Case(NamedTuple):
    """Checked arguments: z floating, y values of its dtype or int64 codes, weights per value."""

    z: Array
    y: Array
    codes: bool
    weights: Array | None
    reduction: str


def _floating(z: ArrayLike) -> Array:
    z = np.asarray(z)
    if z.dtype.kind in "biu":
        return z.astype(np.float64)
    if z.dtype.kind != "f" or z.dtype.itemsize > 8:
        raise TypeError(f"Predictions must be float32 or float64 numbers; met {z.dtype}.")
    return z.astype(np.float32 if z.dtype.itemsize <= 4 else np.float64, copy=False)


def _class_codes(name: str, y: Array, classes: int) -> Array:
    outside = (y < 0) | (y >= classes)
    if outside.any():
        raise ValueError(
            f"{name} has {classes} classes, so codes must be 0 ... {classes - 1}; met "
            f"{y[outside].flat[0]}. Re-code the labels, for example with np.unique(y, "
            "return_inverse=True)."
        )
    return y.astype(np.int64, copy=False)


def _first_outside(y: Array) -> float:
    return float(y[~((y >= 0) & (y <= 1))].flat[0])


def _weights(sample_weight: ArrayLike, shape: tuple[int, ...], dtype: Any) -> Array:
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


def _restore(name: str, parameters: dict[str, Any]) -> Loss:
    return loss(name, **parameters)


losses: Catalogue[Loss] = Catalogue(
    "loss", (Loss(facts, _core.loss_ufuncs[facts["name"]]) for facts in _core.loss_facts())
)


def loss(name: str | Loss, /, **parameters: Any) -> Loss:
    """A loss of the catalogue with its parameters set.

    Parameters
    ----------
    name : str or Loss
        A name or alias of the catalogue, such as ``"cross_entropy"``.
    **parameters
        Parameters of the loss, such as ``label_smoothing=0.1``.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If the name is unknown or a value out of range.
    TypeError
        If the loss has no such parameter.

    Examples
    --------
    >>> import deltarule as dr
    >>> dr.loss("huber", delta=2.0)([0.0, 5.0], [1.0, 1.0], reduction="none")
    array([0.5, 6. ])
    """
    return losses.find(name, parameters)
