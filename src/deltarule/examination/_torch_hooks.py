"""Hooks that look at some batches of a module of PyTorch."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.examination import _torch_layers as modules
from deltarule.examination._replay import Tally
from deltarule.examination._torch_arrays import (
    Array,
    array_of,
    few,
    rows_of,
    sample_of,
    tensor_of,
)
from deltarule.vitals import NUMBERS

_FIRST_EPOCHS = 8  # of which the first batch is watched
_ELEMENTWISE = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")  # they broadcast, with a warning


class Layer:
    """A module with what is known of it in the epoch."""

    def __init__(self, name: str, module: Any) -> None:
        self.name, self.module = name, module
        self.tally = Tally(modules.activation_of(module))
        self.puts_channels_first = modules.puts_channels_first(module)
        self.units = 0
        self.weights: dict[str, Any] = {}
        self.gradients: dict[str, Array] = {}
        self.before: dict[str, Array] = {}
        self.first: dict[str, Array] = {}  # some of the weights with which training began
        self.newborn: Array | None = None  # numbers of the first batch, at these weights

    def see_birth(self) -> None:
        """Note the numbers of the first batch, with the weights before its step."""
        self.newborn = self.tally.numbers()
        if self.before:
            began = np.concatenate([w.ravel() for w in self.before.values()]).astype(np.float64)
            self.newborn[NUMBERS.index("weight_rms")] = math.sqrt(np.mean(began**2))

    @property
    def change(self) -> float:
        """Size of the change of the weights in all steps over that with which they began."""
        own = dict(self.module.named_parameters(recurse=False))
        began = list(self.first.values())
        now = [sample_of(array_of(own[name])) for name in self.first]
        size = math.sqrt(sum(float(w @ w) for w in began))
        moved = math.sqrt(sum(float(np.sum((a - b) ** 2)) for a, b in zip(now, began, strict=True)))
        return moved / size if size > 0 else math.inf if moved > 0 else 0.0


class Hooks:
    """What the layers of a module do, gathered from one batch in some.

    Parameters
    ----------
    module : torch.nn.Module
    optimizer : torch.optim.Optimizer
    loss : torch.nn.Module or None
    every : int

    Attributes
    ----------
    layers : dict of str to Layer
        By name, in the order in which they compute, as far as they were seen.
    steps, epochs : int
        That were seen, and that were ended.
    seconds, rate : float
        Of the steps of the epoch, and of the last of them.
    batch_size : int
        Rows of the first batch that was watched; 0 before.
    compared : tuple of tuple of int
        Shapes of the first predictions and targets that a loss of numbers compared; empty: none.
    first_loss : float
        Of that batch, where it is computed by the module that was given; else NaN.
    """

    def __init__(self, module: Any, optimizer: Any, loss: Any, every: int) -> None:
        self.layers: dict[str, Layer] = {}
        self.steps = self.epochs = self.batch_size = 0
        self.rate = float(optimizer.param_groups[0]["lr"])
        self._module, self._every = module, every
        named = ((n or type(part).__name__.lower(), part) for n, part in module.named_modules())
        self._known = [Layer(name, part) for name, part in named if modules.is_layer(part)]
        self._begins_epoch, self._watching, self._channels_first = True, False, False
        self._began = self._ended = time.perf_counter()
        self._temporary: list[Any] = []
        self._lasting = [
            module.register_forward_pre_hook(self._begin),
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]
        self.first_loss = math.nan
        self.compared: tuple[tuple[int, ...], ...] = ()
        if loss is not None:
            self._lasting.append(loss.register_forward_hook(self._see_loss))

    @property
    def seconds(self) -> float:
        """From the first batch of the epoch to its last step."""
        return self._ended - self._began

    def end_epoch(self, names: tuple[str, ...]) -> NDArray[np.float32] | None:
        """Numbers and quantiles of layers; None: no batch was watched.  The next epoch begins."""
        self._stop_looking()
        layers = [self.layers[name] for name in names]
        rows = [layer.tally.numbers() for layer in layers]
        watched = not all(layer.tally.is_empty for layer in layers)
        for layer in self._known:
            layer.tally.begin_epoch()
        self._begins_epoch = True
        self.epochs += 1
        return np.array(rows, np.float32) if watched else None

    def remove(self) -> None:
        """Take all hooks away."""
        self._stop_looking()
        for handle in self._lasting:
            handle.remove()
        self._lasting = []

    # ---- when a batch is looked at

    def _begin(self, module: Any, args: Any) -> None:
        """The module is about to compute."""
        import torch

        if self._watching or not module.training or not torch.is_grad_enabled():
            return
        if self._begins_epoch:
            self._began = time.perf_counter()
        is_first = self._begins_epoch and self.epochs < _FIRST_EPOCHS
        self._begins_epoch = False
        if is_first or self.steps % self._every == 0:
            self._watching, self._channels_first = True, False
            self.batch_size = self.batch_size or rows_of(args)
            self._look()

    def _look(self) -> None:
        keep = self._temporary.append
        for layer in self._known:
            if layer.tally.intervals:
                keep(layer.module.register_forward_pre_hook(partial(self._see_inputs, layer)))
            keep(layer.module.register_forward_hook(partial(self._see_value, layer)))
        keep(self._module.register_forward_hook(self._end_forward))

    def _end_forward(self, module: Any, args: Any, output: Any) -> None:
        """Nothing that is computed again for the backward pass counts."""
        self._drop_temporary()
        for layer in self.layers.values():
            layer.weights = modules.weights_of(layer.module)
            for name, p in layer.weights.items():
                see = partial(self._see_gradient, layer, name)
                self._temporary.append(p.register_hook(see))

    def _drop_temporary(self) -> None:
        for handle in self._temporary:
            handle.remove()
        self._temporary = []

    def _stop_looking(self) -> None:
        self._drop_temporary()
        self._watching = False
        for layer in self._known:
            layer.gradients, layer.before = {}, {}

    # ---- what is seen

    def _see_loss(self, module: Any, args: Any, output: Any) -> None:
        """The first loss of a training batch; later ones are not looked at."""
        loss = tensor_of(output)
        if self._watching and loss is not None and loss.numel() == 1:
            self.first_loss = float(loss.detach())
            if type(module).__name__ in _ELEMENTWISE and len(args) > 1:
                self.compared = tuple(tuple(a.shape) for a in args[:2])
            self._lasting.pop().remove()

    def _see_inputs(self, layer: Layer, module: Any, args: Any) -> None:
        x = tensor_of(args)
        if x is None or x.dim() == 0:
            return
        axis = 1 if x.dim() > 2 and self._channels_first else x.dim() - 1
        others = [i for i in range(x.dim()) if i != axis]
        x = x.detach()
        within = [((x > low) & (x < high)) for low, high in layer.tally.intervals]
        counts = [array_of(w.sum(dim=others) if others else w.long()) for w in within]
        layer.units = len(counts[0])
        layer.tally.see_counts(counts, x.numel() // max(layer.units, 1))

    def _see_value(self, layer: Layer, module: Any, args: Any, output: Any) -> None:
        value = tensor_of(output)
        if value is None:
            return
        if layer.puts_channels_first is not None:
            self._channels_first = layer.puts_channels_first
        self.layers.setdefault(layer.name, layer)
        if not layer.units and value.dim():
            is_first = value.dim() > 2 and self._channels_first
            layer.units = int(value.shape[1 if is_first else -1])
        layer.tally.see_value(array_of(few(value)))
        if value.requires_grad:
            value.register_hook(lambda slope: layer.tally.see_delta(array_of(few(slope))))

    def _see_gradient(self, layer: Layer, name: str, gradient: Any) -> None:
        dense = gradient.to_dense() if gradient.is_sparse else gradient
        layer.gradients.setdefault(name, array_of(dense).copy())  # which clipping may change

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.rate = float(optimizer.param_groups[0]["lr"])
        if not self._watching:
            return
        for layer in self.layers.values():
            own = {name: layer.weights[name] for name in layer.gradients}
            layer.before = {name: array_of(p).copy() for name, p in own.items()}
            new = layer.before.keys() - layer.first.keys()
            layer.first |= {name: sample_of(layer.before[name]) for name in new}

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.steps += 1
        self._ended = time.perf_counter()
        if not self._watching:
            return
        for layer in self.layers.values():
            after = {name: array_of(layer.weights[name]) for name in layer.gradients}
            if after:
                layer.tally.see_gradient(list(layer.gradients.values()))
                layer.tally.see_weights(list(after.values()))
            if layer.before:
                layer.tally.see_update([after[n] - w for n, w in layer.before.items()])
            if self.steps == 1:
                layer.see_birth()
        self._stop_looking()
