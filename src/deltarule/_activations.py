"""The activations of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from deltarule import _core
from deltarule._activation_kinds import Activation, ElementwiseActivation, RowwiseActivation
from deltarule._catalogue import Catalogue, Chooser
from deltarule._stochastic import CLASSES, gumbel_facts

if TYPE_CHECKING:
    from deltarule._signatures import ActivationCatalogue, ActivationFactory


def _all() -> Iterator[Activation]:
    for facts in _core.activation_facts():
        kind = RowwiseActivation if facts["kind"] == "rowwise" else ElementwiseActivation
        yield CLASSES.get(facts["name"], kind)(facts)
        if facts["name"] == "softmax":
            yield CLASSES["gumbel_softmax"](gumbel_facts(facts))


activations: ActivationCatalogue = cast(
    "ActivationCatalogue", Catalogue[Activation]("activation", _all())
)


class _Choose(Chooser[Activation]):
    """An activation of the catalogue with its parameters set.

    Parameters
    ----------
    name : str or Activation
        A name or alias of the catalogue, such as ``"leaky_relu"``, or another system's name that
        means one function, such as ``"LeakyReLU"``.
    profile : str, optional
        A system whose defaults count: ``"torch"``, ``"keras"``, ``"jax"``, ``"onnx"`` ...  The name
        then means what it means there: ``gelu`` is the tanh form in JAX.
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
    >>> dr.activation("leaky_relu", profile="keras") == f
    True
    """

    @cached_property
    def from_formula(self) -> Callable[..., Any]:
        from deltarule._from_formula import activation_from_formula

        return activation_from_formula


activation: ActivationFactory = cast("ActivationFactory", _Choose(activations))
