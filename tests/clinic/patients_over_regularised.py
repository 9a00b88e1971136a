"""Penalties, dropout and limits that leave nothing to learn with."""

from patient import (
    Patient,
    circles,
    classifier,
    digits,
    friedman,
    moons,
    plane,
    regressor,
    wave,
)

import deltarule as dr
from deltarule.layers import Dense


def pair(name, data, make, sizes, strong, **settings):
    return Patient(
        "over_regularised", name, data, make(sizes, **settings, **strong), make(sizes, **settings)
    )


def layered(*layers):
    return lambda seed: dr.NetworkClassifier(
        list(layers), max_iter=60, learning_rate_init=0.003, random_state=seed
    )


C, R = classifier, regressor
PATIENTS = [
    pair("alpha, moons", moons, C, (32,), {"alpha": 60.0}, learning_rate_init=0.02),
    pair("l1, digits", digits, C, (32,), {"l1": 0.05}, max_iter=60),
    pair("alpha, friedman", friedman, R, (32,), {"alpha": 300.0}),
    pair("dropout, digits", digits, C, (16, 16), {"dropout": 0.9}, max_iter=60),
    pair("weight decay, circles, adamw", circles, C, (32,), {"weight_decay": 20.0}, solver="adamw"),
    pair("max norm, digits", digits, C, (32, 32), {"max_norm": 0.1}, max_iter=60),
    pair("alpha, wave, tanh", wave, R, (32, 32), {"alpha": 100.0}, activation="tanh", max_iter=250),
    pair("l1, plane, three layers", plane, R, (16, 16, 16), {"l1": 0.2}, max_iter=60),
    pair("dropout, friedman", friedman, R, (32, 32), {"dropout": 0.9}),
    pair("dropout, wave", wave, R, (64, 64), {"dropout": 0.8}, activation="tanh", max_iter=250),
    pair("weight decay, plane, adamw", plane, R, (32,), {"weight_decay": 30.0}, solver="adamw"),
    Patient(
        "over_regularised",
        "l2 of layers, digits",
        digits,
        layered(Dense(32, activation="relu", l2=1.0), Dense(32, activation="relu", l2=1.0)),
        layered(Dense(32, activation="relu"), Dense(32, activation="relu")),
    ),
]
