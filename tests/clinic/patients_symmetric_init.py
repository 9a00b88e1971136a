"""Units that begin alike and stay so."""

from functools import partial

from patient import Patient, circles, digits, friedman, moons, wave

import deltarule as dr
from deltarule.initialisers import Constant


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.005, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, init, **settings):
    return Patient(
        "symmetric_init",
        name,
        data,
        partial(net, kind, sizes, init=init, **settings),
        partial(net, kind, sizes, **settings),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("0.1, moons", moons, C, (24, 24), Constant(0.1)),
    pair("zeros, digits", digits, C, (32,), "zeros"),
    pair(
        "zeros, sigmoid, friedman",
        friedman,
        R,
        (24,),
        "zeros",
        activation="logistic",
        learning_rate_init=0.05,
    ),
    pair("ones, tanh, wave", wave, R, (24, 24), "ones", activation="tanh"),
    pair("0.5, tanh, circles", circles, C, (16, 16, 16), Constant(0.5), activation="tanh"),
    pair(
        "0.05, digits, sgd",
        digits,
        C,
        (64, 32),
        Constant(0.05),
        solver="sgd",
        learning_rate_init=0.1,
    ),
]
