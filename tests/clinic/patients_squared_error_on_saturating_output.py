"""Squared errors of outputs that flatten."""

import numpy as np
from patient import (
    Patient,
    altered,
    blobs,
    cancer,
    circles,
    classifier,
    digits,
    moons,
    regressor,
    wave,
)

from deltarule.initialisers import Normal


def pair(name, data, sick, healthy, sick_data=None):
    return Patient("squared_error_on_saturating_output", name, data, sick, healthy, sick_data)


def one_hot(X, y, rng):
    return X, np.eye(y.max() + 1)[y]


def signs(X, y, rng):
    return X, 2.0 * y - 1


def between(X, y, rng):
    """Numbers between 0 and 1."""
    return X, (y - y.min()) / np.ptp(y)


R, C = regressor, classifier
SIGMOID, TANH, SOFTMAX = ({"out_activation": name} for name in ("sigmoid", "tanh", "softmax"))
PATIENTS = [
    pair(
        "sigmoid, large weights, cancer",
        cancer,
        R((16, 16), **SIGMOID, init=Normal(std=2.0), solver="sgd", learning_rate_init=0.01),
        C((16, 16)),
    ),
    pair(
        "softmax, one-hot digits",
        digits,
        R((32,), **SOFTMAX, solver="sgd", learning_rate_init=0.01, max_iter=40),
        C((32,), max_iter=40),
        altered(digits, one_hot),
    ),
    pair("tanh, signs of moons", moons, R((32, 32), **TANH), C((32, 32)), altered(moons, signs)),
    pair(
        "sigmoid, circles, sgd",
        circles,
        R((16, 16), **SIGMOID, solver="sgd", learning_rate_init=0.01),
        C((16, 16)),
    ),
    pair(
        "softmax, large rate, one-hot blobs",
        blobs,
        R((16,), **SOFTMAX, learning_rate_init=1.0),
        C((16,)),
        altered(blobs, one_hot),
    ),
    pair(
        "sigmoid, digit 3, sgd",
        altered(digits, lambda X, y, rng: (X, (y == 3).astype(float))),
        R((32,), **SIGMOID, solver="sgd", learning_rate_init=0.003, max_iter=40),
        C((32,), max_iter=40),
    ),
    pair(
        "sigmoid, large weights, between, wave",
        altered(wave, between),
        R((32, 32), **SIGMOID, activation="tanh", init=Normal(std=10.0), solver="sgd"),
        R((32, 32), activation="tanh", max_iter=300, learning_rate_init=0.02),
    ),
    pair(
        "tanh, large weights, signs of cancer",
        cancer,
        R((16, 16, 16), **TANH, init=Normal(std=1.5)),
        C((16, 16, 16)),
        altered(cancer, signs),
    ),
]
