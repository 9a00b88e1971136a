"""Batches far too small, or so large that there are hardly any steps."""

from functools import partial

from patient import Patient, circles, digits, friedman, moons, wave

import deltarule as dr


def net(kind, sizes, rows, seed, **settings):
    given = {"max_iter": 40, "learning_rate_init": 0.003, **settings}
    return kind(hidden_layer_sizes=sizes, batch_size=rows, random_state=seed, **given)


def pair(name, data, kind, sizes, wrong, right, also=(), **settings):
    return Patient(
        "batch_size",
        name,
        data,
        partial(net, kind, sizes, wrong, **settings),
        partial(net, kind, sizes, right, **settings),
        also=also,
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("all rows, moons", moons, C, (32,), 450, 16, learning_rate_init=0.005),
    pair("all rows, friedman", friedman, R, (32,), 450, 16),
    pair("all rows, digits", digits, C, (32,), 900, 16, max_iter=20),
    pair("all rows, wave", wave, R, (32, 32), 300, 8, max_iter=60, activation="tanh"),
    pair(
        "one row, momentum, circles",
        circles,
        C,
        (24, 24),
        1,
        64,
        ("learning_rate_high",),
        solver="sgd",
        learning_rate_init=0.1,
    ),
    pair(
        "one row, momentum, wave",
        wave,
        R,
        (32, 32),
        1,
        64,
        ("learning_rate_high",),
        solver="sgd",
        learning_rate_init=0.1,
        max_iter=100,
    ),
    pair(
        "one row, sgd, digits",
        digits,
        C,
        (32, 32),
        1,
        64,
        ("learning_rate_high",),
        solver="sgd",
        learning_rate_init=0.1,
        max_iter=15,
    ),
]
