"""Training that ends while the loss still falls."""

from functools import partial

from patient import Patient, circles, digits, friedman, moons, plane, wave

import deltarule as dr


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 300, "learning_rate_init": 0.003, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, sick, **settings):
    return Patient(
        "too_few_epochs",
        name,
        data,
        partial(net, kind, sizes, **{**settings, **sick}),
        partial(net, kind, sizes, **settings),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("5 epochs, moons", moons, C, (32,), {"max_iter": 6}, batch_size=32),
    pair("2 epochs, digits", digits, C, (32,), {"max_iter": 2}, batch_size=32, max_iter=40),
    pair(
        "tol 0.02, friedman",
        friedman,
        R,
        (32, 32),
        {"tol": 0.03, "n_iter_no_change": 1},
        batch_size=32,
        learning_rate_init=0.001,
        max_iter=100,
    ),
    pair(
        "10 epochs, wave",
        wave,
        R,
        (32, 32),
        {"max_iter": 4},
        batch_size=32,
        activation="tanh",
        max_iter=150,
    ),
    pair(
        "tol 0.01, circles", circles, C, (32,), {"tol": 0.02, "n_iter_no_change": 2}, batch_size=32
    ),
    pair("3 epochs, plane", plane, R, (32,), {"max_iter": 3}, batch_size=32),
]
