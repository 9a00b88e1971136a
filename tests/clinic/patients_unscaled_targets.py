"""Targets that are far from 0, of a large or of a tiny spread."""

from patient import Patient, altered, friedman, plane, regressor, wave, waves


def pair(name, data, factor, offset, make):
    def moved(X, y, rng):
        return X, factor * y + offset

    return Patient("unscaled_targets", name, data, make, make, altered(data, moved))


PATIENTS = [
    pair("prices, friedman", friedman, 80_000, 200_000, regressor((32,))),
    pair(
        "prices, plane, sgd",
        plane,
        5_000,
        20_000,
        regressor((32,), solver="sgd", learning_rate_init=0.01),
    ),
    pair("years, wave", wave, 5, 2000, regressor((32, 32), activation="tanh", max_iter=250)),
    pair("years, waves, two targets", waves, 10, 1990, regressor((64, 64))),
    pair("tiny, friedman", friedman, 1e-4, 0, regressor((32,))),
    pair(
        "tiny, wave, sgd",
        wave,
        1e-3,
        0,
        regressor((32, 32), activation="tanh", solver="sgd", learning_rate_init=0.05, max_iter=400),
    ),
    pair(
        "large, waves, sigmoid",
        waves,
        1000,
        0,
        regressor((64,), activation="logistic", learning_rate_init=0.02, max_iter=300),
    ),
    pair("large, plane, three layers", plane, 3000, 0, regressor((16, 16, 16), max_iter=60)),
    pair("offset, friedman, tanh", friedman, 1, 100, regressor((32,), activation="tanh")),
    pair(
        "offset, plane, rmsprop",
        plane,
        1,
        -300,
        regressor((32,), solver="rmsprop", learning_rate_init=0.005),
    ),
]
