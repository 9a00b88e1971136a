"""Formulas as graphs: each distinct subexpression exists once.

Two formulas that are written the same are the same object, so that `is` compares formulas and a
subexpression that occurs twice is one node, differentiated, rewritten and computed once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from weakref import WeakValueDictionary

CONSTANT: Final = "constant"
NAME: Final = "name"


class Expression:
    """A node: a number, a name, or an operation on other nodes.

    Attributes
    ----------
    operation : str
        ``"constant"``, ``"name"`` or a name of `deltarule.formula.operations.OPERATIONS`.
    arguments : tuple of Expression
        The operands.
    value : float
        The number of a constant; NaN for any other node.
    name : str
        The name of a variable or parameter; empty for any other node.
    depth, size : int
        Longest path to a leaf, and nodes of the formula written as a tree.
    """

    __slots__ = ("__weakref__", "arguments", "depth", "name", "operation", "size", "value")

    operation: str
    arguments: tuple[Expression, ...]
    value: float
    name: str
    depth: int
    size: int

    @property
    def is_constant(self) -> bool:
        return self.operation == CONSTANT

    def __repr__(self) -> str:
        from deltarule.formula.text import to_text

        return to_text(self)

    def __reduce__(self) -> tuple[object, ...]:
        if self.operation == CONSTANT:
            return constant, (self.value,)
        if self.operation == NAME:
            return name, (self.name,)
        return make, (self.operation, *self.arguments)


_nodes: WeakValueDictionary[tuple[object, ...], Expression] = WeakValueDictionary()
_lock = threading.Lock()


def _intern(
    operation: str, arguments: tuple[Expression, ...], value: float, name: str
) -> Expression:
    # hex() keeps 0 and -0 apart and makes NaN equal to itself.
    key = (operation, value.hex(), name, *arguments)
    with _lock:
        node = _nodes.get(key)
        if node is None:
            node = Expression()
            node.operation, node.arguments, node.value, node.name = (
                operation,
                arguments,
                value,
                name,
            )
            node.depth = 1 + max((a.depth for a in arguments), default=0)
            node.size = 1 + sum(a.size for a in arguments)
            _nodes[key] = node
    return node


def constant(value: float) -> Expression:
    """The node of a number."""
    return _intern(CONSTANT, (), float(value), "")


def name(name: str) -> Expression:
    """The node of a variable or parameter."""
    return _intern(NAME, (), float("nan"), name)


def make(operation: str, *arguments: Expression) -> Expression:
    """The node of an operation, as it is written; only ``-`` of a number becomes that number."""
    if operation == "negative" and arguments[0].is_constant:
        return constant(-arguments[0].value)
    return _intern(operation, arguments, float("nan"), "")


def in_order(roots: Sequence[Expression]) -> Iterator[Expression]:
    """Every node below the roots once, operands before what uses them."""
    seen: set[Expression] = set()
    stack: list[tuple[Expression, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in seen:
            continue
        if ready or not node.arguments:
            seen.add(node)
            yield node
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.arguments))


def transform(
    root: Expression, change: Callable[[Expression, tuple[Expression, ...]], Expression]
) -> Expression:
    """The formula with every node replaced by ``change(node, changed arguments)``, leaves first."""
    done: dict[Expression, Expression] = {}
    for node in in_order([root]):
        done[node] = change(node, tuple(done[a] for a in node.arguments))
    return done[root]


def substitute(root: Expression, replaced: Mapping[Expression, Expression]) -> Expression:
    """The formula with some nodes replaced; what is below a replaced node no longer counts."""

    def change(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
        if node in replaced:
            return replaced[node]
        return make(node.operation, *arguments) if arguments else node

    return transform(root, change)


def names_in(root: Expression) -> set[str]:
    """The variables and parameters a formula reads."""
    return {node.name for node in in_order([root]) if node.operation == NAME}
