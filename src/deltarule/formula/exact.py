"""Formulas evaluated in decimal arithmetic of any length, with a practically unbounded exponent.

The witness in the search for lost digits: it shares nothing with NumPy or the compiled tape, and
1 + e**-700 differs from 1.  Points are exact: a float is the decimal number it stands for.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache

from deltarule.formula.expression import CONSTANT, NAME, Expression, in_order
from deltarule.formula.operations import OPERATIONS
from deltarule.formula.parse import parse

_FIRST, _LAST = 40, 640  # digits
_LARGEST = 400  # decimal exponent whose sine is computed; no float has one
_AGREE = Decimal("1e-20")
_ZERO, _ONE, _TWO, _HALF = Decimal(0), Decimal(1), Decimal(2), Decimal("0.5")


class Budget:
    """Work that may still be done, in operations of 40 digits, which take about 10 us.

    It bounds the search for lost digits in a formula of hundreds of operations.
    """

    def __init__(self, work: float = 1e5) -> None:
        self._work = work

    def spend(self, operations: int, digits: int) -> bool:
        """Whether so many operations with so many digits may be done."""
        self._work -= operations * (digits / _FIRST) ** 2.5
        return self._work >= 0


def exact(root: Expression, values: Mapping[str, float], budget: Budget) -> Decimal | None:
    """The value of a formula to 20 digits.

    Computed with 40 digits and more until two lengths agree, at most 640; None where the formula
    has no value or the budget is spent.
    """
    size = sum(1 for node in in_order([root]) if node.arguments)
    digits = _FIRST
    if not budget.spend(size, digits):
        return None
    last = _evaluate(root, values, digits)
    while digits < _LAST:
        digits *= 2
        if not budget.spend(size, digits):
            return None
        value = _evaluate(root, values, digits)
        settled = value is not None and last is not None and _agree(value, last)
        # A difference that is 0 or infinite with few digits may be neither with more.
        if settled and value and value.is_finite():
            return value
        last = value
    return last


def digits_lost(got: float, true: Decimal, eps: float, tiny: float, largest: float) -> float:
    """Decimal digits of `got` beyond eps that differ from the true value.

    0 where the true value is beyond the largest float; inf where it is not, but `got` is; below the
    smallest normal number `tiny` errors are absolute.
    """
    with decimal.localcontext(_context(40)):
        if not true.is_finite() or abs(true) >= Decimal(largest):
            return 0.0
        if got - got != 0:
            return float("inf")
        error = abs(Decimal(got) - true) / max(abs(true), Decimal(tiny)) / Decimal(eps)
        return max(0.0, float(error.log10())) if error else 0.0


def _agree(a: Decimal, b: Decimal) -> bool:
    with decimal.localcontext(_context(40)):
        return a == b or abs(a - b) <= abs(a) * _AGREE


def _context(digits: int) -> decimal.Context:
    return decimal.Context(
        prec=digits, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[decimal.InvalidOperation]
    )


def _evaluate(root: Expression, values: Mapping[str, float], digits: int) -> Decimal | None:
    done: dict[Expression, Decimal] = {}
    try:
        with decimal.localcontext(_context(digits)):
            for node in in_order([root]):
                if node.operation == CONSTANT:
                    done[node] = Decimal(node.value)
                elif node.operation == NAME:
                    done[node] = Decimal(values[node.name])
                else:
                    done[node] = _apply(node.operation, tuple(done[a] for a in node.arguments))
            value = +done[root]
            return None if value.is_nan() else value
    except (decimal.InvalidOperation, ZeroDivisionError, OverflowError):
        return None


def _apply(operation: str, arguments: tuple[Decimal, ...]) -> Decimal:
    function = _FUNCTIONS.get(operation)
    if function is not None:
        return function(*arguments)
    # Everything else is its definition, which may cancel: more digits are at hand.
    definition = _DEFINITIONS.get(operation) or OPERATIONS[operation].definition
    assert definition is not None, operation
    done: dict[Expression, Decimal] = {}
    given = dict(zip(("u", "v"), arguments, strict=False))
    for node in in_order([_parsed(definition)]):
        if node.operation == CONSTANT:
            done[node] = Decimal(repr(node.value))
        elif node.operation == NAME:
            done[node] = given[node.name]
        else:
            done[node] = _apply(node.operation, tuple(done[a] for a in node.arguments))
    return done[_parsed(definition)]


@cache
def _parsed(definition: str) -> Expression:
    return parse(definition, ("u", "v"))


_DEFINITIONS = {
    "square": "u * u",
    "log2": "log(u) / log(2)",
    "log10": "log(u) / log(10)",
    "sinh": "(expm1(u) + expm1(u) / (expm1(u) + 1)) / 2",
    "cosh": "(exp(u) + exp(-u)) / 2",
    "tanh": "expm1(2 * u) / (expm1(2 * u) + 2) if u < 0 else expm1(-2 * u) / (-2 - expm1(-2 * u))",
    "arcsinh": "log1p(abs(u) + u * u / (1 + sqrt(1 + u * u))) * sign(u)",
    "arctanh": "log1p(2 * u / (1 - u)) / 2",
    "gaussian": "exp(-u * u)",
    "sigmoid": "1 / (1 + exp(-u))",
    "sigmoid_slope": "exp(-abs(u)) / (1 + exp(-abs(u))) / (1 + exp(-abs(u)))",
    "softplus": "log1p(exp(u))",
    "sech2": "4 * sigmoid_slope(2 * u)",
    "log_cosh": "log1p(2 * sinh(u / 2) * sinh(u / 2))",
    "tanh_softplus": "exp(u) * (exp(u) + 2) / (exp(u) * (exp(u) + 2) + 2)",
    "tanh_softplus_slope": "sech2(softplus(u)) * sigmoid(u)",
    "logaddexp": "maximum(u, v) + log1p(exp(minimum(u, v) - maximum(u, v)))",
    "hypot": "sqrt(u * u + v * v)",
    "damp": "0 if u == 0 else u * v",
    "normcdf": "erfc(-u * sqrt(0.5)) / 2",
}


def _power(u: Decimal, v: Decimal) -> Decimal:
    return _ONE if v == 0 else u**v


def _log(u: Decimal) -> Decimal:
    return Decimal("-Infinity") if u == 0 else u.ln()


def _with_digits_of(u: Decimal, compute: Callable[[Decimal], Decimal]) -> Decimal:
    """1 + u and e**u keep all digits of a small u; below 1e-3000 the result is u itself."""
    small = -u.adjusted() if u and u.is_finite() else 0
    if small > 3000:
        return u
    with decimal.localcontext(_context(decimal.getcontext().prec + max(0, small))):
        return compute(u)


@cache
def _pi(digits: int) -> Decimal:
    """Machin 1706."""
    with decimal.localcontext(_context(digits + 10)):

        def inverse(n: int) -> Decimal:
            term, total, k, limit = _ONE / n, _ONE / n, 1, Decimal(10) ** -(digits + 8)
            while abs(term) > limit:
                term /= -n * n
                k += 2
                total += term / k
            return total

        return 4 * (4 * inverse(5) - inverse(239))


def _sine(u: Decimal, quarter: int) -> Decimal:
    """sin(u + quarter pi / 2)."""
    digits = decimal.getcontext().prec
    if not u.is_finite() or u.adjusted() > _LARGEST:
        return Decimal("NaN")
    with decimal.localcontext(_context(digits + 10 + max(0, u.adjusted()))) as context:
        half_pi = _pi(context.prec) / 2
        turns = (u / half_pi).to_integral_value()
        r = u - turns * half_pi
        which = (int(turns) + quarter) % 4
        term = r if which % 2 == 0 else _ONE
        k, total = (1, r) if which % 2 == 0 else (0, _ONE)
        while term and term.adjusted() > total.adjusted() - context.prec:
            term *= -r * r / ((k + 1) * (k + 2))
            k += 2
            total += term
        return -total if which >= 2 else total


def _arctan(u: Decimal) -> Decimal:
    if not u.is_finite():
        return _pi(decimal.getcontext().prec) / 2 * _sign(u)
    x, halvings = u, 0
    while abs(x) > Decimal("0.05"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    term, total, k = x, x, 1
    while term and term.adjusted() > total.adjusted() - decimal.getcontext().prec:
        term *= -x * x
        k += 2
        total += term / k
    return total * Decimal(2) ** halvings


def _erf(u: Decimal) -> Decimal:
    if abs(u) > 5:
        return 1 - _erfc(u)
    digits = decimal.getcontext().prec
    with decimal.localcontext(_context(digits + 30)):
        term, total, n = u, u, 0
        while term and term.adjusted() > total.adjusted() - digits - 5:
            n += 1
            term *= -u * u / n
            total += term / (2 * n + 1)
        return 2 * total / _pi(digits + 30).sqrt()


def _erfc(u: Decimal) -> Decimal:
    """A continued fraction above 5; the terms of erf's series reach 10**11 below it."""
    digits = decimal.getcontext().prec
    if not u.is_finite():
        return _ZERO if u > 0 else _TWO
    if u < 0:
        return 2 - _erfc(-u)
    if u <= 5:
        with decimal.localcontext(_context(digits + 30)):
            return 1 - _erf(u)
    total, count = u, int((digits * 2.31) ** 2 / (7 * float(min(u, Decimal(10**6))) ** 2)) + 20
    for k in range(count, 0, -1):
        total = u + Decimal(k) / 2 / total
    return (-u * u).exp() / _pi(digits).sqrt() / total


