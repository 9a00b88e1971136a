"""Recurrent networks whose state runs into its ends."""

import numpy as np
from patient import Patient, layered, steps

import deltarule as dr
from deltarule.initialisers import Normal
from deltarule.layers import GRU, LSTM, SimpleRNN


def pair(name, data, kind, sick, healthy):
    nets = (layered(kind, stack, max_iter=40) for stack in (sick, healthy))
    return Patient("recurrent_state", name, data, *nets)


def sums(seed):
    """Sequences of 8 numbers, and the sum of the first three."""
    X = np.random.default_rng(seed).normal(size=(600, 8, 1))
    return X, X[:, :3, 0].sum(axis=1)


C, R, LARGE = dr.NetworkClassifier, dr.NetworkRegressor, {"recurrent_init": Normal(std=8.0)}
PATIENTS = [
    pair(
        "SimpleRNN, Normal(2)",
        steps,
        C,
        [SimpleRNN(24, recurrent_init=Normal(std=2.0))],
        [SimpleRNN(24)],
    ),
    pair("LSTM, Normal(8)", steps, C, [LSTM(16, **LARGE)], [LSTM(16)]),
    pair("GRU, Normal(8), a sum", sums, R, [GRU(16, **LARGE)], [GRU(16)]),
    pair("GRU, Normal(8)", steps, C, [GRU(16, **LARGE)], [GRU(16)]),
    pair(
        "two SimpleRNN, Normal(3), a sum",
        sums,
        R,
        [
            SimpleRNN(16, return_sequences=True, recurrent_init=Normal(std=3.0)),
            SimpleRNN(16, recurrent_init=Normal(std=3.0)),
        ],
        [SimpleRNN(16, return_sequences=True), SimpleRNN(16)],
    ),
    pair("LSTM, Normal(8), a sum", sums, R, [LSTM(16, **LARGE)], [LSTM(16)]),
]
