"""Networks that predict the commonest class, or the mean, whatever they are shown."""

from functools import partial

import numpy as np
from patient import Patient, circles, digits, friedman, parity

import deltarule as dr


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 200, "learning_rate_init": 0.003, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def parity_as_number(seed):
    """Numbers near 1 and -1."""
    X, y = parity(seed)
    return X, 2.0 * y - 1.0 + 0.1 * np.random.default_rng(seed).normal(size=len(y))


C, R = dr.MLPClassifier, dr.MLPRegressor
OWN = ("over_regularised",)  # the same, by its cause
PATIENTS = [
    Patient(
        "base_rate",
        "parity of five signs as a number",
        parity_as_number,
        partial(net, R, (16,), activation="logistic", solver="sgd", learning_rate_init=0.05),
        partial(net, R, (64,), learning_rate_init=0.02),
    ),
    Patient(
        "base_rate",
        "penalty 100, digits",
        digits,
        partial(net, C, (32,), alpha=300.0, max_iter=100),
        partial(net, C, (32,), max_iter=100),
        also=OWN,
    ),
    Patient(
        "base_rate",
        "penalty 100, tanh, circles",
        circles,
        partial(net, C, (16, 16), alpha=100.0, activation="tanh"),
        partial(net, C, (16, 16), activation="tanh"),
        also=OWN,
    ),
    Patient(
        "base_rate",
        "penalty 100, friedman",
        friedman,
        partial(net, R, (32,), alpha=300.0),
        partial(net, R, (32,)),
        also=OWN,
    ),
]
