"""Expressions with the trivial algebra done: 0 + u is u, numbers are computed, signs move out.

What is simplified here changes at most the last digit of a result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deltarule.formula.expression import Expression, constant, make
from deltarule.formula.operations import OPERATIONS

ZERO, ONE, TWO = constant(0), constant(1), constant(2)


def build(operation: str, *arguments: Expression) -> Expression:
    """`make`, simplified."""
    if arguments and all(a.is_constant for a in arguments):
        return _folded(operation, arguments)
    if operation in _SIMPLER:
        return _SIMPLER[operation](*arguments)
    rule = OPERATIONS[operation]
    if rule.parity and arguments[0].operation == "negative":
        inner = build(operation, arguments[0].arguments[0])
        return negative(inner) if rule.parity == "odd" else inner
    if rule.parity == "even" and arguments[0].operation == "abs":
        return build(operation, arguments[0].arguments[0])
    return make(operation, *arguments)


def _folded(operation: str, arguments: tuple[Expression, ...]) -> Expression:
    with np.errstate(all="ignore"):
        value = OPERATIONS[operation].evaluate(*(np.float64(a.value) for a in arguments))
    return constant(float(value))


def add(u: Expression, v: Expression) -> Expression:  # noqa: PLR0911 - one per simplification
    if u.is_constant and v.is_constant:
        return _folded("add", (u, v))
    if u is ZERO:
        return v
    if v is ZERO:
        return u
    if u is v:
        return multiply(TWO, u)
    if v.operation == "negative":
        return subtract(u, v.arguments[0])
    if u.operation == "negative":
        return subtract(v, u.arguments[0])
    if u.operation in ("add", "subtract") and v is u.arguments[0]:
        return build(u.operation, multiply(TWO, v), u.arguments[1])
    if u.operation == "add" and v is u.arguments[1]:
        return add(u.arguments[0], multiply(TWO, v))
    if v.is_constant and v.value < 0:
        return subtract(u, constant(-v.value))
    if u.is_constant and u.value < 0:
        return subtract(v, constant(-u.value))
    return make("add", u, v)


def subtract(u: Expression, v: Expression) -> Expression:  # noqa: PLR0911 - as for add
    if u.is_constant and v.is_constant:
        return _folded("subtract", (u, v))
    if v is ZERO:
        return u
    if u is ZERO:
        return negative(v)
    if u is v:
        return ZERO
    if v.operation == "negative":
        return add(u, v.arguments[0])
    if u.operation == "negative":
        return negative(add(u.arguments[0], v))
    if v.is_constant and v.value < 0:
        return add(u, constant(-v.value))
    return make("subtract", u, v)


def multiply(u: Expression, v: Expression) -> Expression:  # noqa: PLR0911 - as for add
    """The product; numbers come first and are gathered, a minus sign moves out."""
    if v.is_constant:
        u, v = v, u
    if u.is_constant and v.is_constant:
        return _folded("multiply", (u, v))
    if u is ZERO:
        return ZERO
    if u is ONE:
        return v
    if u.is_constant and u.value == -1:
        return negative(v)
    if u.operation == "negative":
        return negative(multiply(u.arguments[0], v))
    if v.operation == "negative":
        return negative(multiply(u, v.arguments[0]))
    if u is v:
        return build("square", u)
    for a, b in ((u, v), (v, u)):
        if a.operation == "divide" and a.arguments[1] is b:
            return a.arguments[0]
    factor, rest = split_factor(v)
    if u.is_constant and factor is not ONE:
        return multiply(_folded("multiply", (u, factor)), rest)
    own, other = split_factor(u)
    if not u.is_constant and (own is not ONE or factor is not ONE):
        return multiply(_folded("multiply", (own, factor)), multiply(other, rest))
    return make("multiply", u, v)


def split_factor(u: Expression) -> tuple[Expression, Expression]:
    """The number a product starts with, and the rest."""
    if u.operation == "multiply" and u.arguments[0].is_constant:
        return u.arguments[0], u.arguments[1]
    return ONE, u


def divide(u: Expression, v: Expression) -> Expression:  # noqa: PLR0911 - as for add
    if u.is_constant and v.is_constant:
        return _folded("divide", (u, v))
    if u is ZERO or v is ONE:
        return u
    if u is v:
        return ONE
    if u.operation == "negative":
        return negative(divide(u.arguments[0], v))
    if v.operation == "negative":
        return negative(divide(u, v.arguments[0]))
    if v.is_constant and np.frexp(v.value)[0] in (0.5, -0.5) and abs(v.value) < 2.0**1000:
        return multiply(constant(1 / v.value), u)  # a power of two: exact
    if v.operation == "divide" and u is ONE:
        return divide(v.arguments[1], v.arguments[0])
    above, below = split_factor(u)[0], split_factor(v)[0]
    if u.is_constant and u is not ONE:
        return multiply(u, divide(ONE, v))
    if above is not ONE or below is not ONE:
        rest = divide(split_factor(u)[1], split_factor(v)[1])
        return multiply(_folded("divide", (above, below)), rest)
    return make("divide", u, v)


def negative(u: Expression) -> Expression:
    if u.operation == "negative":
        return u.arguments[0]
    if u.operation == "subtract":
        return subtract(u.arguments[1], u.arguments[0])
    factor, rest = split_factor(u)
    if factor is not ONE:
        return multiply(constant(-factor.value), rest)
    return make("negative", u)


def power(u: Expression, v: Expression) -> Expression:
    if u.is_constant and v.is_constant:
        return _folded("power", (u, v))
    simpler: dict[float, Callable[[], Expression]] = {
        -1.0: lambda: divide(ONE, u),
        0.0: lambda: ONE,
        0.5: lambda: build("sqrt", u),
        1.0: lambda: u,
        2.0: lambda: build("square", u),
    }
    if v.is_constant and v.value in simpler:
        return simpler[v.value]()
    return make("power", u, v)


def damp(u: Expression, v: Expression) -> Expression:
    if u is ZERO or v is ZERO:
        return ZERO
    if u.is_constant or v.is_constant:
        return multiply(u, v)
    if u.operation == "negative":
        return negative(damp(u.arguments[0], v))
    if v.operation == "negative":
        return negative(damp(u, v.arguments[0]))
    factor, rest = split_factor(v)
    if factor is not ONE:
        return multiply(factor, damp(u, rest))
    return make("damp", u, v)


def select(condition: Expression, u: Expression, v: Expression) -> Expression:
    if condition.is_constant and not np.isnan(condition.value):
        return u if condition.value else v
    return u if u is v else make("select", condition, u, v)


_SIMPLER: dict[str, Callable[..., Expression]] = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": divide,
    "negative": negative,
    "power": power,
    "damp": damp,
    "select": select,
}
