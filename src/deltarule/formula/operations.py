"""The operations of formulas, each with its text, its meaning in NumPy and its arguments.

NumPy evaluates formulas where speed does not matter (constants, the search for lost digits); the
compiled tape evaluates them everywhere else.  An operation with a `definition` is replaced by it
before a formula is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes
    ----------
    arity : int
        Number of operands.
    evaluate : callable
        The operation on NumPy arrays, without the cancellation its formula may suggest.
    meaning : str
        For readers, in the operands u, v, w.
    definition : str, optional
        A formula in u and v that computes it from other operations.
    commutes : bool
        Whether the order of the two operands does not matter.
    parity : {"", "odd", "even"}
        What a change of the operand's sign does.
    """

    arity: int
    evaluate: Callable[..., Any]
    meaning: str
    definition: str | None = None
    commutes: bool = False
    parity: str = ""


def _tail(u: Array) -> Array:
    return np.asarray(np.exp(-np.abs(u)))


def _sigmoid(u: Array) -> Array:
    t = _tail(u)
    return np.asarray(np.where(u < 0, t / (1 + t), 1 / (1 + t)))


def _softplus(u: Array) -> Array:
    return np.asarray(np.maximum(u, 0) + np.log1p(_tail(u)))


def _sigmoid_slope(u: Array) -> Array:
    t = _tail(u)
    return np.asarray(t / (1 + t) ** 2)


def _tanh_softplus(u: Array) -> Array:
    t = _tail(u)
    left, right = t * (t + 2), 1 + 2 * t
    return np.asarray(np.where(u < 0, left / (left + 2), right / (right + 2 * t * t)))


def _tanh_softplus_slope(u: Array) -> Array:
    t = _tail(u)
    left, right = t * (t + 2) + 2, 1 + 2 * t + 2 * t * t
    return np.asarray(
        np.where(u < 0, 4 * t * (1 + t) / (left * left), 4 * t * t * (1 + t) / (right * right))
    )


def _log_cosh(u: Array) -> Array:
    size, half = np.abs(u), np.sinh(np.minimum(np.abs(u), 1) / 2)
    return np.asarray(
        np.where(
            size < 1, np.log1p(2 * half * half), size + np.log1p(np.exp(-2 * size)) - np.log(2)
        )
    )


def _special(name: str) -> Callable[[Array], Array]:
    def evaluate(u: Array) -> Array:
        from scipy import special

        return np.asarray(getattr(special, name)(u))

    return evaluate


def _compared(compare: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Array]:
    def evaluate(u: Array, v: Array) -> Array:
        unordered = np.isnan(u) | np.isnan(v)
        return np.asarray(np.where(unordered, np.nan, compare(u, v)))

    return evaluate


def _select(c: Array, u: Array, v: Array) -> Array:
    return np.asarray(np.where(np.isnan(c), np.nan, np.where(c != 0, u, v)))


def _damp(u: Array, v: Array) -> Array:
    return np.asarray(np.where((u == 0) & ~np.isnan(v), 0, u * v))


def _root_sum(u: Array, v: Array) -> Array:
    h = np.hypot(u, v)
    return np.asarray(np.where(v < 0, u * (u / (h - v)), v + h))


def _log1mexp(u: Array) -> Array:
    return np.asarray(np.where(u > -0.69, np.log(-np.expm1(u)), np.log1p(-np.exp(u))))


_NORMAL = 0.3989422804014327  # 1 / sqrt(2 pi)

