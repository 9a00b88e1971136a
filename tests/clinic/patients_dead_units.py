"""Units that are 0 for every row."""

from functools import partial

from patient import Patient, circles, digits, friedman, moons, plane, shifted, wave

import deltarule as dr
from deltarule.initialisers import Constant, Normal, Uniform
from deltarule.layers import Dense


def mlp(kind, sizes, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.005, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def biased(kind, sizes, bias, seed, **settings):
    layers = [Dense(n, "he_normal", "relu", bias_init=Constant(bias)) for n in sizes]
    return kind(layers, random_state=seed, max_iter=100, learning_rate_init=0.005, **settings)


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    Patient(
        "dead_units",
        "bias -5, moons",
        moons,
        partial(biased, dr.NetworkClassifier, (16, 16), -5.0),
        partial(biased, dr.NetworkClassifier, (16, 16), 0.0),
    ),
    Patient(
        "dead_units",
        "negative weights, digits",
        digits,
        partial(mlp, C, (32, 32), init=Normal(mean=-0.3, std=0.1)),
        partial(mlp, C, (32, 32), init="he_normal"),
    ),
    Patient(
        "dead_units",
        "negative weights, plane",
        shifted(plane, 2.0),
        partial(mlp, R, (32, 32), init=Uniform(-1.0, -0.2)),
        partial(mlp, R, (32, 32), init="he_normal", max_iter=200),
    ),
    Patient(
        "dead_units",
        "bias -10, wave",
        wave,
        partial(biased, dr.NetworkRegressor, (24, 24), -10.0),
        partial(biased, dr.NetworkRegressor, (24, 24), 0.0),
    ),
    Patient(
        "dead_units",
        "sgd at 30, digits",
        digits,
        partial(mlp, C, (64, 64), solver="sgd", learning_rate_init=30.0, momentum=0.0),
        partial(mlp, C, (64, 64), solver="sgd", learning_rate_init=0.3, momentum=0.0),
        also=("learning_rate_high",),
    ),
    Patient(
        "dead_units",
        "adam at 5, circles",
        circles,
        partial(mlp, C, (16, 16), learning_rate_init=5.0),
        partial(mlp, C, (16, 16), learning_rate_init=0.01),
        also=("learning_rate_high",),
    ),
    Patient(
        "dead_units",
        "15 x 3, circles",
        circles,
        partial(mlp, C, (3,) * 15, init="he_normal"),
        partial(mlp, C, (24,) * 3, init="he_normal"),
    ),
    Patient(
        "dead_units",
        "16 x 3, friedman",
        friedman,
        partial(mlp, R, (3,) * 16, init="he_normal"),
        partial(mlp, R, (24,), init="he_normal"),
    ),
]
