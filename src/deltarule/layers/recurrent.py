"""Recurrent layers over sequences (steps, features)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from deltarule._activation_kinds import Activation as Function
from deltarule._activations import activation
from deltarule._custom import CustomActivation
from deltarule.initialisers import Array, Fans, Initialiser, initialiser
from deltarule.layers._graph import Graph, Parameter, Shape, Value, constant, weight
from deltarule.layers._layer import Weighted, settle_counts
from deltarule.layers.structure import beside


@dataclass(frozen=True)
class _Recurrent(Weighted):
    units: int
    return_sequences: bool = False
    bidirectional: bool = False
    initial_state: Literal["zeros", "learned"] = "zeros"
    truncate: int | None = None
    init: str | Initialiser = "glorot_uniform"
    recurrent_init: str | Initialiser = "orthogonal"

    _gates: ClassVar[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_counts(self, "units")
        if self.truncate is not None:
            settle_counts(self, "truncate")
        if self.initial_state not in ("zeros", "learned"):
            raise ValueError(
                f"initial_state must be 'zeros' or 'learned'; met {self.initial_state!r}."
            )
        initialiser(self.init)
        initialiser(self.recurrent_init)

    def _arrays(self, inputs: int) -> list[Parameter]:
        h, g = self.units, self._gates
        recurrent = _GateByGate(initialiser(self.recurrent_init), g)
        return [
            weight("weight", (inputs, g * h), self.init, inputs, h),
            Parameter("recurrent", (h, g * h), recurrent, Fans(h, h)),
            self._bias(),
        ]

    def _bias(self) -> Parameter:
        return constant("bias", (self._gates * self.units,))

    def _states(self) -> list[Parameter]:
        return [constant("initial_hidden", (self.units,))]

    def _fields(self) -> Mapping[str, Any]:
        return {}

    def add_to(self, graph: Graph, value: Value) -> Value:
        if len(value.shape) != 2:
            raise self.refuse(graph, value, "sequences (steps, features)")
        ways = (False, True) if self.bidirectional else (False,)
        values = [self._one_way(graph, value, backwards) for backwards in ways]
        if len(values) == 1:
            return values[0]
        return beside(graph, self, values, values[0].mask)

    def _one_way(self, graph: Graph, value: Value, backwards: bool) -> Value:
        steps, inputs = value.shape
        arrays = self._arrays(inputs)
        if self.initial_state == "learned":
            arrays += self._states()
        fields = {
            "steps": steps,
            "inputs": inputs,
            "units": self.units,
            "all_steps": bool(self.return_sequences),
            "backwards": backwards,
            "truncated": self.truncate or 0,
            "masked": value.mask is not None,
            "learns_state": self.initial_state == "learned",
            **self._fields(),
        }
        reads = [value]
        if value.mask is not None:
            reads.append(Value(value.mask, (steps,)))
        part = ("backward" if backwards else "forward") if self.bidirectional else ""
        return graph.add(
            self,
            self.kind,
            reads,
            (steps, self.units) if self.return_sequences else (self.units,),
            fields,
            arrays,
            mask=value.mask if self.return_sequences else None,
            part=part,
        )


@dataclass(frozen=True)
class _GateByGate(Initialiser):
    """Every gate's square of recurrent weights is drawn by itself."""

    each: Initialiser
    gates: int

    def draw(self, shape: Shape, fans: Fans, seed: int, stream: int) -> Array:
        import numpy as np

        square = (shape[0], shape[1] // self.gates)
        parts = [self.each.draw(square, fans, seed, stream + (g << 40)) for g in range(self.gates)]
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    Reads (steps, features); gives the last state (units,) or all of them (steps, units).  Gates are
    stored in the order input, forget, candidate, output, as in PyTorch and Keras.

    Attributes
    ----------
    units : int
    return_sequences : bool
    bidirectional : bool
        A second layer reads backwards in time; what both give is joined along the last axis.
    initial_state : {"zeros", "learned"}
        Learned: arrays ``initial_hidden`` and ``initial_cell`` that begin at 0.
    truncate : int, optional
        Slopes do not flow past every so many steps; None: full back-propagation through time.
    init, recurrent_init : str or Initialiser
    forget_bias : float
        Where the bias of the forget gate begins (Jozefowicz et al. 2015).
    """

    kind: ClassVar[str] = "lstm"
    _gates: ClassVar[int] = 4
    forget_bias: float = 1.0

    def _bias(self) -> Parameter:
        h = self.units
        values = (0.0, float(self.forget_bias), 0.0, 0.0)
        return Parameter("bias", (4 * h,), _Repeated(values, h))

    def _states(self) -> list[Parameter]:
        return [*super()._states(), constant("initial_cell", (self.units,))]


@dataclass(frozen=True)
class _Repeated(Initialiser):
    values: tuple[float, ...]
    times: int

    def draw(self, shape: Shape, fans: Fans, seed: int, stream: int) -> Array:
        import numpy as np

        return np.repeat(np.array(self.values), self.times)


@dataclass(frozen=True)
class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al. 2014), the reset gate after the product as in cuDNN.

    The attributes are those of `LSTM` without ``forget_bias``.  Gates are stored in the order
    reset, update, candidate, as in PyTorch; ``recurrent_bias`` is that of the candidate.
    """

    kind: ClassVar[str] = "gru"
    _gates: ClassVar[int] = 3

    def _arrays(self, inputs: int) -> list[Parameter]:
        return [*super()._arrays(inputs), constant("recurrent_bias", (self.units,))]


@dataclass(frozen=True)
class SimpleRNN(_Recurrent):
    """h = f(x W + h_before U + b) (Elman 1990).

    The attributes are those of `LSTM` without ``forget_bias``, and

    Attributes
    ----------
    activation : str or Activation
        f, an element-wise activation of the catalogue.
    """

    kind: ClassVar[str] = "simple_rnn"
    _gates: ClassVar[int] = 1
    activation: str | Function = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        f = activation(self.activation)
        if f.facts["kind"] != "elementwise" or isinstance(f, CustomActivation):
            raise ValueError(
                f"The activation of a SimpleRNN is an element-wise one of the catalogue; {f.name} "
                "is not."
            )
        object.__setattr__(self, "activation", f)

    def _fields(self) -> Mapping[str, Any]:
        f = self.activation
        assert isinstance(f, Function)
        return {"name": f.name, "parameters": [float(a) for a in f.arguments]}
