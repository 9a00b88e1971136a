"""The claims of a loss: the gradient of each value, of their mean, and the second derivative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deltarule.gradcheck._problem import Function, Problem, claim
from deltarule.gradcheck._structure import Array, Structure


def read(
    f: Any, operands: tuple[Any, ...], options: Mapping[str, Any], second: bool | None
) -> list[Problem]:
    """Find the claims that a loss makes.

    Parameters
    ----------
    f : object
        ``f(*operands, **options)`` and ``f.value_and_gradient(*operands, **options)``, which gives
        the value and one gradient, or a tuple with one for each of several operands.  Where it
        takes ``reduction="none"``, each value is checked by itself.
    operands : tuple
        Predictions first.
    options : Mapping
        Further arguments.
    second : bool, optional

    Raises
    ------
    TypeError
        If it has no second derivative, and `second` is True.
    """
    operands = tuple(a if a is None else np.asarray(a) for a in operands)
    problems = []
    each = None
    if "reduction" not in options:
        each = _claimed(f, operands, {**options, "reduction": "none"})
    if each is not None and not _rows_are_independent(f, operands, options, each):
        each = None
    if each is not None:
        problems.append(_problem(f, operands, {**options, "reduction": "none"}, each, "gradient"))
    whole = _claimed(f, operands, options, trial=False)
    assert whole is not None
    label = "gradient of the mean" if each else "gradient"
    if not (each and np.ndim(each[0]) == 0):
        problems.append(_problem(f, operands, options, whole, label))
    has_second = (
        hasattr(f, "second_derivative")
        and getattr(f, "elementwise", False)
        and "operands" not in getattr(f, "facts", {})  # a composed loss only says that it has none
    )
    if second and not (has_second and each):
        raise TypeError(f"{f!r} has no second derivative element by element.")
    if second is not False and has_second and each is not None:
        problems.append(_second(f, operands, {**options, "reduction": "none"}))
    return problems


def _claimed(
    f: Any, operands: tuple[Any, ...], options: Mapping[str, Any], trial: bool = True
) -> tuple[Any, tuple[Any, ...]] | None:
    """Value and gradients; None if a trial shows that the loss has no such option."""
    try:
        value, gradients = f.value_and_gradient(*operands, **options)
    except (TypeError, ValueError):
        if trial:
            return None
        raise
    return value, gradients if isinstance(gradients, tuple) else (gradients,)


def _rows_are_independent(
    f: Any, operands: tuple[Any, ...], options: Mapping[str, Any], each: tuple[Any, Any]
) -> bool:
    """Whether every second value stays where it is when the others' numbers are moved."""
    values = np.asarray(each[0])
    if values.size < 2 or values.ndim == 0:
        return True
    odd = np.arange(values.size).reshape(values.shape) % 2 == 1
    moved = list(operands)
    for i in _differentiated(f, operands, len(each[1])):
        x = np.array(operands[i], dtype=np.result_type(operands[i], np.float32))
        if x.shape[: values.ndim] != values.shape:
            return False
        x[odd] += 2.0**-8
        moved[i] = x
    with np.errstate(all="ignore"):
        after = np.asarray(f(*moved, **options, reduction="none"))
    return bool(np.allclose(after[~odd], values[~odd], rtol=1e-5, atol=0, equal_nan=True))


def _problem(
    f: Any,
    operands: tuple[Any, ...],
    options: Mapping[str, Any],
    claimed: tuple[Any, tuple[Any, ...]],
    label: str,
) -> Problem:
    value, gradients = claimed
    names = _names(f, len(gradients), label)
    named = _differentiated(f, operands, len(gradients))
    structure, flat = Structure.of(
        {name: np.asarray(operands[i]) for name, i in zip(names, named, strict=True)}
    )

    def call(x: Array) -> Any:
        moved = list(operands)
        for i, part in zip(named, structure.build(x).values(), strict=True):
            moved[i] = part
        return f(*moved, **options)

    gradient = structure.flatten(dict(zip(names, gradients, strict=True)))
    return claim(Function(call), structure, flat, gradient[:, None], np.shape(value))


def _differentiated(f: Any, operands: tuple[Any, ...], count: int) -> list[int]:
    """The positions of the operands that the gradients belong to."""
    facts = getattr(f, "facts", {})
    order, wanted = facts.get("operands"), facts.get("differentiable")
    if order and wanted and len(wanted) == count:
        return [order.index(name) for name in wanted]
    return list(range(count))


def _names(f: Any, count: int, label: str) -> list[str]:
    if count == 1:
        return [label]
    wanted = getattr(f, "facts", {}).get("differentiable") or [f"operand {i}" for i in range(count)]
    return [f"{label}({name})" for name in wanted]


def _second(f: Any, operands: tuple[Any, ...], options: Mapping[str, Any]) -> Problem:
    """The second derivative by the prediction, against differences of the gradient."""
    structure, flat = Structure.of(operands[0], "second_derivative")
    rest = operands[1:]
    claimed = np.ravel(f.second_derivative(structure.build(flat), *rest, **options))[:, None]

    def slope(x: Array) -> Any:
        return f.value_and_gradient(structure.build(x), *rest, **options)[1]

    return claim(Function(slope), structure, flat, claimed, structure.shapes[0])
