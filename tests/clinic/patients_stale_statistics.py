"""Batch normalisation whose running statistics do not follow the data."""

from functools import partial

from patient import Patient, cancer, circles, digits, friedman, layered, moons, plane

import deltarule as dr
from deltarule.layers import Activation, BatchNorm, Dense


def stack(momentum, units, activation):
    layers = []
    for n in units:
        layers += [Dense(n), BatchNorm(momentum=momentum), Activation(activation)]
    return layers


def pair(name, data, kind, momentum, units, activation="relu", **settings):
    nets = (layered(kind, stack(m, units, activation), **settings) for m in (momentum, 0.1))
    return Patient("stale_statistics", name, data, *nets)


def shifted(data, by, seed):
    """Features of another mean and size, which the first normalisation takes away."""
    X, y = data(seed)
    return by * (X + 3), y


def numbers(data, seed):
    X, y = data(seed)
    return 10 * X, y


C, R = dr.NetworkClassifier, dr.NetworkRegressor
PATIENTS = [
    pair("momentum 1e-5, digits", partial(shifted, digits, 5), C, 1e-5, (64,)),
    pair("momentum 1e-4, moons", partial(shifted, moons, 5), C, 1e-4, (16, 16)),
    pair("momentum 1e-5, friedman", partial(numbers, friedman), R, 1e-5, (32, 32)),
    pair("momentum 1e-4, cancer, tanh", partial(shifted, cancer, 5), C, 1e-4, (16,), "tanh"),
    pair("momentum 1e-5, plane, sgd", partial(numbers, plane), R, 1e-5, (32,), solver="sgd"),
    pair("momentum 1e-5, circles, three layers", partial(numbers, circles), C, 1e-5, (16, 16, 16)),
    pair("momentum 1e-4, digits, gelu", partial(numbers, digits), C, 1e-4, (32, 32), "gelu"),
    pair("momentum 1e-4, friedman, tanh", partial(numbers, friedman), R, 1e-4, (32,), "tanh"),
]
