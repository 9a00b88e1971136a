"""Losses that are composed of primitives, as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from deltarule._catalogue import Array, Catalogue, Function, unknown_parameter
from deltarule._reduction import (
    Reduction,
    check_reduction,
    class_weights_of,
    mask_of,
    reduced,
    weights_of,
)
from deltarule.composites import ROWS, Composite
from deltarule.composites._labels import Labels, labelled
from deltarule.composites._record import Pullback


class CompositeLoss(Function):
    """A loss of several arrays, with exact gradients.

    It takes the arrays that ``facts["operands"]`` names, predictions first, and has one value per
    row or per element (``facts["per"]``), or else one for the whole batch or one per entry of the
    first axis.  Rows lie along the last axis; any number of
    axes may lead.

    ==================  ============================================================
    reduction           of the values v with weights w (1 where none are given)
    ==================  ============================================================
    ``"none"``          w v, not reduced
    ``"sum"``           sum of w v
    ``"mean"``          sum of w v / number of values
    ``"weighted_mean"`` sum of w v / sum of w
    ==================  ============================================================

    Attributes
    ----------
    options : Mapping[str, Any]
        The settings in use that are not numbers; set like parameters.
    """

    kind = "loss"

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        self._record: Composite = facts["record"]
        self.options: Mapping[str, Any] = MappingProxyType(dict(self._record.options))

    @property
    def elementwise(self) -> bool:
        return self._record.per == "element"

    @property
    def latex(self) -> str:
        """The formula as LaTeX, without the dollar signs."""
        return self._record.latex

    @property
    def gradient_formula(self) -> str:
        """The formula of the gradient."""
        return self._record.gradient

    def error_bound(self, dtype: DTypeLike, order: int = 0) -> float:
        """The stated error of a result in units of eps times ``facts["scale"]``.

        Parameters
        ----------
        dtype : {float32, float64}
            The bound is the same for both; eps is not.
        order : {0, 1}, default=0
            0 for the value, 1 for the gradient.
        """
        return self._record.tolerance[order]

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        """The same loss with some parameters or options changed.

        Raises
        ------
        TypeError
            If the loss has no such parameter.
        ValueError
            If a value is outside the parameter's range, or no array fits an option.
        """
        for name in parameters:
            if name not in self.parameters and name not in self.options:
                known = [*self.parameters, *self.options]
                raise TypeError(unknown_parameter(self.name, name, known))
        given = {k: v for k, v in parameters.items() if k in self.options}
        new = super().with_parameters({k: v for k, v in parameters.items() if k not in given})
        new.options = MappingProxyType({**self.options, **given})
        if given and self._record.check is not None:
            self._record.check(**new.options)
        return new

    def __call__(
        self,
        *operands: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | None = None,
        ignore_index: int | None = None,
        where: ArrayLike | None = None,
        reduction: Reduction = "mean",
    ) -> Any:
        """The loss.

        Parameters
        ----------
        *operands : array_like
            The arrays that ``facts["operands"]`` names.
        sample_weight : array_like, optional
            Weights >= 0, shape (n,) for the first axis or one per value; where a loss has one value
            for the batch, a row of weight w acts as w rows.
        class_weight : Mapping or array_like, optional
            Weights >= 0 of the classes, where targets are labels: {code: weight} or shape (K,).  A
            row weighs as its class.  For a distribution t (or smoothed labels), w_k weighs each
            term of a loss that is a sum over classes, and sum_k t_k w_k any other loss.
        ignore_index : int, optional
            Rows with this code count as absent, whatever else they hold.
        where : array_like of bool, optional
            One per row, or per element of an element-wise loss, of ranking_softmax, dice and
            tversky; the others count as absent, whatever they hold.
        reduction : {"mean", "sum", "none", "weighted_mean"}, default="mean"

        Returns
        -------
        scalar, or ndarray of one value per row or element for ``reduction="none"``

        Raises
        ------
        ValueError
            If shapes do not fit, or numbers are outside the loss's domain.
        TypeError
            If the number of operands or a dtype is wrong, or the loss has no use for an argument.
        """
        check_reduction(reduction)
        case = self._prepare(operands, sample_weight, class_weight, ignore_index, where)
        with np.errstate(all="ignore"):  # limits at 0 and infinity are meant
            return self._reduced(case, self._computed(case)[0], reduction)[0]

    def gradient(self, *operands: ArrayLike, **options: Any) -> Any:
        """The gradient of the loss; parameters as for the call.

        Returns
        -------
        ndarray, or tuple of ndarray
            One of the shape of its operand for each that ``facts["differentiable"]`` names.  With
            ``reduction="none"``, the gradient of the sum of the (weighted) values.
        """
        return self.value_and_gradient(*operands, **options)[1]

    def value_and_gradient(
        self,
        *operands: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | ArrayLike | None = None,
        ignore_index: int | None = None,
        where: ArrayLike | None = None,
        reduction: Reduction = "mean",
        out: Array | tuple[Array, ...] | None = None,
    ) -> tuple[Any, Any]:
        """The loss and its gradient; parameters as for the call, gradient as for `gradient`.

        The gradient is written into ``out`` where it is given: an array of its shape and dtype, or
        a tuple of them where there are several gradients.
        """
        check_reduction(reduction)
        case = self._prepare(operands, sample_weight, class_weight, ignore_index, where)
        with np.errstate(all="ignore"):
            values, pullback = self._computed(case)
            value, cotangent = self._reduced(case, values, reduction)
            names = self._record.differentiable
            gradients = tuple(
                self._restored(case, name, gradient)
                for name, gradient in zip(names, pullback(cotangent), strict=True)
            )
        if out is not None:
            gradients = self._into(out, gradients)
        return value, gradients[0] if len(gradients) == 1 else gradients

    def target_gradient(self, *operands: ArrayLike, **options: Any) -> Any:
        """Raise TypeError: `gradient` has what a composed loss is differentiated by."""
        raise self._without("with respect to its targets")

    def second_derivative(self, *operands: ArrayLike, **options: Any) -> Any:
        """Raise TypeError: no composed loss has a second derivative element by element."""
        raise self._without("of the second order")

    def _without(self, words: str) -> TypeError:
        names = ", ".join(self._record.differentiable)
        return TypeError(
            f"{self.name} has no derivative {words} element by element. Use gradient, with respect "
            f"to {names}."
        )

    def _into(
        self, out: Array | tuple[Array, ...], gradients: tuple[Array, ...]
    ) -> tuple[Array, ...]:
        """The gradients written into arrays, all of which are checked before."""
        names = self._record.differentiable
        arrays = (out,) if isinstance(out, np.ndarray) else out
        of_arrays = isinstance(arrays, tuple) and all(isinstance(a, np.ndarray) for a in arrays)
        if not of_arrays or len(arrays) != len(names):
            wanted = f"a tuple of {len(names)} arrays" if len(names) > 1 else "an array"
            raise TypeError(
                f"out of {self.name} must be {wanted}, for the gradient with respect to "
                f"{', '.join(names)}; met {type(out).__name__}"
                + (f" of {len(arrays)}." if of_arrays else ".")
            )
        for name, array, gradient in zip(names, arrays, gradients, strict=True):
            if array.shape != gradient.shape or array.dtype != gradient.dtype:
                raise ValueError(
                    f"out has the shape {array.shape} and dtype {array.dtype}; the gradient with "
                    f"respect to {name} needs {gradient.shape} and {gradient.dtype}."
                )
            if not array.flags.writeable:
                raise ValueError(f"out for the gradient with respect to {name} is read-only.")
        for array, gradient in zip(arrays, gradients, strict=True):
            array[...] = gradient
        return arrays

    # ---- before and after the kernel ------------------------------------------------------------

    def _prepare(
        self,
        operands: Sequence[ArrayLike],
        sample_weight: ArrayLike | None,
        class_weight: Mapping[int, float] | ArrayLike | None,
        ignore_index: int | None,
        where: ArrayLike | None,
    ) -> _Case:
        """Checked operands without the rows that count as absent, and the weights of the rest."""
        record = self._record
        self._check_use(class_weight, ignore_index, where)
        arrays = self._arrays(operands)
        shapes = {name: a.shape for name, a in arrays.items()}
        first = arrays[record.operands[0]]
        taken: dict[str, Any] = {"where": where}
        weights: Any = sample_weight
        kept = None
        if not ("where" in record.takes or record.without_where):
            rows = first.shape if self.elementwise else first.shape[:-1]
            weights = None if weights is None else weights_of(weights, rows, first.dtype)
            if where is not None:
                kept = mask_of(where, rows)
                arrays, weights = self._left(arrays, weights, kept)
        if record.labels is not None:
            classes = first.shape[-1] if record.classes is None else len(arrays[record.classes])
            labels = labelled(
                record, arrays[record.operands[0]], arrays["t"], ignore_index, classes
            )
            arrays["t"] = labels.targets
            if class_weight is not None:
                taken["class_weight"], weights = self._by_class(
                    class_weights_of(class_weight, classes, first.dtype), labels, weights
                )
            if labels.kept is not None:
                arrays, weights = self._left(arrays, weights, labels.kept)
                kept = labels.kept if kept is None else _both(kept, labels.kept)
        if record.per == "batch" and arrays[record.operands[0]].size == 0:
            raise ValueError(f"{self.name} of an empty batch is undefined: no rows are left.")
        if "sample_weight" in record.takes and _sums_the_first_axis(self.options, first.ndim):
            taken["sample_weight"], weights = weights, None
        return _Case(arrays, shapes, kept, weights, {k: taken.get(k) for k in record.takes})

    def _left(
        self, arrays: dict[str, Array], weights: Array | None, kept: Array
    ) -> tuple[dict[str, Array], Array | None]:
        """The operands and weights of the rows that are kept."""
        rows = self._record.rows
        left = dict(arrays)
        for name, a in arrays.items():
            if rows is None or name in rows:
                if a.shape[: kept.ndim] != kept.shape:
                    raise ValueError(
                        f"{self.name} has {kept.shape} values, but {name} has the shape {a.shape}. "
                        "Nothing is broadcast."
                    )
                left[name] = a[kept]
        return left, None if weights is None else weights[kept]

    def _by_class(
        self, classes: Array, labels: Labels, weights: Array | None
    ) -> tuple[Array | None, Array | None]:
        """Weights of the classes where they act inside the loss, and those of the rows."""
        sharp = labels.hard and not self.parameters.get("label_smoothing")
        if "class_weight" in self._record.takes and not sharp:
            return classes, weights
        each = labels.weights(classes)
        return None, each if weights is None else weights * each

    def _check_use(
        self, class_weight: object, ignore_index: int | None, where: ArrayLike | None
    ) -> None:
        labels, without_where = self._record.labels, self._record.without_where
        if where is not None and without_where:
            raise TypeError(f"{self.name} has no where=. {without_where}")
        by_class = labels in ("codes", "codes or rows") or "class_weight" in self._record.takes
        if class_weight is not None and not by_class:
            raise TypeError(
                f"{self.name} has no single class per row, so class_weight means nothing to it. "
                "Use sample_weight."
            )
        if ignore_index is not None and labels in (None, "multi-hot"):
            raise TypeError(
                f"{self.name} has no class codes, so ignore_index means nothing to it. "
                + (without_where or "Use where= to leave values out.")
            )

    def _arrays(self, operands: Sequence[ArrayLike]) -> dict[str, Array]:
        """The operands by name, in one floating dtype, rows along the last axis."""
        record = self._record
        if len(operands) != len(record.operands):
            raise TypeError(
                f"{self.name} takes {len(record.operands)} arrays ({', '.join(record.operands)}); "
                f"met {len(operands)}."
            )
        arrays = dict(zip(record.operands, map(np.asarray, operands), strict=True))
        dtype = _floating(record, arrays)
        for name, a in arrays.items():
            if name in record.integers:
                arrays[name] = _integers(self.name, name, a)
            elif not (name == "t" and record.labels is not None):
                arrays[name] = a.astype(dtype, copy=False)
            if self._axis is not None:
                arrays[name] = np.moveaxis(arrays[name], self._axis, -1)
        first = arrays[record.operands[0]]
        if record.per == "row" and (first.ndim == 0 or first.shape[-1] == 0):
            raise ValueError(
                f"{self.name} needs at least one entry along the last axis of "
                f"{record.operands[0]}; met the shape {first.shape}."
            )
        return arrays

    def _computed(self, case: _Case) -> tuple[Array, Pullback]:
        settings = {**self.parameters, **self.options, **case.inside}
        if self._axis is not None:
            del settings["axis"]
        return self._record.compute(*case.arrays.values(), **settings)

    def _reduced(self, case: _Case, values: Array, reduction: Reduction) -> tuple[Any, Array]:
        """The reduced loss, and its derivative with respect to each of the values."""
        weights = case.weights
        if weights is not None:
            if self._record.per == "batch" and values.ndim == 0:
                raise TypeError(
                    f"{self.name} has one value for the whole batch, so its rows have no weights. "
                    "Leave sample_weight out; where= leaves rows out."
                )
            weights = weights_of(weights, values.shape, values.dtype)
        value, factor = reduced(self.name, values, weights, reduction)
        cotangent = np.full_like(values, factor)
        if weights is not None:
            cotangent *= weights
        if reduction == "none" and case.kept is not None and values.ndim:
            value = _scattered(value, case.kept)
        return value, cotangent

    def _restored(self, case: _Case, name: str, gradient: Array) -> Array:
        """The gradient with zeros for the rows that were left out."""
        rows = self._record.rows
        if case.kept is not None and (rows is None or name in rows):
            gradient = _scattered(gradient, case.kept)
        gradient = gradient.reshape(case.shapes[name])
        return gradient if self._axis is None else np.moveaxis(gradient, -1, self._axis)

    @property
    def _axis(self) -> int | None:
        """The axis of the rows, where it can be chosen."""
        return self.options.get("axis") if self._record.per == "row" else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompositeLoss):
            return NotImplemented
        return (
            super().__eq__(other) is True
            and self.options.keys() == other.options.keys()
            and all(_same(v, other.options[k]) for k, v in self.options.items())
        )

    def __hash__(self) -> int:
        return super().__hash__()

    def __repr__(self) -> str:
        settings = {**self.parameters, **self.options}
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in settings.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, {**self.parameters, **self.options})


class _Case(NamedTuple):
    """Checked arguments.

    `arrays` are the operands without the rows that count as absent, `shapes` those before, `kept`
    which rows were left in, `weights` those of the values, `inside` what compute takes of the call.
    """

    arrays: dict[str, Array]
    shapes: dict[str, tuple[int, ...]]
    kept: Array | None
    weights: Any
    inside: dict[str, Any]


_CODE = ("compute", "check")


def _facts(record: Composite) -> dict[str, Any]:
    facts = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in _CODE}
    return facts | {"kind": "composite", "record": record}


def _floating(record: Composite, arrays: Mapping[str, Array]) -> np.dtype[Any]:
    """The widest floating dtype of the differentiable operands; float64 if all are integers."""
    itemsizes = []
    for name, a in arrays.items():
        if a.dtype.kind not in "biuf" or (a.dtype.kind == "f" and a.dtype.itemsize > 8):
            raise TypeError(
                f"{record.name} computes in float32 and float64; {name} is {a.dtype}, which has no "
                "safe conversion to either."
            )
        if name in record.differentiable and a.dtype.kind == "f":
            itemsizes.append(a.dtype.itemsize)
    return np.dtype(np.float32 if max(itemsizes, default=8) <= 4 else np.float64)


def _integers(loss: str, name: str, a: Array) -> Array:
    if a.dtype.kind not in "biu":
        raise TypeError(f"{loss} needs integers as {name}; met {a.dtype}.")
    return a if a.dtype.kind == "b" else a.astype(np.int64, copy=False)


def _sums_the_first_axis(options: Mapping[str, Any], ndim: int) -> bool:
    """Whether rows meet inside the loss, so that their weights belong there."""
    axis = options.get("axis")
    return axis is None or 0 in np.atleast_1d(axis) % max(ndim, 1)


def _both(kept: Array, of_those: Array) -> Array:
    """A mask of which a second one, of what the first keeps, keeps a part."""
    both = kept.copy()
    both[kept] = of_those
    return both


def _scattered(values: Array, kept: Array) -> Array:
    full = np.zeros(kept.shape + values.shape[1:], values.dtype)
    full[kept] = values
    return full


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return bool(np.array_equal(a, b))
    return bool(a == b)


def _restore(name: str, settings: dict[str, Any]) -> CompositeLoss:
    return composite_losses[name].with_parameters(settings)


composite_losses: Catalogue[CompositeLoss] = Catalogue(
    "loss", (CompositeLoss(_facts(record)) for record in ROWS)
)
