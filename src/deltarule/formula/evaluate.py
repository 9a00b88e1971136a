"""Formulas evaluated with NumPy: slow, independent of the compiled tape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.formula.expression import CONSTANT, NAME, Expression, in_order
from deltarule.formula.operations import OPERATIONS


def evaluate(root: Expression, values: Mapping[str, Any], dtype: Any = np.float64) -> NDArray[Any]:
    """The value of a formula.

    Parameters
    ----------
    root : Expression
    values : mapping of str to array_like
        One per name; shapes broadcast.
    dtype : dtype, default=float64
        The precision to compute in.

    Returns
    -------
    ndarray
        Overflow and invalid operations give inf and NaN without a warning.
    """
    return nodes_of(root, values, dtype)[root]


def nodes_of(
    root: Expression, values: Mapping[str, Any], dtype: Any
) -> dict[Expression, NDArray[Any]]:
    """The values of a formula and of every part of it."""
    done: dict[Expression, NDArray[Any]] = {}
    with np.errstate(all="ignore"):
        for node in in_order([root]):
            if node.operation == CONSTANT:
                done[node] = np.asarray(node.value, dtype)
            elif node.operation == NAME:
                done[node] = np.asarray(values[node.name], dtype)
            else:
                result = OPERATIONS[node.operation].evaluate(*(done[a] for a in node.arguments))
                done[node] = np.asarray(result, dtype)
    return done
