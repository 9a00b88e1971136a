"""Lists of layers with a change throughout: what `NetworkClassifier(layers=...)` is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from deltarule import layers
from deltarule.layers import Layer

_LINEAR = (layers.Dense, layers.Conv1D, layers.Conv2D)


def with_activation(stack: Sequence[Layer], to: str, init: Any) -> list[Layer]:
    """Every activation another, and weights that begin in its size."""

    def change(layer: Layer) -> list[Layer]:
        if isinstance(layer, layers.Activation):
            return [layers.Activation(to)]
        if isinstance(layer, _LINEAR):
            activation = None if layer.activation is None else to
            return [replace(layer, activation=activation, init=init)]
        return [layer]

    return _mapped(stack, change)


def with_init(stack: Sequence[Layer], init: Any) -> list[Layer]:
    """Every layer with weights initialised by another rule."""
    named = {"init"}
    return _mapped(
        stack,
        lambda layer: [
            replace(layer, init=init) if named & {f.name for f in fields(layer)} else layer
        ],
    )


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
