"""Networks of layers as the examination asks an estimator, and as records."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from deltarule.examination._batch_norm import of_trace
from deltarule.examination._layers import layer_facts
from deltarule.examination._probe import Probe, some_rows
from deltarule.examination._records import Array, Records, epoch_of
from deltarule.examination._replay import replay
from deltarule.vitals import History

# Settings of the engine by the names of the estimators' parameters.
_NAMES = {"nesterov": "nesterovs_momentum", "seed": "random_state", "l2": "alpha"}
_OWN = ("threads", "responsive", "vitals_every", "learning_rate")


class Scored:
    """What scores its predictions: accuracy of classes, R2 of numbers."""

    classifies: bool

    def predict(self, x: Array) -> Array:
        """Classes or numbers."""
        raise NotImplementedError

    def score(self, x: Array, y: Array) -> float:
        """Share of rows with all labels right, or R2, the mean over outputs.

        Raises
        ------
        ValueError
            If predictions are not finite.
        """
        predicted = self.predict(x)
        y = np.asarray(y).reshape(predicted.shape)
        if self.classifies:
            return float((predicted == y).reshape(len(y), -1).all(axis=1).mean())
        from sklearn.metrics import r2_score

        return float(r2_score(y.reshape(len(y), -1), predicted.reshape(len(y), -1)))


def require_finite(raw: Array) -> Array:
    """The outputs of a network.

    Raises
    ------
    ValueError
        If they are not finite: then there is no score.
    """
    if not np.isfinite(raw).all():
        raise ValueError("The predictions of the network are not finite.")
    return np.asarray(raw)


class NetworkModel(Scored):
    """A network as an estimator.

    Parameters
    ----------
    network : deltarule.Network
    y : ndarray
        Targets; with the loss they tell whether they are classes.
    """

    def __init__(self, network: Any, y: Array) -> None:
        self.network = network
        self.classifies = _are_classes(network.loss, y)
        self.first = Probe()

    def __getattr__(self, name: str) -> Any:
        if name == "history_" and len(self.network.history_):
            return self.network.history_
        raise AttributeError(name)

    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)

    def fit(self, x: Array, y: Array, **parameters: Any) -> Self:
        """Train the network from where it is; the parameters are those of its ``fit``."""
        self.network.forward(x[:1])  # which settles its shapes
        seen = some_rows(x, y, self.classifies)
        self.first = _looked_at(self.network, x[seen], y[seen])
        self.network.fit(x, y, **parameters)
        return self

    def predict(self, x: Array) -> Array:
        """Class codes, signs, or numbers."""
        raw, link = require_finite(self.network.predict(x)), self.network.loss.link
        raw = raw[:, 0] if raw.shape[1:] == (1,) else raw
        if not self.classifies:
            return raw
        if link == "softmax":
            return np.asarray(raw.argmax(axis=-1))
        if link == "sign":
            return np.where(raw > 0, 1, -1)
        return np.asarray(raw > 0.5, dtype=int)


def knows(model: Any) -> bool:
    """Whether it is a network of layers, made a model."""
    return isinstance(model, NetworkModel)


def as_model(given: Any, y: Array) -> Any:
    """A model of a network of layers; whatever else is given as it is."""
    from deltarule.network import Network

    return NetworkModel(given, y) if isinstance(given, Network) else given


def _are_classes(loss: Any, y: Array) -> bool:
    if loss.link == "softmax":
        return y.dtype.kind in "iub"
    if loss.link in ("sigmoid", "sign"):
        return len(np.unique(y)) <= 2
    return False


def records(model: NetworkModel, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of one, fitted or not."""
    network = model.network
    history: History = network.history_
    vitals = history.vitals
    seen = some_rows(x, y, classifies)
    first = model.first
    if first.vitals is None and len(history):
        first = Probe(vitals=epoch_of(vitals, 0))
    return Records(
        layer_facts(network.plan),
        network.loss.name,
        network.loss.link,
        _settings(network),
        history,
        first,
        _looked_at(network, x[seen], y[seen]) if len(history) else first,
        dict(network.loss.parameters),
        stale=_stale(network, x[seen]) if len(history) else {},
    )


def _looked_at(network: Any, x: Array, y: Array) -> Probe:
    """One pass; empty where it overflows."""
    weights = network.weights()
    if not all(np.isfinite(w).all() for w in weights.values()):
        return Probe()
    return Probe(*replay(network, x, y), weights)


def _stale(network: Any, x: Array) -> dict[str, float]:
    trace = network.forward(x, keep=True, training=True)
    return of_trace(network.plan, trace, network.weights())


def _settings(network: Any) -> dict[str, Any]:
    """Of the last training, by the names of the estimators' parameters."""
    history = network.history_
    if not len(history) or network._fit is None:
        return {}
    engine = {k: v for k, v in network._fit.settings.items() if k not in _OWN}
    settings = {_NAMES.get(name, name): value for name, value in engine.items()}
    rate = float(history.learning_rate[0])
    return {**settings, "learning_rate_init": rate, "max_iter": len(history)}
