"""The formula shown to readers, evaluated at 800 digits; it shares no line with the kernels.

A formula is a Python expression.  It is parsed with `ast` (never `eval`) and evaluated on jets,
numbers with their first two derivatives, so that the derivatives come from the same text.  800
digits, because at 50 already 1 + e**-700 equals 1.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from mpmath import mp, mpf

mp.dps = 800
ZERO, ONE, TWO = mpf(0), mpf(1), mpf(2)


class Jet:
    """A number and its first two derivatives along one direction."""

    __slots__ = ("c", "d", "v")

    def __init__(self, v, d=ZERO, c=ZERO):
        self.v, self.d, self.c = mpf(v), mpf(d), mpf(c)

    def __add__(self, other):
        return _with(other, lambda o: Jet(self.v + o.v, self.d + o.d, self.c + o.c))

    def __sub__(self, other):
        return _with(other, lambda o: Jet(self.v - o.v, self.d - o.d, self.c - o.c))

    def __mul__(self, other):
        def product(o):
            cross = TWO * self.d * o.d
            c = self.c * o.v + cross + self.v * o.c
            return Jet(self.v * o.v, self.d * o.v + self.v * o.d, c)

        return _with(other, product)

    def __truediv__(self, other):
        def quotient(o):
            q = self.v / o.v
            d = (self.d - q * o.d) / o.v
            return Jet(q, d, (self.c - TWO * d * o.d - q * o.c) / o.v)

        return _with(other, quotient)

    def __pow__(self, other):
        p = other.v
        assert other.d == 0
        assert other.c == 0
        first = _power(self.v, p, p - 1)
        return self.chain(self.v**p, first, _power(self.v, p * (p - 1), p - 2))

    def __neg__(self):
        return Jet(-self.v, -self.d, -self.c)

    def chain(self, f, first, second):
        """f(self) where f, f' and f'' are known at self.v."""
        if self.d == 0 and self.c == 0:
            return Jet(f)
        return Jet(f, first * self.d, second * self.d**2 + first * self.c)


def _power(v, factor, p):
    """factor * v**p, a term of a derivative: absent where the factor is 0."""
    if factor == 0:
        return ZERO
    return mp.inf * mp.sign(factor) if v == 0 and p < 0 else factor * v**p


def _with(other, op):
    return Row(map(op, other)) if isinstance(other, Row) else op(other)


class Row(list):
    """A row of jets; arithmetic is element by element, scalars are spread."""

    def _with(self, other, op):
        if isinstance(other, Row):
            return Row(op(a, b) for a, b in zip(self, other, strict=True))
        return Row(op(a, other) for a in self)

    def __add__(self, other):
        return self._with(other, operator.add)

    def __sub__(self, other):
        return self._with(other, operator.sub)

    def __mul__(self, other):
        return self._with(other, operator.mul)

    def __truediv__(self, other):
        return self._with(other, operator.truediv)

    def __pow__(self, other):
        return self._with(other, operator.pow)

    def __neg__(self):
        return Row(-a for a in self)


def _exp(a):
    e = mp.exp(a.v)
    return a.chain(e, e, e)


def _log(a):
    if a.v == 0:
        return Jet(-mp.inf)
    return a.chain(mp.log(a.v), 1 / a.v, -1 / a.v**2)


def _sqrt(a):
    if a.v == 0:
        return Jet(0)
    r = mp.sqrt(a.v)
    return a.chain(r, 1 / (2 * r), -1 / (4 * r * a.v))


def _sin(a):
    s, c = mp.sin(a.v), mp.cos(a.v)
    return a.chain(s, c, -s)


def _cos(a):
    s, c = mp.sin(a.v), mp.cos(a.v)
    return a.chain(c, -s, -c)


def _sinh(a):
    s, c = mp.sinh(a.v), mp.cosh(a.v)
    return a.chain(s, c, s)


def _cosh(a):
    s, c = mp.sinh(a.v), mp.cosh(a.v)
    return a.chain(c, s, c)


def _tanh(a):
    if abs(a.v) > 10**6:  # within 10**-(10**5) of the limit
        return Jet(mp.sign(a.v))
    y, slope = mp.tanh(a.v), 1 / mp.cosh(a.v) ** 2
    return a.chain(y, slope, -2 * y * slope)


