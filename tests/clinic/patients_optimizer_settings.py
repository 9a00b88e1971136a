"""Momentum, beta_1, beta_2 and epsilon that stall."""

from functools import partial

from patient import Patient, digits, friedman, moons, wave

import deltarule as dr


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 60, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, sick, healthy, also=(), **settings):
    return Patient(
        "optimizer_settings",
        name,
        data,
        partial(net, kind, sizes, **{**settings, **sick}),
        partial(net, kind, sizes, **{**settings, **healthy}),
        also=also,
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
SGD = {"solver": "sgd"}
PLAIN = {"momentum": 0.0, "nesterovs_momentum": False}
PATIENTS = [
    pair(
        "momentum 0.999, digits",
        digits,
        C,
        (32, 32),
        {"momentum": 0.999},
        {"momentum": 0.9},
        ("learning_rate_high",),
        **SGD,
        learning_rate_init=0.1,
        batch_size=64,
    ),
    pair(
        "momentum 0.999, friedman",
        friedman,
        R,
        (32, 32),
        {"momentum": 0.999},
        {"momentum": 0.9},
        ("learning_rate_high",),
        **SGD,
        learning_rate_init=0.03,
        batch_size=32,
    ),
    pair(
        "epsilon 1, digits",
        digits,
        C,
        (32, 32),
        {"epsilon": 1.0},
        {},
        ("learning_rate_low",),
        learning_rate_init=0.003,
    ),
    pair(
        "epsilon 0.3, friedman",
        friedman,
        R,
        (32,),
        {"epsilon": 0.3},
        {},
        ("learning_rate_low",),
        learning_rate_init=0.005,
    ),
    pair(
        "beta_2 0.1, digits",
        digits,
        C,
        (32, 32),
        {"beta_2": 0.1},
        {},
        ("learning_rate_high",),
        learning_rate_init=0.01,
        batch_size=32,
    ),
    pair(
        "beta_2 0.1, friedman",
        friedman,
        R,
        (32, 32),
        {"beta_2": 0.1},
        {},
        ("learning_rate_high",),
        learning_rate_init=0.01,
        batch_size=32,
    ),
    pair(
        "no momentum, digits",
        digits,
        C,
        (32,),
        PLAIN,
        {"momentum": 0.95},
        ("learning_rate_low", "too_few_epochs"),
        **SGD,
        learning_rate_init=0.01,
        max_iter=40,
    ),
    pair(
        "no momentum, wave",
        wave,
        R,
        (32, 32),
        PLAIN,
        {"momentum": 0.95},
        ("learning_rate_low", "too_few_epochs"),
        **SGD,
        learning_rate_init=0.01,
        max_iter=120,
        activation="tanh",
    ),
    pair(
        "epsilon 10, moons",
        moons,
        C,
        (32,),
        {"epsilon": 10.0},
        {},
        ("learning_rate_low",),
        learning_rate_init=0.005,
        batch_size=32,
    ),
    pair(
        "momentum 0.9999, moons",
        moons,
        C,
        (32, 32),
        {"momentum": 0.9999},
        {"momentum": 0.9},
        ("learning_rate_high",),
        **SGD,
        learning_rate_init=0.2,
        batch_size=32,
    ),
]
