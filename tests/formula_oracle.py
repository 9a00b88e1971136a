"""Formulas evaluated with mpmath; shares nothing with NumPy, the tape or the decimal witness."""

from __future__ import annotations

import mpmath as mp

from deltarule.formula.expression import CONSTANT, NAME, Expression, in_order


def _condition(holds):
    return lambda u, v: mp.mpf(int(holds(u, v)))


def _real(f, domain):
    return lambda u: f(u) if domain(u) else mp.nan


FUNCTIONS = {
    "add": lambda u, v: u + v,
    "subtract": lambda u, v: u - v,
    "multiply": lambda u, v: u * v,
    "divide": lambda u, v: u / v if v else mp.nan,
    "power": lambda u, v: mp.power(u, v) if u > 0 or v == int(v) else mp.nan,
    "negative": lambda u: -u,
    "square": lambda u: u * u,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": _real(mp.log, lambda u: u > 0),
    "log1p": _real(mp.log1p, lambda u: u > -1),
    "log2": _real(lambda u: mp.log(u, 2), lambda u: u > 0),
    "log10": _real(mp.log10, lambda u: u > 0),
    "sqrt": _real(mp.sqrt, lambda u: u >= 0),
    "abs": abs,
    "sign": mp.sign,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "arctan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "arcsinh": mp.asinh,
    "arctanh": _real(mp.atanh, lambda u: abs(u) < 1),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "normcdf": mp.ncdf,
    "normpdf": mp.npdf,
    "gaussian": lambda u: mp.exp(-u * u),
    "sigmoid": lambda u: 1 / (1 + mp.exp(-u)),
    "sigmoid_slope": lambda u: mp.exp(-abs(u)) / (1 + mp.exp(-abs(u))) ** 2,
    "softplus": lambda u: mp.log1p(mp.exp(u)),
    "shifted_softplus": lambda u: mp.log1p(mp.exp(u)) - mp.log(2),
    "sech2": lambda u: mp.sech(u) ** 2,
    "log_cosh": lambda u: mp.log(mp.cosh(u)),
    "tanh_softplus": lambda u: mp.tanh(mp.log1p(mp.exp(u))),
    "tanh_softplus_slope": lambda u: mp.sech(mp.log1p(mp.exp(u))) ** 2 / (1 + mp.exp(-u)),
    "log1mexp": _real(lambda u: mp.log(-mp.expm1(u)), lambda u: u < 0),
    "sqrt1pm1": _real(lambda u: mp.sqrt(1 + u) - 1, lambda u: u >= -1),
    "maximum": max,
    "minimum": min,
    "logaddexp": lambda u, v: mp.log(mp.exp(u) + mp.exp(v)),
    "hypot": mp.hypot,
    "root_rest": lambda u, v: mp.sqrt(u * u + v * v) - u,
    "root_sum": lambda u, v: mp.sqrt(u * u + v * v) + v,
    "damp": lambda u, v: u * v,
    "less": _condition(lambda u, v: u < v),
    "less_equal": _condition(lambda u, v: u <= v),
    "greater": _condition(lambda u, v: u > v),
    "greater_equal": _condition(lambda u, v: u >= v),
    "equal": _condition(lambda u, v: u == v),
    "not_equal": _condition(lambda u, v: u != v),
    "logical_and": _condition(lambda u, v: bool(u) and bool(v)),
    "logical_or": _condition(lambda u, v: bool(u) or bool(v)),
    "logical_not": lambda u: mp.mpf(int(not u)),
    "select": lambda c, u, v: u if c else v,
}


def value(root: Expression, names: dict[str, object]) -> mp.mpf:
    """The formula at a point, at the working precision of mpmath; NaN outside of its domain."""
    done = {}
    for node in in_order([root]):
        if node.operation == CONSTANT:
            done[node] = mp.mpf(node.value)
        elif node.operation == NAME:
            done[node] = mp.mpf(names[node.name])
        else:
            arguments = [done[a] for a in node.arguments]
            strict = node.operation not in {"select", "logical_not"}
            bad = strict and any(mp.isnan(a) for a in arguments)
            done[node] = mp.nan if bad else FUNCTIONS[node.operation](*arguments)
    return done[root]


def relative_error(got: float, exact: mp.mpf, tiny: float = 2.3e-308) -> float:
    return float(abs(mp.mpf(float(got)) - exact) / max(abs(exact), mp.mpf(tiny)))
