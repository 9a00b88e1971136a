"""Numbers that the catalogue states as expressions of parameters, such as ``-beta / alpha``."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def number(expression: str, names: Mapping[str, float]) -> float:
    """The value of an arithmetic expression.

    Parameters
    ----------
    expression : str
        Numbers, names, ``+ - * / **`` and parentheses.
    names : mapping

    Returns
    -------
    float

    Examples
    --------
    >>> number("-beta / alpha", {"alpha": 2.0, "beta": 1.0})
    -0.5
    """

    def walk(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name():
                return float(names[node.id])
            case ast.UnaryOp(op=ast.USub()):
                return -walk(node.operand)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        raise ValueError(f"{expression!r} is no arithmetic of numbers and parameters.")

    return walk(ast.parse(expression, mode="eval").body)