def _density(x):
    return ZERO if abs(x) > 10**6 else mp.exp(-(x**2) / 2) / mp.sqrt(2 * mp.pi)


def _normcdf(a):
    if abs(a.v) > 10**6:  # the tail is below 10**-(10**11), which mpmath's series cannot sum
        return Jet(a.v > 0)
    density = _density(a.v)
    return a.chain(mp.erfc(-a.v / mp.sqrt(2)) / 2, density, -a.v * density)


def _normpdf(a):
    density = _density(a.v)
    return a.chain(density, -a.v * density, (a.v**2 - 1) * density)


def _erf(a):
    if abs(a.v) > 10**6:
        return Jet(mp.sign(a.v))
    slope = 2 / mp.sqrt(mp.pi) * mp.exp(-(a.v**2))
    return a.chain(mp.erf(a.v), slope, -2 * a.v * slope)


def _sign(a):
    return Jet(mp.sign(a.v))


def _abs(a):
    sign = mp.sign(a.v)
    return Jet(abs(a.v), sign * a.d, sign * a.c)


def _xlogx(a):
    return Jet(a.v * mp.log(a.v) if a.v else 0)


def _sigmoid(a):
    return Jet(1) / (Jet(1) + _exp(-a)) if a.v > -(10**6) else _exp(a)


def _softplus(a):
    t = mp.exp(-abs(a.v))
    slope = (1 if a.v > 0 else t) / (1 + t)
    return a.chain(max(a.v, ZERO) + mp.log1p(t), slope, t / (1 + t) ** 2)


def _log_cosh(a):
    return _log(_cosh(a)) if abs(a.v) < 10**4 else _abs(a) - _log(Jet(2))


def _sum(row):
    total = Jet(0)
    for a in row:
        total = total + a
    return total


def _largest(*args):
    """Of a row, or of two numbers; of equal ones the first."""
    items = args[0] if len(args) == 1 else args
    best = items[0]
    for a in items[1:]:
        best = a if a.v > best.v else best
    return best


def _smallest(a, b):
    return b if b.v < a.v else a


def _spread(f, *args):
    """f of numbers, or of rows element by element."""
    n = next((len(a) for a in args if isinstance(a, Row)), None)
    if n is None:
        return f(*args)
    spread = [a if isinstance(a, Row) else Row([a] * n) for a in args]
    return Row(f(*each) for each in zip(*spread, strict=True))


def _each(f: Callable[..., Jet]):
    return lambda *args: _spread(f, *args)


FUNCTIONS = {
    "exp": _each(_exp),
    "log": _each(_log),
    "sqrt": _each(_sqrt),
    "sin": _each(_sin),
    "cos": _each(_cos),
    "sinh": _each(_sinh),
    "cosh": _each(_cosh),
    "tanh": _each(_tanh),
    "erf": _each(_erf),
    "normcdf": _each(_normcdf),
    "normpdf": _each(_normpdf),
    "sigmoid": _each(_sigmoid),
    "softplus": _each(_softplus),
    "log_cosh": _each(_log_cosh),
    "abs": _each(_abs),
    "sign": _each(_sign),
    "xlogx": _each(_xlogx),
    "given": lambda a: Jet(1) if mp.isnan(a.v) else a,
    "min": _each(_smallest),
    "max": lambda *args: _largest(*args) if len(args) == 1 else _spread(_largest, *args),
    "sum": _sum,
    "mean": lambda row: _sum(row) / Jet(len(row)),
    "size": lambda row: Jet(len(row)),
}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
}
CONSTANTS = {"pi": Jet(mp.pi), "e": Jet(mp.e)}


