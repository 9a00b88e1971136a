"""What a fault must not be taken for: its consequences, chance, or another fault."""

import importlib.util
import math

import numpy as np
import pytest
from sklearn.datasets import (
    load_diabetes,
    load_digits,
    load_wine,
    make_circles,
    make_friedman1,
)

import deltarule as dr
from deltarule.doctor import Case, Hints, LayerFacts, Scores
from deltarule.examination._data import data_facts
from deltarule.examination._validation import validation_of
from deltarule.initialisers import Constant, Normal
from deltarule.layers import LSTM, Dense

RNG = np.random.default_rng(0)


def codes(estimator, X, y, **given):
    return [f.code for f in dr.examine(estimator, X, y, **given).findings]


def confidence(code, **given):
    rule = next(rule for rule in dr.doctor.rules() if rule.code == code)
    seen = rule.look(Case("classification", (), "loss", "sigmoid", **given))
    return seen.confidence if seen else 0.0


def diagnosed(scores):
    layers = (LayerFacts("dense_1", "dense", 8, 2), LayerFacts("dense_2", "dense", 1, 8))
    return dr.doctor.diagnose(Case("classification", layers, "loss", "sigmoid", scores=scores))


def circles(factor=1.0, seed=0):
    X, y = make_circles(600, noise=0.08, factor=0.5, random_state=seed)
    return factor * X, y


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1000] / 16, y[:1000]


# ---- chance -------------------------------------------------------------------------------------


def test_one_odd_row_among_many_equal_ones_contradicts_one_of_them():
    X = np.vstack([np.zeros((500, 12)), RNG.normal(size=(500, 12))])
    y = np.zeros(1000, int)
    y[3] = 1
    assert data_facts(X, y, "classification").contradictory == pytest.approx(2 / 1000)
    assert data_facts(X, 9.0 * y, "regression").contradictory == pytest.approx(2 / 1000)


def test_a_feature_that_is_nearly_always_0_spreads_by_chance():
    X = RNG.normal(size=(800, 3))
    X[:, 0] = 0.0
    X[5, 0] = 1.0  # the only exception is in the first part
    y = np.arange(800) % 2
    assert validation_of((X[:600], y[:600]), (X[600:], y[600:]), True).spread[0] == 1.0
    X[:, 0] = RNG.normal(size=800)
    X[600:, 0] = 0.0  # filled with one value, where it varied before
    assert validation_of((X[:600], y[:600]), (X[600:], y[600:]), True).spread[0] == 0.0


def test_a_gain_that_few_rows_make_by_chance_lets_one_expect_nothing():
    scores = Scores(train=0.58, held_out=0.5, base=0.52, reference=0.6)
    assert scores.fails
    assert not scores.on_rows(50, "classification").fails
    assert scores.on_rows(5000, "classification").fails
    usual = 0.56 * 0.44
    assert scores.on_rows(50, "classification").chance == pytest.approx(math.sqrt(2 * usual / 50))


