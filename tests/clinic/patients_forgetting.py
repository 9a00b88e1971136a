"""Recurrent networks on long sequences that forget what the first steps said."""

from functools import partial

import numpy as np
from patient import Patient, layered

import deltarule as dr
from deltarule.layers import GRU, LSTM, SimpleRNN


def pair(name, data, kind, sick, healthy):
    nets = (
        layered(kind, stack, max_iter=80, learning_rate_init=0.003) for stack in (sick, healthy)
    )
    return Patient("forgetting", name, data, *nets)


def sums(length, seed):
    """Sequences of numbers, and the sum of the first three."""
    X = np.random.default_rng(seed).normal(size=(600, length, 1))
    return X, X[:, :3, 0].sum(axis=1)


def early(length, seed):
    """Three classes that differ in the mean of one of two features in the first quarter."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 600)
    X = rng.normal(size=(600, length, 2))
    X[:, : length // 4, 0] += (y - 1)[:, None]
    return X, y


def stacked(**settings):
    return [SimpleRNN(16, return_sequences=True, **settings), SimpleRNN(16, **settings)]


C, R, BOTH = dr.NetworkClassifier, dr.NetworkRegressor, {"bidirectional": True}
PATIENTS = [
    pair("SimpleRNN, a sum", partial(sums, 80), R, [SimpleRNN(16)], [SimpleRNN(16, **BOTH)]),
    pair("SimpleRNN, classes", partial(early, 60), C, [SimpleRNN(16)], [SimpleRNN(16, **BOTH)]),
    pair(
        "LSTM, forget bias -3",
        partial(early, 60),
        C,
        [LSTM(16, forget_bias=-3.0)],
        [LSTM(16, forget_bias=4.0)],
    ),
    pair("GRU, a long sum", partial(sums, 120), R, [GRU(16)], [GRU(16, **BOTH)]),
    pair("two SimpleRNN, classes", partial(early, 60), C, stacked(), stacked(**BOTH)),
    pair(
        "LSTM, forget bias -3, a sum",
        partial(sums, 80),
        R,
        [LSTM(16, forget_bias=-3.0)],
        [LSTM(16, **BOTH)],
    ),
]
