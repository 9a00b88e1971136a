"""Features that have lost what they told on the way."""

import numpy as np
from patient import Patient, altered, blobs, cancer, classifier, digits, friedman, plane, regressor


def pair(name, data, change, make):
    return Patient("constant_features", name, data, make, make, altered(data, change))


def divided(X, y, rng):
    """Pixels from 0 to 15 divided by 255 as integers."""
    return (X * 15).astype(int) // 255, y


def cast(X, y, rng):
    """Numbers from 0 to 1, cast to integers."""
    low, high = X.min(axis=0), X.max(axis=0)
    return (0.999 * (X - low) / (high - low)).astype(int), y


def filled(X, y, rng):
    """All but one column filled with its mean."""
    filled = np.repeat(X.mean(axis=0)[None], len(X), axis=0)
    filled[:, -1] = rng.normal(size=len(X))
    return filled, y


def clipped(X, y, rng):
    """Clipped to what is far below every number."""
    return np.clip(X, -1000, -100), y


PATIENTS = [
    pair("integer division, digits", digits, divided, classifier((64,), max_iter=60)),
    pair("integer cast, cancer", cancer, cast, classifier((16,))),
    pair("integer cast, friedman", friedman, cast, regressor((32,))),
    pair(
        "filled, digits, tanh", digits, filled, classifier((32, 32), activation="tanh", max_iter=60)
    ),
    pair("filled, cancer, sigmoid", cancer, filled, classifier((16,), activation="logistic")),
    pair("clipped, plane", plane, clipped, regressor((32,))),
    pair("clipped, blobs, batch norm", blobs, clipped, classifier((16, 16), batch_norm=True)),
    pair("integer cast, plane, three layers", plane, cast, regressor((16, 16, 16), max_iter=60)),
]
