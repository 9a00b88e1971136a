"""A network as records: layers and a loss with their shapes; knows no array.

`Plan.compile` gives what the engine is built from: one small dictionary per node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from deltarule import initialisers, layers
from deltarule._activation_kinds import Activation as Function
from deltarule._activations import activation
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._losses import Loss, loss, losses
from deltarule.layers import Activation, Dense, Graph, Layer, Node, Parameter, Value

__all__ = ["Activation", "Dense", "Layer", "Plan", "of_raw_predictions"]


@dataclass(frozen=True)
class Plan:
    """Layers from rows of features to raw predictions, and the loss they are trained on.

    Attributes
    ----------
    inputs : int or tuple of int
        The shape of a row; an integer stands for so many features.
    layers : tuple of Layer
    loss : Loss
    levels : tuple of float
        Of quantiles or expectiles, one per output: the first parameter of the loss.  None: the loss
        is the same for all outputs.
    """

    inputs: int | tuple[int, ...]
    layers: tuple[Layer, ...]
    loss: Loss
    levels: tuple[float, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a row of features."""
        return (self.inputs,) if isinstance(self.inputs, int) else tuple(self.inputs)

    @cached_property
    def _compiled(self) -> tuple[tuple[Node, ...], Value]:
        graph = Graph()
        value = Value(0, self.shape)
        for layer in self.layers:
            value = layer.add_to(graph, value)
        if value.index != len(graph.nodes) or not graph.nodes:
            raise ValueError(
                "The last layer of a network computes its predictions; one that only reshapes or "
                "masks, or none at all, does not."
            )
        return tuple(graph.nodes), value

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The layers of the engine, in their order."""
        return self._compiled[0]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of the raw predictions of a row."""
        return self._compiled[1].shape

    @property
    def outputs(self) -> int:
        """How many raw predictions a row has."""
        return math.prod(self.output_shape)

    @property
    def positions(self) -> int:
        """How many predictions a row has, the mean of whose losses is its loss: time steps."""
        return math.prod(self.output_shape[:-1])

    @property
    def parameters(self) -> list[tuple[str, Parameter]]:
        """The arrays of weights by name, in the engine's order."""
        return [(f"{node.name}.{p.name}", p) for node in self.nodes for p in node.parameters]

    def with_learned(self, weights: Mapping[str, Any]) -> Plan:
        """The plan with what its trainable activations have learned, from the arrays of weights."""
        learned = {
            id(node.layer): weights[f"{node.name}.parameters"].tolist()
            for node in self.nodes
            if node.kind == "trainable_activation"
        }
        if not learned:
            return self
        changed = tuple(_with_parameters(layer, learned) for layer in self.layers)
        return replace(self, layers=changed)

    def compile(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The nodes and the loss as the engine reads them."""
        f = self.loss
        described: dict[str, Any] = {
            "name": f.name,
            "parameters": f.arguments,
            "levels": list(self.levels),
        }
        if isinstance(f, CustomLoss):
            described = f.programs
        return [node.compile() for node in self.nodes], described

    def to_record(self) -> dict[str, Any]:
        """The plan as plain data, for a model file."""
        return {
            "inputs": list(self.shape),
            "layers": [to_record(layer) for layer in self.layers],
            "loss": to_record(self.loss),
            "levels": list(self.levels),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """The plan a record describes; names and parameters are checked again."""
        shape = tuple(int(n) for n in record["inputs"])
        listed = tuple(from_record(r) for r in record["layers"])
        for layer in listed:
            if not isinstance(layer, Layer):
                raise ValueError(f"A plan is made of layers; met {layer!r}.")
        chosen = from_record(record["loss"])
        if not isinstance(chosen, Loss):
            raise ValueError(f"A plan has a loss; met {chosen!r}.")
        levels = tuple(float(level) for level in record.get("levels", ()))
        return cls(shape[0] if len(shape) == 1 else shape, listed, chosen, levels)


def _with_parameters(layer: Layer, learned: Mapping[int, Sequence[float]]) -> Layer:
    """A layer, and the layers it is made of, with parameters of activations by identity."""
    if isinstance(layer, Activation) and id(layer) in learned:
        f = layer.activation
        named = dict(zip(f.parameters, learned[id(layer)], strict=True))
        return replace(layer, function=f.with_parameters(named))
    if isinstance(layer, layers.Residual):
        return replace(layer, layers=tuple(_with_parameters(one, learned) for one in layer.layers))
    if isinstance(layer, layers.Concatenate):
        branches = tuple(
            tuple(_with_parameters(one, learned) for one in branch) for branch in layer.branches
        )
        return replace(layer, branches=branches)
    return layer


# ---- losses -------------------------------------------------------------------------------------

# Losses of probabilities, and the same losses of the raw predictions that a network trains on.
_MERGED = {
    "binary_cross_entropy": "bce_with_logits",
    "categorical_cross_entropy": "softmax_cross_entropy",
    "poisson": "poisson_log",
}


def of_raw_predictions(chosen: Any) -> Loss:
    """The loss with its link merged, on which a network can be trained.

    Raises
    ------
    ValueError
        If the loss takes several arrays, or something else than raw predictions.
    """
    if chosen.name in _MERGED and not hasattr(chosen, "own_kind"):
        known: Loss = losses[_MERGED[chosen.name]]
        shared = {k: v for k, v in chosen.parameters.items() if k in known.parameters}
        return known.with_parameters(shared)
    if not isinstance(chosen, Loss) or chosen.link == "none":
        raise ValueError(
            f"The loss {chosen.name} is not one of raw predictions and single targets, so a "
            "network cannot train on it; use its value_and_gradient in a loop of your own."
        )
    return chosen


# ---- records ------------------------------------------------------------------------------------

_TYPES = {
    cls.__name__: cls
    for home in (layers, initialisers)
    for cls in vars(home).values()
    if isinstance(cls, type) and issubclass(cls, Layer | initialisers.Initialiser)
}


_FUNCTIONS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "own activation": CustomActivation.from_record,
    "own loss": CustomLoss.from_record,
    "activation": lambda stated: activation(stated["name"], **stated["parameters"]),
    "loss": lambda stated: loss(stated["name"], **stated["parameters"]),
}


def to_record(value: Any) -> Any:
    """A layer, an initialiser, a function, or what they are made of, as plain data."""
    if isinstance(value, CustomActivation | CustomLoss):
        return {"type": f"own {value.own_kind}", **value.to_record()}
    if isinstance(value, Function | Loss):
        kind = "activation" if isinstance(value, Function) else "loss"
        return {"type": kind, "name": value.name, "parameters": dict(value.parameters)}
    if isinstance(value, Layer | initialisers.Initialiser):
        stated = {
            f.name: to_record(getattr(value, f.name))
            for f in fields(value)
            if f.default != getattr(value, f.name)
        }
        return {"type": type(value).__name__, **stated}
    if isinstance(value, tuple | list):
        return [to_record(v) for v in value]
    return value


def from_record(record: Any) -> Any:
    """What `to_record` described."""
    if isinstance(record, list):
        return tuple(from_record(r) for r in record)
    if not isinstance(record, Mapping):
        return record
    stated = dict(record)
    kind = stated.pop("type", None)
    if kind in _FUNCTIONS:
        return _FUNCTIONS[kind](stated)
    if kind not in _TYPES:
        raise ValueError(f"There is no layer of type {kind!r}.")
    known = {f.name for f in fields(_TYPES[kind])}
    if not stated.keys() <= known:
        raise ValueError(f"A {kind} has no {', '.join(sorted(stated.keys() - known))}.")
    return _TYPES[kind](**{name: from_record(v) for name, v in stated.items()})