def test_the_chance_of_scores_is_their_standard_error():
    """Drawn: right rows of two models, and R2 of two with normal errors."""
    rows, drawn = 200, np.random.default_rng(1)
    right = drawn.binomial(rows, 0.8, (4000, 2)) / rows
    scores = Scores(0.8, 0.8, 0.8, 0.8).on_rows(rows, "classification")
    assert scores.chance == pytest.approx(np.diff(right).std(), rel=0.1)
    errors = drawn.normal(size=(4000, 2, rows)) ** 2
    scores = Scores(0.6, 0.6, 0.0, 0.6).on_rows(rows, "regression")
    assert scores.chance == pytest.approx(np.diff(0.4 * errors.mean(axis=2)).std(), rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_targets_of_pure_noise_are_not_blamed_on_the_network(seed):
    drawn = np.random.default_rng(seed)
    X, y = drawn.normal(size=(200, 8)), drawn.integers(0, 2, 200)
    assert codes(dr.MLPClassifier((16,), max_iter=60, random_state=0), X, y) == []


# ---- causes and what they cause -----------------------------------------------------------------


def test_large_features_are_named_and_not_the_weights():
    """They put tanh on its flat ends; behind it nothing is larger than 1, whatever the features."""
    net = dr.MLPClassifier((5,) * 9, activation="tanh", batch_size=32, max_iter=60, random_state=0)
    found = codes(net, *circles(100.0))
    assert found[0] == "unscaled_features"
    assert "initial_variance" not in found


def test_weights_of_usual_size_are_not_to_blame_for_what_large_features_make_of_them():
    X, y = load_wine(return_X_y=True)
    found = codes(dr.MLPClassifier((10,), max_iter=60, random_state=0), X, y)
    assert found[0] == "unscaled_features"
    assert "initial_variance" not in found


def test_a_loss_without_bounds_is_not_learned_by_heart():
    X, y = make_friedman1(400, noise=0.5, random_state=0)
    net = dr.MLPRegressor(
        hidden_layer_sizes=(32,) * 5, init=Normal(std=2.0), max_iter=20, random_state=0
    )
    found = codes(net, X, y)
    assert "exploding_gradient" in found
    assert "overfitting" not in found


def test_units_of_equal_weights_have_no_gradient_that_could_vanish():
    net = dr.MLPClassifier((16,), init=Constant(0.3), max_iter=30, random_state=0)
    found = codes(net, *circles())
    assert "symmetric_init" in found
    assert "vanishing_gradient" not in found


def test_a_recurrent_network_that_learned_nothing_has_forgotten_nothing():
    X = RNG.normal(size=(300, 40, 1))
    net = dr.NetworkRegressor(
        [LSTM(8, forget_bias=-3.0)], learning_rate_init=1e-8, max_iter=20, random_state=0
    )
    found = codes(net, X, X[:, :3, 0].sum(axis=1))
    assert found[0] == "learning_rate_low"
    assert "forgetting" not in found


def test_a_rate_that_is_too_high_is_shown_by_what_is_out_of_range():
    from deltarule.doctor.findings.learning_rate_high import _words

    usual = {"rate": 0.3, "update_ratio": 0.003, "first": 0.01, "rises": 0.0, "travel": 2.0}
    said = _words({**usual, "worst": 5.0, "collapse": 0.0})
    assert said.en == (
        "With the learning rate 0.3 the loss went up to 5.0 times that of the first weights."
    )
    assert "5.0 倍" in said.zh
    assert _words({**usual, "worst": 1.0, "collapse": 0.0}).en.count(";") == 5  # nothing by itself


# ---- what the data are to blame for -------------------------------------------------------------


def test_features_that_were_wiped_out_are_named_and_not_the_contradictions_that_follow():
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0) * (np.arange(13) == 2)
    assert codes(dr.MLPClassifier((12,), random_state=0), X, y)[0] == "constant_features"


def test_what_no_plain_model_learns_is_not_wrongly_labelled():
    error = Hints(error=0.41, core_error=0.46)
    given = data_facts(RNG.normal(size=(150, 4)), np.arange(150) % 2, "classification")
    scores = Scores(train=1.0, held_out=0.55, base=0.5, reference=0.63)
    noisy = Hints(error=0.3, core_error=0.28)
    assert confidence("label_noise", data=given, hints=error, scores=scores) == 0
    better = Scores(train=1.0, held_out=0.6, base=0.5, reference=0.7)
    assert confidence("label_noise", data=given, hints=noisy, scores=better) > 0.7


def test_numbers_that_are_classes_with_hardly_a_row_each():
    X, y = load_diabetes(return_X_y=True)
    found = codes(dr.MLPClassifier((20,), max_iter=60, random_state=0), 20 * X, y.astype(int))
    assert found[0] == "wrong_loss"


def test_a_class_of_a_single_row_is_no_error():
    X, y = circles()
    y = np.where(np.arange(600) == 5, 2, y)
    dr.examine(dr.MLPClassifier((8,), max_iter=5, random_state=0), X, y)


