"""Few rows, much freedom."""

import numpy as np
from patient import Patient, altered, cancer, classifier, iris, regressor


def pair(name, data, make, sick, settings, healthy, l1):
    return Patient(
        "overfitting",
        name,
        data,
        make(sick, **{**FREE, **settings}),
        make(healthy, l1=l1, max_iter=400),
    )


def sum_of(informative, rows, features, noise=0.5):
    """The sum of some features with noise; the others tell nothing."""

    def made(seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(rows, features))
        return X, X[:, :informative].sum(axis=1) + noise * rng.normal(size=rows)

    return made


def sign_of(data):
    return altered(data, lambda X, y, rng: (X, (y > 0).astype(int)))


def with_noise(data, features):
    """The first five features and many that tell nothing, of 200 rows."""

    def added(X, y, rng):
        keep = rng.permutation(len(X))[:200]
        return np.hstack([X[keep, :5], rng.normal(size=(len(keep), features))]), y[keep]

    return altered(data, added)


C, R = classifier, regressor
FREE = {"max_iter": 400, "tol": 0.0, "learning_rate_init": 0.01, "alpha": 0.0}
TANH = {"activation": "tanh"}
PATIENTS = [
    pair("two of 120 features, relu", sum_of(2, 400, 120), R, (64, 64), {}, (16,), 0.03),
    pair("iris among 60 others", with_noise(iris, 60), C, (128,), {}, (16,), 0.02),
    pair("sign of two of 100", sign_of(sum_of(2, 300, 100)), C, (64, 64), {}, (16,), 0.02),
    pair("two of 80, three layers", sum_of(2, 300, 80), R, (64, 64, 64), {}, (16,), 0.03),
    pair("three of 100, tanh", sum_of(3, 240, 120), R, (64, 64), TANH, (16,), 0.05),
    pair("one of ten, wide", sum_of(1, 120, 20, 0.7), R, (128, 128), {}, (8,), 0.05),
    pair("cancer among 120 others", with_noise(cancer, 120), C, (64, 64), {}, (8,), 0.03),
    pair(
        "two of 100, gelu, rmsprop",
        sum_of(2, 300, 100),
        R,
        (64,),
        {"activation": "gelu", "solver": "rmsprop", "learning_rate_init": 0.003},
        (16,),
        0.03,
    ),
]
