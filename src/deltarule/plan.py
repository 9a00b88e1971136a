"""A network as records: layers and a loss with their shapes; knows no array.

``Plan.compile()`` gives what the engine is built from: one small dictionary per layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from deltarule._activation_kinds import Activation
from deltarule._activations import activation
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._losses import Loss, loss
from deltarule._stochastic import GumbelSoftmax

# Distribution, and the shares of fan_in and fan_out in 1 / variance of the initial weights.
INITIALISERS: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "glorot_uniform": ("uniform", 0.5, 0.5),  # Glorot and Bengio 2010
        "glorot_normal": ("normal", 0.5, 0.5),
        "he_uniform": ("uniform", 0.5, 0.0),  # He et al. 2015
        "he_normal": ("normal", 0.5, 0.0),
        "lecun_uniform": ("uniform", 1.0, 0.0),  # LeCun et al. 1998
        "lecun_normal": ("normal", 1.0, 0.0),
    }
)


@dataclass(frozen=True)
class Dense:
    """A fully connected layer of ``units`` units, initialised by ``init``."""

    units: int
    init: str = "glorot_uniform"

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f"A layer has at least one unit; met {self.units}.")
        if self.init not in INITIALISERS:
            raise ValueError(
                f"There is no initialiser named {self.init!r}. There are: "
                f"{', '.join(INITIALISERS)}."
            )

    def compile(self) -> dict[str, Any]:
        return {"type": "dense", "units": self.units, "init": INITIALISERS[self.init]}

    def to_record(self) -> dict[str, Any]:
        return {"type": "dense", "units": self.units, "init": self.init}


@dataclass(frozen=True)
class Activate:
    """An activation of the catalogue, or an own formula, as a layer.

    Raises
    ------
    ValueError
        If the activation draws random numbers in every call: a layer is a function of its input.
    """

    activation: Activation

    def __post_init__(self) -> None:
        if isinstance(self.activation, GumbelSoftmax):
            raise ValueError(
                f"The activation {self.activation.name!r} draws new noise in every call; it is no "
                "layer. Train with 'softmax', the probabilities of its hard samples."
            )

    def compile(self) -> dict[str, Any]:
        f = self.activation
        if isinstance(f, CustomActivation):
            return {"type": "custom_activation", **f.programs}
        return {"type": "activation", "name": f.name, "parameters": f.arguments}

    def to_record(self) -> dict[str, Any]:
        f = self.activation
        if isinstance(f, CustomActivation):
            return {"type": "custom_activation", **f.to_record()}
        return {"type": "activation", "name": f.name, "parameters": dict(f.parameters)}


Layer = Dense | Activate


def _by_name(layer: Activate, values: Sequence[float]) -> dict[str, float]:
    """The parameters of an activation by name."""
    return dict(zip(layer.activation.parameters, values, strict=True))


@dataclass(frozen=True)
class Plan:
    """Layers from ``inputs`` features to raw predictions, and the loss they are trained on."""

    inputs: int
    layers: tuple[Layer, ...]
    loss: Loss

    @property
    def outputs(self) -> int:
        """The width of the last dense layer."""
        return next(layer.units for layer in reversed(self.layers) if isinstance(layer, Dense))

    def with_learned(self, parameters: Sequence[Sequence[float]]) -> Plan:
        """The plan with what its trainable activations have learned, in their order."""
        values = iter(parameters)
        layers = [
            Activate(layer.activation.with_parameters(_by_name(layer, next(values))))
            if isinstance(layer, Activate) and layer.activation.facts["trainable"]
            else layer
            for layer in self.layers
        ]
        return replace(self, layers=tuple(layers))

    def compile(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The layers and the loss as the engine reads them."""
        f = self.loss
        described: dict[str, Any] = {"name": f.name, "parameters": f.arguments}
        if isinstance(f, CustomLoss):
            described = f.programs
        return [layer.compile() for layer in self.layers], described

    def to_record(self) -> dict[str, Any]:
        """The plan as plain data, for a model file."""
        f = self.loss
        described: dict[str, Any] = {"name": f.name, "parameters": dict(f.parameters)}
        if isinstance(f, CustomLoss):
            described = f.to_record()
        return {
            "inputs": self.inputs,
            "layers": [layer.to_record() for layer in self.layers],
            "loss": described,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """The plan a record describes; names and parameters are checked again."""
        chosen = _loss_from_record(record["loss"])
        layers = tuple(_layer_from_record(r) for r in record["layers"])
        return cls(int(record["inputs"]), layers, chosen)


def _loss_from_record(record: Mapping[str, Any]) -> Loss:
    if "formula" in record:
        return CustomLoss.from_record(record)
    recorded: Loss = loss(record["name"], **record["parameters"])
    return recorded


def _layer_from_record(record: Mapping[str, Any]) -> Layer:
    if record["type"] == "dense":
        return Dense(int(record["units"]), record["init"])
    if record["type"] == "activation":
        return Activate(activation(record["name"], **record["parameters"]))
    if record["type"] == "custom_activation":
        return Activate(CustomActivation.from_record(record))
    raise ValueError(f"There is no layer of type {record['type']!r}.")
