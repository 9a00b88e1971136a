"""Activations that draw random numbers, from a seed or generator that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._activation_kinds import Activation, ElementwiseActivation, RowwiseActivation
from deltarule._catalogue import Array

if TYPE_CHECKING:  # numpy.random is slow to import
    Randomness = int | np.random.Generator


class RandomizedRelu(ElementwiseActivation):
    """``x`` for x > 0, else ``s x`` with a slope s drawn from [lower, upper] for each element.

    Each method takes ``rng=``, a seed or a `numpy.random.Generator`: with it slopes are drawn as in
    training, without it the slope is the mean of the two, as in evaluation.  The same seed and
    shape give the same slopes, so ``vjp(x, g, rng=7)`` belongs to ``f(x, rng=7)``.
    """

    @cached_property
    def _sloped(self) -> Mapping[str, np.ufunc]:
        return _core.activation_ufuncs("prelu", None)

    def slopes(self, shape: tuple[int, ...], rng: Randomness, dtype: Any = np.float64) -> Array:
        """The slopes for x <= 0 that a seed stands for.

        Parameters
        ----------
        shape : tuple of int
        rng : int or numpy.random.Generator
        dtype : {float32, float64}

        Returns
        -------
        ndarray of the shape
        """
        low, high = self.arguments
        return np.random.default_rng(rng).uniform(low, high, shape).astype(dtype)

    def __call__(self, x: ArrayLike, *, rng: Randomness | None = None, **options: Any) -> Any:
        return self._drawn("value", super().__call__, (x,), rng, options)

    def derivative(self, x: ArrayLike, *, rng: Randomness | None = None, **options: Any) -> Any:
        return self._drawn("derivative", super().derivative, (x,), rng, options)

    def vjp(
        self, x: ArrayLike, g: ArrayLike, *, rng: Randomness | None = None, **options: Any
    ) -> Any:
        return self._drawn("vjp", super().vjp, (x, g), rng, options)

    def second_derivative(
        self, x: ArrayLike, *, rng: Randomness | None = None, **options: Any
    ) -> Any:
        return super().second_derivative(x, **options)  # 0 whatever the slope

    def jacobian(self, x: ArrayLike, *, rng: Randomness | None = None) -> Array:
        return self._diagonal(self.derivative(self._row(x), rng=rng))

    def _drawn(
        self,
        which: str,
        evaluate: Any,
        arrays: tuple[ArrayLike, ...],
        rng: Randomness | None,
        options: dict[str, Any],
    ) -> Any:
        if rng is None:
            return evaluate(*arrays, **options)
        x = np.asarray(arrays[0])
        dtype = np.result_type(x.dtype, np.float32)
        slopes = self.slopes(x.shape, rng, dtype)
        return self._sloped[which](*arrays, slopes, **options)


class GumbelSoftmax(RowwiseActivation):
    """Softmax of ``(x + g) / tau`` with noise g from the standard Gumbel distribution.

    Every method needs ``rng=``, a seed or a `numpy.random.Generator`; ``vjp(x, g, rng=7)`` belongs
    to ``f(x, rng=7)``.  With ``hard=True`` the value is the one-hot vector of the largest entry and
    the gradient that of the soft value (straight-through).
    """

    @cached_property
    def _ufuncs(self) -> Mapping[str, np.ufunc]:
        return _core.activation_ufuncs("softmax", [float(self.parameters["tau"])])

    @cached_property
    def ufunc(self) -> np.ufunc:
        raise TypeError(f"{self.name} draws random numbers; no ufunc can.")

    def noisy(self, x: ArrayLike, rng: Randomness | None) -> Array:
        """Give x with the noise that a seed stands for."""
        if rng is None:
            raise TypeError(
                f"{self.name} draws noise: give rng=, a seed or a numpy.random.Generator."
            )
        x = np.asarray(x)
        dtype = np.result_type(x.dtype, np.float32)
        return np.asarray(x + np.random.default_rng(rng).gumbel(size=x.shape).astype(dtype))

    def __call__(
        self,
        x: ArrayLike,
        *,
        rng: Randomness | None = None,
        axis: int | None = None,
        **options: Any,
    ) -> Any:
        soft = super().__call__(self.noisy(x, rng), axis=axis, **options)
        if not self.parameters["hard"]:
            return soft
        along = self._axis(axis)
        top = np.expand_dims(np.argmax(soft, axis=along), along)
        peak = np.take_along_axis(soft, top, axis=along)
        soft *= 0  # NaN stays
        np.put_along_axis(soft, top, np.sign(peak), axis=along)
        return soft

    def vjp(
        self,
        x: ArrayLike,
        g: ArrayLike,
        *,
        rng: Randomness | None = None,
        axis: int | None = None,
        **options: Any,
    ) -> Any:
        return super().vjp(self.noisy(x, rng), g, axis=axis, **options)

    def jacobian(self, x: ArrayLike, *, rng: Randomness | None = None) -> Array:
        return RowwiseActivation.jacobian(self._still, self.noisy(x, rng))

    @cached_property
    def _still(self) -> RowwiseActivation:
        """The softmax of given noise."""
        facts = {**self.facts, "name": "softmax", "parameters": [("temperature", 1.0, "positive")]}
        return RowwiseActivation(facts).with_parameters({"temperature": self.parameters["tau"]})


def gumbel_facts(softmax: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of gumbel_softmax, from those of the softmax that it takes."""
    return {
        **softmax,
        "name": "gumbel_softmax",
        "formula": "exp((x + g) / tau) / sum(exp((x + g) / tau))",
        "source": "Jang et al. 2016; Maddison et al. 2016; g ~ Gumbel(0, 1)",
        "parameters": [("tau", 1.0, "positive"), ("hard", False, "flag")],
        "aliases": [],
    }


CLASSES: Mapping[str, type[Activation]] = {
    "rrelu": RandomizedRelu,
    "gumbel_softmax": GumbelSoftmax,
}
