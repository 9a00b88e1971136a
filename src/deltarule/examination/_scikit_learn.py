"""Multilayer perceptrons of scikit-learn as records: the same net in the engine tells the rest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from deltarule.examination._layers import layer_facts
from deltarule.examination._probe import Probe, Weights, overflowed, some_rows
from deltarule.examination._records import Array, Records
from deltarule.examination._replay import replay
from deltarule.language import Text
from deltarule.layers import Activation, Dense
from deltarule.vitals import Epoch, History

_EPOCHS, _STEPS = 3, 2000  # that are trained once more to be watched, at most
_STILL = 1e-30  # a learning rate that changes no weight
_MOMENTUM = 1 - 1e-9  # the largest of the engine; scikit-learn takes 1

# Losses by the output of the net.
_LOSSES: Mapping[str, str] = {
    "softmax": "softmax_cross_entropy",
    "logistic": "bce_with_logits",
    "identity": "half_squared_error",
    "exp": "poisson_log",
}

UNSEEDED = Text(
    "The weights with which training began are not known, as random_state is no integer: what "
    "they would tell was not looked at.",
    "random_state 不是整数，训练开始时的权重无从得知，因此没有检查与之有关的问题。",
)
UNWATCHED = Text(
    "lbfgs of scikit-learn keeps no losses of its iterations, so the course of training was not "
    "looked at.",
    "scikit-learn 的 lbfgs 不保留各次迭代的损失，因此没有检查训练过程。",
)


def knows(network: Any) -> bool:
    """Whether it is a multilayer perceptron of scikit-learn."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return isinstance(network, MLPClassifier | MLPRegressor)


class _Weights(NamedTuple):
    coefs: list[Array]
    intercepts: list[Array]

    @property
    def are_finite(self) -> bool:
        return all(np.isfinite(w).all() for part in self for w in part)

    @property
    def by_name(self) -> dict[str, Array]:
        named = enumerate(zip(self.coefs, self.intercepts, strict=True), 1)
        return {
            f"dense_{i}.{part}": array
            for i, (w, b) in named
            for part, array in (("weight", w), ("bias", b))
        }


def records(model: Any, x: Array, y: Array, classifies: bool) -> Records:
    """What is known of one, fitted, on rows that it learned from."""
    x, targets = _rows(model, x, y)
    first = _first_weights(model, x, y) if isinstance(model.random_state, Integral) else None
    plan = _twin(model).plan
    seen = some_rows(x, y, classifies)
    begin = Probe() if first is None else _looked_at(model, first, x[seen], targets[seen])
    end = _looked_at(model, _Weights(model.coefs_, model.intercepts_), x[seen], targets[seen])
    early = [] if begin.vitals is None else _first_epochs(model, begin.weights, x, targets)
    unknown = [UNSEEDED] * (first is None) + [UNWATCHED] * (model.solver == "lbfgs")
    return Records(
        layer_facts(plan),
        plan.loss.name,
        plan.loss.link,
        model.get_params(),
        _history(model, tuple(node.name for node in plan.nodes), early, end),
        begin,
        end,
        unknown=tuple(unknown),
    )


