"""How layers are put together, and the shapes of what they pass on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from deltarule._activation_kinds import Activation as Function
from deltarule.layers._graph import Graph, Value, positions
from deltarule.layers._layer import Layer
from deltarule.layers.activation import Activation
from deltarule.layers.dense import Dense


def add_all(graph: Graph, value: Value, layers: Sequence[Layer]) -> Value:
    """The value behind layers that follow each other."""
    for layer in layers:
        value = layer.add_to(graph, value)
    return value


def as_layers(name: str, layers: Any) -> tuple[Layer, ...]:
    """Layers of a list, checked."""
    listed = tuple(layers) if isinstance(layers, list | tuple) else (layers,)
    for layer in listed:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{name} must be layers of deltarule.layers; met {type(layer).__name__}: {layer!r}."
            )
    return listed


@dataclass(frozen=True)
class Residual(Layer):
    """x + layers(x): a connection past the layers (He et al. 2016).

    Attributes
    ----------
    layers : list of Layer
        The branch.  Pre-activation: begin it with the normalisation and the activation.
    projection : "auto", None or Layer
        What x passes through beside the branch.  "auto": nothing where the shapes are equal, else a
        `Dense` layer without bias over the last axis.
    activation : str or Activation, optional
        Of the sum (post-activation).
    """

    kind: ClassVar[str] = "residual"
    layers: Sequence[Layer]
    projection: Literal["auto"] | Layer | None = "auto"
    activation: str | Function | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", as_layers("The layers of a Residual", self.layers))
        if self.projection not in ("auto", None):
            as_layers("The projection of a Residual", self.projection)

    def add_to(self, graph: Graph, value: Value) -> Value:
        with graph.scope(self):
            branch = add_all(graph, value, self.layers)
            beside = value
            if isinstance(self.projection, Layer):
                beside = self.projection.add_to(graph, value)
            elif self.projection == "auto" and branch.shape != value.shape:
                if branch.shape[:-1] != value.shape[:-1]:
                    raise ValueError(
                        f"The branch of a Residual turns {value.shape} into {branch.shape}; only "
                        "the last axis can be projected by itself. Give a projection layer."
                    )
                beside = Dense(branch.shape[-1], bias=False, name="projection").add_to(graph, value)
            if branch.shape != beside.shape:
                raise ValueError(
                    f"The branch of a Residual ends with {graph.describe(branch)}, of the shape "
                    f"{branch.shape}, and beside it passes {graph.describe(beside)}, of the shape "
                    f"{beside.shape}; they are added up and must be equal."
                )
            fields = {"inputs": 2, "columns": math.prod(branch.shape)}
            y = graph.add(
                _Sum(),
                "add",
                [branch, beside],
                branch.shape,
                fields,
                mask=branch.mask if branch.mask == beside.mask else None,
            )
            return y if self.activation is None else Activation(self.activation).add_to(graph, y)


@dataclass(frozen=True)
class _Sum(Layer):
    kind: ClassVar[str] = "sum"

    def add_to(self, graph: Graph, value: Value) -> Value:
        return value


@dataclass(frozen=True)
class _Join(Layer):
    kind: ClassVar[str] = "join"

    def add_to(self, graph: Graph, value: Value) -> Value:
        return value


@dataclass(frozen=True)
class Concatenate(Layer):
    """What several branches compute of the same x, side by side along the last axis.

    Attributes
    ----------
    branches : list of list of Layer
        An empty branch is x itself.
    """

    kind: ClassVar[str] = "concatenate"
    branches: Sequence[Sequence[Layer]]

    def __post_init__(self) -> None:
        listed = tuple(as_layers("A branch of a Concatenate", list(b)) for b in self.branches)
        if len(listed) < 2:
            raise ValueError(f"A Concatenate has at least two branches; met {len(listed)}.")
        object.__setattr__(self, "branches", listed)

    def add_to(self, graph: Graph, value: Value) -> Value:
        with graph.scope(self):
            values = [add_all(graph, value, branch) for branch in self.branches]
            shapes = [v.shape for v in values]
            if len({shape[:-1] for shape in shapes}) > 1:
                met = [f"{graph.describe(v)} {v.shape}" for v in values]
                raise ValueError(
                    f"The branches of a Concatenate end with {', '.join(met)}; these shapes may "
                    "differ in the last axis only."
                )
            masks = {v.mask for v in values}
            return beside(graph, _Join(), values, masks.pop() if len(masks) == 1 else None)


def beside(graph: Graph, layer: Layer, values: Sequence[Value], mask: int | None) -> Value:
    """Values side by side along the last axis; the engine takes eight at a time."""
    most = 8
    while len(values) > most:
        parts = [values[i : i + most] for i in range(0, len(values), most)]
        values = [beside(graph, layer, part, mask) if len(part) > 1 else part[0] for part in parts]
    shape = values[0].shape
    widths = [v.shape[-1] for v in values]
    rows = positions(shape)
    return graph.add(
        layer,
        "concatenate",
        values,
        (*shape[:-1], sum(widths)),
        {"positions": rows, "widths": [float(w) for w in widths]},
        mask=mask,
    )


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes of a row as one."""

    kind: ClassVar[str] = "flatten"

    def add_to(self, graph: Graph, value: Value) -> Value:
        return Value(value.index, (math.prod(value.shape),))


@dataclass(frozen=True)
class Reshape(Layer):
    """Another shape of a row with as many numbers.

    Attributes
    ----------
    shape : tuple of int
        One of them may be -1: what is left.
    """

    kind: ClassVar[str] = "reshape"
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        if sum(n == -1 for n in shape) > 1 or any(n < 1 and n != -1 for n in shape) or not shape:
            raise ValueError(
                f"The shape of a Reshape has axes >= 1, at most one of them -1; met {self.shape}."
            )
        object.__setattr__(self, "shape", shape)

    def add_to(self, graph: Graph, value: Value) -> Value:
        size, known = math.prod(value.shape), math.prod(n for n in self.shape if n != -1)
        shape = tuple(size // known if n == -1 else n for n in self.shape)
        if math.prod(shape) != size:
            raise self.refuse(graph, value, f"rows that fill the shape {self.shape}")
        return Value(value.index, shape, value.mask if shape[0] == value.shape[0] else None)


@dataclass(frozen=True)
class Masking(Layer):
    """Time steps whose features are all ``padding`` are 0 and do not exist for recurrent layers.

    Attributes
    ----------
    padding : float
        May be NaN.
    """

    kind: ClassVar[str] = "masking"
    padding: float = 0.0

    def add_to(self, graph: Graph, value: Value) -> Value:
        if len(value.shape) != 2:
            raise self.refuse(graph, value, "sequences (steps, features)")
        steps, features = value.shape
        fields = {"positions": steps, "columns": features, "padding": float(self.padding)}
        mask = graph.add(self, "padding_mask", value, (steps,), fields, part="mask")
        sizes = {"positions": steps, "columns": features}
        return graph.add(self, "masked", [value, mask], value.shape, sizes, mask=mask.index)
