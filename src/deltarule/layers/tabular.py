"""Layers for tables, whose columns mean different things: each has parameters of its own.

Scale, ParametricActivation and PeriodicEmbedding are what RealMLP is made of (Holzmüller,
Grinsztajn and Steinwart 2024, arXiv 2407.04491).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

from deltarule._activation_kinds import Activation as Function
from deltarule._activations import activation
from deltarule._custom import CustomActivation
from deltarule.initialisers import Normal, Uniform
from deltarule.layers._graph import Graph, Parameter, Shape, Value, constant, positions
from deltarule.layers._layer import Layer, Weighted, settle_counts


@dataclass(frozen=True)
class _PerColumn(Weighted):
    """A layer with parameters for every column of the last axis."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_norm is not None:
            raise ValueError(
                f"A {type(self).__name__} has parameters of columns, not units that read several "
                "weights; omit max_norm."
            )

    def _columns(self, graph: Graph, value: Value) -> int:
        if not value.shape:
            raise self.refuse(graph, value, "rows of numbers")
        return value.shape[-1]


@dataclass(frozen=True)
class Scale(_PerColumn):
    """Every column, the last axis, times a learned factor: y = w x.

    The factors begin at 1.  In front of a network they learn which features matter; penalties are
    meant for them.

    Examples
    --------
    >>> from deltarule.layers import Dense, Scale
    >>> import deltarule as dr
    >>> net = dr.Network([Scale(), Dense(1)], "squared_error", input_shape=3)
    >>> net.weights()["scale_1.weight"]
    array([1., 1., 1.], dtype=float32)
    """

    kind: ClassVar[str] = "scale"

    def add_to(self, graph: Graph, value: Value) -> Value:
        columns = self._columns(graph, value)
        return graph.add(
            self,
            "scale",
            value,
            value.shape,
            {"positions": positions(value.shape), "columns": columns},
            [constant("weight", (columns,), 1.0)],
            mask=value.mask,
        )


@dataclass(frozen=True)
class ParametricActivation(_PerColumn):
    """An activation that every column, the last axis, has a learned share a of.

    y = x + a (f(x) - x).  The shares begin at 1, where y = f(x); at 0 a column is linear.

    Attributes
    ----------
    function : str or Activation
        An element-wise activation of the catalogue, with its parameters set.

    Raises
    ------
    ValueError
        If the activation is row-wise, learns its parameters, or is an own formula.
    """

    kind: ClassVar[str] = "parametric_activation"
    function: str | Function

    def __post_init__(self) -> None:
        super().__post_init__()
        f = activation(self.function)
        object.__setattr__(self, "function", f)
        wrong = None
        if isinstance(f, CustomActivation):
            wrong = "is an own formula"
        elif not f.elementwise:
            wrong = "works along whole rows"
        elif f.facts["trainable"]:
            wrong = "learns parameters of its own"
        if wrong:
            raise ValueError(
                f"A ParametricActivation mixes x with an element-wise activation of the catalogue "
                f"that learns nothing; {f.name!r} {wrong}. Use an Activation layer."
            )

    @property
    def activation(self) -> Function:
        """The function as an object."""
        assert isinstance(self.function, Function)
        return self.function

    def add_to(self, graph: Graph, value: Value) -> Value:
        f, columns = self.activation, self._columns(graph, value)
        return graph.add(
            self,
            "parametric_activation",
            value,
            value.shape,
            {
                "name": f.name,
                "parameters": [float(a) for a in f.arguments],
                "positions": positions(value.shape),
                "columns": columns,
            },
            [constant("blend", (columns,), 1.0)],
            mask=value.mask,
        )


