"""The formula shown to readers, evaluated at 800 digits; it shares no line with the kernels.

A formula is a Python expression.  It is parsed with `ast` (never `eval`) and evaluated on dual
numbers, so that the derivative comes from the same text.  800 digits, because at 50 already
1 + e**-700 equals 1.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from mpmath import mp, mpf

mp.dps = 800


class Dual:
    """A number and its derivative along one direction."""

    __slots__ = ("d", "v")

    def __init__(self, v, d=0):
        self.v, self.d = mpf(v), mpf(d)

    def __add__(self, other):
        return self._with(other, lambda o: Dual(self.v + o.v, self.d + o.d))

    def __sub__(self, other):
        return self._with(other, lambda o: Dual(self.v - o.v, self.d - o.d))

    def __mul__(self, other):
        return self._with(other, lambda o: Dual(self.v * o.v, self.d * o.v + self.v * o.d))

    def __truediv__(self, other):
        return self._with(
            other, lambda o: Dual(self.v / o.v, (self.d * o.v - self.v * o.d) / o.v**2)
        )

    @staticmethod
    def _with(other, op):
        return Row(map(op, other)) if isinstance(other, Row) else op(other)

    def __pow__(self, other):
        assert other.d == 0
        return Dual(self.v**other.v, other.v * self.v ** (other.v - 1) * self.d)

    def __neg__(self):
        return Dual(-self.v, -self.d)


class Row(list):
    """A row of duals; arithmetic is element by element, scalars are spread."""

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

    def __neg__(self):
        return Row(-a for a in self)


def _each(f: Callable[[Dual], Dual]):
    return lambda a: Row(map(f, a)) if isinstance(a, Row) else f(a)


def _exp(a):
    e = mp.exp(a.v)
    return Dual(e, e * a.d)


def _log(a):
    return Dual(mp.log(a.v), a.d / a.v)


def _tanh(a):
    y = mp.tanh(a.v)
    return Dual(y, a.d / mp.cosh(a.v) ** 2)


def _normcdf(a):
    if abs(a.v) > 10**6:  # the tail is below 10**-(10**11), which mpmath's series cannot sum
        return Dual(a.v > 0)
    density = mp.exp(-(a.v**2) / 2) / mp.sqrt(2 * mp.pi)
    return Dual(mp.erfc(-a.v / mp.sqrt(2)) / 2, density * a.d)


def _normpdf(a):
    density = mp.exp(-(a.v**2) / 2) / mp.sqrt(2 * mp.pi)
    return Dual(density, -a.v * density * a.d)


def _sign(a):
    return Dual(mp.sign(a.v))


def _abs(a):
    return Dual(abs(a.v), mp.sign(a.v) * a.d)


def _xlogx(a):
    return Dual(a.v * mp.log(a.v) if a.v else 0)


def _sum(row):
    total = Dual(0)
    for a in row:
        total = total + a
    return total


FUNCTIONS = {
    "exp": _each(_exp),
    "log": _each(_log),
    "tanh": _each(_tanh),
    "normcdf": _each(_normcdf),
    "normpdf": _each(_normpdf),
    "abs": _each(_abs),
    "sign": _each(_sign),
    "xlogx": _each(_xlogx),
    "given": lambda a: Dual(1) if mp.isnan(a.v) else a,
    "sum": _sum,
    "size": lambda row: Dual(len(row)),
}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS = {ast.Gt: operator.gt, ast.GtE: operator.ge, ast.LtE: operator.le, ast.Lt: operator.lt}


def evaluate(formula: str, names: Mapping[str, Dual | Row]) -> Dual | Row:
    """The value and derivative of a formula."""

    def walk(node: ast.expr):
        match node:
            case ast.Constant():
                text = ast.get_source_segment(formula, node)
                return Dual(mpf(text))
            case ast.Name():
                return names[node.id]
            case ast.BinOp():
                return OPERATORS[type(node.op)](walk(node.left), walk(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -walk(node.operand)
            case ast.Call():
                return FUNCTIONS[node.func.id](*map(walk, node.args))
            case ast.IfExp():
                return walk(node.body if test(node.test) else node.orelse)
        raise ValueError(f"The formula {formula!r} uses {ast.dump(node)}, which no rule reads.")

    def test(node: ast.expr) -> bool:
        assert isinstance(node, ast.Compare)
        return COMPARISONS[type(node.ops[0])](walk(node.left).v, walk(node.comparators[0]).v)

    return walk(ast.parse(formula, mode="eval").body)


def row(values: Sequence[float]) -> Row:
    return Row(map(Dual, values))


def scalars(parameters: Sequence[tuple[str, float]]) -> dict[str, Dual]:
    return {name: Dual("nan" if value is None else value) for name, value in parameters}


@cache
def elementwise(formula: str, x: float, parameters: tuple = ()) -> tuple[mpf, mpf]:
    """f(x) and f'(x)."""
    y = evaluate(formula, {"x": Dual(x, 1), **scalars(parameters)})
    return y.v, y.d


@cache
def elementwise_loss(formula: str, z: float, t: float, parameters: tuple = ()) -> tuple[mpf, mpf]:
    """The loss of one element and its derivative with respect to z."""
    y = evaluate(formula, {"z": Dual(z, 1), "t": Dual(t), **scalars(parameters)})
    return y.v, y.d


@cache
def rowwise(formula: str, x: tuple[float, ...], parameters: tuple = ()) -> tuple[list, list]:
    """f(x) for a row and its Jacobian J[i][j] = df_i/dx_j."""
    columns = []
    for j in range(len(x)):
        row = Row(Dual(v, i == j) for i, v in enumerate(x))
        columns.append(evaluate(formula, {"x": row, **scalars(parameters)}))
    values = [a.v for a in columns[0]]
    return values, [[column[i].d for column in columns] for i in range(len(x))]


@cache
def rowwise_loss(
    formula: str, z: tuple[float, ...], t: tuple[float, ...], parameters: tuple = ()
) -> tuple[mpf, list]:
    """The loss of one row and its gradient with respect to z."""
    target = Row(Dual(v) for v in t)
    gradient, value = [], None
    for j in range(len(z)):
        row = Row(Dual(v, i == j) for i, v in enumerate(z))
        y = evaluate(formula, {"z": row, "t": target, **scalars(parameters)})
        value = y.v
        gradient.append(y.d)
    return value, gradient


def ulp_error(got: float, exact: mpf, dtype, scale: mpf | None = None) -> float:
    """|got - exact| in units in the last place of `exact` (of `scale`, if that is larger).

    Below the smallest normal number the unit is that of the subnormals: errors there are absolute.
    """
    info = np.finfo(dtype)
    biggest = mpf(float(info.max))
    if not np.isfinite(got):
        return 0.0 if abs(exact) > biggest and mp.sign(exact) == np.sign(got) else np.inf
    size = max(abs(exact), scale or mpf(0))
    exponent = info.minexp if size == 0 else max(int(mp.floor(mp.log(size, 2))), info.minexp)
    return float(abs(mpf(float(got)) - exact) / mp.ldexp(1, exponent - info.nmant))
