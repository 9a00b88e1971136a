"""Findings about data, outputs and capacity, and the numbers that they rest on."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_iris, make_blobs
from sklearn.metrics import accuracy_score, recall_score

import deltarule as dr
from deltarule import layers as L
from deltarule.doctor import Case, DataFacts, Hints, LayerFacts, Scores, Validation, rules
from deltarule.examination._data import data_facts, meet_by_chance
from deltarule.examination._hints import hints_of, of_network
from deltarule.examination._memory import dependence
from deltarule.examination._reference import Plain, base_score, plain_models
from deltarule.examination._validation import validation_of
from deltarule.vitals import NUMBERS, History, Vitals

RNG = np.random.default_rng(0)
RULES = {rule.code: rule for rule in rules()}
DENSE = LayerFacts("dense_1", "dense", 16, 4)
RELU = LayerFacts("relu", "activation", 16, activation="relu", low=0.0)
NORMALISES = LayerFacts("batch_norm_1", "batch_norm", 4)
NARROW = LayerFacts("dense_1", "dense", 2, 4)
LAST = LayerFacts("dense_2", "dense", 1, 16)
GOOD = Scores(0.95, 0.94, 0.5, 0.95)
BAD = Scores(0.6, 0.6, 0.5, 0.95)


def facts(features=4, **changes):
    """Of 400 rows with features and targets of size 1."""
    ones = np.ones(features)
    quantiles = np.linspace(-2, 2, 41)
    usual = DataFacts(
        *(400, 0 * ones, ones, 3 * ones, (), 0.2 * ones, {}, 0.0, 1.0, -2.0, 2.0, 400, False),
        *(0.0, 0.0, quantiles),
    )
    return dataclasses.replace(usual, **changes)


def case(task="regression", output=None, scores=BAD, loss="half_squared_error", **given):
    link = {"regression": "identity", "classification": "sigmoid"}[task]
    layers = (DENSE, RELU, LAST, *([output] if output else []))
    usual = {"task": task, "layers": layers, "loss": loss, "link": link, "scores": scores}
    return Case(**{**usual, "data": facts(), **given})


def output(name, low, high, units=1):
    return LayerFacts(name, "activation", units, activation=name, low=low, high=high)


def weights_of_size(sizes, gradients):
    """Vitals of one pass through dense, relu and dense."""
    numbers = np.full((1, 4, len(NUMBERS)), np.nan, np.float32)
    for place, size, gradient in zip((0, 2), sizes, gradients, strict=True):
        numbers[0, place, NUMBERS.index("weight_rms")] = size
        numbers[0, place, NUMBERS.index("gradient_rms")] = gradient
    numbers[0, :, NUMBERS.index("delta_rms")] = (1.0, 1.0, 0.001, 1.0)
    return Vitals(("dense_1", "relu", "dense_2", "sigmoid"), numbers, np.empty((1, 4, 17)))


def epochs(*losses):
    return History.from_arrays({"loss": np.array(losses)})


STILL = epochs(*np.r_[np.linspace(1, 0.6, 20), np.full(20, 0.6)])
SHRUNK = {
    "begin": weights_of_size((1.0, 1.0), (0.1, 0.1)),
    "end": weights_of_size((0.1, 0.1), (0.1, 0.1)),
}
SIGMOID, TANH = output("sigmoid", 0.0, 1.0), output("tanh", -1.0, 1.0)
CLASSES = {"counts": {0: 380, 1: 20}, "target_quantiles": np.empty(0)}
ZERO_ONE = {"target_low": 0.0, "target_high": 1.0, "target_quantiles": np.repeat([0.0, 1.0], 20)}
LINEAR = (DENSE, dataclasses.replace(RELU, activation="identity", low=-math.inf), LAST)

# By rule: a case in which it is seen, and changes of it under which it is not.
SEEN = {
    "unscaled_features": (
        case(data=facts(mean=np.array([0.0, 0, 0, 900]))),
        [
            {"data": facts()},
            {"scores": GOOD},
            {"layers": (LayerFacts("bn", "batch_norm", 4), LAST)},
        ],
    ),
    "unscaled_targets": (
        case(data=facts(target_mean=2000.0, target_std=5.0)),
        [{"data": facts()}, {"scores": GOOD}, {"link": "exponential"}],
    ),
    "constant_features": (
        case(scores=Scores(0.0, 0.0, 0.0, 0.01), data=facts(std=np.zeros(4))),
        [{"data": facts()}, {"scores": GOOD}],
    ),
    "leaking_feature": (
        case(
            scores=GOOD,
            data=facts(relation=np.array([0.1, 0.2, 0.999, 0.1])),
            hints=Hints(alone=0.99, others=0.6),
        ),
        [{"hints": Hints()}, {"hints": Hints(alone=0.95, others=0.945)}],
    ),
    "output_activation": (
        case(output=TANH),
        [{"layers": (DENSE, RELU, LAST)}, {"data": facts(target_quantiles=np.linspace(-1, 1, 41))}],
    ),
    "double_softmax": (
        case("classification", SIGMOID, GOOD, "bce_with_logits"),
        [{"layers": (DENSE, RELU, LAST)}, {"link": "identity"}],
    ),
    "wrong_loss": (
        case(data=facts(distinct_targets=2, **ZERO_ONE)),
        [{"data": facts()}, {"layers": (DENSE, RELU, LAST, SIGMOID)}, {"data": None}],
    ),
    "squared_error_on_saturating_output": (
        case(output=SIGMOID, data=facts(distinct_targets=2, **ZERO_ONE)),
        [{"layers": (DENSE, RELU, LAST)}, {"link": "sigmoid"}],
    ),
    "class_imbalance": (
        case(
            "classification",
            scores=Scores(0.95, 0.95, 0.95, 0.96),
            data=facts(**CLASSES),
            hints=Hints(recalls={0: 1.0, 1: 0.0}, expected_recalls={0: 0.9, 1: 0.8}),
        ),
        [
            {"hints": Hints()},
            {"hints": Hints(recalls={0: 1.0, 1: 0.7}, expected_recalls={0: 0.9, 1: 0.8})},
        ],
    ),
    "label_noise": (
        case(
            "classification",
            scores=Scores(0.7, 0.7, 0.5, 0.7),
            hints=Hints(error=0.3, core_error=0.29),
        ),
        [{"hints": Hints(error=0.3, core_error=0.05)}, {"hints": Hints()}, {"scores": GOOD}],
    ),
    "over_regularised": (
        case(settings={"alpha": 100.0, "batch_size": 32}, **SHRUNK),
        [{"settings": {"alpha": 1e-4, "batch_size": 32}}, {"scores": GOOD}],
    ),
    "overfitting": (
        case(scores=Scores(1.0, 0.4, 0.0, 0.9)),
        [{"scores": Scores(0.5, 0.4, 0.0, 0.9)}, {"scores": Scores(1.0, 0.88, 0.0, 0.9)}],
    ),
    "underfitting": (
        case(history=STILL, begin_loss=1.0, layers=(NARROW, RELU, LAST)),
        [
            {"layers": (DENSE, RELU, LAST)},
            {"history": epochs(*np.linspace(1, 0.1, 40))},
            {"scores": GOOD},
        ],
    ),
    "linear_network": (
        case(layers=LINEAR, hints=Hints(linear=0.6)),
        [{"hints": Hints(linear=0.94)}, {"layers": (DENSE, RELU, LAST)}, {"scores": GOOD}],
    ),
    "validation_split": (
        case(validation=Validation(100, np.array([0.0, 3, 0, 0]), np.ones(4))),
        [{"validation": None}, {"validation": Validation(100, np.full(4, 0.1), np.ones(4))}],
    ),
}


def confidence(code, seen_in):
    seen = RULES[code].look(seen_in)
    return 0.0 if seen is None else seen.confidence


def test_every_rule_is_asked_here():
    assert SEEN.keys() <= RULES.keys()


@pytest.mark.parametrize("code", SEEN)
def test_a_rule_sees_its_fault_and_not_its_absence(code):
    sick, changes = SEEN[code]
    assert confidence(code, sick) >= 0.7
    for change in changes:
        assert confidence(code, dataclasses.replace(sick, **change)) < 0.4, change


@pytest.mark.parametrize("code", SEEN)
def test_what_is_seen_is_said_in_both_languages(code):
    found = [f for f in dr.doctor.diagnose(SEEN[code][0]).findings if f.code == code]
    assert found[0].repairs
    english, chinese = found[0].explain("en"), found[0].explain("zh")
    assert "nan" not in english + chinese
    assert english.isascii()
    assert sum("一" <= c <= "鿿" for c in chinese) > 30
    json.dumps(found[0].to_record())


def test_variants_of_a_fault_have_their_own_words():
    words = [
        case(data=facts(std=np.full(4, 1e-4))),
        case(data=facts(std=np.array([1.0, 1.0, 1e-4, 1e-4]), relation=np.array([0, 0, 0.5, 0.5]))),
    ]
    said = [RULES["unscaled_features"].look(c).words.en for c in words]
    assert "size 0.0001" in said[0]
    assert "10,000 times" in said[1]
    one = case(output=output("softmax", 0.0, 1.0))
    assert "single number" in RULES["output_activation"].look(one).words.en
    flat = case(output=output("step", 0.0, 1.0))
    assert "slope 0" in RULES["output_activation"].look(flat).words.en
    relu = case("classification", output("relu", 0.0, math.inf))
    assert "any size and sign" in RULES["output_activation"].look(relu).words.en


@pytest.mark.parametrize(
    ("loss", "parameters", "data", "words"),
    [
        ("mape", {}, {}, "nearly 0"),
        ("epsilon_insensitive", {"epsilon": 2.0}, {}, "errors below 2"),
        ("periodic", {"c": 1.0}, {}, "differ by 1"),
    ],
)
def test_losses_that_do_not_fit_the_numbers(loss, parameters, data, words):
    seen = RULES["wrong_loss"].look(case(loss=loss, loss_parameters=parameters, data=facts(**data)))
    assert seen.confidence > 0.8
    assert words in seen.words.en


def test_classes_and_numbers_are_told_apart():
    codes = facts(counts=dict.fromkeys(range(6), 60), distinct_targets=6, whole_targets=True)
    hints = Hints(class_accuracy=0.95, rounded_accuracy=0.3, own_accuracy=0.4)
    assert confidence("wrong_loss", case(data=codes, hints=hints)) > 0.9
    graded = Hints(class_accuracy=0.6, rounded_accuracy=0.62, own_accuracy=0.6)
    skewed = dataclasses.replace(codes, counts={0: 300, 1: 60, 2: 25, 3: 10, 4: 4, 5: 1})
    assert confidence("wrong_loss", case(data=skewed, hints=graded)) == 0
    numbers = case("classification", data=facts(counts=dict.fromkeys(range(50), 8)))
    assert confidence("wrong_loss", dataclasses.replace(numbers, hints=Hints(order=0.9))) > 0.5
    assert confidence("wrong_loss", dataclasses.replace(numbers, hints=Hints(order=0.1))) == 0


# ---- the numbers --------------------------------------------------------------------------------


def test_the_facts_of_numbers():
    X = RNG.normal(size=(300, 3))
    y = X[:, 0] + 0.1 * RNG.normal(size=300)
    found = data_facts(X, y, "regression")
    expected = [np.corrcoef(column, y)[0, 1] ** 2 for column in X.T]
    np.testing.assert_allclose(found.relation, expected, rtol=1e-9)
    assert found.share_outside(-1, 1) == pytest.approx(np.mean(np.abs(y) > 1), abs=0.025)
    assert found.counts == {}
    assert not found.one_hot
    whole = data_facts(X, np.arange(300) % 4.0, "regression")
    assert whole.counts == dict.fromkeys([0.0, 1.0, 2.0, 3.0], 75)
    assert data_facts(X, np.eye(3)[np.arange(300) % 3], "regression").one_hot


def test_the_relation_of_a_feature_with_classes_is_the_correlation_ratio():
    X, y = load_iris(return_X_y=True)
    found = data_facts(X, y, "classification").relation
    for j, column in enumerate(X.T):
        between = sum(
            np.sum(y == c) * (column[y == c].mean() - column.mean()) ** 2 for c in range(3)
        )
        assert found[j] == pytest.approx(between / np.sum((column - column.mean()) ** 2))


def test_a_constant_feature_tells_nothing():
    X = np.column_stack([np.full(50, 0.1), RNG.normal(size=50)])
    assert data_facts(X, RNG.normal(size=50), "regression").relation[0] == 0


def test_contradictory_rows_are_counted():
    X = RNG.normal(size=(100, 3))
    X, y = np.concatenate([X, X[:20]]), np.concatenate([np.arange(100) % 2, np.arange(20) % 2])
    y[:5] = 1 - y[:5]
    found = data_facts(X, y, "classification")
    assert found.duplicated == pytest.approx(40 / 120)
    assert found.contradictory == pytest.approx(10 / 120)
    numbers = np.concatenate([np.linspace(0, 1, 100), np.linspace(0, 1, 100)[:20] + 0.01])
    assert data_facts(X, numbers, "regression").contradictory == 0
    numbers[-3:] += 5
    assert data_facts(X, numbers, "regression").contradictory == pytest.approx(6 / 120)


def test_rows_of_few_values_meet_by_chance():
    X = RNG.integers(0, 3, (500, 4)).astype(float)
    assert meet_by_chance(X)
    assert data_facts(X, RNG.integers(0, 2, 500), "classification").contradictory == 0
    assert meet_by_chance(np.zeros((100, 3)))
    assert not meet_by_chance(RNG.normal(size=(500, 1)))
    assert not meet_by_chance(RNG.integers(0, 16, (500, 12)))


def test_how_validation_rows_differ():
    X, y = RNG.normal(size=(400, 2)), np.arange(400) % 2
    moved = 3 * RNG.normal(size=(200, 2)) + [0, 5]
    found = validation_of((X, y), (moved, np.full(200, 2)), True)
    np.testing.assert_allclose(found.shift, (moved.mean(0) - X.mean(0)) / X.std(0))
    np.testing.assert_allclose(found.spread, moved.std(0) / X.std(0))
    assert (found.unseen, found.other_classes, found.shared) == (1, 1, 0)
    again = validation_of((X, y), (X[:100], np.r_[np.zeros(75), np.ones(25)]), True)
    assert (again.unseen, again.other_classes, again.shared) == (0, 0.25, 1)
    numbers = validation_of((X, X[:, 0]), (X, X[:, 0] + 2), False)
    assert numbers.target_shift == pytest.approx(2 / X[:, 0].std())


def test_a_rare_value_that_is_missing_by_chance_is_no_difference():
    rng = np.random.default_rng(0)
    x, x_val = np.zeros((1500, 2)), np.zeros((300, 2))
    x[:3, 0] = 1  # in three rows of all
    x[:, 1], x_val[:, 1] = rng.normal(size=1500), 0.5 * rng.normal(size=300)
    spread = validation_of((x, x[:, 1]), (x_val, x_val[:, 1]), False).spread
    assert spread[0] == 1
    assert spread[1] == pytest.approx(0.5, abs=0.1)


def halves(X, y):
    return (X[::2], y[::2]), (X[1::2], y[1::2])


def test_hints_of_a_rare_class():
    y = (RNG.uniform(size=2000) < 0.05).astype(int)
    X = RNG.normal(size=(2000, 3)) + 1.5 * y[:, None]
    train, test = halves(X, y)
    predicted = (test[0].sum(axis=1) > 6).astype(int)
    found = of_network(hints_of(Plain(0.96), train, test, True), predicted, test[1])
    expected = recall_score(test[1], predicted, average=None)
    assert list(found.recalls.values()) == pytest.approx(list(expected))
    assert min(found.expected_recalls.values()) > 0.8


def test_hints_of_wrong_classes_and_of_a_leak():
    X, y = make_blobs(3000, 4, centers=3, random_state=0)
    wrong = RNG.uniform(size=3000) < 0.3
    y = np.where(wrong, (y + 1) % 3, y)
    found = hints_of(Plain(0.7), *halves(X, y), True)
    assert found.core_error == pytest.approx(0.3, abs=0.06)
    assert found.error == pytest.approx(0.3, abs=0.06)
    train, test = halves(np.column_stack([RNG.normal(size=(3000, 3)), y]), y)
    leak = hints_of(Plain(1.0), train, test, True)
    assert leak.alone == 1
    assert leak.others < 0.5


def test_hints_of_the_order_of_classes():
    X = RNG.normal(size=(1500, 3))
    numbers = np.round(4 * (X[:, 0] + X[:, 1])).astype(int)
    shuffled = RNG.permutation(200)[numbers + 100]

    def order(y):
        rows = halves(X, y)
        return hints_of(plain_models(*rows, True), *rows, True).order

    assert order(numbers) > 0.7
    assert order(shuffled) < 0.3


def test_hints_of_numbers_that_are_classes():
    X, y = make_blobs(600, 3, centers=5, random_state=0)
    train, test = halves(X, y.astype(float))
    asked = hints_of(Plain(), train, test, False)
    assert asked.class_accuracy > 0.95
    assert asked.rounded_accuracy < 0.7
    assert math.isnan(asked.own_accuracy)
    assert of_network(asked, test[1] + 0.3, test[1]).own_accuracy == 1
    assert math.isnan(of_network(asked, None, test[1]).own_accuracy)


def test_hints_of_what_each_quarter_of_the_steps_tells():
    X = RNG.normal(size=(400, 12, 1))
    asked = hints_of(Plain(), *halves(X, X[:, 4, 0]), False).quarters
    assert asked[1] > 0.99
    assert max(asked[0], *asked[2:]) < 0.1
    assert hints_of(Plain(), *halves(X[:, :7], X[:, 4, 0]), False).quarters == ()


class Step:
    """What tells one step of a sequence."""

    def __init__(self, step, of=float):
        self.step, self.of = step, of

    def predict(self, x):
        return (x[:, self.step, 0] > 0).astype(self.of) if self.of is int else x[:, self.step, 0]


def test_dependence_on_a_quarter_of_the_steps():
    X = RNG.normal(size=(300, 16, 1))
    third = dependence(Step(9), X)
    assert third[2] == pytest.approx(math.sqrt(2), rel=0.1)
    assert third[:2] == (0, 0) == (third[3], 0)
    labels = dependence(Step(0, int), X)
    assert labels[0] == pytest.approx(0.5, abs=0.1)
    assert not any(labels[1:])
    assert dependence(Step(0), 0 * X) == ()  # predictions all the same
    assert dependence(Step(0), X[:, :7]) == ()
    assert dependence(Step(0), X[:, :, 0]) == ()


def test_plain_models_know_several_targets_and_tiny_data():
    X = RNG.normal(size=(200, 3))
    train, test = halves(X, X[:, :2] @ [[1.0, 2.0], [0.0, 1.0]])
    assert plain_models(train, test, False).best > 0.99
    labels = halves(X, (X[:, :2] > 0).astype(int))
    best, linear, _ = plain_models(*labels, True)
    assert best > 0.6
    assert math.isnan(linear)
    commonest = np.array([1, 1])
    rows = np.array([[1, 1], [1, 1], [0, 1]])
    assert base_score(rows, rows, True) == accuracy_score(rows, np.tile(commonest, (3, 1)))
    one = np.zeros(100, int)
    assert plain_models((X[:100], one), (X[100:], one), True)[:2] == (1, 1)


# ---- what is examined ---------------------------------------------------------------------------


def test_sparse_rows_frames_and_columns_of_targets_are_read():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True)
    model = dr.MLPClassifier((8,), max_iter=20, random_state=0)
    dense = dr.examine(model, X, y).case
    assert dr.examine(model, scipy.sparse.csr_matrix(X), y).case.scores == dense.scores
    named = dr.examine(model, pandas.DataFrame(X, columns=list("abcd")), y).case
    assert named.data.names == tuple("abcd")
    column = dr.examine(dr.MLPRegressor(max_iter=2, random_state=0), X[:, :3], X[:, 3:]).case
    assert column.data.relation.shape == (3,)
    assert column.data.relation.max() > 0.9


def test_few_rows_are_examined_on_themselves():
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    settings = {"activation": "tanh", "learning_rate_init": 0.05, "max_iter": 500}
    found = dr.examine(dr.MLPClassifier((16,), random_state=0, **settings), X, y)
    assert found.healthy
    assert found.case.scores.reference == 1
    assert math.isnan(found.case.scores.held_out)


def test_a_network_of_an_outer_quantile_is_not_called_bad():
    X = RNG.normal(size=(400, 2))
    y = X[:, 0] + 2 * RNG.normal(size=400)
    model = dr.MLPRegressor("pinball", quantiles=[0.95], max_iter=200, random_state=0)
    assert not dr.examine(model, X, y).case.scores.fails


def test_ranges_and_penalties_of_layers_are_read():
    stack = [L.Dense(4, activation="tanh", l2=0.5, max_norm=2.0), L.Dense(3, weight_decay=0.1)]
    model = dr.NetworkRegressor(stack, max_iter=2, random_state=0)
    X = RNG.normal(size=(60, 2))
    first, bend, second, _ = dr.examine(model, X, X[:, 0]).case.layers
    assert (first.l2, first.max_norm, second.weight_decay) == (0.5, 2.0, 0.1)
    assert (bend.low, bend.high) == (-1, 1)
    assert (first.low, first.high) == (-math.inf, math.inf)
