"""The formulas of the catalogue as LaTeX."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

_GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "eps",
        "lambda",
        "lambd",
        "mu",
        "sigma",
        "theta",
        "tau",
        "pi",
        "rho",
        "omega",
    ]
)
_SPELLED = {"eps": "epsilon", "lambd": "lambda"}
# Functions that are written f(x) in mathematics, with their names there.
_NAMED = {
    "exp": r"\exp",
    "log": r"\log",
    "sin": r"\sin",
    "cos": r"\cos",
    "sinh": r"\sinh",
    "cosh": r"\cosh",
    "tanh": r"\tanh",
    "min": r"\min",
    "max": r"\max",
    "normcdf": r"\Phi",
    "normpdf": r"\varphi",
    "sigmoid": r"\sigma",
    "log_cosh": r"\log\cosh",
}
_AROUND = {"abs": (r"\left|", r"\right|"), "sqrt": (r"\sqrt{", "}")}
_RELATIONS = {ast.Gt: ">", ast.GtE: r"\geq", ast.Lt: "<", ast.LtE: r"\leq", ast.Eq: "="}
_TIMES = r" \cdot "
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def latex(formula: str) -> str:
    r"""A formula as LaTeX, without the dollar signs.

    Parameters
    ----------
    formula : str
        A Python expression of arithmetic, calls, comparisons and ``a if condition else b``.

    Returns
    -------
    str

    Examples
    --------
    >>> print(latex("x / (1 + exp(-beta * x))"))
    \frac{x}{1 + e^{-\beta x}}
    """
    return _write(ast.parse(formula, mode="eval").body)[0]


def _write(node: ast.expr) -> tuple[str, int]:
    """The text of a node and how tightly it binds."""
    rule = _RULES.get(type(node))
    if rule is None:
        raise ValueError(f"No rule writes {ast.unparse(node)} as LaTeX.")
    return rule(node)


def _within(node: ast.expr, least: int) -> str:
    """The text of a node, in parentheses where it binds less tightly than `least`."""
    text, binding = _write(node)
    return rf"\left({text}\right)" if binding < least else text


def _binary(node: ast.BinOp) -> tuple[str, int]:
    match node.op:
        case ast.Add():
            return f"{_within(node.left, _SUM)} + {_within(node.right, _SUM)}", _SUM
        case ast.Sub():
            return f"{_within(node.left, _SUM)} - {_within(node.right, _PRODUCT)}", _SUM
        case ast.Div():
            above, below = _write(node.left)[0], _write(node.right)[0]
            return rf"\frac{{{above}}}{{{below}}}", _PRODUCT
        case ast.Mult():
            negative = isinstance(node.left, ast.UnaryOp)
            left = _write(node.left)[0] if negative else _within(node.left, _PRODUCT)
            right = _within(node.right, _PRODUCT)
            both_numbers = left[-1].isdigit() and right[0].isdigit()
            binding = _SUM if negative else _PRODUCT
            return f"{left}{_TIMES if both_numbers else ' '}{right}", binding
        case ast.Pow():
            base, exponent = _within(node.left, _ATOM), _write(node.right)[0]
            return f"{base}^{{{exponent}}}", _POWER
    raise ValueError(f"No rule writes {ast.unparse(node)} as LaTeX.")


def _call(node: ast.Call) -> tuple[str, int]:
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    arguments = [_write(argument)[0] for argument in node.args]
    if name == "exp":
        return f"e^{{{arguments[0]}}}", _POWER
    if name in _AROUND:
        left, right = _AROUND[name]
        return f"{left}{arguments[0]}{right}", _ATOM
    if name == "sum":
        return rf"\sum_j {_within(node.args[0], _PRODUCT)}", _PRODUCT
    written = _NAMED.get(name) or rf"\operatorname{{{name.replace('_', ' ')}}}"
    return rf"{written}\left({', '.join(arguments)}\right)", _ATOM


def _unary(node: ast.UnaryOp) -> tuple[str, int]:
    sign = r"\neg " if isinstance(node.op, ast.Not) else "-"
    return f"{sign}{_within(node.operand, _PRODUCT)}", _SUM


def _comparison(node: ast.Compare) -> tuple[str, int]:
    sides = [_write(side)[0] for side in (node.left, *node.comparators)]
    relations = [_RELATIONS[type(op)] for op in node.ops]
    pairs = (f" {r} {s}" for r, s in zip(relations, sides[1:], strict=True))
    return sides[0] + "".join(pairs), _SUM


def _conjunction(node: ast.BoolOp) -> tuple[str, int]:
    word = r" \text{ and } " if isinstance(node.op, ast.And) else r" \text{ or } "
    return word.join(_write(value)[0] for value in node.values), _SUM


def _cases(node: ast.IfExp) -> str:
    rows, rest = [], node
    while isinstance(rest, ast.IfExp):
        rows.append(rf"{_write(rest.body)[0]} & \text{{if }} {_write(rest.test)[0]}")
        rest = rest.orelse  # type: ignore[assignment]
    rows.append(rf"{_write(rest)[0]} & \text{{otherwise}}")
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"


def _name(name: str) -> str:
    spelled = _SPELLED.get(name, name)
    if name in _GREEK:
        return "\\" + spelled
    head, _, index = name.partition("_")
    if index and len(head) == 1:
        return f"{head}_{{{index}}}"
    if index and head in _GREEK:
        return rf"\{_SPELLED.get(head, head)}_{{{index}}}"
    return name if len(name) == 1 else rf"\mathrm{{{name.replace('_', ' ')}}}"


def _number(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


_RULES: dict[type[ast.expr], Callable[[Any], tuple[str, int]]] = {
    ast.Constant: lambda node: (_number(str(node.value)), _ATOM),
    ast.Name: lambda node: (_name(node.id), _ATOM),
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Call: _call,
    ast.IfExp: lambda node: (_cases(node), _ATOM),
    ast.Compare: _comparison,
    ast.BoolOp: _conjunction,
}
