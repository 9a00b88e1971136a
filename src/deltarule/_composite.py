"""Losses that are composed of primitives, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from deltarule._catalogue import Array, Catalogue, Function, unknown_parameter
from deltarule._reduction import Reduction, check_out, check_reduction
from deltarule.composites import ROWS, Composite
from deltarule.composites._case import Case, case_of


class CompositeLoss(Function):
    """A loss of several arrays, with exact gradients.

    It takes the arrays that ``facts["operands"]`` names, predictions first, and has one value per
    row or per element (``facts["per"]``), or else one for the whole batch or one per entry of the
    first axis.  Rows lie along the last axis; any number of axes may lead.

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
        with np.errstate(all="ignore"):  # limits at 0 and infinity are meant
            case = self._case(operands, sample_weight, class_weight, ignore_index, where)
            return case.reduced(case.computed(self._settings)[0], reduction)[0]

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
        with np.errstate(all="ignore"):
            case = self._case(operands, sample_weight, class_weight, ignore_index, where)
            values, pullback = case.computed(self._settings)
            value, cotangent = case.reduced(values, reduction)
            names = self._record.differentiable
            gradients = tuple(
                case.restored(name, gradient)
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

    @property
    def _settings(self) -> dict[str, Any]:
        return {**self.parameters, **self.options}

    def _case(self, *call: Any) -> Case:
        return case_of(self._record, self._settings, *call)

    def _into(
        self, out: Array | tuple[Array, ...], gradients: tuple[Array, ...]
    ) -> tuple[Array, ...]:
        """The gradients written into arrays, all of which are checked before."""
        names = self._record.differentiable
        arrays = out if isinstance(out, tuple) else (out,)
        if len(arrays) != len(names):
            raise TypeError(
                f"out of {self.name} must be a tuple of {len(names)} arrays, for the gradients "
                f"with respect to {', '.join(names)}; met {len(arrays)}."
            )
        for name, array, gradient in zip(names, arrays, gradients, strict=True):
            check_out(array, gradient, f" with respect to {name}")
        for array, gradient in zip(arrays, gradients, strict=True):
            array[...] = gradient
        return arrays

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
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self._settings.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, self._settings)


_CODE = ("compute", "check")


def _facts(record: Composite) -> dict[str, Any]:
    facts = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in _CODE}
    return facts | {"kind": "composite", "record": record}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return bool(np.array_equal(a, b))
    return bool(a == b)


def _restore(name: str, settings: dict[str, Any]) -> CompositeLoss:
    return composite_losses[name].with_parameters(settings)


composite_losses: Catalogue[CompositeLoss] = Catalogue(
    "loss", (CompositeLoss(_facts(record)) for record in ROWS)
)
