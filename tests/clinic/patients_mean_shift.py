"""Values far off zero, compared with how much they differ."""

from functools import partial

from patient import Patient, circles, friedman, moons, shifted, wave

import deltarule as dr


def net(kind, sizes, seed, **settings):
    given = {"max_iter": 100, "learning_rate_init": 0.01, **settings}
    return kind(hidden_layer_sizes=sizes, random_state=seed, **given)


def pair(name, data, kind, sizes, by, **settings):
    made = partial(net, kind, sizes, **settings)
    return Patient(
        "mean_shift",
        name,
        data,
        made,
        made,
        sick_data=shifted(data, by),
        also=("unscaled_features",),
    )


C, R = dr.MLPClassifier, dr.MLPRegressor
SGD = {"solver": "sgd", "batch_size": 32}
PATIENTS = [
    pair("features + 15, moons", moons, C, (24,), 15.0, **SGD, max_iter=200),
    pair("features + 12, friedman", friedman, R, (24, 24), 12.0, **SGD, activation="tanh"),
    pair(
        "features + 10, circles", circles, C, (16, 16), 10.0, **SGD, activation="tanh", max_iter=150
    ),
    pair("features + 15, wave", wave, R, (32, 32), 15.0, activation="tanh"),
]
