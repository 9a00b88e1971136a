"""Steps that are too long."""

from functools import partial

from patient import Patient, blobs, circles, digits, friedman, moons, wave

import deltarule as dr


def net(kind, sizes, rate, seed, **settings):
    return kind(
        hidden_layer_sizes=sizes,
        learning_rate_init=rate,
        random_state=seed,
        **{"max_iter": 100, **settings},
    )


def pair(name, data, kind, sizes, high, right, **settings):
    return Patient(
        "learning_rate_high",
        name,
        data,
        partial(net, kind, sizes, high, **settings),
        partial(net, kind, sizes, right, **settings),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("adam at 3, moons", moons, C, (32, 16), 3.0, 0.01),
    pair("sgd at 10, digits", digits, C, (32,), 10.0, 0.1, solver="sgd"),
    pair("adam at 0.5, tanh, friedman", friedman, R, (32, 32), 0.5, 0.005, activation="tanh"),
    pair("adam at 0.5, relu, wave", wave, R, (64, 64), 0.5, 0.005),
    pair("rmsprop at 3, circles", circles, C, (24, 24, 24), 3.0, 0.005, solver="rmsprop"),
    pair("momentum at 3, blobs", blobs, C, (16, 16, 16), 3.0, 0.02, solver="sgd"),
]
