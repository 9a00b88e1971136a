"""Fully connected layers, and tables of vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from deltarule._activation_kinds import Activation as Function
from deltarule.initialisers import Initialiser, initialiser
from deltarule.layers._graph import Graph, Parameter, Value, positions, weight
from deltarule.layers._layer import Weighted, settle_counts
from deltarule.layers.activation import Activation


@dataclass(frozen=True)
class Dense(Weighted):
    """A fully connected layer over the last axis: y = x W + b.

    Attributes
    ----------
    units : int
    init : str or Initialiser
        Of W, shape (inputs, units); b begins at 0.
    activation : str or Activation, optional
        Applied to y, as an `Activation` layer behind this one would.
    bias : bool
        False: no b, as before a normalisation.
    bias_init : str or Initialiser
    bias_learning_rate : float
        Factor of the learning rate of b, beside that of the layer.
    ntk : bool
        Train V of W = V / sqrt(inputs) (the neural tangent parametrisation, Jacot et al. 2018): as
        wide a step for every width.  The weights that are kept are W.
    """

    kind: ClassVar[str] = "dense"
    units: int
    init: str | Initialiser = "glorot_uniform"
    activation: str | Function | None = None
    bias: bool = True
    bias_init: str | Initialiser = "zeros"
    bias_learning_rate: float = 1.0
    ntk: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_counts(self, "units")
        initialiser(self.init), initialiser(self.bias_init)
        if not (math.isfinite(self.bias_learning_rate) and self.bias_learning_rate >= 0):
            raise ValueError(
                f"bias_learning_rate must be a number >= 0; met {self.bias_learning_rate!r}."
            )
        if self.activation is not None:
            Activation(self.activation)

    def add_to(self, graph: Graph, value: Value) -> Value:
        if not value.shape:
            raise self.refuse(graph, value, "rows of numbers")
        inputs, rows = value.shape[-1], positions(value.shape)
        arrays: list[Parameter] = [
            weight("weight", (inputs, self.units), self.init, inputs, self.units)
        ]
        if self.bias:
            arrays.append(weight("bias", (self.units,), self.bias_init, inputs, self.units))
        y = graph.add(
            self,
            "dense",
            value,
            (*value.shape[:-1], self.units),
            {"positions": rows, "inputs": inputs, "units": self.units, "bias": bool(self.bias)},
            arrays,
            mask=value.mask,
            controls={
                **self.controls,
                "bias_rate": float(self.bias_learning_rate),
                "scale": 1 / math.sqrt(inputs) if self.ntk else 1.0,
            },
        )
        if self.activation is None:
            return y
        activation = Activation(
            self.activation, trainable=self.trainable, learning_rate=self.learning_rate
        )
        return activation.add_to(graph, y)


@dataclass(frozen=True)
class Embedding(Weighted):
    """A vector of ``units`` learned numbers for each of ``codes`` codes 0, 1, 2 ...

    Reads rows (..., steps) of codes, X or `Columns` of X, and gives (..., steps, units).  With
    ``padding``, steps of that code are masked: recurrent layers behind it skip them.

    Attributes
    ----------
    codes, units : int
    init : str or Initialiser
        Of the table, shape (codes, units).
    padding : int, optional
    """

    kind: ClassVar[str] = "embedding"
    codes: int
    units: int
    init: str | Initialiser = "uniform"
    padding: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_counts(self, "codes", "units")
        if self.max_norm is not None:
            raise ValueError("An Embedding has no units that read several weights; omit max_norm.")
        initialiser(self.init)

    def add_to(self, graph: Graph, value: Value) -> Value:
        if not graph.is_part_of_x(value):
            raise ValueError(
                f"An Embedding reads the codes of X itself; here it would read "
                f"{graph.describe(value)}, which computes no codes."
            )
        steps = positions((*value.shape, 1))
        mask = value.mask
        if self.padding is not None:
            if len(value.shape) != 1:
                wanted = "codes of time steps, (steps,), where it has padding"
                raise self.refuse(graph, value, wanted)
            fields = {"positions": steps, "columns": 1, "padding": float(self.padding)}
            mask = graph.add(self, "padding_mask", value, value.shape, fields, part="mask").index
        table = weight("weight", (self.codes, self.units), self.init, self.codes, self.units)
        return graph.add(
            self,
            "embedding",
            value,
            (*value.shape, self.units),
            {"positions": steps, "codes": self.codes, "units": self.units},
            [table],
            mask=mask,
        )