def _sign(u: Decimal) -> Decimal:
    return u if u.is_nan() else Decimal((u > 0) - (u < 0))


def _condition(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[Decimal, Decimal], Decimal]:
    return lambda u, v: Decimal(int(holds(u, v)))


_FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "add": lambda u, v: u + v,
    "subtract": lambda u, v: u - v,
    "multiply": lambda u, v: u * v,
    "divide": lambda u, v: u / v,
    "negative": lambda u: -u,
    "power": _power,
    "exp": lambda u: u.exp(),
    "log": _log,
    "sqrt": lambda u: u.sqrt(),
    "abs": abs,
    "sign": _sign,
    "sin": lambda u: _sine(u, 0),
    "cos": lambda u: _sine(u, 1),
    "arctan": _arctan,
    "expm1": lambda u: _with_digits_of(u, lambda v: v.exp() - 1),
    "log1p": lambda u: _with_digits_of(u, lambda v: _log(1 + v)),
    "erf": _erf,
    "erfc": _erfc,
    "normpdf": lambda u: (-_HALF * u * u).exp() / (2 * _pi(decimal.getcontext().prec)).sqrt(),
    "maximum": max,
    "minimum": min,
    "less": _condition(lambda u, v: u < v),
    "less_equal": _condition(lambda u, v: u <= v),
    "greater": _condition(lambda u, v: u > v),
    "greater_equal": _condition(lambda u, v: u >= v),
    "equal": _condition(lambda u, v: u == v),
    "not_equal": _condition(lambda u, v: u != v),
    "logical_and": _condition(lambda u, v: bool(u) and bool(v)),
    "logical_or": _condition(lambda u, v: bool(u) or bool(v)),
    "logical_not": lambda u: Decimal(int(not u)),
    "select": lambda c, u, v: u if c else v,
}
