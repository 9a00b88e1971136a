"""A watched module of PyTorch as the examination asks an estimator, and as records."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.examination import _torch_layers as modules
from deltarule.examination._networks import Scored, require_finite
from deltarule.examination._probe import Probe, some_rows
from deltarule.examination._records import Array, Records, epoch_of
from deltarule.examination._torch import Watch
from deltarule.vitals import History

_LABELLED = ("bce_with_logits", "binary_cross_entropy")


class TorchModel(Scored):
    """A watched module as a fitted estimator.

    Raises
    ------
    ValueError
        If no epoch was seen.
    """

    def __init__(self, watch: Watch, y: Array) -> None:
        if not len(watch.history):
            raise ValueError(
                "The watch has seen no epoch: train the module, and call watch.end_epoch(loss) "
                "after every epoch."
            )
        self.watch = watch
        self.loss, self.link = modules.loss_of(watch.loss)
        whole = y.dtype.kind in "iub"
        labels = self.loss in _LABELLED and len(np.unique(y)) <= 2
        numbers = self.loss != "unknown" and not self._tells_classes
        self.classifies = labels or (whole and not numbers)

    @property
    def history_(self) -> History:
        """Of the training."""
        return self.watch.history

    @property
    def _tells_classes(self) -> bool:
        return self.link == "softmax" or self.loss in ("nll", "multi_margin")

    def predict(self, x: Array) -> Array:
        """Class codes, or numbers.

        Raises
        ------
        ValueError
            If outputs are not finite.
        """
        predicted = self.watch.read(require_finite(self.watch.outputs(x)))
        several = predicted.dtype.kind == "f" and predicted.ndim > 1
        if self.classifies and self.loss == "unknown" and several:
            return np.asarray(predicted.argmax(axis=1))
        return predicted

    def features_last(self, x: Array) -> Array:
        """Rows with the channels of images and sequences on the last axis."""
        convolves = modules.kind_of(self.watch.layers[0].module) == "convolution"
        return np.moveaxis(x, 1, -1) if convolves and x.ndim > 2 else x


def knows(model: Any) -> bool:
    """Whether it is a watched module, made a model."""
    return isinstance(model, TorchModel)


def as_model(given: Any, y: Array) -> Any:
    """A model of a watched module; whatever else is given as it is."""
    return TorchModel(given, y) if isinstance(given, Watch) else given


def records(model: TorchModel, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of one."""
    watch, vitals = model.watch, model.history_.vitals
    layers = watch.layers
    weights = {
        f"{layer.name}.{name}": modules.last_axis_units(
            layer.module, p.detach().float().cpu().numpy()
        )
        for layer in layers
        for name, p in layer.module.named_parameters(recurse=False)
    }
    return Records(
        tuple(modules.facts(layer.name, layer.module, layer.units) for layer in layers),
        model.loss,
        model.link,
        watch.settings,
        model.history_,
        Probe(watch.first_loss, watch.first_vitals or epoch_of(vitals, 0)),
        Probe(float(model.history_.loss[-1]), epoch_of(vitals, -1), weights),
        changes={layer.name: layer.change for layer in layers if layer.first},
        stale=watch.stale(x[some_rows(x, y, classifies)]),
    )