def test_a_softmax_of_one_unit_between_layers_is_named():
    X = RNG.normal(size=(200, 2))
    net = dr.NetworkRegressor([Dense(8), Dense(1, activation="softmax")], max_iter=20)
    assert codes(net, X, X[:, 0])[0] == "output_activation"


def test_penalties_of_a_layer_are_seen():
    X = np.linspace(-2, 2, 400)[:, None]
    layers = [Dense(32, activation="tanh", l2=3.0)]
    net = dr.NetworkRegressor(layers, max_iter=300, learning_rate_init=0.005, random_state=0)
    assert codes(net, X, X[:, 0] ** 3)[0] == "over_regularised"


def test_where_no_cause_is_found_the_gap_is_told():
    scores = Scores(train=0.7, held_out=0.6, base=0.5, reference=0.95)
    found = diagnosed(scores)
    assert [f.code for f in found.findings] == ["lagging"]
    assert "0.600" in found.explain()
    assert "0.950" in found.explain("zh")
    small = Scores(train=0.9, held_out=0.88, base=0.5, reference=0.95)
    assert diagnosed(small).healthy


def test_a_rate_that_saturates_all_units_at_once_is_too_high():
    """Afterwards steps are short, since hardly a gradient is left."""
    net = dr.MLPClassifier(
        (5,) * 5,
        activation="tanh",
        learning_rate_init=0.3,
        batch_size=32,
        max_iter=40,
        random_state=0,
    )
    assert codes(net, *digits())[0] == "learning_rate_high"


def test_many_short_steps_are_not_long_ones():
    numbers = {"rises": 0.4, "worst": 0.9, "travel": 48.0, "collapse": 0.0}
    short = {"rate": 0.02, "update_ratio": 0.01, "first": 0.05, "steps": 5000.0, **numbers}
    from deltarule.doctor.findings.learning_rate_high import _confidence

    assert _confidence(short) == 0.0
    assert _confidence({**short, "steps": 500.0}) == 1.0


@pytest.mark.parametrize("rate", [0.001, 0.005])
def test_decay_that_takes_back_each_step_is_named(rate):
    X, y = make_friedman1(600, noise=0.5, random_state=0)
    X, y = (X - 0.5) / 0.29, (y - y.mean()) / y.std()
    net = dr.MLPRegressor(
        hidden_layer_sizes=(64,),
        solver="adamw",
        weight_decay=20.0,
        learning_rate_init=rate,
        max_iter=150,
        random_state=0,
    )
    assert codes(net, X, y)[0] == "over_regularised"
    assert "over_regularised" not in codes(net.set_params(weight_decay=0.01), X, y)


def test_a_gradient_that_symmetric_rows_cancel_has_not_vanished():
    net = dr.MLPClassifier(
        (128, 128), activation="logistic", max_iter=60, learning_rate_init=0.005, random_state=0
    )
    assert "vanishing_gradient" not in codes(net, *circles())
    deep = dr.MLPClassifier((8,) * 9, activation="logistic", max_iter=60, random_state=0)
    assert codes(deep, *circles())[0] == "vanishing_gradient"


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_the_first_weights_of_a_module_are_those_before_the_first_step():
    """A rate of 1 makes weights large in the first epoch; the first ones are not to blame."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    began = float(net[0].weight.detach().square().mean().sqrt())
    optimizer = torch.optim.Adam(net.parameters(), lr=1.0)
    loss = torch.nn.CrossEntropyLoss()
    X, y = digits()
    rows, labels = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    with dr.watch_torch(net, optimizer, loss) as watch:
        for _ in range(6):
            total = 0.0
            for i in range(0, len(rows), 32):
                optimizer.zero_grad()
                missed = loss(net(rows[i : i + 32]), labels[i : i + 32])
                missed.backward()
                optimizer.step()
                total += missed.item() * len(rows[i : i + 32])
            watch.end_epoch(total / len(rows))
    found = dr.examine(watch, X, y)
    assert found.case.begin["weight_rms"][0, 0] == pytest.approx(began, rel=1e-5)
    assert found.findings[0].code == "learning_rate_high"
    assert "initial_variance" not in found
