"""Activations as layers, and what is random in training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from deltarule._activation_kinds import Activation as Function
from deltarule._activations import activation
from deltarule._custom import CustomActivation
from deltarule._stochastic import GumbelSoftmax
from deltarule.initialisers import Array, Fans, Initialiser
from deltarule.layers._graph import Graph, Parameter, Shape, Value, constant, positions
from deltarule.layers._layer import Layer, Weighted


@dataclass(frozen=True)
class Activation(Weighted):
    """An activation of the catalogue, or an own formula; row-wise ones work along the last axis.

    Gated ones (``"glu"``, ``"swiglu"`` ...) halve that axis, ``"maxout"`` divides it by its
    pieces, ``"crelu"`` doubles it.  Trainable ones (``"prelu"``, ``"xielu"``) learn their
    parameters, one set for the layer.

    Attributes
    ----------
    function : str or Activation
        A name, or an activation with its parameters set.

    Raises
    ------
    ValueError
        If the activation draws random numbers in every call: a layer is a function of its input.
    """

    kind: ClassVar[str] = "activation"
    function: str | Function

    def __post_init__(self) -> None:
        super().__post_init__()
        f = activation(self.function)
        object.__setattr__(self, "function", f)
        if isinstance(f, GumbelSoftmax):
            raise ValueError(
                f"The activation {f.name!r} draws new noise in every call; it is no layer. Train "
                "with 'softmax', the probabilities of its hard samples."
            )

    @property
    def activation(self) -> Function:
        """The function as an object."""
        assert isinstance(self.function, Function)
        return self.function

    @property
    def learns(self) -> bool:
        """Whether it learns its parameters."""
        return bool(self.activation.facts["trainable"])

    def add_to(self, graph: Graph, value: Value) -> Value:
        f, shape = self.activation, value.shape
        columns, rows = shape[-1], positions(shape)
        size = {"columns": math.prod(shape)}
        if isinstance(f, CustomActivation):
            fields: dict[str, Any] = {**f.programs, **size}
            return graph.add(self, "custom_activation", value, shape, fields, mask=value.mask)
        named = {"name": f.name, "parameters": [float(a) for a in f.arguments]}
        if self.learns:
            arrays = [Parameter("parameters", (len(f.arguments),), _Given(tuple(f.arguments)))]
            return graph.add(
                self,
                "trainable_activation",
                value,
                shape,
                {**named, **size},
                arrays,
                mask=value.mask,
            )
        return graph.add(
            self,
            "activation",
            value,
            (*shape[:-1], self._width(graph, value)),
            {**named, "positions": rows, "columns": columns},
            mask=value.mask,
        )

    def _width(self, graph: Graph, value: Value) -> int:
        n, f = value.shape[-1], self.activation
        pieces = int(f.arguments[0]) if f.arguments else 1
        per = {"same": 1, "one": n, "half": 2, "twice": 0.5, "per_pieces": pieces}
        divisor = per[f.facts["width"]]
        if n / divisor != int(n / divisor):
            raise self.refuse(
                graph, value, f"rows whose length is a multiple of {divisor} ({f.name})"
            )
        return int(n / divisor)


@dataclass(frozen=True)
class _Given(Initialiser):
    """Initial parameters that the record of an activation states."""

    values: tuple[float, ...]

    def draw(self, shape: Shape, fans: Fans, seed: int, stream: int) -> Array:
        import numpy as np

        return np.array(self.values, dtype=np.float64).reshape(shape)


@dataclass(frozen=True)
class PReLU(Weighted):
    """max(0, x) + a min(0, x) with a learned slope a per channel, the last axis (He et al. 2015).

    Attributes
    ----------
    init : float
        Where the slopes begin.
    """

    kind: ClassVar[str] = "prelu"
    init: float = 0.25

    def add_to(self, graph: Graph, value: Value) -> Value:
        columns, rows = value.shape[-1], positions(value.shape)
        fields = {"name": "prelu", "positions": rows, "columns": columns}
        return graph.add(
            self,
            "channel_activation",
            value,
            value.shape,
            fields,
            [constant("slope", (columns,), float(self.init))],
            mask=value.mask,
        )


@dataclass(frozen=True)
class Ordered(Layer):
    """Numbers that rise along a row: y_0 = x_0, y_k = y_(k-1) + softplus(x_k).

    Behind the output layer of a network for several quantiles: they do not cross.
    """

    kind: ClassVar[str] = "ordered"

    def add_to(self, graph: Graph, value: Value) -> Value:
        if len(value.shape) != 1:
            raise self.refuse(graph, value, "one row of numbers")
        fields = {"columns": value.shape[-1]}
        return graph.add(self, "ordered", value, value.shape, fields)


@dataclass(frozen=True)
class _Random(Layer):
    """A layer that draws random numbers in training and passes its input on otherwise."""

    rate: float = 0.5
    _alpha: ClassVar[bool]

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"The rate of a dropout must be in [0, 1); met {self.rate!r}.")

    def add_to(self, graph: Graph, value: Value) -> Value:
        fields = {
            "columns": math.prod(value.shape),
            "rate": float(self.rate),
            "alpha": self._alpha,
            "stream": len(graph.nodes) % 65536,
        }
        return graph.add(self, "dropout", value, value.shape, fields, mask=value.mask)


@dataclass(frozen=True)
class Dropout(_Random):
    """In training, numbers are 0 with the probability ``rate``, the others divided by 1 - rate.

    Srivastava et al. 2014.  Predictions are not touched.
    """

    kind: ClassVar[str] = "dropout"
    _alpha: ClassVar[bool] = False


@dataclass(frozen=True)
class AlphaDropout(_Random):
    """Dropout that keeps mean 0 and variance 1 behind selu (Klambauer et al. 2017)."""

    kind: ClassVar[str] = "alpha_dropout"
    _alpha: ClassVar[bool] = True
