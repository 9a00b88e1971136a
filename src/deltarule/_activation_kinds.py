"""Activations as objects: of single numbers and of whole rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._arithmetic import number
from deltarule._catalogue import Array, Function

Ufuncs = Mapping[str, np.ufunc]


class Activation(Function):
    """An activation: ``f(x)``, its derivatives, vector-Jacobian product and Jacobian.

    Element-wise activations follow NumPy's ufuncs (broadcasting, ``out=``, ``where=``, dtype kept);
    row-wise ones (softmax, logsumexp, glu ...) work along ``axis``.  float32 and float64 are
    computed in their own precision; integers are promoted as NumPy promotes them.
    """

    kind = "activation"
    elementwise: bool

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        new = super().with_parameters(parameters)
        if self.facts.get("ordered"):
            (low, least), (high, most), *_ = new.parameters.items()
            if least > most:
                raise ValueError(
                    f"The parameter {low} of {self.name} must not exceed {high}; met {least!r} and "
                    f"{most!r}."
                )
        return new

    @cached_property
    def _ufuncs(self) -> Ufuncs:
        """The ufuncs with the parameters fixed in them."""
        return _core.activation_ufuncs(self.name, self.arguments)

    @cached_property
    def _value(self) -> np.ufunc:
        return self._ufuncs["value"]

    @cached_property
    def _vjp(self) -> np.ufunc:
        return self._ufuncs["vjp"]

    @cached_property
    def ufunc(self) -> np.ufunc:
        """The function as a NumPy ufunc; its further inputs are the parameters, which broadcast."""
        return _core.activation_ufuncs(self.name, None)["value"]

    @property
    def kinks(self) -> list[tuple[float, float]]:
        """Where the slope jumps, and the slope taken there, at the parameters in use."""
        return [
            (number(at, self.parameters), number(slope, self.parameters))
            for at, slope in self.facts["kinks"]
        ]

    @property
    def limits(self) -> tuple[float, float]:
        """f(-inf) and f(inf); NaN where the function oscillates or is not defined."""
        low, high = self(np.array([-np.inf, np.inf]))
        return float(low), float(high)

    def __call__(self, x: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        """f(x).

        Parameters
        ----------
        x : array_like, shape (...)
        axis : int, optional
            The axis of a row-wise activation; default the last.
        **options
            ``out=``, ``dtype=``, ``where=`` as for a ufunc.  ``where=`` of softmax, its kin and
            logsumexp leaves entries out of their row: they are 0 in the result of softmax, and a
            row without any entry is 0 throughout (logsumexp: -inf).

        Returns
        -------
        ndarray or scalar, shape (...)
        """
        raise NotImplementedError

    def derivative(self, x: ArrayLike, **options: Any) -> Any:
        """f'(x), element by element.

        Parameters
        ----------
        x : array_like, shape (...)
        **options
            ``out=``, ``dtype=``, ``where=`` as for a ufunc.

        Returns
        -------
        ndarray or scalar, shape (...)

        Raises
        ------
        TypeError
            For a row-wise activation, whose derivative is a matrix: see `jacobian` and `vjp`.
        """
        raise NotImplementedError

    def second_derivative(self, x: ArrayLike, **options: Any) -> Any:
        """f''(x), element by element; parameters and errors as for `derivative`."""
        raise NotImplementedError

    def vjp(self, x: ArrayLike, g: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        """The vector-Jacobian product J(x)^T g: what backpropagation hands down.

        Parameters
        ----------
        x : array_like, shape (...)
            Input.
        g : array_like, of the shape of the output
            Gradient with respect to the output.
        axis : int, optional
            The axis of a row-wise activation; default the last.
        **options
            ``out=``, ``dtype=``, ``where=`` as for the call.

        Returns
        -------
        ndarray or scalar, shape (...)
        """
        raise NotImplementedError

    def jacobian(self, x: ArrayLike) -> Array:
        """J[..., i, j] = df_i / dx_j along the last axis.

        Parameters
        ----------
        x : array_like, shape (..., n)

        Returns
        -------
        ndarray, shape (..., m, n)
            m = n where the function keeps the width, and then diagonal if it is element-wise.

        Raises
        ------
        ValueError
            If x is a scalar.
        """
        raise NotImplementedError

    def _row(self, x: ArrayLike) -> Array:
        x = np.asarray(x)
        if x.ndim == 0:
            raise ValueError(
                f"The Jacobian of {self.name} needs an array of at least one dimension; met a "
                "scalar. Use derivative(x), or x[None]."
            )
        return x

    def _run(self, ufunc: np.ufunc, *arrays: Any, **options: Any) -> Any:
        try:
            return ufunc(*arrays, **options)
        except TypeError as error:
            raise self._explain(error, *arrays) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, dict(self.parameters))


class ElementwiseActivation(_core.Caller, Activation):
    """An activation of single numbers."""

    elementwise = True

    def __init__(self, facts: Mapping[str, Any]) -> None:
        _core.Caller.__init__(self)
        Activation.__init__(self, facts)

    def _make_target(self) -> np.ufunc:
        """What the core calls when this object is called."""
        return self._value

    def _explain_call(self, error: TypeError, *arrays: ArrayLike) -> TypeError:
        """What to raise for an error of that call."""
        if "'axis'" in str(error):
            return self._without_axis()
        return self._explain(error, *arrays)

    @cached_property
    def _derivative(self) -> np.ufunc:
        return self._ufuncs["derivative"]

    @cached_property
    def _second_derivative(self) -> np.ufunc:
        return self._ufuncs["second_derivative"]

    def derivative(self, x: ArrayLike, **options: Any) -> Any:
        return self._run(self._derivative, x, **options)

    def second_derivative(self, x: ArrayLike, **options: Any) -> Any:
        return self._run(self._second_derivative, x, **options)

    def parameter_derivative(self, x: ArrayLike, parameter: str, **options: Any) -> Any:
        """df/da for a parameter a of a trainable activation, element by element.

        Parameters
        ----------
        x : array_like, shape (...)
        parameter : str
            The name of the parameter.
        **options
            ``out=``, ``dtype=``, ``where=`` as for a ufunc.

        Returns
        -------
        ndarray or scalar, shape (...)

        Raises
        ------
        TypeError
            If the activation is not trainable or has no such parameter.
        """
        names = list(self.parameters)
        if not self.facts["trainable"] or parameter not in names:
            learned = ", ".join(names) if self.facts["trainable"] else "none"
            raise TypeError(
                f"{self.name} has no derivative with respect to {parameter!r}; the parameters it "
                f"can learn: {learned}."
            )
        return self._ufuncs[f"derivative_{names.index(parameter)}"](x, **options)

    def vjp(self, x: ArrayLike, g: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        if axis is not None:
            raise self._without_axis()
        return self._run(self._vjp, x, g, **options)

    def jacobian(self, x: ArrayLike) -> Array:
        return self._diagonal(self.derivative(self._row(x)))

    def _diagonal(self, slopes: Any) -> Array:
        """The matrices with these rows as diagonals."""
        return np.asarray(slopes[..., :, None] * np.eye(slopes.shape[-1], dtype=slopes.dtype))

    def _without_axis(self) -> TypeError:
        return TypeError(f"{self.name} works element by element and has no axis.")


# What stands for an entry that is left out of a row, and what the result holds there.
_LEFT_OUT: dict[str, tuple[float, float | None]] = {
    "softmax": (-np.inf, 0.0),
    "softmax2d": (-np.inf, 0.0),
    "softmin": (np.inf, 0.0),
    "sparsemax": (-np.inf, 0.0),
    "hardmax": (-np.inf, 0.0),
    "log_softmax": (-np.inf, -np.inf),
    "logsumexp": (-np.inf, None),
}


class RowwiseActivation(Activation):
    """An activation of whole rows."""

    elementwise = False

    def __call__(self, x: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        x, mask = self._masked(x, options)
        along = self._axis(axis)
        if self._resizes:
            self._shape_out(x, along, options)
        y = self._apply(self._value, (x,), along, options)
        return y if mask is None else self._fill(y, mask)

    @property
    def limits(self) -> tuple[float, float]:
        raise TypeError(
            f"{self.name} maps a whole row and has no limits. Call it with a row that holds inf."
        )

    def derivative(self, x: ArrayLike, **options: Any) -> Any:
        raise TypeError(
            f"{self.name} maps a whole row, so its derivative is a matrix and not an array of "
            "slopes. Use jacobian(x), or vjp(x, g) for its product with a vector."
        )

    def second_derivative(self, x: ArrayLike, **options: Any) -> Any:
        raise TypeError(
            f"{self.name} maps a whole row and has no second derivative element by element."
        )

    def vjp(self, x: ArrayLike, g: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        x, mask = self._masked(x, options)
        if mask is not None and self.facts["width"] == "same":
            g = np.where(mask, g, np.zeros((), np.asarray(g).dtype))
        along = self._axis(axis)
        if self._resizes:
            self._check_length("The gradient g", g, along, self._width(x, along))
        out = self._apply(self._vjp, (x, g), along, options)
        if mask is not None:
            np.copyto(out, 0, where=~mask)
        return out

    def jacobian(self, x: ArrayLike) -> Array:
        x = self._row(x)
        if self.facts["width"] == "one":
            slopes = self.vjp(x, np.ones(x.shape[:-1], _floating(x)), axis=-1)
            return np.asarray(slopes)[..., None, :]
        size = self._width(x, -1) if self._resizes else x.shape[-1]
        rows = np.eye(size, dtype=_floating(x))
        return np.asarray(self.vjp(x[..., None, :], rows, axis=-1))

    def _axis(self, axis: int | None) -> int:
        return int(self.facts["axis"]) if axis is None else axis

    @property
    def _resizes(self) -> bool:
        """Whether the result has another length along its axis, which no ufunc can tell."""
        return self.facts["width"] not in ("same", "one")

    def _apply(self, ufunc: np.ufunc, arrays: tuple[Any, ...], axis: int, options: Any) -> Any:
        if self._resizes:
            options["axes"] = [(axis,)] * (len(arrays) + 1)
        elif axis != -1 and (self.facts["width"] == "same" or len(arrays) == 1):
            options["axis"] = axis
        elif axis != -1:
            options["axes"] = [(axis,), (), (axis,)]
        return self._run(ufunc, *arrays, **options)

    def _width(self, x: Any, axis: int) -> int:
        """The length of the result along its axis, where it is not that of x."""
        rule, shape = self.facts["width"], np.shape(x)
        n: int = shape[normalize_axis_index(axis, len(shape))]
        parts = 2 if rule == "half" else int(self.parameters.get("pieces", 1))
        if rule != "twice" and n % parts:
            raise ValueError(
                f"{self.name} splits a row into parts of {parts}; met a row of {n} numbers. Give "
                f"it a multiple of {parts}."
            )
        return 2 * n if rule == "twice" else n // parts

    def _shape_out(self, x: Any, axis: int, options: dict[str, Any]) -> None:
        """Check ``out=`` against the length of the result, or allocate it."""
        width, out = self._width(x, axis), options.get("out")
        if out is None:
            shape, dtype = list(np.shape(x)), options.get("dtype")
            shape[axis] = width
            options["out"] = np.empty(shape, _floating(x) if dtype is None else dtype)
        else:
            self._check_length("out", out[0] if isinstance(out, tuple) else out, axis, width)

    def _check_length(self, what: str, a: Any, axis: int, width: int) -> None:
        shape = np.shape(a)
        if not shape or shape[normalize_axis_index(axis, len(shape))] != width:
            raise ValueError(
                f"{what} has the shape {shape}; the result of {self.name} has the length {width} "
                f"along the axis {axis}. Give it that length."
            )

    def _masked(self, x: Any, options: dict[str, Any]) -> tuple[Any, Array | None]:
        """X with the entries outside of ``where=`` replaced, and the mask."""
        if np.ndim(x) == 0:
            raise ValueError(f"{self.name} maps a row of numbers; met a scalar. Pass an array.")
        mask = options.pop("where", None)
        if mask is None or mask is True:
            return x, None
        if self.name not in _LEFT_OUT:
            raise TypeError(
                f"{self.name} maps whole rows and has no where=; select rows with x[mask]."
            )
        x = np.asarray(x)
        mask = np.broadcast_to(np.asarray(mask, dtype=bool), x.shape)
        return np.where(mask, x, np.asarray(_LEFT_OUT[self.name][0], _floating(x))), mask

    def _fill(self, y: Any, mask: Array) -> Any:
        left_out = _LEFT_OUT[self.name][1]
        if left_out is not None:
            np.copyto(y, left_out, where=~mask)
        return y


def _floating(x: Any) -> Any:
    """The dtype in which an array is computed."""
    dtype = getattr(x, "dtype", None) or np.asarray(x).dtype
    return np.result_type(dtype, np.float32)


def _restore(name: str, parameters: dict[str, Any]) -> Activation:
    from deltarule._activations import activation  # which imports this module

    return activation(name, **parameters)