_TABLE = {
    "add": Operation(2, np.add, "u + v", commutes=True),
    "subtract": Operation(2, np.subtract, "u - v"),
    "multiply": Operation(2, np.multiply, "u * v", commutes=True),
    "divide": Operation(2, np.divide, "u / v"),
    "power": Operation(2, np.power, "u ** v"),
    "negative": Operation(1, np.negative, "-u", parity="odd"),
    "square": Operation(1, np.square, "u**2", "u * u", parity="even"),
    "exp": Operation(1, np.exp, "e**u"),
    "expm1": Operation(1, np.expm1, "e**u - 1"),
    "log": Operation(1, np.log, "the natural logarithm"),
    "log1p": Operation(1, np.log1p, "log(1 + u)"),
    "log2": Operation(1, np.log2, "the logarithm to base 2", "log(u) * 1.4426950408889634"),
    "log10": Operation(1, np.log10, "the logarithm to base 10", "log(u) * 0.4342944819032518"),
    "sqrt": Operation(1, np.sqrt, "the square root"),
    "abs": Operation(1, np.abs, "|u|", parity="even"),
    "sign": Operation(1, np.sign, "-1, 0 or 1", parity="odd"),
    "sin": Operation(1, np.sin, "sin(u)", parity="odd"),
    "cos": Operation(1, np.cos, "cos(u)", parity="even"),
    "tan": Operation(1, np.tan, "tan(u)", "sin(u) / cos(u)", parity="odd"),
    "arctan": Operation(1, np.arctan, "arctan(u)", parity="odd"),
    "sinh": Operation(1, np.sinh, "(e**u - e**-u) / 2", parity="odd"),
    "cosh": Operation(1, np.cosh, "(e**u + e**-u) / 2", parity="even"),
    "tanh": Operation(1, np.tanh, "sinh(u) / cosh(u)", parity="odd"),
    "arcsinh": Operation(1, np.arcsinh, "log(u + sqrt(1 + u**2))", parity="odd"),
    "arctanh": Operation(1, np.arctanh, "log((1 + u) / (1 - u)) / 2", parity="odd"),
    "erf": Operation(1, _special("erf"), "the error function", parity="odd"),
    "erfc": Operation(1, _special("erfc"), "1 - erf(u)"),
    "normcdf": Operation(1, _special("ndtr"), "the standard normal distribution"),
    "normpdf": Operation(
        1, lambda u: _NORMAL * np.exp(-0.5 * u * u), "the standard normal density", parity="even"
    ),
    "gaussian": Operation(1, lambda u: np.exp(-u * u), "e**-u**2", parity="even"),
    "sigmoid": Operation(1, _sigmoid, "1 / (1 + e**-u)"),
    "sigmoid_slope": Operation(1, _sigmoid_slope, "sigmoid(u) * (1 - sigmoid(u))", parity="even"),
    "softplus": Operation(1, _softplus, "log(1 + e**u)"),
    "shifted_softplus": Operation(
        1,
        lambda u: np.maximum(u, 0) + np.log1p(0.5 * np.expm1(-np.abs(u))),
        "log(1 + e**u) - log(2)",
        "log1p(0.5 * expm1(u)) if u < 0 else u + log1p(0.5 * expm1(-u))",
    ),
    "sech2": Operation(1, lambda u: 4 * _sigmoid_slope(2 * u), "1 - tanh(u)**2", parity="even"),
    "log_cosh": Operation(1, _log_cosh, "log(cosh(u))", parity="even"),
    "tanh_softplus": Operation(1, _tanh_softplus, "tanh(log(1 + e**u))"),
    "tanh_softplus_slope": Operation(1, _tanh_softplus_slope, "the slope of tanh_softplus"),
    "log1mexp": Operation(
        1,
        _log1mexp,
        "log(1 - e**u), u < 0",
        "log(-expm1(u)) if u > -0.6931471805599453 else log1p(-exp(u))",
    ),
    "sqrt1pm1": Operation(
        1, lambda u: u / (1 + np.sqrt(1 + u)), "sqrt(1 + u) - 1", "u / (1 + sqrt(1 + u))"
    ),
    "maximum": Operation(2, np.maximum, "the larger of u and v", commutes=True),
    "minimum": Operation(2, np.minimum, "the smaller of u and v", commutes=True),
    "logaddexp": Operation(2, np.logaddexp, "log(e**u + e**v)", commutes=True),
    "hypot": Operation(2, np.hypot, "sqrt(u**2 + v**2)", commutes=True),
    "root_rest": Operation(
        2,
        lambda u, v: v * (v / (u + np.hypot(u, v))),
        "sqrt(u**2 + v**2) - u, u > 0",
        "v * (v / (u + hypot(u, v)))",
    ),
    "root_sum": Operation(
        2,
        _root_sum,
        "v + sqrt(u**2 + v**2), u > 0",
        "u * (u / (hypot(u, v) - v)) if v < 0 else v + hypot(u, v)",
    ),
    "damp": Operation(2, _damp, "u * v, and 0 where u is 0, even if v is infinite"),
    "less": Operation(2, _compared(np.less), "u < v"),
    "less_equal": Operation(2, _compared(np.less_equal), "u <= v"),
    "greater": Operation(2, _compared(np.greater), "u > v"),
    "greater_equal": Operation(2, _compared(np.greater_equal), "u >= v"),
    "equal": Operation(2, _compared(np.equal), "u == v"),
    "not_equal": Operation(2, _compared(np.not_equal), "u != v"),
    "logical_and": Operation(2, _compared(np.logical_and), "u and v"),
    "logical_or": Operation(2, _compared(np.logical_or), "u or v"),
    "logical_not": Operation(
        1, lambda u: np.where(np.isnan(u), np.nan, np.logical_not(u)), "not u"
    ),
    "select": Operation(3, _select, "v where u holds, else w; NaN where u is NaN"),
}

# Conditions are numbers: 1 where they hold, 0 where not, NaN where an operand is NaN.
OPERATIONS: Mapping[str, Operation] = MappingProxyType(_TABLE)

# What rewriting puts into formulas; readable, but not offered to who writes one.
INTERNAL = frozenset(
    {"damp", "log1mexp", "root_rest", "root_sum", "sech2", "select", "shifted_softplus"}
    | {"sigmoid_slope", "sqrt1pm1", "tanh_softplus", "tanh_softplus_slope"}
)

# Other spellings, in text and as names of NumPy's and SciPy's functions.
SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "absolute": "abs",
        "fabs": "abs",
        "arcsinh": "arcsinh",
        "asinh": "arcsinh",
        "atan": "arctan",
        "atanh": "arctanh",
        "expit": "sigmoid",
        "fmax": "maximum",
        "fmin": "minimum",
        "ln": "log",
        "max": "maximum",
        "min": "minimum",
        "ndtr": "normcdf",
        "pow": "power",
        "true_divide": "divide",
        "where": "select",
    }
)

# Functions that are written in terms of others as soon as they are read.
MACROS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "clip": (("u", "low", "high"), "minimum(maximum(u, low), high)"),
        "exp2": (("u",), "2**u"),
        "heaviside": (("u", "middle"), "0 if u < 0 else (middle if u == 0 else 1)"),
        "log_expit": (("u",), "-softplus(-u)"),
        "log_sigmoid": (("u",), "-softplus(-u)"),
        "positive": (("u",), "u"),
        "reciprocal": (("u",), "1 / u"),
        "relu": (("u",), "maximum(u, 0)"),
    }
)

CONSTANTS: Mapping[str, float] = MappingProxyType(
    {"pi": float(np.pi), "inf": float("inf"), "nan": float("nan")}
)
