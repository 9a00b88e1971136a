"""The losses of the catalogue as objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._catalogue import Array, Catalogue, Chooser, Function
from deltarule._labels import (
    class_codes,
    label_weights,
    legal_targets,
    predictions_of,
    targets_of,
)
from deltarule._reduction import (
    Reduction,
    check_reduction,
    into,
    mask_of,
    reduced,
    times,
    weights_of,
    without,
)

if TYPE_CHECKING:
    from deltarule._signatures import LossCatalogue, LossFactory


class Loss(Function):
    """A loss of predictions ``z`` and targets ``y``.

    What ``z`` is, the row says (``facts["input"]``): for ``softmax_cross_entropy`` and
    ``bce_with_logits`` logits, whose link is merged; for ``binary_cross_entropy`` probabilities.

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

    The weight of a value is the product of its ``sample_weight`` and its class weight; in a
    distribution y each term of the sum has the weight of its class, and their mean is the row's.
    Values that ``ignore_index`` or ``where`` leave out are as good as deleted: they are 0 and not
    counted, and their targets and weights are not looked at.
    ``rmse`` is the square root of that mean (or sum) of squares, so it has no ``"none"``.
    """

    kind = "loss"

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
        """What turns raw predictions into the user's.

        ``"identity"``, ``"sigmoid"``, ``"softmax"``, ``"exponential"``, ``"sign"``, or ``"none"``
        where ``z`` is no raw prediction.
        """
        return str(self.facts["link"])

    @cached_property
    def _ufuncs(self) -> Mapping[str, np.ufunc]:
        """The ufuncs with the parameters fixed in them."""
        return _core.loss_ufuncs(self.name, self.arguments)

    @cached_property
    def _batch(self) -> _core.BatchLoss:
        return _core.BatchLoss(self.name, self.arguments)

    def __call__(
        self,
        z: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | None = None,
        ignore_index: int | None = None,
        where: ArrayLike | None = None,
        reduction: Reduction = "mean",
    ) -> Any:
        """The loss.

        Parameters
        ----------
        z : array_like
            Predictions, shape (...) or (..., K) for a row-wise loss.
        y : array_like
            Targets: see the class.
        sample_weight : array_like, optional
            Weights >= 0, shape (n,) for the first axis or one per value.
        class_weight : mapping or array_like, optional
            Weights >= 0 of the classes, by code: shape (K,), or (2,) for a loss of two classes
            (labels 0 and 1, or -1 and 1).  For a distribution y it weighs each term of the sum.
        ignore_index : int, optional
            The class code of rows to leave out.
        where : array_like of bool, optional
            One per value: which to count.
        reduction : {"mean", "sum", "none", "weighted_mean"}, default="mean"

        Returns
        -------
        scalar, or ndarray of one value per element or row for ``reduction="none"``

        Raises
        ------
        ValueError
            If shapes do not fit, targets are outside the loss's domain or weights are negative.
        """
        case = self._prepare(z, y, sample_weight, class_weight, ignore_index, where, reduction)
        values = self._run("code_value" if case.codes else "value", case)
        return self._reduced(values, case)[0]

    def gradient(self, z: ArrayLike, y: ArrayLike, **options: Any) -> Array:
        """The gradient of the loss with respect to ``z``; parameters as for the call.

        With ``reduction="none"`` each element holds the slope of its own value.
        """
        return self.value_and_gradient(z, y, **options)[1]

    def value_and_gradient(
        self,
        z: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | None = None,
        ignore_index: int | None = None,
        where: ArrayLike | None = None,
        reduction: Reduction = "mean",
        out: Array | None = None,
    ) -> tuple[Any, Array]:
        """The loss and its gradient with respect to ``z``; parameters as for the call.

        The gradient is written into ``out`` where it is given: an array of the shape and dtype of
        the gradient.
        """
        plain = sample_weight is class_weight is ignore_index is where is None
        if plain and reduction in ("mean", "sum"):
            fast = self._in_one_pass(z, y, reduction, out)
            if fast is not None:
                return fast
        case = self._prepare(z, y, sample_weight, class_weight, ignore_index, where, reduction)
        which = "code_value_and_gradient" if case.codes else "value_and_gradient"
        values, slope = self._run(which, case)
        value, factor = self._reduced(values, case)
        return value, into(out, self._weighted(slope, case, factor))

    def target_gradient(self, z: ArrayLike, y: ArrayLike, **options: Any) -> Array:
        """The gradient of the loss with respect to ``y``; parameters as for the call.

        Raises
        ------
        TypeError
            If the targets are classes or signs, which have no neighbours.
        """
        return self._derivative("target_gradient", "with respect to its targets", z, y, options)

    def second_derivative(self, z: ArrayLike, y: ArrayLike, **options: Any) -> Array:
        """The diagonal of the Hessian with respect to ``z``; parameters as for the call.

        Raises
        ------
        TypeError
            For a row-wise loss, whose Hessian is a matrix per row.
        """
        return self._derivative("second_derivative", "of the second order", z, y, options)

    def _derivative(
        self, which: str, words: str, z: ArrayLike, y: ArrayLike, options: dict[str, Any]
    ) -> Array:
        if which not in self._ufuncs or self.facts["root_of_mean"]:
            raise TypeError(f"{self.name} has no derivative {words} element by element.")
        case = self._prepare(z, y, **options)
        values = self._run("value", case)
        return self._weighted(self._run(which, case), case, self._reduced(values, case)[1])

    def _in_one_pass(
        self, z: Any, y: Any, reduction: str, out: Array | None
    ) -> tuple[Any, Array] | None:
        """Value and gradient of plain arrays, or None where they need the long way."""
        z, y, codes = np.asarray(z, order="C"), np.asarray(y, order="C"), not self.elementwise
        if codes and y.dtype.kind in "iu":
            y = y.astype(np.int64, copy=False)
        count = z.size if not codes else y.size
        if (
            z.dtype not in (np.float32, np.float64)
            or z.size == 0
            or self.facts["root_of_mean"]
            or y.shape != (z.shape[:-1] if codes else z.shape)
            or y.dtype != (np.int64 if codes else z.dtype)
        ):
            return None
        if out is None:
            out = np.empty_like(z)
        elif np.may_share_memory(out, z) or np.may_share_memory(out, y):
            return None
        factor = 1.0 / count if reduction == "mean" else 1.0
        sums = self._batch.codes if codes else self._batch.values
        try:
            total = sums(z, y, factor, out)
        except TypeError:  # an array that the core does not take, such as a read-only `out`
            return None
        return None if total is None else (z.dtype.type(total * factor), out)

    def _prepare(
        self,
        z: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | None = None,
        ignore_index: int | None = None,
        where: ArrayLike | None = None,
        reduction: str = "mean",
    ) -> _Case:
        z, y = predictions_of(z), np.asarray(y)
        self._check_reduction(z, reduction)
        shape = z.shape if self.elementwise else z.shape[:-1]
        codes = not self.elementwise and y.shape == shape and y.dtype.kind in "iu"
        kept = None if where is None else mask_of(where, shape)
        if ignore_index is not None:
            counted = self._counted(y, codes, ignore_index)
            kept = counted if kept is None else kept & counted
        if kept is not None:
            y, sample_weight = (
                legal_targets(self, kept, y, codes),
                without(kept, sample_weight, 0.0),
            )
        y = class_codes(self.name, y, z.shape[-1]) if codes else targets_of(self, z, y)
        weights = None if sample_weight is None else weights_of(sample_weight, shape, z.dtype)
        loss, masses = self, weights
        if class_weight is not None:
            loss, y, codes, factor, mass = label_weights(self, z, y, codes, class_weight)
            masses = mass if weights is None else weights * mass
            if factor is not None:
                weights = factor if weights is None else weights * factor
        return _Case(loss, z, y, codes, weights, masses, kept, reduction)

    def _check_reduction(self, z: Array, reduction: str) -> None:
        check_reduction(reduction)
        if self.facts["root_of_mean"] and reduction == "none":
            raise ValueError(
                f"{self.name} is the root of a mean over the batch and has no value per element. "
                "Use reduction='mean', or squared_error with reduction='none'."
            )
        if not self.elementwise and (z.ndim == 0 or z.shape[-1] == 0):
            raise ValueError(f"{self.name} needs at least one class along the last axis of z.")
        shape = z.shape if self.elementwise else z.shape[:-1]
        if reduction in ("mean", "weighted_mean") and 0 in shape:
            raise ValueError(f"The mean of {self.name} over no values is undefined; z is empty.")

    def _counted(self, y: Array, codes: bool, ignore_index: int) -> Array:
        if not codes:
            raise TypeError(
                f"ignore_index={ignore_index} names a class code, but the targets of {self.name} "
                "are not codes here. Leave values out with where=."
            )
        return np.asarray(y != ignore_index)

    def _run(self, which: str, case: _Case) -> Any:
        """A ufunc over the checked arrays; what is left out is 0."""
        results = case.loss._ufuncs[which](case.z, case.y)
        if case.kept is None:
            return results
        several = results if isinstance(results, tuple) else (results,)
        counted = tuple(
            np.where(case.kept if np.ndim(r) == case.kept.ndim else case.kept[..., None], r, zero)
            for r, zero in ((np.asarray(r), case.z.dtype.type(0)) for r in several)
        )
        return counted if isinstance(results, tuple) else counted[0]

    def _reduced(self, values: Any, case: _Case) -> tuple[Any, Any]:
        """The reduced loss, and the factor of each (weighted) slope in its gradient."""
        weights, masses = case.weights, case.masses
        if case.kept is not None and case.reduction != "none":
            values = np.asarray(values)[case.kept]
            weights = None if weights is None else weights[case.kept]
            masses = None if masses is None else masses[case.kept]
        root = self.facts["root_of_mean"]
        values = np.asarray(values, np.float64) if root else np.asarray(values)
        value, factor = reduced(self.name, values, weights, case.reduction, masses)
        if not root:
            return value, factor
        distance = np.sqrt(value)
        dtype = case.z.dtype.type
        return dtype(distance), dtype(0.5 * factor / distance if distance > 0 else 0.0)

    def _weighted(self, slope: Any, case: _Case, factor: Any) -> Array:
        if case.weights is not None:
            factor = factor * (case.weights if self.elementwise else case.weights[..., None])
            with np.errstate(invalid="ignore"):
                slope = times(factor, np.asarray(slope))
            return np.asarray(slope, dtype=case.z.dtype)
        return np.asarray(slope * factor, dtype=case.z.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, dict(self.parameters))


class _Case(NamedTuple):
    """Checked arguments.

    The loss that is evaluated; z floating; y values of its dtype or int64 codes; weights per value;
    masses: what the values weigh in a weighted mean; kept: which values count, None for all.
    """

    loss: Loss
    z: Array
    y: Array
    codes: bool
    weights: Array | None
    masses: Array | None
    kept: Array | None
    reduction: str


def _restore(name: str, parameters: dict[str, Any]) -> Loss:
    restored: Loss = loss(name, **parameters)
    return restored


def _composite() -> Iterable[Any]:
    from deltarule._composite import composite_losses  # a tenth of the import time of NumPy

    return composite_losses.values()


losses: LossCatalogue = cast(
    "LossCatalogue", Catalogue[Any]("loss", map(Loss, _core.loss_facts()), _composite)
)


class _Choose(Chooser[Any]):
    """A loss of the catalogue with its parameters set.

    Parameters
    ----------
    name : str or Loss
        A name or alias of the catalogue, such as ``"softmax_cross_entropy"``, or another system's
        name that means one function, such as ``"BCEWithLogitsLoss"``.
    profile : str, optional
        A system whose defaults count: ``"torch"``, ``"keras"``, ``"jax"``, ``"onnx"`` ...  The name
        then means what it means there.
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

    @cached_property
    def from_formula(self) -> Callable[..., Any]:
        from deltarule._from_formula import loss_from_formula

        return loss_from_formula


loss: LossFactory = cast("LossFactory", _Choose(losses))
