"""From formulas to the flat program that the compiled tape runs.

A program reads its operands from numbered slots: inputs first, then outputs, constants and
registers.  Common subexpressions are computed once, registers are reused, and an output is written
only after the last read of an input, because the two may be the same memory.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from deltarule.formula.expression import (
    CONSTANT,
    NAME,
    Expression,
    constant,
    in_order,
    make,
    name,
    substitute,
    transform,
)
from deltarule.formula.operations import OPERATIONS
from deltarule.formula.parse import FormulaError, parse

MAX_SLOTS = 250
MAX_INSTRUCTIONS = 4000
MAX_INTEGER_POWER = 64


@dataclass(frozen=True)
class Instruction:
    """``out = operation(inputs)``, in slots."""

    operation: str
    out: int
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """What the tape runs: slots are inputs, outputs, constants, registers, in this order."""

    inputs: tuple[str, ...]
    outputs: int
    constants: tuple[float, ...]
    registers: int
    code: tuple[Instruction, ...]

    def describe(self) -> tuple[int, int, list[float], int, list[tuple[str, int, tuple[int, ...]]]]:
        """The program as the core takes it."""
        code = [(step.operation, step.out, step.inputs) for step in self.code]
        return len(self.inputs), self.outputs, list(self.constants), self.registers, code

    def reads(self, name: str) -> bool:
        """Whether an input is read at all."""
        slot = self.inputs.index(name)
        return any(slot in instruction.inputs for instruction in self.code)


def compile_formulas(formulas: Sequence[Expression], inputs: Sequence[str]) -> Program:
    """The program that computes some formulas together.

    Parameters
    ----------
    formulas : sequence of Expression
        One per output, in the names of the inputs.
    inputs : sequence of str
        The names, in the order in which the tape is given them.

    Raises
    ------
    FormulaError
        If the program would be larger than the tape allows.
    """
    lowered = _fused([transform(f, _lowered) for f in formulas])
    return _Allocator(lowered, tuple(inputs)).program()


def _lowered(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
    """The node in operations that the tape has."""
    operation = node.operation
    if not arguments:
        return node
    if operation == "greater":
        return make("less", arguments[1], arguments[0])
    if operation == "greater_equal":
        return make("less_equal", arguments[1], arguments[0])
    if operation == "power" and arguments[1].is_constant:
        return _constant_power(arguments[0], arguments[1])
    definition = OPERATIONS[operation].definition
    if definition is None:
        return make(operation, *arguments)
    given = {name(n): a for n, a in zip(("u", "v"), arguments, strict=False)}
    return transform(substitute(_parsed(definition), given), _comparison)


def _comparison(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
    swapped = {"greater": "less", "greater_equal": "less_equal"}
    if node.operation in swapped:
        return make(swapped[node.operation], arguments[1], arguments[0])
    return make(node.operation, *arguments) if arguments else node


@cache
def _parsed(definition: str) -> Expression:
    return parse(definition, ("u", "v"))


def _constant_power(base: Expression, exponent: Expression) -> Expression:
    """Products for whole and half exponents, which also take a negative base as they should."""
    value = exponent.value
    if not math.isfinite(value) or abs(value) > MAX_INTEGER_POWER or 2 * value != int(2 * value):
        return make("power", base, exponent)
    if value == 0:
        return constant(1)
    whole = int(abs(value))
    product = None if abs(value) == whole else make("sqrt", base)
    factor = base
    while whole:
        if whole & 1:
            product = factor if product is None else make("multiply", product, factor)
        whole >>= 1
        if whole:
            factor = make("multiply", factor, factor)
    assert product is not None
    return make("divide", constant(1), product) if value < 0 else product


def _fused(roots: Sequence[Expression]) -> list[Expression]:
    """Products that are used once, in a sum, become one operation with it."""
    uses: Counter[Expression] = Counter(roots)
    for node in in_order(roots):
        uses.update(node.arguments)

    done: dict[Expression, Expression] = {}
    for node in in_order(roots):
        a = tuple(done[argument] for argument in node.arguments)
        single = [i.operation == "multiply" and uses[i] == 1 for i in node.arguments]
        if node.operation == "add" and single[0]:
            done[node] = make("madd", *a[0].arguments, a[1])
        elif node.operation == "add" and single[1]:
            done[node] = make("madd", *a[1].arguments, a[0])
        elif node.operation == "subtract" and single[0]:
            done[node] = make("msub", *a[0].arguments, a[1])
        elif node.operation == "subtract" and single[1]:
            done[node] = make("nmadd", *a[1].arguments, a[0])
        else:
            done[node] = make(node.operation, *a) if a else node
    return [done[root] for root in roots]


class _Allocator:
    """Orders the nodes, gives each a slot and frees it after the last use."""

    def __init__(self, roots: Sequence[Expression], inputs: tuple[str, ...]) -> None:
        self._roots = roots
        self._inputs = inputs
        nodes = list(_scheduled(roots))
        self._constants = [n for n in nodes if n.operation == CONSTANT]
        self._steps = [n for n in nodes if n.operation not in (CONSTANT, NAME)]
        first = len(inputs) + len(roots)
        self._slots = {n: first + i for i, n in enumerate(self._constants)}
        self._slots.update({name(n): i for i, n in enumerate(inputs)})
        self._first_register = first + len(self._constants)
        self._registers = 0
        self._free: list[int] = []

    def program(self) -> Program:
        code = [*self._body(), *self._copies()]
        if len(code) > MAX_INSTRUCTIONS or self._first_register + self._registers > MAX_SLOTS:
            raise FormulaError(
                f"The formula or its derivative takes {len(code)} steps and {self._registers} "
                "intermediate results, more than a tape holds: split it into two functions."
            )
        return Program(
            self._inputs,
            len(self._roots),
            tuple(n.value for n in self._constants),
            self._registers,
            tuple(code),
        )

    def _body(self) -> list[Instruction]:
        last_use = {a: i for i, n in enumerate(self._steps) for a in n.arguments}
        last_read = max(
            (i for i, n in enumerate(self._steps) if any(a.operation == NAME for a in n.arguments)),
            default=-1,
        )
        code = []
        for i, node in enumerate(self._steps):
            operands = tuple(self._slots[a] for a in node.arguments)
            for a in dict.fromkeys(node.arguments):
                if last_use[a] == i and a not in self._roots:
                    self._release(self._slots[a])
            direct = node in self._roots and i >= last_read
            out = len(self._inputs) + self._roots.index(node) if direct else self._register()
            self._slots[node] = out
            code.append(Instruction(node.operation, out, operands))
        return code

    def _copies(self) -> list[Instruction]:
        """Outputs that were not written by the instruction that computed them."""
        outputs = range(len(self._inputs), len(self._inputs) + len(self._roots))
        return [
            Instruction("copy", out, (self._slots[root],))
            for out, root in zip(outputs, self._roots, strict=True)
            if self._slots[root] != out
        ]

    def _register(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._registers += 1
        return self._first_register + self._registers - 1

    def _release(self, slot: int) -> None:
        if slot >= self._first_register:
            heapq.heappush(self._free, slot)


def _scheduled(roots: Sequence[Expression]) -> list[Expression]:
    """Operands before what uses them, the larger operand first: it needs the most registers."""
    seen: set[Expression] = set()
    order: list[Expression] = []
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in seen:
            continue
        if ready or not node.arguments:
            seen.add(node)
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in sorted(node.arguments, key=lambda a: a.size))
    return order