@dataclass(frozen=True)
class PeriodicEmbedding(_PerColumn):
    """Every column x of the last axis, and numbers made of waves of it: cos(2 pi x w + b) V + c.

    Each column has its own w, b, V and c.  (..., columns) becomes (..., columns * (units + 1)), the
    1 + units numbers of a column side by side.  A network reads steps and oscillations of a column
    from them that x alone would hide (Gorishniy et al. 2022; in this form, PBLD, Holzmüller et al.
    2024).  Columns should have a spread near 1.

    Attributes
    ----------
    frequencies : int
        Waves per column.
    units : int
        Numbers that are made of them.
    frequency_scale : float
        Standard deviation of the frequencies w at the beginning, in turns per unit of x.
    """

    kind: ClassVar[str] = "periodic_embedding"
    frequencies: int = 16
    units: int = 3
    frequency_scale: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_counts(self, "frequencies", "units")
        if not (math.isfinite(self.frequency_scale) and self.frequency_scale > 0):
            raise ValueError(f"frequency_scale must be a number > 0; met {self.frequency_scale!r}.")

    def _arrays(self, columns: int) -> list[Parameter]:
        waves: Shape = (columns, self.frequencies)
        reach = 1 / math.sqrt(self.frequencies)
        small = Uniform(-reach, reach)
        return [
            Parameter("frequency", waves, Normal(0.0, float(self.frequency_scale))),
            Parameter("phase", waves, Uniform(-math.pi, math.pi)),
            Parameter("weight", (*waves, self.units), small),
            Parameter("bias", (columns, self.units), small),
        ]

    def add_to(self, graph: Graph, value: Value) -> Value:
        columns = self._columns(graph, value)
        return graph.add(
            self,
            "periodic_embedding",
            value,
            (*value.shape[:-1], columns * (self.units + 1)),
            {
                "positions": positions(value.shape),
                "columns": columns,
                "frequencies": self.frequencies,
                "units": self.units,
            },
            self._arrays(columns),
            mask=value.mask,
        )


@dataclass(frozen=True)
class Withhold(Layer):
    """Its input as it is, but in training the rows with ``code`` in a column of X give no slope.

    Branches that end with it learn from different rows of the same batch, as the members of a
    cross-validated ensemble do.  What they predict of the rows that are withheld is honest.

    Attributes
    ----------
    column : int
        Of X, whose rows are flat.
    code : int
        A row with this number in the column is withheld.
    inputs : int
        Columns of X.
    """

    kind: ClassVar[str] = "withhold"
    column: int
    code: int
    inputs: int

    def __post_init__(self) -> None:
        settle_counts(self, "inputs")
        for name in ("column", "code"):
            if not isinstance(getattr(self, name), Integral):
                raise ValueError(f"{name} must be an integer; met {getattr(self, name)!r}.")
        if not 0 <= self.column < self.inputs:
            raise ValueError(
                f"X has the columns 0 ... {self.inputs - 1}; there is no column {self.column!r}."
            )

    def add_to(self, graph: Graph, value: Value) -> Value:
        if len(value.shape) != 1:
            raise self.refuse(graph, value, "one row of numbers")
        fields = {
            "columns": value.shape[0],
            "inputs": self.inputs,
            "column": int(self.column),
            "code": int(self.code),
        }
        x = Value(0, (self.inputs,))
        return graph.add(self, "withhold", [value, x], value.shape, fields)


@dataclass(frozen=True)
class Columns(Layer):
    """``count`` columns of the last axis from ``first`` on: y = x[..., first : first + count].

    Begins a branch of a `Concatenate` that reads a part of x.  An `Embedding` may follow it where x
    is X itself.

    Attributes
    ----------
    first : int
        At least 0.
    count : int
        At least 1.

    Examples
    --------
    Five numbers and a code of 4 in the sixth column:

    >>> from deltarule.layers import Columns, Concatenate, Embedding, Flatten, PeriodicEmbedding
    >>> numbers = [Columns(0, 5), PeriodicEmbedding()]
    >>> codes = [Columns(5, 1), Embedding(4, 2), Flatten()]
    >>> columns = Concatenate([numbers, codes])
    """

    kind: ClassVar[str] = "columns"
    first: int
    count: int

    def __post_init__(self) -> None:
        settle_counts(self, "count")
        first = self.first
        if isinstance(first, bool) or not isinstance(first, Integral) or first < 0:
            raise ValueError(f"first must be an integer >= 0; met {first!r}.")
        object.__setattr__(self, "first", int(first))

    def add_to(self, graph: Graph, value: Value) -> Value:
        end = self.first + self.count
        if not value.shape or value.shape[-1] < end:
            raise self.refuse(
                graph, value, f"rows with the columns {self.first} ... {end - 1} on the last axis"
            )
        fields = {
            "positions": positions(value.shape),
            "columns": value.shape[-1],
            "first": self.first,
            "count": self.count,
        }
        shape = (*value.shape[:-1], self.count)
        return graph.add(self, "columns", value, shape, fields, mask=value.mask)
