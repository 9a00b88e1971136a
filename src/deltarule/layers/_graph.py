"""What layers are compiled to: nodes that read values, each with its arrays of weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deltarule.initialisers import Fans, Initialiser, initialiser

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """What a node computes for a row: its number, its shape, and the mask of its time steps."""

    index: int
    shape: Shape
    mask: int | None = None


_NO_FANS = Fans(1, 1)


@dataclass(frozen=True)
class Parameter:
    """An array of weights of a node.

    Attributes
    ----------
    name : str
    shape : tuple of int
    init : Initialiser
    fans : Fans
        Of a unit; for the scale of the initial weights.
    trained : bool
        False for running statistics.
    """

    name: str
    shape: Shape
    init: Initialiser
    fans: Fans = _NO_FANS
    trained: bool = True

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def weight(
    name: str, shape: Shape, init: str | Initialiser, inputs: int, outputs: int
) -> Parameter:
    """An array of weights of units that read ``inputs`` numbers and are read by ``outputs``."""
    return Parameter(name, shape, initialiser(init), Fans(inputs, outputs))


def constant(name: str, shape: Shape, value: float = 0.0, trained: bool = True) -> Parameter:
    """An array that begins with one number."""
    from deltarule.initialisers import Constant

    return Parameter(name, shape, Constant(value), trained=trained)


_LARGEST = 2**48  # numbers; sizes computed from more of them could overflow

UNCONTROLLED: Mapping[str, Any] = {
    "trained": True,
    "rate": 1.0,
    "l1": 0.0,
    "l2": 0.0,
    "decay": 0.0,
    "largest_norm": math.inf,
    "bias_rate": 1.0,
    "scale": 1.0,
}


@dataclass(frozen=True)
class Node:
    """One layer of the engine.

    Attributes
    ----------
    name : str
        Unique in its network.
    kind : str
        The engine's name of the layer.
    reads : tuple of int
        Numbers of values: 0 is X, i + 1 is what node i computes.
    shape : tuple of int
        Of what it computes for a row.
    fields, controls : mapping
        What the engine is told.
    parameters : tuple of Parameter
    layer : object
        The record it was made of.
    """

    name: str
    kind: str
    reads: tuple[int, ...]
    shape: Shape
    fields: Mapping[str, Any]
    parameters: tuple[Parameter, ...]
    controls: Mapping[str, Any]
    layer: Any

    def compile(self) -> dict[str, Any]:
        """The node as the engine reads it."""
        return {
            "type": self.kind,
            "reads": list(self.reads),
            "fields": dict(self.fields),
            "controls": dict(self.controls),
        }


@dataclass
class Graph:
    """Nodes, as layers add them."""

    nodes: list[Node] = field(default_factory=list)
    _scope: list[str] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def add(
        self,
        layer: Any,
        kind: str,
        reads: Value | Sequence[Value],
        shape: Shape,
        fields: Mapping[str, Any],
        parameters: Sequence[Parameter] = (),
        *,
        mask: int | None = None,
        part: str = "",
        controls: Mapping[str, Any] | None = None,
    ) -> Value:
        """A node that reads values; what it computes is a value of ``shape``.

        ``part`` tells nodes of one layer apart in their names; ``controls`` stand for those of the
        layer where they depend on what it reads.
        """
        values = [reads] if isinstance(reads, Value) else list(reads)
        name = self._name(layer, part)
        sizes = [math.prod(shape), *(p.size for p in parameters)]
        sizes += [abs(n) for n in fields.values() if isinstance(n, int)]
        if max(sizes) > _LARGEST:
            raise ValueError(
                f"The layer {name!r} would have {max(sizes)} numbers in one array or along one "
                f"axis; at most {_LARGEST} can be."
            )
        self.nodes.append(
            Node(
                name=name,
                kind=kind,
                reads=tuple(v.index for v in values),
                shape=shape,
                fields=fields,
                parameters=tuple(parameters),
                controls=layer.controls if controls is None else controls,
                layer=layer,
            )
        )
        return Value(len(self.nodes), shape, mask)

    @contextmanager
    def scope(self, layer: Any) -> Iterator[None]:
        """Names of nodes added within begin with the name of a layer."""
        self._scope.append(self._name(layer, "").rpartition(".")[2])
        yield
        self._scope.pop()

    def describe(self, value: Value) -> str:
        """What computes a value, in words."""
        return f"the layer {self.nodes[value.index - 1].name!r}" if value.index else "X"

    def is_part_of_x(self, value: Value) -> bool:
        """Whether a value is X or columns of it."""
        index = value.index
        while index and self.nodes[index - 1].kind == "columns":
            index = self.nodes[index - 1].reads[0]
        return index == 0

    def _name(self, layer: Any, part: str) -> str:
        prefix = "".join(f"{scope}." for scope in self._scope)
        stem: str = prefix + (layer.name or layer.kind) + (f"_{part}" if part else "")
        if layer.name and stem not in self._names:
            self._names.add(stem)
            return stem
        if layer.name:
            raise ValueError(f"Two layers are named {stem!r}; every name must be given once.")
        number = 1
        while f"{stem}_{number}" in self._names:
            number += 1
        self._names.add(f"{stem}_{number}")
        return f"{stem}_{number}"


def positions(shape: Shape) -> int:
    """How many rows of its last axis a value has."""
    return math.prod(shape[:-1])
