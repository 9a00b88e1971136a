"""How own activations and losses are made: from text, or from functions of NumPy ufuncs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, overload

from deltarule._custom import CustomActivation, CustomLoss, check_name
from deltarule.formula import Formula

# Losses of digits outside of this range of inputs are not warned of.
_USUAL: Final = 1e4
_MOST_RANGES: Final = 3

Own = TypeVar("Own", CustomActivation, CustomLoss)


class FormulaWarning(UserWarning):
    """A formula loses digits or overflows where inputs are usual; the message says where."""


def activation_from_formula(
    text: str, *, name: str = "formula", parameters: Mapping[str, float] | None = None
) -> CustomActivation:
    """An activation of your own, from text.

    Parameters
    ----------
    text : str
        An expression in x and the parameters: ``+ - * / **``, comparisons,
        ``a if condition else b`` and functions such as exp, log, tanh, sigmoid, erf, maximum.
        Never run as code: see `deltarule.formula.parse.parse`.
    name : str, default="formula"
    parameters : mapping of str to float, optional
        Further names of the text with their defaults.

    Returns
    -------
    CustomActivation

    Raises
    ------
    FormulaError
        If the text is no formula; the message shows the place.
    ValueError
        If a default is no finite number.

    Warns
    -----
    FormulaWarning
        If digits are lost for usual inputs, with the range.

    Examples
    --------
    >>> import deltarule as dr
    >>> f = dr.activation.from_formula("x * tanh(log(1 + exp(x)))")
    >>> f([-1.0, 0.0, 2.0]).round(4)
    array([-0.3034,  0.    ,  1.944 ])
    >>> f.rewrites
    ('softplus', 'tanh_softplus')
    """
    return _announced(CustomActivation(Formula.read(text, ("x",), parameters), check_name(name)))


def loss_from_formula(
    text: str,
    *,
    name: str = "formula",
    link: str = "identity",
    parameters: Mapping[str, float] | None = None,
) -> CustomLoss:
    """An element-wise loss of your own, from text in z (prediction) and t (target).

    Parameters
    ----------
    text : str
        As for `activation.from_formula`, in z, t and the parameters.
    name : str, default="formula"
    link : {"identity", "sigmoid"}, default="identity"
        What turns z into what the user sees; with "sigmoid" z is a logit and the loss fits
        classifiers.
    parameters : mapping of str to float, optional
        Further names of the text with their defaults.

    Returns
    -------
    CustomLoss

    Raises
    ------
    FormulaError
        If the text is no formula; the message shows the place.
    ValueError
        If a default is no finite number.

    Warns
    -----
    FormulaWarning
        If digits are lost for usual inputs, with the range.

    Examples
    --------
    >>> import deltarule as dr
    >>> dr.loss.from_formula("log(cosh(z - t))")([0.0, 2.0], [0.0, 0.0], reduction="none").round(4)
    array([0.   , 1.325])
    """
    return _announced(
        CustomLoss(Formula.read(text, ("z", "t"), parameters), check_name(name), link)
    )


@overload
def custom_activation(function: Callable[..., Any], /) -> CustomActivation: ...
@overload
def custom_activation(
    *, name: str | None = ...
) -> Callable[[Callable[..., Any]], CustomActivation]: ...
def custom_activation(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None
) -> CustomActivation | Callable[[Callable[..., Any]], CustomActivation]:
    """Make an activation of a function of NumPy ufuncs: a decorator.

    The function is called once with a stand-in for x, which writes down what is done to it; what
    runs later is the compiled formula.  Branches are ``np.where``, not ``if``.

    Parameters
    ----------
    function : callable
        Of x and, optionally, parameters with numbers as defaults.
    name : str, optional
        Default: the function's name.

    Returns
    -------
    CustomActivation

    Raises
    ------
    FormulaError
        If the function does what a formula cannot say.

    Warns
    -----
    FormulaWarning
        If digits are lost for usual inputs, with the range.

    Examples
    --------
    >>> import deltarule as dr
    >>> import numpy as np
    >>> @dr.custom_activation
    ... def smooth_step(x, width=1.0):
    ...     return np.arctan(x / width) / np.pi + 0.5
    >>> smooth_step.derivative(0.0).round(4)
    np.float64(0.3183)
    """

    def make(f: Callable[..., Any], stacklevel: int = 4) -> CustomActivation:
        chosen = check_name(name or str(getattr(f, "__name__", "formula")))
        return _described(CustomActivation(Formula.trace(f, ("x",)), chosen), f, stacklevel)

    return make if function is None else make(function, 5)


@overload
def custom_loss(function: Callable[..., Any], /) -> CustomLoss: ...
@overload
def custom_loss(
    *, name: str | None = ..., link: str = ...
) -> Callable[[Callable[..., Any]], CustomLoss]: ...
def custom_loss(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    link: str = "identity",
) -> CustomLoss | Callable[[Callable[..., Any]], CustomLoss]:
    """Make an element-wise loss of a function of prediction and target: a decorator.

    Parameters
    ----------
    function : callable
        Of the prediction, the target and, optionally, parameters with numbers as defaults.
    name : str, optional
        Default: the function's name.
    link : {"identity", "sigmoid"}, default="identity"
        What turns the prediction into what the user sees.

    Returns
    -------
    CustomLoss

    Raises
    ------
    FormulaError
        If the function does what a formula cannot say.

    Warns
    -----
    FormulaWarning
        If digits are lost for usual inputs, with the range.

    Examples
    --------
    >>> import deltarule as dr
    >>> import numpy as np
    >>> @dr.custom_loss
    ... def pseudo_huber(prediction, target, delta=1.0):
    ...     return delta**2 * (np.sqrt(1 + ((prediction - target) / delta) ** 2) - 1)
    >>> pseudo_huber.gradient([3.0], [0.0], reduction="sum").round(4)
    array([0.9487])
    """

    def make(f: Callable[..., Any], stacklevel: int = 4) -> CustomLoss:
        chosen = check_name(name or str(getattr(f, "__name__", "formula")))
        return _described(CustomLoss(Formula.trace(f, ("z", "t")), chosen, link), f, stacklevel)

    return make if function is None else make(function, 5)


def _announced(function: Own, stacklevel: int = 3) -> Own:
    """The function, after a warning of the digits it loses."""
    lost = [str(r) for r in function.lost_digits() if r.low <= _USUAL and r.high >= -_USUAL]
    if lost:
        more = f" And {len(lost) - _MOST_RANGES} more ranges." if len(lost) > _MOST_RANGES else ""
        warnings.warn(
            f"{function.name}: {' '.join(lost[:_MOST_RANGES])}{more} The formula is computed as "
            f"it is written there: {function.definition.text}. Write it another way if such "
            "inputs occur; lost_digits() lists the ranges.",
            FormulaWarning,
            stacklevel=stacklevel,
        )
    return function


def _described(function: Own, original: Callable[..., Any], stacklevel: int) -> Own:
    function.__doc__ = original.__doc__ or function.__doc__
    function.__module__ = original.__module__
    return _announced(function, stacklevel)
