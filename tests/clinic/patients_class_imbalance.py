"""Rare classes that are never predicted."""

import numpy as np
from patient import Patient, altered, classifier
from sklearn import datasets


def pair(name, data, sizes, **settings):
    return Patient(
        "class_imbalance",
        name,
        data,
        classifier(sizes, **settings),
        classifier(sizes, class_weight="balanced", **settings),
    )


def rare(data, label, share):
    """Only some rows of a class."""

    def kept(X, y, rng):
        keep = (y != label) | (
            rng.uniform(size=len(y)) < share * np.mean(y != label) / np.mean(y == label)
        )
        return X[keep], y[keep]

    return altered(data, kept)


def rough_moons(seed):
    return datasets.make_moons(3000, noise=0.4, random_state=seed)


def overlapping(seed):
    """Four in a hundred rows, half hidden among the others."""
    return datasets.make_classification(
        2000, 8, n_informative=4, weights=[0.96], class_sep=0.9, flip_y=0.0, random_state=seed
    )


def three(seed):
    """Two common classes and a rare one between them."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, size=1500, p=[0.48, 0.47, 0.05])
    centres = np.array([[-2.0, 0, 0], [2.0, 0, 0], [0.0, 1.2, 0]])
    return centres[y] + rng.normal(size=(1500, 3)), y


def transactions(seed):
    """Two in a hundred are large."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=3000) < 0.02).astype(int)
    return rng.normal(size=(3000, 6)) + 1.6 * y[:, None] * np.array([1, 1, 0, 0, 0, 0]), y


PATIENTS = [
    pair("overlapping, relu", overlapping, (16,), max_iter=40, learning_rate_init=0.003),
    pair("transactions, tanh", transactions, (16,), activation="tanh", max_iter=40),
    pair("three classes", three, (16, 16), max_iter=40),
    pair(
        "overlapping, three layers, sgd",
        overlapping,
        (16, 16, 16),
        solver="sgd",
        max_iter=40,
        learning_rate_init=0.02,
    ),
    pair(
        "transactions, sigmoid, deep",
        transactions,
        (16, 16),
        activation="logistic",
        max_iter=60,
        learning_rate_init=0.01,
    ),
    pair(
        "three classes, strings",
        altered(three, lambda X, y, rng: (X, np.array(list("abc"))[y])),
        (32,),
        activation="gelu",
        max_iter=40,
    ),
    pair("rare moons", rare(rough_moons, 1, 0.06), (16,), max_iter=60),
    pair("transactions, rmsprop", transactions, (8,), solver="rmsprop", max_iter=40),
]
