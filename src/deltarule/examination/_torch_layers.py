"""Modules of PyTorch as the layers of the engine that they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deltarule import layers
from deltarule._activations import activation
from deltarule._losses import losses
from deltarule._systems import profile
from deltarule.doctor import LayerFacts
from deltarule.examination._layers import facts_of
from deltarule.initialisers import Constant
from deltarule.layers import Layer, Node, Parameter

# Kinds of nodes by how the name of a class begins; the first that fits.
_KINDS = {
    "Linear": "dense",
    "LazyLinear": "dense",
    "Bilinear": "dense",
    "Conv": "convolution",
    "LazyConv": "convolution",
    "BatchNorm": "batch_norm",
    "SyncBatchNorm": "batch_norm",
    "LazyBatchNorm": "batch_norm",
    "LayerNorm": "row_norm",
    "RMSNorm": "row_norm",
    "LSTM": "lstm",
    "GRU": "gru",
    "RNN": "simple_rnn",
    "Embedding": "embedding",
    "PReLU": "channel_activation",
    "Dropout": "dropout",
    "AlphaDropout": "dropout",
    "MaxPool": "pool",
    "AvgPool": "pool",
    "AdaptiveMaxPool": "pool",
    "AdaptiveAvgPool": "pool",
}
_PASSED_OVER = ("Identity", "Flatten", "Unflatten")  # they compute nothing
_CHANNELS_FIRST = ("convolution", "pool")


def is_layer(module: Any) -> bool:
    """Whether it computes by itself: it has no parts, or weights beside these."""
    if type(module).__name__ in _PASSED_OVER:
        return False
    has_parts = next(module.children(), None) is not None
    return not has_parts or next(module.parameters(recurse=False), None) is not None


def kind_of(module: Any) -> str:
    """The engine's name of what it computes; of what the engine does not have, its own."""
    name = type(module).__name__
    if activation_of(module) is not None:
        return "activation"
    found = (kind for beginning, kind in _KINDS.items() if name.startswith(beginning))
    return next(found, name.lower())


def puts_channels_first(module: Any) -> bool | None:
    """Whether channels are the first axis of a row behind it; None: as before it."""
    kind = kind_of(module)
    if kind in _CHANNELS_FIRST:
        return True
    return (
        False if kind in ("dense", "row_norm", "lstm", "gru", "simple_rnn", "embedding") else None
    )


def activation_of(module: Any) -> Any:
    """The function of the catalogue that a module computes; None where there is none."""
    if type(module).__module__ != "torch.nn.modules.activation" or _has_weights(module):
        return None
    name = type(module).__name__
    if getattr(module, "approximate", "none") != "none":
        name = f"gelu(approximate={module.approximate!r})"
    try:
        row, parameters = profile("activation", name, "torch")
        known = {p for p, _, _ in activation(row).facts["parameters"]}
        own = {p: getattr(module, p) for p in known if hasattr(module, p)}
        return activation(row, **{**parameters, **own})
    except ValueError:  # the catalogue has no such function
        return None


def loss_of(module: Any) -> tuple[str, str]:
    """Name and link of a loss of PyTorch; of another one the name of its class and no link."""
    if module is None:
        return "unknown", "unknown"
    name = type(module).__name__
    try:
        row, _ = profile("loss", name, "torch")
    except ValueError:
        return name, "identity"
    link = str(getattr(losses[row], "link", "none"))
    return row, "identity" if link == "none" else link


def weights_of(module: Any) -> dict[str, Any]:
    """The parameters that count as its weights: matrices and kernels, or all where it has none."""
    own = {n: p for n, p in module.named_parameters(recurse=False) if p.requires_grad}
    return {n: p for n, p in own.items() if p.dim() > 1} or own


def facts(name: str, module: Any, units: int) -> LayerFacts:
    """The layer as the doctor reads it; how its weights began is not known."""
    f = activation_of(module)
    record: Layer = layers.Dropout(0.0) if f is None else layers.Activation(f)
    if kind_of(module) == "dropout":
        record = layers.Dropout(min(float(module.p), 1 - 1e-9))
    node = Node(name, kind_of(module), (0,), (units,), {}, _parameters(module), {}, record)
    return replace(facts_of(node), init="")


def last_axis_units(module: Any, array: Any) -> Any:
    """An array of its weights with the units on the last axis."""
    if array.ndim < 2 or kind_of(module) == "embedding":
        return array
    return array.swapaxes(int("Transpose" in type(module).__name__), -1)


def _parameters(module: Any) -> tuple[Parameter, ...]:
    """As a node has them: the last axis of weights counts units."""
    named = module.named_parameters(recurse=False)
    shapes = {name: last_axis_units(module, p.detach()).shape for name, p in named}
    return tuple(Parameter(name, tuple(s), Constant(0.0)) for name, s in shapes.items())


def _has_weights(module: Any) -> bool:
    return next(module.parameters(), None) is not None
