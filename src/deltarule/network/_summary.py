"""A network as a table: shapes, weights, operations, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deltarule.plan import Plan


@dataclass(frozen=True)
class Line:
    """A layer of the engine.

    Attributes
    ----------
    name : str
    kind : str
    shape : tuple of int
        Of what it computes for a row.
    weights : int
        How many numbers it learns.
    fixed : int
        Numbers that it keeps but does not learn: running statistics, frozen weights.
    flops : float
        Floating-point operations of a row forward; back and the gradient are about twice as many.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weights: int
    fixed: int
    flops: float


@dataclass(frozen=True)
class Summary:
    """What a network is made of.

    Attributes
    ----------
    lines : tuple of Line
    input_shape : tuple of int
    dtype : str
    batch_size : int
    training_bytes : int
        What `fit` takes for batches of that size: weights, the state of Adam, values and slopes
        of a batch, and copies of the weights and that state to go on with.
    """

    lines: tuple[Line, ...]
    input_shape: tuple[int, ...]
    dtype: str
    batch_size: int
    training_bytes: int

    @property
    def weights(self) -> int:
        """How many numbers the network learns."""
        return sum(line.weights for line in self.lines)

    @property
    def fixed(self) -> int:
        """How many numbers it keeps without learning them."""
        return sum(line.fixed for line in self.lines)

    @property
    def flops(self) -> float:
        """Floating-point operations of a row forward."""
        return sum(line.flops for line in self.lines)

    def __str__(self) -> str:
        header = ("layer", "kind", "shape", "weights", "operations")
        rows = [("X", "", _shape(self.input_shape), "", "")]
        rows += [
            (line.name, line.kind, _shape(line.shape), _count(line.weights), _count(line.flops))
            for line in self.lines
        ]
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(5)]
        rule = "  ".join("-" * width for width in widths)
        lines = [_aligned(header, widths), rule, *(_aligned(row, widths) for row in rows), rule]
        fixed = f", {_count(self.fixed)} numbers kept without learning" if self.fixed else ""
        lines.append(
            f"{_count(self.weights)} weights of {self.dtype}{fixed}; "
            f"{_count(self.flops)} operations a row forward"
        )
        lines.append(
            f"training in batches of {self.batch_size} takes {_bytes(self.training_bytes)}"
        )
        return "\n".join(lines)


def summarise(
    plan: Plan,
    work: list[float],
    dtype: np.dtype[Any],
    batch_size: int,
    training_bytes: int,
) -> Summary:
    """The table of a plan; ``work``: floating-point operations of each node for a row forward."""
    lines = []
    for node, flops in zip(plan.nodes, work, strict=True):
        trained = node.controls["trained"]
        learned = sum(p.size for p in node.parameters if p.trained and trained)
        kept = sum(p.size for p in node.parameters) - learned
        lines.append(Line(node.name, node.kind, node.shape, learned, kept, flops))
    return Summary(tuple(lines), plan.shape, dtype.name, batch_size, training_bytes)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    left = [text.ljust(width) for text, width in zip(row[:3], widths, strict=False)]
    right = [text.rjust(width) for text, width in zip(row[3:], widths[3:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _count(n: float) -> str:
    return f"{n:,.0f}"


def _bytes(n: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.2f} GB"
