"""What a user hands over as claims that can be checked.

Nothing here knows a class: an object is read by the methods it has.

========================================  ====================================================
object                                    read as
========================================  ====================================================
``derivative`` or ``vjp``                 an activation
``value_and_gradient``                    a loss
``parameters`` and ``loss_and_gradient``  a network
``_gradient_problem``                     a fitted estimator, which gives such a network
two callables                             a function and its gradient, derivative or Jacobian
one callable                              a function that gives its value and its gradient
========================================  ====================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deltarule.gradcheck import _activations, _losses
from deltarule.gradcheck._problem import Function, Problem, claim
from deltarule.gradcheck._structure import Array, Structure


@dataclass(frozen=True)
class Subject:
    """What is checked: its name, the claims, and how often the gradient was computed."""

    name: str
    problems: list[Problem]
    backward_passes: int


def read(
    f: Any,
    operands: tuple[Any, ...],
    options: Mapping[str, Any],
    second: bool | None = None,
    seed: int = 0,
) -> Subject:
    """Find the claims that an object makes.

    Parameters
    ----------
    f : object
    operands : tuple
        Its positional arguments.
    options : Mapping
        Its keyword arguments.
    second : bool, optional
        Whether to check second derivatives; by default, where there are some.
    seed : int
        Of cotangents.

    Raises
    ------
    TypeError
        If it makes none, or takes other operands.
    ValueError
        If shapes do not fit.
    """
    name = _name(f)
    if hasattr(f, "value_and_gradient"):
        problems = _losses.read(f, operands, options, second)
        return Subject(name, problems, len(problems))
    if hasattr(f, "derivative") or hasattr(f, "vjp"):
        problems = _activations.read(f, _only(operands), options, second, seed)
        return Subject(name, problems, sum(p.claimed.shape[1] for p in problems))
    if second:
        raise TypeError(f"{name} has no second derivative that could be checked.")
    if hasattr(f, "_gradient_problem"):
        return Subject(name, [_estimator(f, operands, options)], 1)
    if options:
        raise TypeError(
            f"{name} is called with x only; met {', '.join(options)}. Bind further arguments "
            "before, for example with functools.partial."
        )
    if hasattr(f, "loss_and_gradient") and hasattr(f, "parameters"):
        return Subject(name, [_network(f, operands)], 1)
    return Subject(name, [_function(f, _only(operands))], 1)


def _only(operands: tuple[Any, ...]) -> Any:
    if len(operands) != 1:
        raise TypeError(
            f"A function is checked at one x; met {len(operands)} positional arguments. Pass "
            "check_gradient(f, x)."
        )
    return operands[0]


def _name(f: Any) -> str:
    if isinstance(f, tuple | list):
        return _name(f[0]) if f else "nothing"
    if hasattr(f, "facts"):
        return repr(f)
    name = getattr(f, "__name__", type(f).__name__)
    return "a function" if name == "<lambda>" else str(name)


def _estimator(f: Any, operands: tuple[Any, ...], options: Mapping[str, Any]) -> Problem:
    if len(operands) != 2:
        raise TypeError(
            "The loss of an estimator depends on data: pass check_gradient(estimator, X, y)."
        )
    return _network(f._gradient_problem(*operands, **options), ())


def _network(f: Any, operands: tuple[Any, ...]) -> Problem:
    structure, flat = Structure.of(_only(operands) if operands else f.parameters())
    loss: Callable[[Any], Any] = getattr(f, "loss", lambda p: f.loss_and_gradient(p)[0])
    value, gradient = f.loss_and_gradient(structure.build(flat))
    _require_scalar(value)
    claimed = structure.flatten(gradient)[:, None]
    return claim(Function(lambda x: loss(structure.build(x))), structure, flat, claimed)


def _require_scalar(value: Any) -> None:
    if np.size(value) != 1:
        raise ValueError(
            f"A loss is one number; met an array of the shape {np.shape(value)}. Reduce it, for "
            "example by its mean."
        )


def _function(f: Any, x: Any) -> Problem:
    """A pair (function, gradient), or a function that gives both."""
    if isinstance(f, tuple | list) and len(f) == 2 and all(map(callable, f)):
        function, gradient = f
        structure, flat = Structure.of(x)
        return _of_pair(function, structure, flat, gradient(structure.build(flat)))
    if not callable(f):
        raise TypeError(
            f"An object of the type {type(f).__name__} claims no gradient. Pass an activation or "
            "loss of the catalogue, a pair (f, gradient), a function that gives (value, gradient), "
            "or a fitted estimator with X and y."
        )
    structure, flat = Structure.of(x)
    result = f(structure.build(flat))
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"{_name(f)} gave {type(result).__name__}, and no gradient to check. Pass a pair "
            "(f, gradient), or a function that gives (value, gradient)."
        )
    return _of_pair(lambda x: f(x)[0], structure, flat, result[1])


def _of_pair(f: Callable[[Any], Any], structure: Structure, flat: Array, claimed: Any) -> Problem:
    """Tell a gradient, an element-wise derivative and a Jacobian apart by their shapes."""
    function = Function(lambda x: f(structure.build(x)))
    y = function(flat)
    if y.size == 1 or structure.form != "array":
        _require_scalar(y)
        if structure.form == "array" and np.size(claimed) == flat.size == 1:
            claimed = np.reshape(claimed, structure.shapes[0])
        return claim(function, structure, flat, structure.flatten(claimed)[:, None])
    shape, claimed = structure.shapes[0], np.asarray(claimed)
    if claimed.shape == y.shape == shape:
        named = Structure(structure.form, ("derivative",), structure.shapes, structure.dtypes)
        require_elementwise(function, flat, y)
        return claim(function, named, flat, claimed.reshape(-1, 1).astype(np.float64), shape)
    if claimed.shape == y.shape + shape:
        matrix = claimed.reshape(y.size, flat.size).astype(np.float64).T

        def place(lane: int, value: int) -> tuple[str, tuple[int, ...]]:
            at = (*np.unravel_index(value, y.shape), *np.unravel_index(lane, shape))
            return "jacobian", tuple(map(int, at))

        return claim(function, structure, flat, matrix, place=place)
    raise ValueError(
        f"x has the shape {shape} and f(x) {y.shape}, so the gradient must have the shape "
        f"{y.shape + shape} (a Jacobian){f' or {shape} (element by element)' * (y.shape == shape)};"
        f" met {claimed.shape}."
    )


def require_elementwise(function: Function, x: Array, y: Array) -> None:
    """Refuse a function whose values depend on other elements.

    Raises
    ------
    ValueError
        If moving every second number moves the values of the others.
    """
    y = y.ravel()
    moved = x + np.where(np.arange(len(x)) % 2, math.ldexp(1, -8) * np.maximum(1, np.abs(x)), 0)
    after = function(moved).ravel()
    still, eps = slice(0, None, 2), np.finfo(np.result_type(y, np.float32)).eps
    with np.errstate(invalid="ignore"):
        changed = np.abs(after[still] - y[still]) > 64 * eps * np.abs(y[still])
    if changed.any():
        raise ValueError(
            "The derivative has the shape of x, as if each value depended on its own element "
            "only; but f(x) changes at elements that were not moved. Return the Jacobian, of the "
            "shape f(x).shape + x.shape."
        )
