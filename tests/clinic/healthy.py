"""Fifty networks in which nothing is wrong: nothing may be found."""

from functools import partial

import numpy as np
from patient import (
    altered,
    blobs,
    cancer,
    circles,
    classifier,
    digits,
    friedman,
    iris,
    moons,
    plane,
    regressor,
    steps,
    wave,
    waves,
    wine,
)
from sklearn import datasets

import deltarule as dr
from deltarule import layers as L


def diabetes(seed):
    X, y = datasets.load_diabetes(return_X_y=True)
    return X / X.std(axis=0), (y - y.mean()) / y.std()


def spirals(seed):
    rng = np.random.default_rng(seed)
    t, y = 0.5 + 2.5 * np.sqrt(rng.uniform(size=800)), rng.integers(0, 2, 800)
    angle = 2 * t + np.pi * y
    X = np.column_stack([t * np.cos(angle), t * np.sin(angle)]) / 1.5
    return X + 0.05 * rng.normal(size=X.shape), y


def xor(seed):
    X = np.random.default_rng(seed).uniform(-1.5, 1.5, (600, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def one_in_five(seed):
    """Classes of 80 and 20 %, well apart."""
    return datasets.make_classification(
        1000, 10, n_informative=5, weights=[0.8], class_sep=1.6, flip_y=0, random_state=seed
    )


def labels(seed):
    """Three labels a row."""
    X = np.random.default_rng(seed).normal(size=(800, 6))
    return X, (X[:, :3] + X[:, 3:] > 0).astype(int)


def counts(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1000, 4))
    return X, rng.poisson(np.exp(1.5 + 0.6 * X[:, 0] - 0.5 * X[:, 1])).astype(float)


def positive(seed):
    """Times from 0.1 to about 10."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(800, 4))
    return X, np.exp(0.5 * X[:, 0] + 0.4 * X[:, 1] * X[:, 2]) * np.exp(0.1 * rng.normal(size=800))


def shares(seed):
    """Numbers between 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(800, 4))
    return X, 1 / (1 + np.exp(-X[:, 0] - X[:, 1] * X[:, 2] - 0.2 * rng.normal(size=800)))


def images(seed):
    X, y = digits(seed)
    return X.reshape(-1, 8, 8, 1), y


def summed(seed):
    """Sequences of eight numbers; the target is about their sum."""
    X = np.random.default_rng(seed).normal(size=(800, 8, 1))
    return X, np.tanh(X[:, :, 0].sum(axis=1) / 2)


def noisy(data, by):
    """Classes that overlap."""
    return altered(data, lambda X, y, rng: (X + by * rng.normal(size=X.shape), y))


def as_text(data):
    return altered(data, lambda X, y, rng: (X, np.array(list("abcdefghij"))[y]))


def raw(load):
    """As it is measured, in units of about 1 to 10."""
    return lambda seed: load(return_X_y=True)


def layered(kind, stack, **settings):
    given = {"max_iter": 60, "learning_rate_init": 0.005, **settings}
    return lambda seed: kind(stack, random_state=seed, **given)


def tall(depth, units, activation, **settings):
    return partial(_tall, depth, units, activation, settings)


def _tall(depth, units, activation, settings, seed):
    given = {"max_iter": 100, "learning_rate_init": 0.003, **settings}
    return dr.MLPClassifier((units,) * depth, activation=activation, random_state=seed, **given)


C, R = classifier, regressor
NC, NR = dr.NetworkClassifier, dr.NetworkRegressor
SGD = {"solver": "sgd", "learning_rate_init": 0.05}
HE = {"init": "he_normal"}

