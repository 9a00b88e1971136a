"""Few rows, much freedom."""

import numpy as np
from patient import Patient, altered, classifier, regressor


def pair(name, data, sick, healthy):
    return Patient("overfitting", name, data, sick, healthy)


def wide(informative):
    """Two hundred rows of sixty features, of which few tell anything."""

    def made(seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 60))
        return X, X[:, :informative].sum(axis=1) + 0.5 * rng.normal(size=200)

    return made


def signs(data):
    return altered(data, lambda X, y, rng: (X, (y > 0).astype(int)))


def noisy_wave(seed):
    """Sixty rows of a straight line, far from it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 10))
    return X, X[:, 0] + 0.7 * rng.normal(size=80)


C, R = classifier, regressor
LONG = {"max_iter": 400, "tol": 0.0, "learning_rate_init": 0.01, "alpha": 0.0}
CALM = {"alpha": 30.0, "max_iter": 200}
PATIENTS = [
    pair("line, relu", wide(2), R((64, 64), **LONG), R((), **CALM)),
    pair("signs, relu", signs(wide(2)), C((64, 64), **LONG), C((), alpha=10.0)),
    pair("line, tanh", wide(3), R((128,), activation="tanh", **LONG), R((), **CALM)),
    pair("ten features, relu", noisy_wave, R((128, 128), **LONG), R((), **CALM)),
    pair("ten features, gelu, lbfgs", noisy_wave,
         R((64,), activation="gelu", solver="lbfgs", alpha=0.0), R((), **CALM)),
    pair("signs, tanh, three layers", signs(wide(1)),
         C((32, 32, 32), activation="tanh", **LONG), C((), alpha=10.0)),
]
