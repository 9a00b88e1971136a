"""Lists of layers with a change throughout: what `NetworkClassifier(layers=...)` is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from deltarule import layers
from deltarule.doctor.evidence import SHARES
from deltarule.layers import Layer

_LINEAR = (layers.Dense, layers.Conv1D, layers.Conv2D)


def with_activation(stack: Sequence[Layer], to: str, init: Any) -> list[Layer]:
    """Every activation another, and weights that begin in its size; of a linear stack: one."""
    linear = not any(_bends(layer) for layer in stack)

    def change(layer: Layer) -> list[Layer]:
        if isinstance(layer, layers.Activation):
            return [layers.Activation(to)]
        if isinstance(layer, _LINEAR):
            activation = to if linear or layer.activation is not None else None
            return [replace(layer, activation=activation, init=init)]
        return [layer]

    return _mapped(stack, change)


def _bends(layer: Layer) -> bool:
    named = getattr(layer, "activation", getattr(layer, "function", "another"))
    return named not in (None, "identity")


def with_fields(stack: Sequence[Layer], **values: Any) -> list[Layer]:
    """Every layer with other values for those of the fields that it has."""

    def change(layer: Layer) -> list[Layer]:
        own = {f.name for f in fields(layer)}
        return [replace(layer, **{name: v for name, v in values.items() if name in own})]

    return _mapped(stack, change)


def with_memory(stack: Sequence[Layer], forget_bias: float) -> list[Layer]:
    """Every recurrent layer an LSTM whose forget gates begin with a bias."""

    def change(layer: Layer) -> list[Layer]:
        if not hasattr(layer, "recurrent_init"):
            return [layer]
        named = {f.name for f in fields(layers.LSTM)}
        kept = {f.name: getattr(layer, f.name) for f in fields(layer) if f.name in named}
        return [layers.LSTM(**{**kept, "forget_bias": forget_bias})]

    return _mapped(stack, change)


def with_scaling(stack: Sequence[Layer]) -> list[Layer]:
    """Features of mean 0 and deviation 1 before everything else."""
    if stack and isinstance(stack[0], layers.BatchNorm):
        return list(stack)
    return [layers.BatchNorm(), *stack]


def with_penalty(stack: Sequence[Layer], l1: float, dropout: float) -> list[Layer]:
    """No penalty of a layer's own but one, and another rate of dropout."""

    def change(layer: Layer) -> list[Layer]:
        if isinstance(layer, layers.Dropout):
            return [replace(layer, rate=dropout)]
        if isinstance(layer, _LINEAR):
            return [replace(layer, l1=l1, l2=0.0, weight_decay=0.0, max_norm=None)]
        return [layer]

    return _mapped(stack, change)


def without_shares(stack: Sequence[Layer]) -> list[Layer]:
    """Without a softmax or the like at the end, nor the layer that only feeds it."""
    kept = list(stack)
    while kept and _function(kept[-1]) in SHARES:
        kept.pop()
    return kept


def _function(layer: Layer) -> Any:
    named = getattr(layer, "function", getattr(layer, "activation", None))
    return getattr(named, "name", named)


def with_batch_norm(stack: Sequence[Layer]) -> list[Layer]:
    """Batch normalisation before every activation of a dense or convolutional layer."""

    def change(layer: Layer) -> list[Layer]:
        if not isinstance(layer, _LINEAR) or layer.activation is None:
            return [layer]
        return [
            replace(layer, activation=None),
            layers.BatchNorm(),
            layers.Activation(layer.activation),
        ]

    return _mapped(stack, change)


def with_residuals(stack: Sequence[Layer]) -> list[Layer]:
    """A way around every dense layer with an activation."""

    def around(layer: Layer) -> Layer:
        bends = isinstance(layer, layers.Dense) and layer.activation is not None
        return layers.Residual([layer]) if bends else layer

    return [around(layer) for layer in stack]


def _mapped(stack: Sequence[Layer], change: Any) -> list[Layer]:
    changed: list[Layer] = []
    for layer in stack:
        if isinstance(layer, layers.Residual):
            changed.append(replace(layer, layers=_mapped(layer.layers, change)))
        elif isinstance(layer, layers.Concatenate):
            branches = [_mapped(branch, change) for branch in layer.branches]
            changed.append(replace(layer, branches=branches))
        else:
            changed.extend(change(layer))
    return changed
