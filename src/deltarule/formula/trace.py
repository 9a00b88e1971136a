"""From a Python function of NumPy ufuncs to a formula, by calling it once on a stand-in.

The stand-in is no array: every ufunc and operator that meets it is written down.  What a formula
cannot say (a branch of Python, a sum over the array, an item) raises a FormulaError that says so.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from deltarule.formula.evaluate import evaluate
from deltarule.formula.expression import Expression, constant, make, name
from deltarule.formula.parse import (
    FUNCTIONS,
    MAX_NODES,
    PUBLIC,
    FormulaError,
    call,
    check_parameters,
    finite,
)

_ARRAY_FUNCTIONS: dict[Any, Callable[..., Expression]] = {}
_Wrapped = Callable[..., Expression]
# NumPy's operators on conditions.
_LOGICAL: Final = {
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "not_equal",
    "invert": "logical_not",
}
_CONDITIONS: Final = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
    | {"logical_and", "logical_or", "logical_not"}
)


class Traced(NDArrayOperatorsMixin):
    """A number of which only the formula is known."""

    __slots__ = ("expression",)
    __array_priority__ = 1000

    def __init__(self, expression: Expression) -> None:
        if expression.size > MAX_NODES:
            raise FormulaError(
                f"The function has more than {MAX_NODES} operations and operands as a formula; "
                "a loop that builds a long sum has to be shortened."
            )
        self.expression = expression

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        used = {key for key, value in options.items() if value is not None}
        if method != "__call__" or used:
            what = f"{ufunc.__name__}.{method}" if method != "__call__" else ", ".join(used)
            raise FormulaError(f"A formula works element by element; it cannot use {what}.")
        if ufunc.__name__ in _LOGICAL:
            return Traced(make(_LOGICAL[ufunc.__name__], *map(_condition_of, inputs)))
        if ufunc.__name__ not in FUNCTIONS:
            raise FormulaError(
                f"Formulas have no function {ufunc.__name__!r}. They have: {', '.join(PUBLIC)}."
            )
        return Traced(call(ufunc.__name__, [expression_of(a) for a in inputs]))

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function not in _ARRAY_FUNCTIONS:
            raise FormulaError(
                f"numpy.{function.__name__} is no function of single elements, which is all a "
                "formula has. Ufuncs such as np.exp, np.maximum and np.where work."
            )
        return Traced(_ARRAY_FUNCTIONS[function](*inputs, **options))

    def __bool__(self) -> bool:
        raise FormulaError(
            "Python's if, and, or, not, min and max need a number, but the function is read once "
            "for all numbers. Use np.where(condition, a, b), np.minimum or np.maximum."
        )

    def __pow__(self, other: Any) -> Traced:
        return Traced(make("power", self.expression, expression_of(other)))

    def __float__(self) -> float:
        self._refuse("a Python number (as functions of math do)", "Use np.exp for math.exp.")

    def __int__(self) -> int:
        self._refuse("a Python integer", "Leave the conversion out.")

    def __index__(self) -> int:  # noqa: PLE0305 - it raises
        self._refuse("an index", "A formula knows one element, not its position.")

    def __iter__(self) -> Any:
        self._refuse("a sequence", "A formula knows one element at a time.")

    def __len__(self) -> int:  # noqa: PLE0303 - it raises
        self._refuse("a sequence", "A formula knows one element at a time.")

    def __getitem__(self, item: Any) -> Any:
        self._refuse("an array with items", "A formula knows one element at a time.")

    def __setitem__(self, item: Any, value: Any) -> None:
        self._refuse("an array with items", "Write np.where(condition, a, b) for x[condition] = a.")

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what NumPy and copy look for
            raise AttributeError(attribute)
        self._refuse(
            f"an array with .{attribute}",
            "A formula knows one element at a time: leave it out, or write it with ufuncs such as "
            "np.exp, np.maximum and np.where.",
        )

    def __array__(self, *args: Any, **options: Any) -> Any:
        self._refuse("an array", "Leave np.asarray out; scalars and arrays both work without it.")

    def _refuse(self, what: str, advice: str) -> NoReturn:
        raise FormulaError(f"The function uses its argument as {what}. {advice}")

    def __repr__(self) -> str:
        return f"<{self.expression!r}>"


def expression_of(value: Any) -> Expression:
    """The node of an operand: traced, or a number."""
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, bool | np.bool_):
        return constant(float(value))
    if isinstance(value, int | float | np.number) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    ):
        try:
            number = float(value)
        except (TypeError, OverflowError):
            number = math.nan
            if isinstance(value, int):
                raise FormulaError("A formula has no integer beyond float64; met one.") from None
        if number == value or (isinstance(value, float | np.floating) and math.isnan(value)):
            return constant(number)
    raise FormulaError(
        f"A formula is made of real numbers; met {type(value).__name__}"
        f"{f' of the shape {value.shape}' if isinstance(value, np.ndarray) else f' {value!r}'}."
    )


def _condition_of(value: Any) -> Expression:
    """The node of an operand of & | ^ ~, which must be a condition."""
    expression = expression_of(value)
    if not isinstance(value, bool | np.bool_) and expression.operation not in _CONDITIONS:
        raise FormulaError(
            f"In a formula & | ^ and ~ join conditions, as in (x > 0) & (x < 1); met {expression}."
        )
    return expression


def trace(
    function: Callable[..., Any], variables: Sequence[str]
) -> tuple[Expression, dict[str, float]]:
    """The formula a function computes, and its parameters with their defaults.

    Parameters
    ----------
    function : callable
        Its first arguments are the variables; all others need numbers as defaults and are the
        parameters.
    variables : sequence of str
        How the formula is to name the first arguments.

    Raises
    ------
    FormulaError
        If the function does what a formula cannot say.
    TypeError
        If its arguments are of another kind.
    """
    parameters = _parameters_of(function, variables)
    traced = [Traced(name(v)) for v in variables]
    others = {p: Traced(name(p)) for p in parameters}
    try:
        result = function(*traced, **others)
    except FormulaError as error:
        raise FormulaError(
            f"{_title(function)} cannot be read as a formula. {error.sentence}"
        ) from error
    if result is None:
        raise FormulaError(f"{_title(function)} returns nothing; a formula needs a return.")
    return expression_of(result), parameters


def check_trace(
    function: Callable[..., Any], expression: Expression, variables: Sequence[str]
) -> None:
    """Raise FormulaError if the function and its formula differ on plain numbers.

    A function that counts its calls, draws random numbers or asks for the type of its argument has
    no formula.
    """
    points = np.linspace(-2.6, 2.9, 12)
    arrays = {v: np.roll(points, 5 * i) for i, v in enumerate(variables)}
    defaults = _parameters_of(function, variables)
    traced = evaluate(expression, {**arrays, **defaults})
    with np.errstate(all="ignore"):
        plain = np.broadcast_to(np.asarray(function(*arrays.values())), points.shape)
    both = np.isfinite(plain) & np.isfinite(traced)
    apart = both & (np.abs(plain - traced) > 1e-6 * np.maximum(1e-6, np.abs(plain)))
    if apart.any():
        i = int(apart.argmax())
        where = ", ".join(f"{v} = {a[i]:.4g}" for v, a in arrays.items())
        raise FormulaError(
            f"{_title(function)} gives {plain[i]:.6g} for {where}, its formula "
            f"{np.broadcast_to(traced, points.shape)[i]:.6g}: it depends on more than the values "
            "of its arguments, which a formula cannot."
        )


def _named(function: Callable[..., Any]) -> str:
    return f"the function {getattr(function, '__name__', repr(function))}"


def _title(function: Callable[..., Any]) -> str:
    return f"The{_named(function)[3:]}"


def _parameters_of(function: Callable[..., Any], variables: Sequence[str]) -> dict[str, float]:
    count = len(variables)
    takes = f"{_title(function)} must take {count} argument{'s' * (count > 1)} by position"
    if isinstance(function, np.ufunc):
        if function.nin != count:
            raise TypeError(f"{takes}; it takes {function.nin}. Wrap it in a def or a lambda.")
        return {}
    arguments = _arguments_of(function)
    first, rest = arguments[:count], arguments[count:]
    if len(first) < count or any(a.kind is a.KEYWORD_ONLY for a in first):
        raise TypeError(f"{takes}.")
    check_parameters([a.name for a in rest], variables)
    for a in rest:
        if a.default is a.empty or isinstance(a.default, bool):
            raise TypeError(
                f"The parameter {a.name} of {_named(function)} needs a number as default."
            )
    try:
        return {a.name: finite(a.name, _named(function), a.default) for a in rest}
    except ValueError as error:
        raise TypeError(str(error)) from None


def _arguments_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except ValueError as error:
        raise TypeError(
            f"{_title(function)} does not tell its arguments; wrap it in a def or a lambda."
        ) from error
    if any(a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD) for a in arguments):
        raise TypeError(f"{_title(function)} must name all its arguments, without * and **.")
    return arguments


def _implements(*functions: Any) -> Callable[[_Wrapped], _Wrapped]:
    def register(implementation: _Wrapped) -> _Wrapped:
        _ARRAY_FUNCTIONS.update(dict.fromkeys(functions, implementation))
        return implementation

    return register


@_implements(np.where)
def _where(condition: Any, *branches: Any) -> Expression:
    if len(branches) != 2:
        raise FormulaError("np.where needs a condition and two values in a formula.")
    return make("select", *map(expression_of, (condition, *branches)))


@_implements(np.clip)
def _clip(x: Any, low: Any = None, high: Any = None, **options: Any) -> Expression:
    bounded = expression_of(x)
    low, high = options.get("min", low), options.get("max", high)
    if low is not None:
        bounded = make("maximum", bounded, expression_of(low))
    return bounded if high is None else make("minimum", bounded, expression_of(high))


@_implements(np.select)
def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Expression:
    chosen = expression_of(default)
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        chosen = make("select", expression_of(condition), expression_of(choice), chosen)
    return chosen


@_implements(np.zeros_like)
def _zeros_like(x: Any, **options: Any) -> Expression:
    return constant(0)


@_implements(np.ones_like)
def _ones_like(x: Any, **options: Any) -> Expression:
    return constant(1)


@_implements(np.full_like)
def _full_like(x: Any, fill_value: Any, **options: Any) -> Expression:
    return expression_of(fill_value)
