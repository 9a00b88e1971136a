"""What multilayer perceptrons share: their layers and the names of their weights."""

from __future__ import annotations

import numpy as np

from deltarule._engine import Weights
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._gradient import shown_names
from deltarule.estimators._parameters import hidden_activations, hidden_sizes
from deltarule.estimators._rows import Array
from deltarule.plan import Activation, Dense, Layer, Plan


class BaseMLP(BaseNetwork):
    """A multilayer perceptron; see the two concrete estimators."""

    coefs_: list[Array]
    intercepts_: list[Array]

    def _hidden_layers(self) -> list[Layer]:
        sizes = hidden_sizes(self.hidden_layer_sizes)
        activations = hidden_activations(self.activation, len(sizes))
        layers: list[Layer] = []
        for size, f in zip(sizes, activations, strict=True):
            layers += [Dense(size, self.init), Activation(f)]
        return layers

    def _set_weights(self, weights: Weights) -> None:
        self._plan = self._plan.with_learned(weights)
        self.coefs_ = [w for name, w in weights.items() if name.endswith(".weight")]
        self.intercepts_ = [b for name, b in weights.items() if name.endswith(".bias")]

    def _fitted_weights(self) -> Weights:
        return weights_of_mlp(self._plan, self.coefs_, self.intercepts_)

    def _shown_names(self) -> dict[str, str]:
        return shown_names(self._plan)


def weights_of_mlp(plan: Plan, coefs: list[Array], intercepts: list[Array]) -> Weights:
    """The weights of a multilayer perceptron by name, what activations learned from the plan."""
    matrices, biases = iter(coefs), iter(intercepts)
    weights: Weights = {}
    for node in plan.nodes:
        if node.kind == "dense":
            weights[f"{node.name}.weight"] = next(matrices)
            weights[f"{node.name}.bias"] = next(biases)
        for p in node.parameters:
            if p.name == "parameters":
                learned = np.array(node.layer.activation.arguments, dtype=coefs[0].dtype)
                weights[f"{node.name}.parameters"] = learned
    return weights
