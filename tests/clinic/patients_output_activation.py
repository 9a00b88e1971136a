"""Outputs that cannot reach the targets."""

from patient import (
    Patient,
    altered,
    blobs,
    cancer,
    circles,
    classifier,
    digits,
    friedman,
    moons,
    plane,
    regressor,
    wave,
)


def pair(name, data, make, sizes, out, also=(), **settings):
    sick = make(sizes, out_activation=out, **settings)
    return Patient("output_activation", name, data, sick, make(sizes, **settings), also=also)


def positive(data):
    """Targets from 0 to about 5."""
    return altered(data, lambda X, y, rng: (X, y - y.min()))


C, R = classifier, regressor
PATIENTS = [
    pair("relu, friedman", friedman, R, (32,), "relu"),
    pair("sigmoid, plane", plane, R, (32,), "sigmoid"),
    pair("tanh, positive friedman", positive(friedman), R, (32, 32), "tanh"),
    pair("sigmoid, wave, tanh", wave, R, (32, 32), "sigmoid", activation="tanh", max_iter=250),
    pair("softplus, wave", wave, R, (64,), "softplus", max_iter=300, learning_rate_init=0.02),
    pair("tanh, plane, three layers", plane, R, (16, 16, 16), "tanh", max_iter=60),
    pair("tanh, blobs", blobs, C, (16,), "tanh"),
    pair("relu, digits", digits, C, (32,), "relu", max_iter=60),
    pair("relu, circles", circles, C, (32,), "relu"),
    pair("softmax of one, cancer", cancer, C, (16,), "softmax", also=("double_softmax",)),
    pair("softmax of one, friedman", friedman, R, (32,), "softmax"),
    pair(
        "softplus, moons, sgd",
        moons,
        C,
        (32,),
        "softplus",
        solver="sgd",
        learning_rate_init=0.1,
        max_iter=300,
    ),
]
