"""Trainings that end in infinite numbers."""

from functools import partial

from patient import Patient, digits, friedman, plane, wave

import deltarule as dr
from deltarule.initialisers import Normal


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 60, "learning_rate_init": 0.01, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, sick, also=("learning_rate_high",), **settings):
    return Patient(
        "non_finite_loss",
        name,
        data,
        partial(net, kind, sizes, **{**settings, **sick}),
        partial(net, kind, sizes, **settings),
        also=also,
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
SGD = {"solver": "sgd"}
LARGE = {"init": Normal(std=30.0), "learning_rate_init": 0.1}
PATIENTS = [
    pair(
        "sgd at 1, plane",
        plane,
        R,
        (32, 32),
        {"learning_rate_init": 1.0},
        **SGD,
        activation="leaky_relu",
    ),
    pair(
        "sgd at 3, friedman",
        friedman,
        R,
        (16, 16, 16),
        {"learning_rate_init": 3.0},
        **SGD,
        max_iter=200,
        batch_size=64,
    ),
    pair(
        "Normal(30), digits",
        digits,
        C,
        (32,) * 6,
        LARGE,
        ("exploding_gradient",),
        **SGD,
        activation="leaky_relu",
    ),
    pair(
        "Normal(30), friedman",
        friedman,
        R,
        (16,) * 5,
        LARGE,
        ("exploding_gradient",),
        **SGD,
        max_iter=150,
        batch_size=64,
    ),
    pair("sgd at 1e15, digits", digits, C, (32, 32), {"learning_rate_init": 1e15}, **SGD),
    pair("sgd at 10, wave", wave, R, (32,), {"learning_rate_init": 10.0}, **SGD, max_iter=200),
]
