"""A module of PyTorch, watched while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deltarule._watching import EVERY
from deltarule.examination import _torch_layers as modules
from deltarule.examination._replay import Tally
from deltarule.vitals import NUMBERS, QUANTILES, Epoch, History

Array = NDArray[Any]

_FIRST_EPOCHS = 8  # of which the first batch is watched
_ROWS, _NUMBERS = 64, 1 << 20  # of a batch that are summed, at most
_PREDICTED = 1000  # rows at a time
_CLASSES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")  # of a score per class
_THRESHOLDS = {"BCEWithLogitsLoss": 0.0, "BCELoss": 0.5}  # above which a label is there


def watch_torch(module: Any, optimizer: Any, loss: Any = None, *, every: int = EVERY) -> Watch:
    """Watch the layers of a PyTorch module while it trains, for `deltarule.examine`.

    Hooks look at one batch in some: values, their slopes, gradients and steps of every layer, as
    `deltarule.vitals.Vitals` describes them.  They change nothing in the training.

    Parameters
    ----------
    module : torch.nn.Module
        What is computed by modules is seen, what by functions such as ``torch.relu`` is not.
    optimizer : torch.optim.Optimizer
        Of its weights.
    loss : torch.nn.Module, optional
        The loss, such as ``torch.nn.CrossEntropyLoss()``: it tells what the predictions are.
    every : int, default=32
        One batch in so many is watched, and the first of each of the first eight epochs.

    Returns
    -------
    Watch
        Call its ``end_epoch`` after every epoch, and ``remove`` when all is done.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed.
    TypeError
        If these are no module and no optimizer.
    ValueError
        If the optimizer has none of the weights of the module, or ``every`` is below 1.

    Notes
    -----
    A batch that is watched costs as much as one to three others, the more so the smaller the
    network is: 2 to 7 % of the time at one in 32.

    Under gradient scaling (``torch.amp.GradScaler``) slopes are those of the scaled loss.

    Examples
    --------
    >>> import deltarule as dr
    >>> import torch  # doctest: +SKIP
    >>> watch = dr.watch_torch(net, optimizer, loss)  # doctest: +SKIP
    >>> for _ in range(epochs):  # doctest: +SKIP
    ...     mean_loss = train_one_epoch(net, optimizer, loss)
    ...     watch.end_epoch(mean_loss)
    >>> print(dr.examine(watch, X, y))  # doctest: +SKIP
    """
    if find_spec("torch") is None:
        raise ModuleNotFoundError("watch_torch needs PyTorch: pip install 'deltarule[torch]'.")
    import torch

    if not isinstance(module, torch.nn.Module) or not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            "watch_torch takes a torch.nn.Module and its torch.optim.Optimizer; met "
            f"{type(module).__name__} and {type(optimizer).__name__}."
        )
    if loss is not None and not isinstance(loss, torch.nn.Module):
        raise TypeError(
            "loss must be a loss module such as torch.nn.CrossEntropyLoss(); met "
            f"{type(loss).__name__}. Leave it out if there is none."
        )
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be an integer >= 1; met {every!r}.")
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if not any(id(p) in trained for p in module.parameters()):
        raise ValueError(
            "The optimizer has none of the weights of the module: make it with module.parameters()."
        )
    return Watch(module, optimizer, loss, every)


class _Layer:
    """A module with what is known of it in the epoch."""

    def __init__(self, name: str, module: Any) -> None:
        self.name, self.module = name, module
        self.tally = Tally(modules.activation_of(module))
        self.puts_channels_first = modules.puts_channels_first(module)
        self.units = 0
        self.weights: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}
        self.before: dict[str, Array] = {}


class Watch:
    """What the layers of a PyTorch module do while it trains; made by `deltarule.watch_torch`.

    It can be used in a ``with`` statement, which ends with `remove`.

    Attributes
    ----------
    history : History
        The epochs, with vitals; the layers have the names of their modules.
    module, optimizer, loss : object
        As they were given.
    """

    def __init__(self, module: Any, optimizer: Any, loss: Any, every: int) -> None:
        self.module, self.optimizer, self.loss = module, optimizer, loss
        self.history = History()
        self.settings = _settings(optimizer)
        self._every = every
        self._known: dict[str, _Layer] = {}
        self._layers: dict[str, _Layer] = {}  # in the order in which they compute
        self._steps = 0
        self._begins_epoch, self._watching, self._channels_first = True, False, False
        self._began = self._ended = time.perf_counter()
        self._rate = float(self.settings["learning_rate_init"])
        for name, part in module.named_modules():
            label = name or type(part).__name__.lower()
            if modules.is_layer(part):
                self._known[label] = _Layer(label, part)
        self._temporary: list[Any] = []
        self._lasting = [
            module.register_forward_pre_hook(self._begin),
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    # ---- for the user

    def end_epoch(
        self,
        loss: float,
        validation_loss: float | None = None,
        validation_score: float | None = None,
    ) -> None:
        """Note that an epoch has ended.

        Parameters
        ----------
        loss : float
            Mean over the training rows.
        validation_loss, validation_score : float, optional
            On rows that were held out.

        Raises
        ------
        ValueError
            If no training step was seen.
        """
        if not self._layers or not self._steps:
            raise ValueError(
                "No training step was seen: the module that is watched must compute in training "
                "mode, the optimizer that was given take the steps, and end_epoch follow them."
            )
        self._stop_looking()
        if not self.history.layers:
            self.history.layers = tuple(self._layers)
        self.history.append(
            Epoch(
                _number(loss),
                _number(validation_loss),
                _number(validation_score),
                seconds=self._ended - self._began,
                learning_rate=self._rate,
                number=len(self.history),
                vitals=self._vitals(),
            )
        )
        self._begins_epoch = True
        for layer in self._known.values():
            layer.tally.begin_epoch()

    def remove(self) -> None:
        """Take all hooks away; the history stays."""
        self._stop_looking()
        for handle in self._lasting:
            handle.remove()
        self._lasting = []

    def predict(self, X: Any) -> Array:
        """What the module predicts in evaluation mode, in which it is not left.

        Parameters
        ----------
        X : array_like or Tensor, shape (n_rows, ...)
            Numbers become those of the weights; integers stay what they are where an embedding
            reads them.

        Returns
        -------
        ndarray
            Classes as the loss tells them: the largest of several scores (``CrossEntropyLoss``,
            ``NLLLoss``), 0 and 1 (``BCEWithLogitsLoss``, ``BCELoss``); else the outputs, without a
            last axis of 1.
        """
        return self.read(self.outputs(X))

    def read(self, raw: Array) -> Array:
        """Predictions, as `predict` gives them, of outputs."""
        name = type(self.loss).__name__
        if name in _CLASSES:
            return np.asarray(raw.argmax(axis=1))
        if name in _THRESHOLDS:
            raw = (raw > _THRESHOLDS[name]).astype(np.int64)
        return np.asarray(raw[..., 0] if raw.ndim > 1 and raw.shape[-1] == 1 else raw)

    def outputs(self, X: Any) -> Array:
        """What the module computes in evaluation mode, shape (n_rows, ...)."""
        import torch

        training = {part: part.training for part in self.module.modules()}
        rows = self._tensor(X)
        self.module.eval()
        try:
            with torch.no_grad():
                parts = [
                    _array(_tensor_of(self.module(rows[i : i + _PREDICTED])))
                    for i in range(0, max(len(rows), 1), _PREDICTED)
                ]
        finally:
            for part, was in training.items():
                part.training = was
        return np.concatenate(parts)

    def _tensor(self, X: Any) -> Any:
        import torch

        first = next(self.module.parameters())
        rows = torch.as_tensor(X, device=first.device)
        whole = not (rows.is_floating_point() or rows.is_complex())
        reads = next(iter(self._layers.values()), None)
        if whole and reads is not None and modules.kind_of(reads.module) == "embedding":
            return rows.long()
        return rows.to(first.dtype)

    # ---- when a batch is looked at

    def _begin(self, module: Any, args: Any) -> None:
        """The module is about to compute."""
        import torch

        if self._watching or not module.training or not torch.is_grad_enabled():
            return
        if self._begins_epoch:
            self._began = time.perf_counter()
        is_first = self._begins_epoch and len(self.history) < _FIRST_EPOCHS
        self._begins_epoch = False
        if is_first or self._steps % self._every == 0:
            self._watching, self._channels_first = True, False
            self.settings.setdefault("batch_size", _rows_of(args))
            self._look()

    def _look(self) -> None:
        keep = self._temporary.append
        for layer in self._known.values():
            if layer.tally.intervals:
                keep(layer.module.register_forward_pre_hook(partial(self._see_inputs, layer)))
            keep(layer.module.register_forward_hook(partial(self._see_value, layer)))
        keep(self.module.register_forward_hook(self._end_forward))

    def _end_forward(self, module: Any, args: Any, output: Any) -> None:
        """Nothing that is computed again for the backward pass counts."""
        self._drop_temporary()
        for layer in self._layers.values():
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
        for layer in self._known.values():
            layer.gradients, layer.before = {}, {}

    # ---- what is seen

    def _see_inputs(self, layer: _Layer, module: Any, args: Any) -> None:
        x = _tensor_of(args)
        if x is None or x.dim() == 0:
            return
        axis = 1 if x.dim() > 2 and self._channels_first else x.dim() - 1
        others = [i for i in range(x.dim()) if i != axis]
        x = x.detach()
        within = [((x > low) & (x < high)) for low, high in layer.tally.intervals]
        counts = [_array(w.sum(dim=others) if others else w.long()) for w in within]
        layer.units = len(counts[0])
        layer.tally.see_counts(counts, x.numel() // max(layer.units, 1))

    def _see_value(self, layer: _Layer, module: Any, args: Any, output: Any) -> None:
        value = _tensor_of(output)
        if value is None:
            return
        if layer.puts_channels_first is not None:
            self._channels_first = layer.puts_channels_first
        self._layers.setdefault(layer.name, layer)
        if not layer.units and value.dim():
            is_first = value.dim() > 2 and self._channels_first
            layer.units = int(value.shape[1 if is_first else -1])
        layer.tally.see_value(_array(_few(value)))
        if value.requires_grad:
            value.register_hook(lambda slope: layer.tally.see_delta(_array(_few(slope))))

    def _see_gradient(self, layer: _Layer, name: str, gradient: Any) -> None:
        layer.gradients[name] = gradient.to_dense() if gradient.is_sparse else gradient

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._rate = float(optimizer.param_groups[0]["lr"])
        if not self._watching:
            return
        for layer in self._layers.values():
            if layer.gradients:
                layer.tally.see_gradient([_array(g) for g in layer.gradients.values()])
                own = {name: layer.weights[name] for name in layer.gradients}
                layer.before = {name: _array(p).copy() for name, p in own.items()}

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._steps += 1
        self._ended = time.perf_counter()
        if not self._watching:
            return
        for layer in self._layers.values():
            if layer.before:
                after = {name: _array(layer.weights[name]) for name in layer.before}
                layer.tally.see_weights(list(after.values()))
                layer.tally.see_update([after[n] - w for n, w in layer.before.items()])
        self._stop_looking()

    def _vitals(self) -> NDArray[np.float32]:
        """Of the epoch; those of the epoch before where no batch was watched."""
        layers = [self._layers[name] for name in self.history.layers]
        if all(layer.tally.is_empty for layer in layers) and len(self.history):
            before = self.history.epochs[-1].vitals
            assert before is not None
            return before
        rows = [layer.tally.numbers() for layer in layers]
        return np.array(rows, np.float32).reshape(len(layers), len(NUMBERS) + QUANTILES)


def _settings(optimizer: Any) -> dict[str, Any]:
    """Of the training, by the names of the estimators' parameters."""
    group = optimizer.param_groups[0]
    names: dict[str, Callable[[Any], dict[str, Any]]] = {
        "momentum": lambda v: {"momentum": v},
        "nesterov": lambda v: {"nesterovs_momentum": v},
        "betas": lambda v: {"beta_1": float(v[0]), "beta_2": float(v[1])},
        "eps": lambda v: {"epsilon": v},
        "weight_decay": lambda v: {"weight_decay": v},
    }
    settings = {
        "solver": type(optimizer).__name__.lower(),
        "learning_rate_init": float(group["lr"]),
    }
    for name, named in names.items():
        if name in group:
            settings |= named(group[name])
    return settings


def _number(value: Any) -> float | None:
    return None if value is None else float(getattr(value, "detach", lambda: value)())


def _tensor_of(given: Any) -> Any:
    """The first tensor of what a module takes or gives."""
    if isinstance(given, tuple | list):
        return next((t for t in map(_tensor_of, given) if t is not None), None)
    if isinstance(given, dict):
        return _tensor_of(list(given.values()))
    return given if hasattr(given, "requires_grad") else None


def _rows_of(args: Any) -> int:
    tensor = _tensor_of(args)
    return 1 if tensor is None or not tensor.dim() else int(tensor.shape[0])


def _few(value: Any) -> Any:
    """Some first rows."""
    rows = max(min(_ROWS, _NUMBERS * len(value) // max(value.numel(), 1)), 1) if value.dim() else 1
    return value[:rows] if value.dim() else value


def _array(tensor: Any) -> Array:
    import torch

    t = tensor.detach()
    if t.dtype in (torch.bfloat16, torch.float16):
        t = t.float()
    return np.asarray(t.cpu().numpy())
