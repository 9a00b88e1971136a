"""Validation rows that are unlike those to learn from, or among them."""

import numpy as np
from patient import (
    Patient,
    cancer,
    classifier,
    digits,
    friedman,
    iris,
    moons,
    plane,
    regressor,
    wave,
)


def pair(name, data, change, make):
    def fair(seed):
        X, y = data(seed)
        return changed(X, y, seed, lambda X, y, X_val, y_val, rng: (X, y, X_val, y_val))

    def unfair(seed):
        return changed(*data(seed), seed, change)

    return Patient("validation_split", name, fair, make, make, unfair)


def changed(X, y, seed, change):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    a, b = order[: 3 * len(X) // 4], order[3 * len(X) // 4 :]
    return change(X[a], y[a], X[b], y[b], rng)


def unscaled(X, y, X_val, y_val, rng):
    """Validation rows as they were before scaling."""
    return X, y, 16 * X_val + 5, y_val


def sorted_rows(X, y, X_val, y_val, rng):
    """The last rows of a file that is sorted by the target."""
    X, y = np.concatenate([X, X_val]), np.concatenate([y, y_val])
    order, n = np.argsort(y, kind="stable"), 3 * len(y) // 4
    X, y = X[order], y[order]
    return X[:n], y[:n], X[n:], y[n:]


def by_feature(X, y, X_val, y_val, rng):
    """The last rows of a file that is sorted by a feature."""
    X, y = np.concatenate([X, X_val]), np.concatenate([y, y_val])
    order, n = np.argsort(X[:, 0]), 3 * len(y) // 4
    X, y = X[order], y[order]
    return X[:n], y[:n], X[n:], y[n:]


def shared(X, y, X_val, y_val, rng):
    """Validation rows from those to learn from."""
    keep = rng.choice(len(X), len(X_val), replace=False)
    return X, y, X[keep], y[keep]


def own_scaler(X, y, X_val, y_val, rng):
    """Validation rows divided by 255, which the others are not."""
    return X, y, X_val / 255, y_val


C, R = classifier, regressor
PATIENTS = [
    pair("unscaled, digits", digits, unscaled, C((32,), max_iter=60)),
    pair("unscaled, plane", plane, unscaled, R((16,))),
    pair("sorted, digits", digits, sorted_rows, C((32,), max_iter=60)),
    pair("sorted, iris", iris, sorted_rows, C((16,))),
    pair("sorted, friedman", friedman, sorted_rows, R((32,))),
    pair("sorted, wave", wave, sorted_rows, R((32, 32), activation="tanh", max_iter=250)),
    pair("by feature, cancer", cancer, by_feature, C((16,))),
    pair("by feature, moons", moons, by_feature, C((16, 16))),
    pair("shared, digits", digits, shared, C((32, 32), max_iter=60)),
    pair("shared, friedman", friedman, shared, R((32,))),
    pair("own scaler, cancer", cancer, own_scaler, C((16,))),
    pair("own scaler, friedman", friedman, own_scaler, R((32,))),
]