HEALTHY = [
    # activations
    ("relu, circles", circles, C((32,), learning_rate_init=0.01)),
    ("tanh, moons", moons, C((32, 32), activation="tanh", learning_rate_init=0.01)),
    ("sigmoid, cancer", cancer, C((16,), activation="logistic", learning_rate_init=0.01)),
    ("leaky relu, digits", digits, C((64,), activation="leaky_relu", max_iter=60)),
    ("elu, friedman", friedman, R((32, 32), activation="elu")),
    (
        "selu, spirals",
        spirals,
        C((32, 32, 32), activation="selu", init="lecun_normal", max_iter=300),
    ),
    ("gelu, digits", digits, C((32, 32), activation="gelu", max_iter=60)),
    ("silu, wave", wave, R((32, 32), activation="silu", max_iter=300, learning_rate_init=0.01)),
    ("mish, wine", wine, C((16,), activation="mish", max_iter=80)),
    ("softplus, friedman", friedman, R((32, 32), activation="softplus", max_iter=300)),
    ("softsign, blobs", blobs, C((16,), activation="softsign")),
    ("hard tanh, moons", moons, C((32, 32), activation="hard_tanh", learning_rate_init=0.01)),
    ("prelu, plane", plane, R((16,), activation="prelu")),
    ("snake, wave", wave, R((32,), activation="snake", max_iter=300, learning_rate_init=0.01)),
    ("identity, plane", plane, R((16,), activation="identity")),
    ("no hidden layer, iris", iris, C((), learning_rate_init=0.05)),
    # optimizers and batches
    ("sgd, digits", digits, C((64,), **SGD, max_iter=80)),
    ("sgd, friedman", friedman, R((32,), solver="sgd", learning_rate_init=0.01, max_iter=200)),
    (
        "nesterov, circles",
        circles,
        C((32,), solver="nesterov", learning_rate_init=0.1, batch_size=32),
    ),
    ("adamw, cancer", cancer, C((32,), solver="adamw", max_iter=60)),
    ("nadam, digits", digits, C((32,), solver="nadam", max_iter=60)),
    ("rmsprop, plane", plane, R((32,), solver="rmsprop", learning_rate_init=0.003)),
    ("adagrad, blobs", blobs, C((16,), solver="adagrad", learning_rate_init=0.1)),
    ("lion, digits", digits, C((64,), solver="lion", learning_rate_init=0.0005, max_iter=60)),
    ("lbfgs, moons", moons, C((16,), solver="lbfgs", alpha=0.01)),
    ("lbfgs, friedman", friedman, R((8,), solver="lbfgs", alpha=1.0)),
    ("small batches, iris", raw(datasets.load_iris), C((16,), batch_size=8, max_iter=100)),
    (
        "whole batches, waves",
        waves,
        R((64,), batch_size=450, max_iter=400, learning_rate_init=0.02),
    ),
    # depth and blocks
    ("four layers, digits", digits, tall(4, 32, "relu", **HE)),
    ("six layers, circles", circles, tall(6, 16, "relu", **HE, max_iter=150)),
    ("eight layers, moons, tanh", moons, tall(8, 16, "tanh", max_iter=200)),
    (
        "twelve layers, digits, residual",
        digits,
        tall(12, 32, "relu", residual=True, batch_norm=True, max_iter=40),
    ),
    ("batch norm, friedman", friedman, R((32, 32), batch_norm=True)),
    ("dropout, digits", digits, C((128,), dropout=0.3, max_iter=100)),
    (
        "dropout and batch norm, cancer",
        cancer,
        C((64, 64), dropout=0.2, batch_norm=True, max_iter=60),
    ),
    ("residual, friedman", friedman, R((32, 32, 32), residual=True, activation="gelu")),
    ("wide, spirals", spirals, C((256,), max_iter=300, learning_rate_init=0.02)),
    ("early stopping, digits, text", as_text(digits), C((64,), early_stopping=True)),
    # tasks and losses
    (
        "overlapping moons",
        noisy(moons, 0.25),
        C((16,), alpha=0.1, max_iter=60, learning_rate_init=0.01),
    ),
    ("one in five", one_in_five, C((32,), alpha=0.1, max_iter=60)),
    ("labels", labels, C((32,))),
    ("diabetes", diabetes, R((16,), alpha=30.0, max_iter=60)),
    ("counts", counts, R((16,), loss="poisson", max_iter=60)),
    (
        "positive, softplus output",
        positive,
        R((32,), out_activation="softplus", learning_rate_init=0.01),
    ),
    (
        "shares, sigmoid output",
        shares,
        R((32, 32), out_activation="sigmoid", learning_rate_init=0.01),
    ),
    (
        "huber, xor as numbers",
        altered(xor, lambda X, y, rng: (X, X[:, 0] * X[:, 1])),
        R((32,), loss="huber", max_iter=300, learning_rate_init=0.02),
    ),
    # images and sequences
    (
        "convolutions, digits",
        images,
        layered(
            NC,
            [
                L.Conv2D(8, 3, activation="relu"),
                L.MaxPool(2),
                L.Flatten(),
                L.Dense(32, activation="relu"),
            ],
            max_iter=30,
        ),
    ),
    ("LSTM, sequences", steps, layered(NC, [L.LSTM(16)], learning_rate_init=0.02)),
    ("GRU, sequences of numbers", summed, layered(NR, [L.GRU(16)], learning_rate_init=0.02)),
    (
        "batch norm in front, raw wine",
        raw(datasets.load_wine),
        layered(NC, [L.BatchNorm(), L.Dense(16, activation="relu")], max_iter=100),
    ),
]
