"""A column made of the target among the features."""

import numpy as np
from patient import Patient, altered, cancer, classifier, digits, friedman, moons, plane, regressor


def pair(name, data, change, make):
    return Patient("leaking_feature", name, data, make, make, altered(data, change))


def copied(X, y, rng):
    """The target itself."""
    return np.column_stack([X, y]), y


def rough(X, y, rng):
    """The target with some noise."""
    return np.column_stack([y + 0.02 * np.std(y) * rng.normal(size=len(y)), X]), y


def other_unit(X, y, rng):
    """The target in another unit, between the features."""
    return np.insert(X, 2, -3.2 * y + 1.7, axis=1), y


def hard(data):
    """Features half hidden by noise."""
    return altered(data, lambda X, y, rng: (X + 0.8 * X.std(axis=0) * rng.normal(size=X.shape), y))


PATIENTS = [
    pair("copied, friedman", hard(friedman), copied, regressor((16,), max_iter=60, alpha=10.0)),
    pair("copied, cancer", hard(cancer), copied, classifier((16,), max_iter=40, alpha=1.0)),
    pair("rough, plane", hard(plane), rough, regressor((16,), max_iter=60, alpha=10.0)),
    pair("rough, digits", hard(digits), rough, classifier((32,), max_iter=40, alpha=1.0)),
    pair("other unit, moons", hard(moons), other_unit, classifier((16,), max_iter=60)),
    pair("other unit, friedman, tanh", friedman, other_unit, regressor((32,), activation="tanh")),
    pair("copied, moons, three layers", moons, copied, classifier((16, 16, 16))),
    pair("rough, friedman, batch norm", friedman, rough, regressor((32,), batch_norm=True)),
]
