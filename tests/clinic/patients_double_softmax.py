"""Sigmoid and softmax before a loss that applies its own."""

from patient import Patient, blobs, cancer, circles, classifier, digits, iris, moons, wine

import deltarule as dr
from deltarule.layers import Dense


def pair(name, data, sizes, out, **settings):
    sick = classifier(sizes, out_activation=out, **settings)
    return Patient("double_softmax", name, data, sick, classifier(sizes, **settings))


def layered(*layers):
    """A network of layers; the estimator adds the output."""
    return lambda seed: dr.NetworkClassifier(
        list(layers), max_iter=60, learning_rate_init=0.003, random_state=seed
    )


PATIENTS = [
    pair("softmax, digits", digits, (32,), "softmax", max_iter=60),
    pair("sigmoid, cancer", cancer, (16,), "sigmoid"),
    pair("sigmoid, moons", moons, (32, 32), "sigmoid"),
    pair("softmax, iris, tanh", iris, (16,), "softmax", activation="tanh"),
    pair("softmax, wine, three layers", wine, (16, 16, 16), "softmax"),
    pair("sigmoid, blobs", blobs, (16,), "sigmoid"),
    pair("hard sigmoid, circles", circles, (32,), "hard_sigmoid"),
    pair("sparsemax, digits, batch norm", digits, (32,), "sparsemax", batch_norm=True, max_iter=40),
    Patient(
        "double_softmax",
        "softmax before the output, digits",
        digits,
        layered(Dense(32, activation="relu"), Dense(10, activation="softmax")),
        layered(Dense(32, activation="relu")),
    ),
    Patient(
        "double_softmax",
        "softmax before the output, deep digits",
        digits,
        layered(
            Dense(32, activation="relu"),
            Dense(32, activation="relu"),
            Dense(10, activation="softmax"),
        ),
        layered(Dense(32, activation="relu"), Dense(32, activation="relu")),
    ),
]
