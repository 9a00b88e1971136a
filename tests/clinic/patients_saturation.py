"""Units pushed to the flat ends of two-sided activations."""

from functools import partial

from patient import Patient, cancer, circles, digits, friedman, wave

import deltarule as dr
from deltarule.initialisers import Normal, Uniform


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.005, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, init, **settings):
    return Patient(
        "saturation",
        name,
        data,
        partial(net, kind, sizes, init=init, **settings),
        partial(net, kind, sizes, **settings),
        also=("initial_variance",),
    )


TANH, SIGMOID = {"activation": "tanh"}, {"activation": "logistic"}
C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("tanh, Normal(3), digits", digits, C, (32, 32), Normal(std=3.0), **TANH),
    pair(
        "sigmoid, Normal(20), friedman",
        friedman,
        R,
        (32, 32),
        Normal(std=20.0),
        **SIGMOID,
        learning_rate_init=0.03,
    ),
    pair("tanh, Uniform(20), friedman", friedman, R, (24, 24, 24), Uniform(-20, 20), **TANH),
    pair(
        "sigmoid, Normal(20), digits",
        digits,
        C,
        (16, 16),
        Normal(std=20.0),
        **SIGMOID,
        solver="rmsprop",
        learning_rate_init=0.01,
    ),
    pair(
        "hard tanh, Normal(5), cancer",
        cancer,
        C,
        (16, 16, 16),
        Normal(std=10.0),
        activation="hard_tanh",
    ),
    pair("tanh, Normal(40), wave", wave, R, (32, 32), Normal(std=40.0), **TANH),
    Patient(
        "saturation",
        "tanh, adam at 5, circles",
        circles,
        partial(net, C, (16, 16), learning_rate_init=5.0, **TANH),
        partial(net, C, (16, 16), learning_rate_init=0.01, **TANH),
        also=("learning_rate_high",),
    ),
    Patient(
        "saturation",
        "sigmoid, sgd at 100, digits",
        digits,
        partial(net, C, (32, 32), learning_rate_init=100.0, solver="sgd", **SIGMOID),
        partial(net, C, (32, 32), learning_rate_init=0.5, solver="sgd", **SIGMOID),
        also=("learning_rate_high",),
    ),
]
