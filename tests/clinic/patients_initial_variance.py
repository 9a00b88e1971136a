"""Weights that make pre-activations far too small or too large before any step."""

from functools import partial

from patient import Patient, cancer, circles, digits, friedman, moons, plane

import deltarule as dr
from deltarule.initialisers import Normal, Uniform


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 60, "learning_rate_init": 0.002, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, init, also=(), **settings):
    return Patient(
        "initial_variance",
        name,
        data,
        partial(net, kind, sizes, init=init, **settings),
        partial(net, kind, sizes, **settings),
        also=also,
    )


TANH, SIGMOID = {"activation": "tanh"}, {"activation": "logistic"}
C, R = dr.MLPClassifier, dr.MLPRegressor
LARGE, SMALL = ("saturation", "exploding_gradient"), ("vanishing_gradient",)
PATIENTS = [
    pair(
        "6 x 24 tanh, Normal(0.01), moons",
        moons,
        C,
        (24,) * 6,
        Normal(std=0.01),
        SMALL,
        **TANH,
        solver="sgd",
        learning_rate_init=0.05,
    ),
    pair(
        "5 x 32 relu, Normal(0.01), digits",
        digits,
        C,
        (32,) * 5,
        Normal(std=0.01),
        SMALL,
        solver="sgd",
        learning_rate_init=0.1,
    ),
    pair("3 x 32 tanh, Normal(5), digits", digits, C, (32,) * 3, Normal(std=5.0), LARGE, **TANH),
    pair(
        "3 x 24 tanh, Normal(10), friedman",
        friedman,
        R,
        (24,) * 3,
        Normal(std=10.0),
        LARGE,
        **TANH,
        learning_rate_init=0.01,
    ),
    pair(
        "8 x 16 relu, Uniform(0.02), circles",
        circles,
        C,
        (16,) * 8,
        Uniform(-0.02, 0.02),
        SMALL,
        learning_rate_init=0.005,
        max_iter=100,
    ),
    pair(
        "4 x 24 gelu, Normal(0.001), friedman",
        friedman,
        R,
        (24,) * 4,
        Normal(std=0.001),
        SMALL,
        activation="gelu",
        solver="sgd",
        learning_rate_init=0.05,
    ),
    pair(
        "4 x 16 sigmoid, Normal(20), cancer",
        cancer,
        C,
        (16,) * 3,
        Normal(std=20.0),
        LARGE,
        **SIGMOID,
        learning_rate_init=0.01,
    ),
    pair(
        "6 x 16 tanh, Normal(0.003), plane",
        plane,
        R,
        (16,) * 6,
        Normal(std=0.003),
        SMALL,
        **TANH,
        solver="sgd",
        learning_rate_init=0.05,
    ),
]
