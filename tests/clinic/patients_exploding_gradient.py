"""Weights that make values and gradients grow from layer to layer."""

from functools import partial

from patient import Patient, blobs, digits, friedman, plane, wave

import deltarule as dr
from deltarule.initialisers import Normal, Orthogonal, Uniform


def net(kind, sizes, init, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.003, **settings}
    return kind(hidden_layer_sizes=sizes, init=init, random_state=seed, **given)


def pair(name, data, kind, sizes, large, **settings):
    return Patient(
        "exploding_gradient",
        name,
        data,
        partial(net, kind, sizes, large, **settings),
        partial(net, kind, sizes, "glorot_uniform", **settings),
        also=("non_finite_loss", "initial_variance"),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
PATIENTS = [
    pair("8 x 32 relu, Normal(1), digits", digits, C, (32,) * 8, Normal(std=1.0)),
    pair("6 x 32 relu, Normal(1), friedman", friedman, R, (32,) * 6, Normal(std=1.0)),
    pair(
        "8 x 16 elu, Uniform(2), friedman", friedman, R, (16,) * 8, Uniform(-2, 2), activation="elu"
    ),
    pair("10 x 16 leaky relu, wave", wave, R, (16,) * 10, Normal(std=1.0), activation="leaky_relu"),
    pair(
        "9 x 10 relu, Normal(3), blobs",
        blobs,
        C,
        (10,) * 9,
        Normal(std=3.0),
        solver="sgd",
        learning_rate_init=0.02,
    ),
    pair(
        "6 x 24 gelu, orthogonal 5, plane", plane, R, (24,) * 6, Orthogonal(5.0), activation="gelu"
    ),
]
