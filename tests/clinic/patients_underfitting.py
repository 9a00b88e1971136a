"""Layers too narrow for what there is to learn."""

from patient import Patient, circles, classifier, digits, friedman, moons, regressor, wave, waves


def pair(name, data, make, few, many, **settings):
    given = {"learning_rate_init": 0.02, "max_iter": 300, **settings}
    return Patient("underfitting", name, data, make(few, **given), make(many, **given))


C, R = classifier, regressor
TANH = {"activation": "tanh"}
PATIENTS = [
    pair("two units, circles, tanh", circles, C, (2,), (16,), **TANH),
    pair("two units, wave, tanh", wave, R, (2,), (32,), **TANH, learning_rate_init=0.01),
    pair("two units, digits", digits, C, (2,), (32,)),
    pair("one unit, moons, tanh", moons, C, (1,), (16,), **TANH),
    pair("one unit, friedman", friedman, R, (1,), (32,)),
    pair("bottleneck, digits, tanh", digits, C, (32, 1), (32, 32), **TANH),
    pair("bottleneck, circles, tanh", circles, C, (1, 16), (16, 16), **TANH),
    pair("bottleneck, waves, tanh", waves, R, (32, 1, 32), (32, 32, 32), **TANH),
]
