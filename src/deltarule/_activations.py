"""The activations of the catalogue as objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._catalogue import Array, Catalogue, Function


class Activation(Function):
    """An activation: ``f(x)``, its derivative, vector-Jacobian product and Jacobian.

    Element-wise activations follow NumPy's ufuncs (broadcasting, ``out=``, ``where=``, dtype kept);
    row-wise ones (softmax, log_softmax) work along ``axis``.  float32 and float64 are computed in
    their own precision; integers are promoted as NumPy promotes them.

    Attributes
    ----------
    ufunc : numpy.ufunc
        The function itself; its further inputs are the parameters, which broadcast.
    elementwise : bool
        False for functions of a whole row.
    """

    @property
    def ufunc(self) -> np.ufunc:
        return self._ufuncs["value"]

    @property
    def elementwise(self) -> bool:
        return bool(self.facts["kind"] == "elementwise")

    def __call__(self, x: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        """f(x).

        Parameters
        ----------
        x : array_like, shape (...)
        axis : int, optional
            The axis of a row-wise activation; default the last.
        **options
            ``out=``, ``dtype=`` as for a ufunc, and ``where=`` if element-wise.

        Returns
        -------
        ndarray or scalar, shape (...)
        """
        self._require_rows(x)
        return self._call("value", x, **self._along(axis), **options)

    def derivative(self, x: ArrayLike, **options: Any) -> Any:
        """f'(x), element by element.

        Parameters
        ----------
        x : array_like, shape (...)
        **options
            ``out=``, ``dtype=`` as for a ufunc, and ``where=`` if element-wise.

        Returns
        -------
        ndarray or scalar, shape (...)

        Raises
        ------
        TypeError
            For a row-wise activation, whose derivative is a matrix: see `jacobian` and `vjp`.
        """
        if not self.elementwise:
            raise TypeError(
                f"{self.name} maps a whole row, so its derivative is a matrix and not an array of "
                "slopes. Use jacobian(x), or vjp(x, g) for its product with a vector."
            )
        return self._call("derivative", x, **options)

    def vjp(self, x: ArrayLike, g: ArrayLike, *, axis: int | None = None, **options: Any) -> Any:
        """The vector-Jacobian product J(x)^T g: what backpropagation hands down.

        Parameters
        ----------
        x, g : array_like, shapes that broadcast
            Input, and gradient with respect to the output.
        axis : int, optional
            The axis of a row-wise activation; default the last.
        **options
            ``out=``, ``dtype=`` as for a ufunc, and ``where=`` if element-wise.

        Returns
        -------
        ndarray or scalar
        """
        self._require_rows(x)
        return self._call("vjp", x, g, **self._along(axis), **options)

    def jacobian(self, x: ArrayLike) -> Array:
        """J[..., i, j] = df_i / dx_j along the last axis.

        Parameters
        ----------
        x : array_like, shape (..., n)

        Returns
        -------
        ndarray, shape (..., n, n)
            Diagonal for an element-wise activation.

        Raises
        ------
        ValueError
            If x is a scalar.
        """
        x = np.asarray(x)
        if x.ndim == 0:
            raise ValueError(
                f"The Jacobian of {self.name} needs an array of at least one dimension; met a "
                "scalar. Use derivative(x), or x[None]."
            )
        rows = np.eye(x.shape[-1], dtype=np.result_type(x.dtype, np.float32))
        if self.elementwise:
            return np.asarray(self.derivative(x)[..., :, None] * rows)
        return np.asarray(self.vjp(x[..., None, :], rows))

    def _require_rows(self, x: ArrayLike) -> None:
        if not self.elementwise and np.ndim(x) == 0:
            raise ValueError(f"{self.name} maps a row of numbers; met a scalar. Pass an array.")

    def _along(self, axis: int | None) -> dict[str, int]:
        if axis is None:
            return {}  # the last, as for every generalised ufunc
        if self.elementwise:
            raise TypeError(f"{self.name} works element by element and has no axis.")
        return {"axis": axis}

    def _call(self, which: str, *arrays: ArrayLike, **options: Any) -> Any:
        if "where" in options and not self.elementwise:
            raise TypeError(
                f"{self.name} maps whole rows and has no where=; select rows with x[mask]."
            )
        return super()._call(which, *arrays, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, dict(self.parameters))


def _restore(name: str, parameters: dict[str, Any]) -> Activation:
    return activation(name, **parameters)


activations: Catalogue[Activation] = Catalogue(
    "activation",
    (
        Activation(facts, _core.activation_ufuncs[facts["name"]])
        for facts in _core.activation_facts()
    ),
)


def activation(name: str | Activation, /, **parameters: Any) -> Activation:
    """An activation of the catalogue with its parameters set.

    Parameters
    ----------
    name : str or Activation
        A name or alias of the catalogue, such as ``"leaky_relu"``.
    **parameters
        Parameters of the activation, such as ``negative_slope=0.2``.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError
        If the name is unknown or a value out of range.
    TypeError
        If the activation has no such parameter.

    Examples
    --------
    >>> import deltarule as dr
    >>> f = dr.activation("leaky_relu", negative_slope=0.2)
    >>> f([-1.0, 2.0])
    array([-0.2,  2. ])
    """
    return activations.find(name, parameters)
