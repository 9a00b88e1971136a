"""Steps that are too short."""

from functools import partial

from patient import Patient, cancer, circles, digits, friedman, moons, plane, wave

import deltarule as dr


def net(kind, sizes, rate, seed, **settings):
    return kind(
        hidden_layer_sizes=sizes,
        learning_rate_init=rate,
        random_state=seed,
        **{"max_iter": 150, **settings},
    )


def pair(name, data, kind, sizes, low, right, **settings):
    return Patient(
        "learning_rate_low",
        name,
        data,
        partial(net, kind, sizes, low, **settings),
        partial(net, kind, sizes, right, **settings),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("adam at 1e-6, moons", moons, C, (32,), 1e-6, 0.01),
    pair("momentum at 1e-5, digits", digits, C, (32,), 1e-5, 0.1, solver="sgd"),
    pair("adam at 1e-6, tanh, friedman", friedman, R, (32, 32), 1e-6, 0.01, activation="tanh"),
    pair("adam at 1e-5, gelu, wave", wave, R, (32,), 1e-5, 0.01, activation="gelu", max_iter=300),
    pair("rmsprop at 1e-7, circles", circles, C, (32, 32), 1e-7, 0.005, solver="rmsprop"),
    pair("momentum at 1e-6, plane", plane, R, (16, 16), 1e-6, 0.01, solver="sgd"),
    pair("adam at 1e-5, sigmoid, cancer", cancer, C, (16,), 1e-6, 0.02, activation="logistic"),
    pair("sgd at 1e-4, circles", circles, C, (24,), 1e-4, 0.5, solver="sgd", momentum=0.5),
]
