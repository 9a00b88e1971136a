"""What multilayer perceptrons share: their layers and the names of their weights."""

from __future__ import annotations

from deltarule._activation_kinds import Activation as Function
from deltarule._engine import Weights
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._gradient import shown_names
from deltarule.estimators._parameters import (
    BLOCKS,
    check_parameters,
    decay_of,
    hidden_activations,
    hidden_sizes,
)
from deltarule.estimators._rows import Array
from deltarule.layers import BatchNorm, Dropout, Residual
from deltarule.plan import Activation, Dense, Layer


class BaseMLP(BaseNetwork):
    """A multilayer perceptron; see the two concrete estimators."""

    coefs_: list[Array]
    intercepts_: list[Array]
    _rest: Weights  # of normalisations and activations

    def _hidden_layers(self) -> list[Layer]:
        check_parameters(self, BLOCKS)
        sizes = hidden_sizes(self.hidden_layer_sizes)
        activations = hidden_activations(self.activation, len(sizes))
        layers: list[Layer] = []
        for size, f in zip(sizes, activations, strict=True):
            block = self._block(size, f)
            layers += [Residual(block)] if self.residual else block
        return layers

    def _block(self, size: int, f: Function) -> list[Layer]:
        """A hidden layer with what belongs to it."""
        dense = Dense(
            size,
            self.init,
            l1=float(self.l1),
            weight_decay=decay_of(self),
            max_norm=self.max_norm,
        )
        block: list[Layer] = [dense]
        if self.batch_norm:
            block.append(BatchNorm())
        block.append(Activation(f))
        if self.dropout:
            block.append(Dropout(float(self.dropout)))
        return block

    def _output_layer(self, outputs: int) -> Layer:
        return Dense(outputs, self.init, l1=float(self.l1), weight_decay=decay_of(self))

    def _after_output(self) -> list[Layer]:
        return [] if self.out_activation is None else [Activation(self.out_activation)]

    def _set_weights(self, weights: Weights) -> None:
        self._plan = self._plan.with_learned(weights)
        self.coefs_ = [w for name, w in weights.items() if name.endswith(".weight")]
        self.intercepts_ = [b for name, b in weights.items() if name.endswith(".bias")]
        shown = (".weight", ".bias")
        self._rest = {name: w for name, w in weights.items() if not name.endswith(shown)}

    def _fitted_weights(self) -> Weights:
        matrices, biases = iter(self.coefs_), iter(self.intercepts_)
        sources = {"weight": matrices, "bias": biases}
        return {
            name: next(sources[p.name]) if p.name in sources else self._rest[name]
            for name, p in self._plan.parameters
        }

    def _weight_arrays(self) -> list[Array]:
        if self._rest or len(self.coefs_) != len(self.intercepts_):
            return super()._weight_arrays()
        return [a for pair in zip(self.coefs_, self.intercepts_, strict=True) for a in pair]

    def _shown_names(self) -> dict[str, str]:
        return shown_names(self._plan)
