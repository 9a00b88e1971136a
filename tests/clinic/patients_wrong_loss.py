"""Losses that measure something else than what is wanted."""

import numpy as np
from patient import (
    Patient,
    altered,
    cancer,
    circles,
    classifier,
    digits,
    friedman,
    iris,
    plane,
    regressor,
    wave,
    wine,
)
from sklearn import datasets

import deltarule as dr


def patient(name, data, sick, healthy, sick_data=None, also=()):
    return Patient("wrong_loss", name, data, sick, healthy, sick_data, also)


def shuffled_codes(X, y, rng):
    """Classes by codes in another order."""
    return X, rng.permutation(y.max() + 1)[y]


def six_blobs(seed):
    return datasets.make_blobs(600, 4, centers=6, cluster_std=1.2, random_state=seed)


def one_hot(X, y, rng):
    return X, np.eye(y.max() + 1)[y]


def rounded(X, y, rng):
    """Numbers as whole ones, from 0 to about 60."""
    return X, np.round(12 * (y - y.min())).astype(int)


R = regressor
PATIENTS = [
    patient("codes of digits", digits, R((32,), max_iter=60), classifier((32,), max_iter=60)),
    patient(
        "one-hot digits",
        digits,
        R((32,), max_iter=60),
        classifier((32,), max_iter=60),
        altered(digits, one_hot),
    ),
    patient("codes of six blobs", altered(six_blobs, shuffled_codes), R((16,)), classifier((16,))),
    patient(
        "codes of digits, tanh, shuffled",
        altered(digits, shuffled_codes),
        R((32, 32), activation="tanh", max_iter=60),
        classifier((32, 32), activation="tanh", max_iter=60),
    ),
    patient(
        "percentages, wave",
        wave,
        R((32, 32), loss="mape", max_iter=250, activation="tanh"),
        R((32, 32), max_iter=250, activation="tanh"),
    ),
    patient("two classes as numbers, cancer", cancer, R((16,)), classifier((16,))),
    patient("percentages, friedman", friedman, R((32,), loss="mape"), R((32,))),
    patient("two classes as numbers, circles", circles, R((32,)), classifier((32,))),
    patient(
        "numbers as classes, friedman",
        altered(friedman, rounded),
        classifier((32,)),
        R((32,), max_iter=300, learning_rate_init=0.02),
    ),
    patient(
        "numbers as classes, plane",
        altered(plane, rounded),
        classifier((16, 16)),
        R((16, 16), max_iter=300, learning_rate_init=0.01),
    ),
    patient(
        "a wide tube, plane",
        plane,
        R((16,), loss=dr.loss("epsilon_insensitive", epsilon=3.0)),
        R((16,)),
    ),
    patient(
        "a wide tube, friedman",
        friedman,
        R((32, 32), loss=dr.loss("squared_epsilon_insensitive", epsilon=2.0)),
        R((32, 32)),
    ),
    patient("a period, plane", plane, R((32,), loss="periodic"), R((32,))),
    patient(
        "a period, wave",
        wave,
        R((32, 32), loss="periodic", activation="tanh", max_iter=250),
        R((32, 32), activation="tanh", max_iter=250),
    ),
    patient(
        "codes of wine, one-hot",
        wine,
        R((16,), activation="tanh"),
        classifier((16,)),
        altered(wine, one_hot),
    ),
    patient("codes of iris", iris, R((16,)), classifier((16,))),
]
