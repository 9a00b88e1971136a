"""The canonical text of a formula: ``parse(to_text(e)) is e``."""

from __future__ import annotations

import math

from deltarule.formula.expression import CONSTANT, NAME, Expression, in_order

_TERNARY, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(10)

# Symbol, strength of the whole, strength its left and right operands need.
_BINARY = {
    "logical_or": ("or", _OR, _OR, _AND),
    "logical_and": ("and", _AND, _AND, _NOT),
    "less": ("<", _COMPARE, _SUM, _SUM),
    "less_equal": ("<=", _COMPARE, _SUM, _SUM),
    "greater": (">", _COMPARE, _SUM, _SUM),
    "greater_equal": (">=", _COMPARE, _SUM, _SUM),
    "equal": ("==", _COMPARE, _SUM, _SUM),
    "not_equal": ("!=", _COMPARE, _SUM, _SUM),
    "add": ("+", _SUM, _SUM, _PRODUCT),
    "subtract": ("-", _SUM, _SUM, _PRODUCT),
    "multiply": ("*", _PRODUCT, _PRODUCT, _UNARY),
    "divide": ("/", _PRODUCT, _PRODUCT, _UNARY),
    "power": ("**", _POWER, _ATOM, _UNARY),
}
SYMBOLS = {operation: entry[0] for operation, entry in _BINARY.items()}


def to_text(root: Expression) -> str:
    """The formula as an expression of Python's grammar, with no bracket too many."""
    done: dict[Expression, tuple[str, int]] = {}

    def part(node: Expression, needed: int) -> str:
        text, strength = done[node]
        return text if strength >= needed else f"({text})"

    for node in in_order([root]):
        operation, arguments = node.operation, node.arguments
        if operation == CONSTANT:
            done[node] = _number(node.value)
        elif operation == NAME:
            done[node] = node.name, _ATOM
        elif operation in _BINARY:
            symbol, strength, left, right = _BINARY[operation]
            space = "" if operation == "power" else " "
            text = f"{part(arguments[0], left)}{space}{symbol}{space}{part(arguments[1], right)}"
            done[node] = text, strength
        elif operation == "negative":
            done[node] = f"-{part(arguments[0], _UNARY)}", _UNARY
        elif operation == "logical_not":
            done[node] = f"not {part(arguments[0], _NOT)}", _NOT
        elif operation == "select":
            chosen, other = part(arguments[1], _OR), part(arguments[2], _TERNARY)
            done[node] = f"{chosen} if {part(arguments[0], _OR)} else {other}", _TERNARY
        else:
            inner = ", ".join(done[a][0] for a in arguments)
            done[node] = f"{operation}({inner})", _ATOM
    return done[root][0]


def _number(value: float) -> tuple[str, int]:
    if math.isnan(value):
        return "nan", _ATOM
    size = abs(value)
    whole = math.isfinite(size) and size == int(size) and size < 1e15
    text = str(int(size)) if whole else repr(size)
    return (f"-{text}", _UNARY) if math.copysign(1, value) < 0 else (text, _ATOM)
