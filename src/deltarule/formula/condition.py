"""Where a formula loses digits: a cheap bound points at it, exact arithmetic confirms it.

The bound is running error analysis: each operation hands on the errors of its operands times its
partial derivatives and adds its own rounding.  It never misses a loss of first order, and it may
fear too much; so what it flags is measured at some points against `exact`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.formula.build import ONE, ZERO
from deltarule.formula.differentiate import DERIVATIVES
from deltarule.formula.evaluate import evaluate, nodes_of
from deltarule.formula.exact import Budget, digits_lost, exact
from deltarule.formula.expression import CONSTANT, NAME, Expression, in_order
from deltarule.formula.operations import OPERATIONS

Array = NDArray[Any]

_EXACT = frozenset(
    {"negative", "abs", "sign", "maximum", "minimum", "select"}
    | {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
    | {"logical_and", "logical_or", "logical_not"}
)
_ROUNDED_ONCE = frozenset({"add", "subtract", "multiply", "divide", "sqrt", "square", "damp"})
_PARTIAL = frozenset({"log", "log1p", "log2", "log10", "sqrt", "power", "arctanh", "log1mexp"})
_WORK = 3e4  # of exact arithmetic: see Budget
_PROBES = 5  # points of a range that are measured


@dataclass(frozen=True)
class LostDigits:
    """A range in which a formula, as it is computed, is not what it says.

    Attributes
    ----------
    of : str
        What is computed: "value", "slope" ...
    variable : str
        The name that runs through the range.
    low, high : float
        The range of the variable.
    digits : float
        Decimal digits lost at worst; inf where the result is NaN or infinite and should not be.
    dtype : str
        The precision the formula is computed in.
    at : mapping of str to float
        The other names' values.
    """

    of: str
    variable: str
    low: float
    high: float
    digits: float
    dtype: str
    at: Mapping[str, float]

    def __str__(self) -> str:
        held = "".join(f" and {name} = {value:.4g}" for name, value in self.at.items())
        where = f"{_range(self.variable, self.low, self.high)}{held}"
        if math.isinf(self.digits):
            return f"The {self.of} overflows in {self.dtype} for {where}."
        total = -math.log10(np.finfo(self.dtype).eps)
        return (
            f"The {self.of} loses up to {min(self.digits, total):.0f} of {total:.0f} digits in "
            f"{self.dtype} for {where}."
        )


def _range(variable: str, low: float, high: float) -> str:
    if low == high:
        return f"{variable} = {low:.4g}"
    if math.isinf(high):
        return f"{variable} >= {low:.4g}"
    if math.isinf(low):
        return f"{variable} <= {high:.4g}"
    if math.isclose(low, -high, rel_tol=0.05):
        return f"|{variable}| <= {high:.4g}"
    return f"{low:.4g} <= {variable} <= {high:.4g}"


def grid() -> Array:
    """Points of both signs on a log scale from 1e-20 to 1e20, dense where most inputs are."""
    size = np.unique(np.concatenate([np.logspace(-20, 20, 481), np.linspace(0.25, 50, 200)]))
    return np.concatenate([-size[::-1], [0.0], size])


def lost_digits(
    root: Expression,
    variable: str,
    others: Mapping[str, float] | None = None,
    *,
    of: str = "value",
    dtype: str = "float64",
) -> tuple[LostDigits, ...]:
    """The ranges of a variable in which more than half of the digits are lost.

    Parameters
    ----------
    root : Expression
        The formula as it is computed.
    variable : str
        The name that runs over `grid`.
    others : mapping of str to float, optional
        The values of all other names.
    of : str, default="value"
        What the formula is called in the result.
    dtype : {"float64", "float32"}, default="float64"

    Returns
    -------
    tuple of LostDigits
        By ascending range; empty for a formula that keeps its digits.
    """
    case = _Case(root, variable, dict(others or {}), dtype)
    points = grid().astype(dtype)
    points = points[np.abs(points) < 0.1 * np.finfo(dtype).max].astype(np.float64)
    feared = case.feared(points)
    zero = np.flatnonzero(points == 0)
    feared[zero] |= feared[zero - 1] & feared[zero + 1]  # one range, not two
    found = []
    runs = _runs(feared)
    first, last = runs.T
    for (i, k), low, high in zip(
        runs, case.edges(points, first, -1), case.edges(points, last, 1), strict=True
    ):
        inside = np.linspace(i, k, min(_PROBES, k - i + 1)).astype(int)
        probes = np.unique(np.concatenate([points[inside], _between(low, high)]))
        budget = Budget(_WORK / len(runs))
        digits = max(case.digits_lost(float(p), budget) for p in probes)
        if digits > -0.5 * math.log10(np.finfo(dtype).eps):
            found.append(
                LostDigits(of, variable, float(low), float(high), digits, dtype, case.others)
            )
    return tuple(found)


def _between(low: float, high: float) -> Array:
    """Points beside those of the grid, where a bad formula may be right by luck."""
    low, high = max(low, -1e30), min(high, 1e30)
    if low < 0 < high:
        return np.array([low * 0.37, high * 0.37])
    return np.array([low + 0.377 * (high - low), math.copysign(math.sqrt(low * high), low)])


@dataclass(frozen=True)
class _Case:
    """A formula of one variable, in one precision."""

    root: Expression
    variable: str
    others: Mapping[str, float]
    dtype: str

    def feared(self, points: Array) -> NDArray[np.bool_]:
        """Where the bound of the error exceeds half of the digits, or the result is not finite."""
        nodes = nodes_of(self.root, {**self.others, self.variable: points}, self.dtype)
        info = np.finfo(self.dtype)
        unit = float(info.eps) / 2
        bounds: dict[Expression, Array] = {}
        with np.errstate(all="ignore"):
            for node in in_order([self.root]):
                size = np.abs(nodes[node].astype(np.float64))
                bounds[node] = _bound(node, nodes, bounds) + unit * _roundings(node) * size
            value, bound = nodes[self.root].astype(np.float64), bounds[self.root]
            lost = (bound > math.sqrt(2 * unit) * np.abs(value)) & ~(bound <= float(info.tiny))
            lost = (lost | ~np.isfinite(value)) & ~_outside(nodes)
            return np.array(np.broadcast_to(lost, points.shape))

    def edges(self, points: Array, bad: NDArray[np.intp], step: int) -> Array:
        """Where fear begins between feared points and their neighbours, to a part in 1000.

        Infinite for the ends of the grid, 0 for a feared 0.
        """
        good = bad + step
        ends = (good < 0) | (good >= len(points))
        inside, outside = points[bad], points[np.clip(good, 0, len(points) - 1)]
        for _ in range(12):
            middle = np.copysign(np.sqrt(np.abs(inside * outside)), inside)
            middle = np.where(outside == 0, inside / 2, middle)
            feared = self.feared(middle) if len(middle) else np.zeros(0, bool)
            inside, outside = np.where(feared, middle, inside), np.where(feared, outside, middle)
        return np.where(ends, step * math.inf, np.where(points[bad] == 0, 0.0, inside))

    def digits_lost(self, point: float, budget: Budget) -> float:
        """Digits lost at one point; inf for a result that is not finite and should be."""
        point = float(np.asarray(point, self.dtype))
        names = {**self.others, self.variable: point}
        true = exact(self.root, names, budget)
        if true is None:
            return 0.0
        info = np.finfo(self.dtype)
        got = float(evaluate(self.root, names, self.dtype))
        return digits_lost(got, true, float(info.eps), float(info.tiny), float(info.max))


def _outside(nodes: Mapping[Expression, Array]) -> Array:
    """Where a function is asked for what it is not defined for, such as log(-1)."""
    outside: Array = np.zeros((), bool)
    for node, value in nodes.items():
        if node.operation in _PARTIAL:
            undefined = np.isnan(value)
            for a in node.arguments:
                undefined = undefined & np.isfinite(nodes[a])
            outside = outside | undefined
    return outside


def _roundings(node: Expression) -> float:
    if node.operation in (CONSTANT, NAME) or node.operation in _EXACT:
        return 0.0
    return 1.0 if node.operation in _ROUNDED_ONCE else 4.0


def _bound(
    node: Expression, nodes: Mapping[Expression, Array], bounds: Mapping[Expression, Array]
) -> Array:
    """What the errors of the operands do to the node."""
    total: Array = np.zeros(())
    if node.operation == "select":
        chosen = nodes[node.arguments[0]] != 0
        return np.where(chosen, bounds[node.arguments[1]], bounds[node.arguments[2]])
    for i, argument in enumerate(node.arguments):
        if not bounds[argument].any():
            continue
        slope = _local(_partial(node, i), nodes)
        part = np.abs(slope) * bounds[argument]
        total = total + np.where(bounds[argument] == 0, 0.0, part)
    return total


@lru_cache(maxsize=4096)
def _partial(node: Expression, i: int) -> Expression:
    """The derivative of an operation by its i-th operand."""
    unit = tuple(ONE if k == i else ZERO for k in range(len(node.arguments)))
    return DERIVATIVES[node.operation](node, node.arguments, unit)


def _local(slope: Expression, nodes: Mapping[Expression, Array]) -> Array:
    """A partial derivative, in float64, where the node's operands are known already."""
    done: dict[Expression, Array] = {}
    for node in in_order([slope]):
        if node in nodes:
            done[node] = nodes[node].astype(np.float64)
        elif node.operation == CONSTANT:
            done[node] = np.asarray(node.value)
        else:
            done[node] = np.asarray(
                OPERATIONS[node.operation].evaluate(*(done[a] for a in node.arguments))
            )
    return done[slope]


def _runs(feared: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(first, last) of every run of neighbours that are all feared, shape (runs, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], feared.astype(np.int8), [0]])))
    return np.asarray(edges.reshape(-1, 2) - np.array([0, 1]), np.intp)