def evaluate(formula: str, names: Mapping[str, Jet | Row]) -> Jet | Row:
    """The value and derivatives of a formula."""

    def walk(node: ast.expr):
        match node:
            case ast.Constant():
                return Jet(mpf(ast.get_source_segment(formula, node)))
            case ast.Name():
                return names[node.id] if node.id in names else CONSTANTS[node.id]
            case ast.BinOp():
                return OPERATORS[type(node.op)](walk(node.left), walk(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -walk(node.operand)
            case ast.Call():
                return FUNCTIONS[node.func.id](*map(walk, node.args))
            case ast.IfExp():
                return select(node)
        raise ValueError(f"The formula {formula!r} uses {ast.dump(node)}, which no rule reads.")

    def select(node: ast.IfExp):
        chosen = test(node.test)
        if not isinstance(chosen, list):
            return walk(node.body if chosen else node.orelse)
        sides = [walk(side) for side in (node.body, node.orelse)]
        full = [side if isinstance(side, Row) else Row([side] * len(chosen)) for side in sides]
        return Row(a if yes else b for yes, a, b in zip(chosen, *full, strict=True))

    def test(node: ast.expr):
        if isinstance(node, ast.BoolOp):
            every = all if isinstance(node.op, ast.And) else any
            return every(test(value) for value in node.values)
        assert isinstance(node, ast.Compare)
        sides = [walk(side) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        results = [_compare(COMPARISONS[type(op)], a, b) for op, a, b in pairs]
        return all(results) if len(results) > 1 else results[0]

    return walk(ast.parse(formula, mode="eval").body)


def _compare(op, a, b):
    if isinstance(a, Row) or isinstance(b, Row):
        n = len(a) if isinstance(a, Row) else len(b)
        a, b = (s if isinstance(s, Row) else [s] * n for s in (a, b))
        return [op(u.v, v.v) for u, v in zip(a, b, strict=True)]
    return op(a.v, b.v)


def row(values: Sequence[float]) -> Row:
    return Row(map(Jet, values))


def scalars(parameters: Sequence[tuple[str, float]]) -> dict[str, Jet]:
    return {name: Jet("nan" if value is None else value) for name, value in parameters}


@cache
def elementwise(formula: str, x: float, parameters: tuple = ()) -> tuple[mpf, mpf, mpf]:
    """f(x), f'(x) and f''(x)."""
    y = evaluate(formula, {"x": Jet(x, 1), **scalars(parameters)})
    return y.v, y.d, y.c


@cache
def elementwise_loss(
    formula: str, z: float, t: float, parameters: tuple = (), along: str = "z"
) -> tuple[mpf, mpf, mpf]:
    """The loss of one element and its derivatives with respect to z (or t)."""
    names = {"z": Jet(z, along == "z"), "t": Jet(t, along == "t"), **scalars(parameters)}
    y = evaluate(formula, names)
    return y.v, y.d, y.c


@cache
def rowwise(formula: str, x: tuple[float, ...], parameters: tuple = ()) -> tuple[list, list]:
    """f(x) for a row and its Jacobian J[i][j] = df_i/dx_j."""
    columns = []
    for j in range(len(x)):
        direction = Row(Jet(v, i == j) for i, v in enumerate(x))
        y = evaluate(formula, {"x": direction, **scalars(parameters)})
        columns.append(y if isinstance(y, Row) else Row([y]))
    values = [a.v for a in columns[0]]
    return values, [[column[i].d for column in columns] for i in range(len(values))]


@cache
def rowwise_loss(
    formula: str, z: tuple[float, ...], t: tuple[float, ...], parameters: tuple = ()
) -> tuple[mpf, list]:
    """The loss of one row and its gradient with respect to z."""
    target = Row(Jet(v) for v in t)
    gradient, value = [], None
    for j in range(len(z)):
        direction = Row(Jet(v, i == j) for i, v in enumerate(z))
        y = evaluate(formula, {"z": direction, "t": target, **scalars(parameters)})
        value = y.v
        gradient.append(y.d)
    return value, gradient


def ulp_error(got: float, exact: mpf, dtype, scale: mpf | None = None) -> float:
    """|got - exact| in units in the last place of `exact` (of `scale`, if that is larger).

    Below the smallest normal number the unit is that of the subnormals: errors there are absolute.
    """
    info = np.finfo(dtype)
    if not np.isfinite(got):
        # Right where the exact result rounds to infinity too.
        beyond = mpf(float(info.max)) * (1 - mpf(float(info.eps)) * 2)
        return 0.0 if abs(exact) > beyond and mp.sign(exact) == np.sign(got) else np.inf
    size = max(abs(exact), scale or ZERO)
    if mp.isinf(size) or mp.isnan(size):
        return np.inf
    exponent = info.minexp if size == 0 else max(mp.frexp(size)[1] - 1, info.minexp)
    return float(abs(mpf(float(got)) - exact) / mp.ldexp(1, exponent - info.nmant))
