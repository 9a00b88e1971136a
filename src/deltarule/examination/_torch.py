"""A module of PyTorch, watched while it trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deltarule._watching import EVERY
from deltarule.examination import _torch_layers as modules
from deltarule.examination._batch_norm import off_by
from deltarule.examination._torch_arrays import array_of, number, tensor_of
from deltarule.examination._torch_hooks import Hooks, Layer
from deltarule.vitals import NUMBERS, Epoch, History, Vitals

Array = NDArray[Any]

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
    A batch that is watched costs as much as one to three others more, the smaller the more so
    network: 1 to 8 % of the time at one in 32.

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
        self._settings = _settings(optimizer)
        self._hooks = Hooks(module, optimizer, loss, every)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    @property
    def settings(self) -> dict[str, Any]:
        """Of the training, by the names of the estimators' parameters."""
        seen = {"batch_size": self._hooks.batch_size, "max_iter": len(self.history)}
        settings = {**self._settings, **seen}
        decay = settings.get("weight_decay", 0.0)
        if decay and settings["solver"] != "adamw":  # a term of the mean loss of a batch
            settings["alpha"] = decay * self._hooks.batch_size
        return {**settings, "compared": self._hooks.compared}

    @property
    def first_loss(self) -> float:
        """Of the first batch, where the loss module that was given computes it; else NaN."""
        return self._hooks.first_loss

    @property
    def first_vitals(self) -> Vitals | None:
        """Of the first batch, at the first weights; None: it was not watched."""
        rows = [layer.newborn for layer in self.layers]
        seen = np.array([row for row in rows if row is not None], np.float32)
        if not rows or len(seen) < len(rows):
            return None
        kinds = len(NUMBERS)
        return Vitals(self.history.layers, seen[None, :, :kinds], seen[None, :, kinds:])

    @property
    def layers(self) -> list[Layer]:
        """The modules that are watched, in the order of the vitals."""
        return [self._hooks.layers[name] for name in self.history.layers]

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
        hooks = self._hooks
        if not hooks.layers or not hooks.steps:
            raise ValueError(
                "No training step was seen: the module that is watched must compute in training "
                "mode, the optimizer that was given take the steps, and end_epoch follow them."
            )
        self.history.layers = self.history.layers or tuple(hooks.layers)
        vitals = hooks.end_epoch(self.history.layers)
        if vitals is None and len(self.history):  # curves have no holes
            vitals = self.history.epochs[-1].vitals
        self.history.append(
            Epoch(
                number(loss),
                number(validation_loss),
                number(validation_score),
                seconds=hooks.seconds,
                learning_rate=hooks.rate,
                number=len(self.history),
                vitals=vitals,
            )
        )

    def remove(self) -> None:
        """Take all hooks away; the history stays."""
        self._hooks.remove()

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
                    array_of(tensor_of(self.module(rows[i : i + _PREDICTED])))
                    for i in range(0, max(len(rows), 1), _PREDICTED)
                ]
        finally:
            for part, was in training.items():
                part.training = was
        return np.concatenate(parts)

    def stale(self, X: Any) -> dict[str, float]:
        """By layer of batch normalisation, how far its running statistics are off those of rows."""
        found: dict[str, float] = {}

        def look(name: str, part: Any, read: Any) -> None:
            rows = array_of(read[0]).swapaxes(1, -1).reshape(-1, read[0].shape[1])
            running = (array_of(part.running_mean), array_of(part.running_var))
            found[name] = off_by(rows.mean(axis=0), rows.var(axis=0), *running)

        followed = [
            (layer.name, layer.module)
            for layer in self.layers
            if getattr(layer.module, "running_mean", None) is not None
        ]
        hooks = [part.register_forward_pre_hook(partial(look, name)) for name, part in followed]
        try:
            if hooks:
                self.outputs(X)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def _tensor(self, X: Any) -> Any:
        import torch

        first = next(self.module.parameters())
        rows = torch.as_tensor(X, device=first.device)
        whole = not (rows.is_floating_point() or rows.is_complex())
        reads = next(iter(self._hooks.layers.values()), None)
        if whole and reads is not None and modules.kind_of(reads.module) == "embedding":
            return rows.long()
        return rows.to(first.dtype)


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
