"""Hidden layers without a bend."""

from patient import Patient, circles, classifier, friedman, moons, regressor, wave, waves

import deltarule as dr
from deltarule.layers import Dense


def pair(name, data, make, sizes, **settings):
    return Patient(
        "linear_network",
        name,
        data,
        make(sizes, activation="identity", **settings),
        make(sizes, **settings),
    )


def layered(kind, bend):
    """Two dense layers, with or without a bend."""
    layers = [Dense(32, activation=bend), Dense(32, activation=bend)]
    return lambda seed: kind(layers, max_iter=200, learning_rate_init=0.005, random_state=seed)


C, R = classifier, regressor
PATIENTS = [
    pair("circles", circles, C, (32, 32)),
    pair("wave, deep", wave, R, (16,) * 4, max_iter=100),
    pair("moons", moons, C, (16, 16, 16)),
    pair("friedman", friedman, R, (32,)),
    pair("waves, batch norm", waves, R, (32, 32), batch_norm=True),
    Patient("linear_network", "no hidden layer, circles", circles, C(()), C((16,))),
    Patient(
        "linear_network",
        "layers, circles",
        circles,
        layered(dr.NetworkClassifier, None),
        layered(dr.NetworkClassifier, "relu"),
    ),
    Patient(
        "linear_network",
        "layers, wave",
        wave,
        layered(dr.NetworkRegressor, None),
        layered(dr.NetworkRegressor, "tanh"),
    ),
]
