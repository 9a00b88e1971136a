"""Targets that are wrong, or twice there with two answers."""

import numpy as np
from patient import (
    Patient,
    altered,
    blobs,
    cancer,
    circles,
    classifier,
    digits,
    friedman,
    moons,
    regressor,
)


def pair(name, data, change, make):
    return Patient("label_noise", name, data, make, make, altered(data, change))


def flipped(share):
    """Some classes replaced by any other."""

    def change(X, y, rng):
        wrong, classes = rng.uniform(size=len(y)) < share, y.max() + 1
        return X, np.where(wrong, (y + rng.integers(1, classes, len(y))) % classes, y)

    return change


def twice(share):
    """Some rows a second time, with the class of another row."""

    def change(X, y, rng):
        again = rng.choice(len(y), int(share * len(y)), replace=False)
        return np.concatenate([X, X[again]]), np.concatenate([y, rng.permutation(y[again])])

    return change


PATIENTS = [
    pair(
        "a quarter flipped, moons", moons, flipped(0.25), classifier((16,), learning_rate_init=0.02)
    ),
    pair("a third flipped, digits", digits, flipped(0.33), classifier((32,), max_iter=40)),
    pair("a fifth flipped, cancer", cancer, flipped(0.2), classifier((16,), max_iter=40)),
    pair("twice, digits", digits, twice(0.3), classifier((32,), max_iter=60)),
    pair("twice, friedman", friedman, twice(0.5), regressor((32,))),
    pair(
        "a third flipped, circles, tanh",
        circles,
        flipped(0.33),
        classifier((16, 16), activation="tanh"),
    ),
    pair("twice, blobs", blobs, twice(0.5), classifier((16,))),
    pair(
        "a quarter flipped, blobs, three layers",
        blobs,
        flipped(0.25),
        classifier((16, 16, 16), max_iter=60),
    ),
    pair(
        "two fifths flipped, digits, batch norm",
        digits,
        flipped(0.4),
        classifier((32,), batch_norm=True, max_iter=30),
    ),
    pair(
        "twice, moons",
        moons,
        twice(0.4),
        classifier((32,), activation="gelu", learning_rate_init=0.02),
    ),
]