def _rows(model: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Features, and targets as the loss takes them; rows of unknown classes count as the first."""
    x = np.asarray(x, dtype=np.float64)
    if model.out_activation_ == "softmax":
        classes = np.asarray(model.classes_)
        return x, np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    if hasattr(model, "classes_") and y.ndim == 1:
        return x, (y == model.classes_[-1]).astype(np.float64)
    return x, np.asarray(y, dtype=np.float64)


def _twin(model: Any, l2: float = 0.0) -> Any:
    """The same net in the engine, with other weights."""
    from deltarule.network import Network

    layers: list[Any] = []
    for w in model.coefs_[:-1]:
        layers += [Dense(w.shape[1], l2=l2), Activation(model.activation)]
    layers.append(Dense(model.coefs_[-1].shape[1], l2=l2))
    loss, features = _LOSSES[model.out_activation_], model.coefs_[0].shape[0]
    return Network(layers, loss, input_shape=features, dtype="float64")


def _looked_at(model: Any, weights: _Weights, x: Array, y: Array) -> Probe:
    """One pass at some weights."""
    if not weights.are_finite:
        return Probe()
    named = {k: w.astype(np.float64) for k, w in weights.by_name.items()}
    return Probe(*replay(_twin(model).set_weights(named), x, y), named)


def _first_weights(model: Any, x: Array, y: Array) -> _Weights | None:
    """With which training began: those of a clone whose one step changes nothing.

    None where the rows are not those that the model learned from.
    """
    from sklearn.base import clone

    still = clone(model).set_params(
        solver="sgd",
        learning_rate_init=_STILL,
        learning_rate="constant",
        early_stopping=False,
        warm_start=False,
        verbose=False,
        alpha=0.0,
        max_iter=1,
        batch_size="auto",
    )
    keep = some_rows(x, y, hasattr(model, "classes_"))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        still.fit(x[keep].astype(model.coefs_[0].dtype), y[keep])
    same = [w.shape for w in still.coefs_] == [w.shape for w in model.coefs_]
    return _Weights(still.coefs_, still.intercepts_) if same else None


def _history(model: Any, layers: tuple[str, ...], early: Sequence[Epoch], end: Probe) -> History:
    """Losses and scores of the epochs, with vitals of the first ones and of the last."""
    losses = getattr(model, "loss_curve_", [model.loss_])
    scores = getattr(model, "validation_scores_", None) or [None] * len(losses)
    rates = _rates(model)
    epochs = [
        Epoch(float(loss), None, score, learning_rate=rates(i), number=i)
        for i, (loss, score) in enumerate(zip(losses, scores, strict=True))
    ]
    for i, watched in enumerate(early[: len(epochs)]):
        epochs[i] = replace(epochs[i], vitals=watched.vitals)
    if len(early) < len(epochs) and end.vitals is not None:
        last = np.concatenate([end.vitals.numbers[0], end.vitals.quantiles[0]], axis=1)
        epochs[-1] = replace(epochs[-1], vitals=last)
    return History(epochs, layers)


def _rates(model: Any) -> Callable[[int], float | None]:
    """The learning rate of an epoch, where it is known."""
    begin = float(model.learning_rate_init)
    if model.solver == "adam" or (model.solver, model.learning_rate) == ("sgd", "constant"):
        return lambda epoch: begin
    if model.solver == "sgd" and model.learning_rate == "invscaling":
        rows = model.t_ / max(model.n_iter_, 1)  # of an epoch
        return lambda epoch: begin / (epoch * rows + 1) ** model.power_t
    return lambda epoch: begin if epoch == 0 and model.solver == "sgd" else None


def _first_epochs(model: Any, first: Weights, x: Array, y: Array) -> list[Epoch]:
    """What the twin does in the first epochs of the same training, but for the order of rows."""
    if model.solver == "lbfgs":
        return []
    size = min(200, len(x)) if model.batch_size == "auto" else min(int(model.batch_size), len(x))
    twin = _twin(model, l2=float(model.alpha) / size).set_weights(first)
    rates = _rates(model)
    seen: list[Epoch] = []
    try:
        twin.fit(
            x[: size * _STEPS],
            y[: size * _STEPS],
            epochs=min(_EPOCHS, model.n_iter_, max(_STEPS * size // len(x), 1)),
            batch_size=size,
            solver=model.solver,
            learning_rate=lambda epoch: rates(int(epoch)) or float(model.learning_rate_init),
            momentum=min(float(model.momentum), _MOMENTUM),
            nesterov=model.nesterovs_momentum,
            beta_1=model.beta_1,
            beta_2=model.beta_2,
            epsilon=model.epsilon,
            shuffle=model.shuffle,
            callback=lambda now: seen.append(now.epochs[-1]),
        )
    except ValueError as error:
        if not overflowed(error):
            raise
    return seen
