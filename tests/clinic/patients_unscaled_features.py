"""Features in their own units: pixels, incomes, timestamps, and tiny ones."""

import numpy as np
from patient import (
    Patient,
    altered,
    blobs,
    cancer,
    classifier,
    digits,
    friedman,
    moons,
    plane,
    regressor,
    wave,
    wine,
)


def pair(name, data, change, make, healthy=None):
    return Patient("unscaled_features", name, data, make, healthy or make, altered(data, change))


def pixels(X, y, rng):
    return 255 * X, y


def incomes(X, y, rng):
    """One feature of tens of thousands, one of some dozens."""
    scale = np.ones(X.shape[1])
    scale[:2] = 40, 30_000
    return X * scale + 1.5 * scale * (scale > 1), y


def timestamps(X, y, rng):
    return np.column_stack([X, rng.uniform(1.6e9, 1.7e9, len(X))]), y


def tiny(X, y, rng):
    return 1e-4 * X, y


def mixed(X, y, rng):
    return X * 10.0 ** rng.integers(-3, 4, X.shape[1]), y


def telling_is_tiny(X, y, rng):
    """What tells most is a ten-thousandth of what tells nothing."""
    return np.column_stack([1e-4 * X, rng.normal(size=(len(X), 2))]), y


PATIENTS = [
    pair(
        "pixels of digits, tanh, three layers",
        digits,
        pixels,
        classifier(
            (32, 32, 32), activation="tanh", solver="sgd", learning_rate_init=0.05, max_iter=60
        ),
    ),
    pair(
        "pixels of digits, sgd",
        digits,
        pixels,
        classifier((64,), solver="sgd", learning_rate_init=0.05),
    ),
    pair("incomes, friedman, tanh", friedman, incomes, regressor((32, 32), activation="tanh")),
    pair("incomes, wine, relu", wine, incomes, classifier((16,), max_iter=100)),
    pair("timestamps, friedman", friedman, timestamps, regressor((32,))),
    pair("timestamps, moons", moons, timestamps, classifier((32,), max_iter=200)),
    pair(
        "tiny, cancer, sgd", cancer, tiny, classifier((32,), solver="sgd", learning_rate_init=0.05)
    ),
    pair("tiny, wave, tanh", wave, tiny, regressor((32, 32), activation="tanh", max_iter=250)),
    pair("mixed units, plane", plane, mixed, regressor((32,), max_iter=300)),
    pair(
        "mixed units, digits, tanh",
        digits,
        mixed,
        classifier((32, 32, 32), activation="tanh", max_iter=60),
    ),
    pair("telling is tiny, blobs", blobs, telling_is_tiny, classifier((8,))),
    pair(
        "telling is tiny, plane, three layers",
        plane,
        telling_is_tiny,
        regressor((16, 16, 16), max_iter=60),
    ),
]
