"""Batch normalisation over a row or two."""

from functools import partial

from patient import Patient, digits, friedman, moons

import deltarule as dr


def net(kind, sizes, rows, seed, **settings):
    given = {"max_iter": 20, "learning_rate_init": 0.003, **settings}
    return kind(
        hidden_layer_sizes=sizes, batch_norm=True, batch_size=rows, random_state=seed, **given
    )


def pair(name, data, kind, sizes, wrong, right, **settings):
    return Patient(
        "batch_norm_batches",
        name,
        data,
        partial(net, kind, sizes, wrong, **settings),
        partial(net, kind, sizes, right, **settings),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("one row, moons", moons, C, (16, 16), 1, 32),
    pair("two rows, friedman", friedman, R, (24, 24, 24), 2, 32, max_iter=30),
    pair("two rows, digits", digits, C, (16, 16, 16), 2, 32, max_iter=10),
    pair("one row, friedman", friedman, R, (24,), 1, 32, max_iter=60),
]
