"""A slow reference of the vitals: what layers do in training, with NumPy from traces.

Training goes one batch at a time without shuffling, by plain gradient descent, whose steps have no
memory; so every batch can be looked at, before and after its step.  Quantiles are of all values,
not of a sample, and ``signal``, which fades over epochs, is not computed.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np

from deltarule.vitals import NUMBERS, QUANTILES, Epoch, History

WEIGHTS = ("weight", "recurrent")  # the other parameters count where a layer has none of these
GRID = np.linspace(-30, 30, 60_001)  # where the slope of an activation is largest


def watch(network, X, y, *, epochs, batch_size=None, learning_rate=0.1, validation=None):
    """Train, and return a history with vitals.

    Parameters
    ----------
    network : deltarule.Network
    X, y : ndarray
    epochs : int
    batch_size : int, optional
        By default one batch holds all rows.
    learning_rate : float, default=0.1
    validation : tuple (X, y, score), optional
        ``score(network)`` gives the validation score.
    """
    size = batch_size or len(X)
    batches = [slice(i, i + size) for i in range(0, len(X), size)]
    history = History()
    for number in range(epochs):
        gathered, losses = defaultdict(list), []
        for batch in batches:
            losses.append(_step(network, X[batch], y[batch], learning_rate, gathered))
        weights = [len(X[batch]) for batch in batches]
        missed = score = None
        if validation:
            missed = network.evaluate(*validation[:2])
            score = validation[2](network)
        history.layers = tuple(node.name for node in network.plan.nodes)
        vitals = np.array([_numbers(node, gathered) for node in network.plan.nodes], np.float32)
        loss = float(np.average(losses, weights=weights))
        history.append(
            Epoch(
                loss,
                missed,
                score,
                seconds=0.01,
                learning_rate=learning_rate,
                number=number,
                vitals=vitals,
            )
        )
    return history


def _step(network, X, y, learning_rate, gathered):
    """One step of gradient descent; what it does is added under (layer, what)."""
    trace, before = network.backward(X, y), network.weights()
    network.fit(
        X,
        y,
        epochs=1,
        batch_size=len(X),
        solver="sgd",
        momentum=0.0,
        learning_rate=learning_rate,
        shuffle=False,
    )
    after = network.weights()
    for node in network.plan.nodes:
        add = {"value": trace.values[node.name], "delta": trace.deltas.get(node.name)}
        add["input"] = _read_by(network, node, trace)
        own = [p.name for p in node.parameters if f"{node.name}.{p.name}" in trace.gradients]
        names = [f"{node.name}.{n}" for n in [n for n in own if n in WEIGHTS] or own]
        if names:
            add["weight"] = _flat(after, names)
            add["gradient"] = _flat(trace.gradients, names)
            add["update"] = add["weight"] - _flat(before, names)
        for what, array in add.items():
            if array is not None:
                gathered[node.name, what].append(np.asarray(array, np.float64))
    return trace.loss


def _read_by(network, node, trace):
    """The inputs of an element-wise activation."""
    if "activation" not in node.kind or not _function(node).elementwise:
        return None
    index = node.reads[0]
    return trace.values[network.plan.nodes[index - 1].name] if index else trace.x


def _function(node):
    return node.layer.activation


def _flat(arrays, names):
    return np.concatenate([np.ravel(arrays[name]) for name in names]).astype(np.float64)


def _numbers(node, gathered):
    """The numbers of a layer in the order of `NUMBERS`, and its quantiles."""

    def all_of(what):
        return gathered.get((node.name, what), [])

    numbers = dict.fromkeys(NUMBERS, np.nan)
    values = np.concatenate([v.ravel() for v in all_of("value")])
    numbers["value_mean"], numbers["value_std"] = values.mean(), values.std()
    numbers["value_largest"] = np.abs(values).max()
    numbers["not_finite"] = np.mean(~np.isfinite(values))
    if all_of("delta"):
        deltas = np.concatenate([d.ravel() for d in all_of("delta")])
        numbers["delta_mean"], numbers["delta_rms"] = deltas.mean(), _rms(deltas)
        numbers["delta_zeros"] = np.mean(deltas == 0)
    if all_of("input"):
        inputs = np.concatenate([i.reshape(-1, i.shape[-1]) for i in all_of("input")])
        numbers |= _working(_function(node), inputs)
    for what in ("weight", "gradient", "update"):
        if all_of(what):
            numbers[f"{what}_rms"] = _rms(np.concatenate(all_of(what)))
    quantiles = np.quantile(values, np.linspace(0, 1, QUANTILES))
    return [*(numbers[name] for name in NUMBERS), *quantiles]


def _working(f, inputs):
    """Shares of saturated inputs, of dead and of dying units; inputs of shape (rows, units)."""
    idle = _beyond(f, 0.001, inputs).mean(axis=0)
    return {
        "saturated": _beyond(f, 0.05, inputs).mean(),
        "dead": np.mean(idle == 1),
        "dying": np.mean(idle > 0.95),
    }


def _beyond(f, level, inputs):
    """Where the slope is below a share of its largest from there to infinity, and goes to 0."""
    low, high = _interval(f, level)
    return (inputs < low) | (inputs > high)


@cache
def _interval(f, level):
    slopes = np.abs(f.derivative(GRID))
    steep = GRID[slopes >= level * slopes.max()]
    vanishes = f.facts["saturates"]
    return (steep[0] if vanishes[0] else -np.inf, steep[-1] if vanishes[1] else np.inf)


def _rms(values):
    return np.sqrt(np.mean(np.square(values)))
