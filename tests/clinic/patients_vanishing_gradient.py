"""Deep networks whose first layers are told nothing."""

from functools import partial

from patient import Patient, blobs, circles, digits, friedman, moons, wave

import deltarule as dr


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.005, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, sick, healthy, **settings):
    return Patient(
        "vanishing_gradient",
        name,
        data,
        partial(net, kind, sizes, **sick, **settings),
        partial(net, kind, sizes, **healthy, **settings),
    )


SIGMOID, TANH = {"activation": "logistic"}, {"activation": "tanh"}
RELU = {"activation": "relu", "init": "he_normal"}
NORMED = {"activation": "logistic", "batch_norm": True}
C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("10 x 8 sigmoid, circles", circles, C, (8,) * 10, SIGMOID, TANH),
    pair("8 x 32 sigmoid, digits", digits, C, (32,) * 8, SIGMOID, RELU, solver="sgd"),
    pair("7 x 16 sigmoid, friedman", friedman, R, (16,) * 7, SIGMOID, TANH),
    pair("12 x 8 sigmoid, blobs", blobs, C, (8,) * 12, SIGMOID, TANH),
    pair("9 x 16 sigmoid, moons", moons, C, (16,) * 9, SIGMOID, RELU, batch_size=50),
    pair("8 x 12 sigmoid, wave", wave, R, (12,) * 8, SIGMOID, TANH, max_iter=300),
    pair("6 x 32 sigmoid, sgd, digits", digits, C, (32,) * 6, SIGMOID, NORMED, solver="sgd"),
    pair("10 x 10 hard sigmoid, moons", moons, C, (10,) * 10, {"activation": "hard_sigmoid"}, TANH),
]
