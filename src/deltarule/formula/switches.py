"""Where a formula goes from one piece to another: at comparisons, maxima, absolute values, roots.

Between two neighbouring switches a formula is smooth, as far as the samples can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deltarule.formula.evaluate import nodes_of
from deltarule.formula.expression import Expression, in_order

Array = NDArray[Any]

_STEP: Final = 1 / 256  # between samples
_HALVINGS: Final = 64  # of a step: what is left is below one ulp anywhere but at 0
_FINEST: Final = 2 * _STEP / 2**_HALVINGS
_MOST: Final = 4096


def _by_difference(u: Array, v: Array) -> Array:
    return np.asarray((u > v).astype(np.int8) - (u < v))


def _by_sign(u: Array, *rest: Array) -> Array:
    return _by_difference(u, np.zeros(()))


def _by_truth(*conditions: Array) -> Array:
    return np.asarray(sum((c != 0) * 2**i for i, c in enumerate(conditions)))


_Side = Callable[..., Array]
# What is constant on every smooth piece of the operation, by its operands.
_SIDES: Final[Mapping[str, _Side]] = {
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal"), _by_difference),
    **dict.fromkeys(("equal", "not_equal", "maximum", "minimum"), _by_difference),
    **dict.fromkeys(("abs", "sign", "sqrt", "power", "log", "log2", "log10"), _by_sign),
    **dict.fromkeys(("logical_and", "logical_or", "logical_not"), _by_truth),
    "select": lambda condition, u, v: _by_truth(condition),
    "divide": lambda u, v: _by_sign(v),
    "hypot": lambda u, v: _by_sign(u) * 3 + _by_sign(v),
}


def switches(root: Expression, variable: str, low: float, high: float) -> tuple[float, ...]:
    """The places between low and high where a formula of one variable changes its piece.

    Parameters
    ----------
    root : Expression
        With no other name in it.
    variable : str
    low, high : float

    Returns
    -------
    tuple of float
        Ascending, each within an ulp.  A pair of switches of one operation that lie closer than
        1/256 may be missed, unless a sample falls between them.
    """
    nodes = [n for n in in_order([root]) if n.operation in _SIDES]
    if not nodes:
        return ()

    def sides(x: Array) -> Array:
        """Of every node at every point, shape (nodes, points)."""
        values = nodes_of(root, {variable: x}, np.float64)
        rows = [_SIDES[n.operation](*(values[a] for a in n.arguments)) for n in nodes]
        return np.stack([np.broadcast_to(row, x.shape) for row in rows])

    samples = np.linspace(low, high, round((high - low) / _STEP) + 1)
    found = sides(samples)
    changed, at = (part[:_MOST] for part in np.nonzero(np.diff(found, axis=1)))
    left, right = samples[at], samples[at + 1]
    before = found[changed, at]
    which = (changed, np.arange(len(changed)))
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        same = sides(middle)[which] == before
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    # A side that holds at one point only, as that of x == 1, is the switch itself.
    places = np.where(before == 0, left, right)
    places = np.unique(np.where(np.abs(places) < _FINEST, 0.0, places))
    apart = np.diff(places, prepend=-np.inf) > np.maximum(4 * np.spacing(np.abs(places)), _FINEST)
    return tuple(float(p) for p in places[apart] if low < p < high)
