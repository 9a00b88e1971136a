"""Repairs are tried, proved on rows the network does not know, and rolled back if they fail."""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network as sk
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_circles,
    make_friedman1,
    make_moons,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import deltarule as dr
from deltarule.doctor import Attempt, Case, Scores, repairs
from deltarule.examination._after_care import all_usual, more_epochs
from deltarule.examination._data import data_facts
from deltarule.examination._disputed import disputed
from deltarule.examination._fold import fold
from deltarule.examination._split import Rows, Split, mended, score_of
from deltarule.examination._stack import (
    with_activation,
    with_fields,
    with_memory,
    with_penalty,
    without_shares,
)
from deltarule.examination._treatment import Treatment, apply
from deltarule.examination._wrapped import network_of
from deltarule.initialisers import Constant, Normal
from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Residual,
    SimpleRNN,
)
from deltarule.vitals import Epoch, History

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::deltarule.DiagnosisWarning"),
]

MOONS = make_moons(600, noise=0.15, random_state=0)
CIRCLES = make_circles(600, noise=0.05, factor=0.5, random_state=0)
BLOBS = make_blobs(600, centers=3, cluster_std=1.2, random_state=0)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = (load_digits().data[:900] / 16, load_digits().target[:900])
X, y = make_friedman1(600, noise=0.5, random_state=0)
NUMBERS = (X - 0.5) / 0.29, (y - y.mean()) / y.std()


def classifier(**settings):
    given = {"hidden_layer_sizes": (32,), "learning_rate_init": 0.01, "random_state": 0}
    return dr.MLPClassifier(**{**given, **settings})


def regressor(**settings):
    given = {"hidden_layer_sizes": (32,), "learning_rate_init": 0.01, "random_state": 0}
    return dr.MLPRegressor(**{**given, **settings})


def kept(diagnosis):
    return [attempt.repair for attempt in diagnosis.attempts if attempt.kept]


def score_on_others(estimator, X, y, seed=0, classes=True):
    """On the rows that a repair holds out, drawn as scikit-learn draws them."""
    parts = train_test_split(
        X, y, test_size=0.25, random_state=seed, stratify=y if classes else None
    )
    return estimator.score(parts[1], parts[3])


# ---- the course of a repair


def test_what_is_kept_helps_on_rows_that_were_not_learned():
    estimator = classifier(hidden_layer_sizes=(16, 16, 16), learning_rate_init=3.0)
    repaired, diagnosis = dr.repair(estimator, *CIRCLES)
    first = diagnosis.attempts[0]
    assert first.finding.code == "learning_rate_high"
    assert first.kept
    assert first.after > first.before + 0.3
    assert score_on_others(repaired, *CIRCLES) == pytest.approx(diagnosis.after.case.scores.shown)
    assert repaired.learning_rate_init < 0.1
    assert diagnosis.after.case.scores.shown > 0.95


def test_the_estimator_that_is_given_stays_as_it_is():
    estimator = classifier(learning_rate_init=3.0)
    before = copy.deepcopy(estimator.get_params())
    dr.repair(estimator, *MOONS)
    assert estimator.get_params() == before
    assert not hasattr(estimator, "history_")


def test_of_a_healthy_network_nothing_is_tried():
    repaired, diagnosis = dr.repair(classifier(), *MOONS)
    assert diagnosis.healthy
    assert diagnosis.attempts == ()
    assert diagnosis.after is None
    rows = train_test_split(*MOONS, test_size=0.25, random_state=0, stratify=MOONS[1])
    alone = classifier().fit(rows[0], rows[2])
    np.testing.assert_array_equal(repaired.predict_proba(rows[1]), alone.predict_proba(rows[1]))


def test_what_does_not_help_is_rolled_back():
    rng = np.random.default_rng(0)
    telling = rng.normal(size=(400, 3))
    lost = (1000 * telling).astype(int) * 0, (telling[:, 0] > 0).astype(int)
    repaired, diagnosis = dr.repair(classifier(max_iter=5), *lost)
    assert not kept(diagnosis)
    assert diagnosis.after is None
    assert isinstance(repaired, dr.MLPClassifier)
    assert repaired.get_params() == {**classifier(max_iter=5).get_params(), "doctor": "off"}


def test_the_same_is_tried_again_with_the_same_seed():
    first, second = (dr.repair(regressor(learning_rate_init=3.0), *NUMBERS)[1] for _ in range(2))
    assert first.to_record() == second.to_record()


def test_rows_that_are_given_prove_it():
    a, b = Rows(*CANCER).at(np.arange(400)), Rows(*CANCER).at(np.arange(400, 569))
    repaired, diagnosis = dr.repair(classifier(solver="sgd"), *a, *b)
    assert repaired.score(*b) == pytest.approx(diagnosis.after.case.scores.held_out)
    assert repaired.score(*b) > 0.93


def test_records_of_attempts_are_plain_data():
    diagnosis = dr.repair(classifier(learning_rate_init=3.0), *MOONS)[1]
    record = json.loads(diagnosis.to_json())
    assert record["attempts"][0]["finding"] == "learning_rate_high"
    assert record["attempts"][0]["kept"] is True
    assert record["after"]["scores"]["held_out"] > 0.9
    assert "→" in diagnosis.explain("en").splitlines()[-1]
    assert "保留" in diagnosis.explain("zh")


def test_a_network_without_parameters_is_refused():
    network = dr.Network([Dense(8, activation="tanh"), Dense(1)], "squared_error")
    with pytest.raises(TypeError, match="NetworkClassifier or NetworkRegressor"):
        dr.repair(network, *NUMBERS)


# ---- repairs of data


def test_a_leaking_column_is_left_out_and_judged_where_it_tells_nothing():
    X, y = MOONS
    rng = np.random.default_rng(0)
    hard = X + 0.5 * rng.normal(size=X.shape)
    leaking = np.column_stack([hard[:, 0], y, hard[:, 1]])
    repaired, diagnosis = dr.repair(classifier(max_iter=60), leaking, y)
    assert [r.features for r in kept(diagnosis) if isinstance(r, repairs.DropFeatures)] == [(1,)]
    shuffled = leaking.copy()
    shuffled[:, 1] = rng.permutation(y)
    np.testing.assert_array_equal(repaired.predict(leaking), repaired.predict(shuffled))
    assert repaired.score(leaking, y) > 0.75


def test_disputed_classes_are_mostly_the_wrong_ones():
    X, y = DIGITS
    rng = np.random.default_rng(0)
    wrong = rng.uniform(size=len(y)) < 0.3
    given = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
    found = disputed(X, given, True)
    assert np.mean(wrong[~found]) < 0.05
    assert np.mean(found[~wrong]) < 0.1


def test_of_numbers_only_twins_that_differ_are_disputed():
    X, y = NUMBERS
    rng = np.random.default_rng(0)
    twice = rng.choice(len(y), 150, replace=False)
    both = np.concatenate([X, X[twice]]), np.concatenate([y, rng.permutation(y[twice])])
    found = disputed(*both, False)
    assert not found[: len(y)][np.setdiff1d(np.arange(len(y)), twice)].any()
    assert np.mean(found[len(y) :]) > 0.4
    assert np.mean(found[:600]) < 0.05


@pytest.mark.parametrize("rows", [(np.zeros((20, 2)), np.zeros(20)), (CANCER[0], CANCER[1])])
def test_clean_rows_are_hardly_disputed(rows):
    assert np.mean(disputed(*rows, True)) < 0.08


def test_a_network_that_learned_wrong_answers_learns_the_right_ones():
    X, y = DIGITS
    rng = np.random.default_rng(0)
    test, train = np.arange(200), np.arange(200, 900)
    wrong = rng.uniform(size=len(y)) < 0.3
    given = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
    sick = classifier(max_iter=60, batch_norm=True)
    repaired, diagnosis = dr.repair(sick, X[train], given[train])
    assert repairs.CleanLabels() in kept(diagnosis)
    alone = copy.deepcopy(sick).fit(X[train], given[train])
    assert repaired.score(X[test], y[test]) > alone.score(X[test], y[test]) + 0.05


def test_unlike_validation_rows_are_drawn_anew():
    X, y = DIGITS
    order = np.argsort(y, kind="stable")
    parts = X[order[:650]], y[order[:650]], X[order[650:]], y[order[650:]]
    repaired, diagnosis = dr.repair(classifier(max_iter=60), *parts)
    assert repairs.SplitAnew() in kept(diagnosis)
    assert repaired.score(X, y) > 0.95


def test_validation_rows_of_another_scale_are_brought_to_that_of_the_others():
    a, b = Rows(*DIGITS).at(np.arange(600)), Rows(*DIGITS).at(np.arange(600, 900))
    split = Split(a, Rows(16 * b.x + 5, b.y), known=True, given=True)
    anew = mended(split, repairs.SplitAnew(), True, 0)
    both = np.concatenate([anew.train.x, anew.test.x])
    assert len(both) == len(np.unique(DIGITS[0], axis=0))
    assert both.std(axis=0).max() < 0.6


# ---- another estimator


def test_validation_rows_of_other_classes_are_not_moved():
    X, y = load_iris(return_X_y=True)
    given = Split(Rows(X[:100], y[:100]), Rows(X[100:], y[100:]), known=True, given=True)
    anew = mended(given, repairs.SplitAnew(), True, 0)
    rows = np.concatenate([anew.train.x, anew.test.x])
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in X}


def test_a_rare_class_is_judged_by_what_is_recognised():
    X, y = make_blobs([720, 30], 2, centers=[(0, 0), (1.6, 1.6)], random_state=0)
    _, diagnosis = dr.repair(classifier(max_iter=80), X, y)
    assert "class_imbalance" in diagnosis
    first = diagnosis.attempts[0]
    assert isinstance(first.repair, repairs.WeighClasses)
    assert first.kept
    assert first.after > first.before + 0.1
    assert "mean recall" in first.explain()
    assert "平均召回率" in first.explain("zh")


@pytest.mark.parametrize("seed", range(3))
def test_scaling_is_enough_for_a_network_of_scikit_learn(seed):
    X, y = load_wine(return_X_y=True)
    estimator, diagnosis = dr.repair(sk.MLPClassifier((10,), random_state=seed), X, y)
    assert estimator.score(X, y) > 0.95
    assert diagnosis.attempts[0].kept


def test_what_overflows_whatever_is_tried_is_refused():
    X, y = NUMBERS
    with pytest.raises(ValueError, match=r"overflows in its first epoch whatever is tried.*loss"):
        dr.repair(regressor(), X, 1e200 * y)


def test_usual_settings_leave_no_penalty_in_a_layer():
    network = dr.NetworkRegressor([Dense(8, l2=3.0, activation="tanh"), Dropout(0.9)])
    usual = apply(repairs.Usual("regression"), network, Treatment()).of(network)
    layers = network_of(usual).layers
    assert (layers[0].l2, layers[0].activation, layers[1].rate) == (0.0, "relu", 0.0)


@pytest.mark.parametrize(
    ("rows", "usual", "more"), [(300, 400, 300), (7500, 51, 51), (10**6, 20, 0)]
)
def test_many_rows_are_given_fewer_epochs(rows, usual, more):
    """Twelve thousand steps teach most of what there is; a network with as many gets no more."""
    case = Case(
        "classification",
        (),
        "loss",
        "sigmoid",
        {"max_iter": 20, "batch_size": 32},
        replace(data_facts(MOONS[0], MOONS[1], "classification"), rows=rows),
        History([Epoch(loss) for loss in np.linspace(1.0, 0.5, 20)]),
        begin_loss=1.1,
        scores=Scores(train=0.6, held_out=0.6, base=0.5, reference=1.0),
    )
    found = SimpleNamespace(diagnosis=SimpleNamespace(case=case))
    assert all_usual(None, None, None, found).epochs == usual
    longer = more_epochs(None, None, None, found)
    assert (longer.epochs if longer else 0) == more


def test_what_is_right_in_any_case_says_so():
    done = Attempt(None, repairs.OtherEstimator("regression"), 0.8, 0.75, True)
    done = replace(done, finding=dr.examine(classifier(solver="sgd"), *MOONS).findings[0])
    assert done.explain().endswith("0.800 → 0.750, kept, as it is right in any case")


def test_numbers_that_are_classes_get_a_classifier():
    repaired, diagnosis = dr.repair(regressor(max_iter=60), *DIGITS)
    assert isinstance(repaired, dr.MLPClassifier)
    np.testing.assert_array_equal(repaired.classes_, np.arange(10))
    assert repaired.score(*DIGITS) > 0.95
    assert repaired.hidden_layer_sizes == (32,)
    assert any(isinstance(cure, repairs.OtherEstimator) for cure in kept(diagnosis))


def test_rows_with_a_single_1_become_codes():
    rows = Rows(BLOBS[0], np.eye(3)[BLOBS[1]])
    codes = mended(Split(rows, rows, known=True), repairs.OtherEstimator(), False, 0)
    np.testing.assert_array_equal(codes.train.y, BLOBS[1])
    assert codes.test.y.dtype.kind == "i"


def test_classes_that_are_numbers_get_a_regressor():
    whole = np.round(12 * (NUMBERS[1] - NUMBERS[1].min())).astype(int)
    repaired, _ = dr.repair(classifier(), NUMBERS[0], whole)
    assert isinstance(network_of(repaired), dr.MLPRegressor)
    assert repaired.score(NUMBERS[0], whole) > 0.9


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: make_pipeline(StandardScaler(), m)])
def test_a_network_of_scikit_learn_is_repaired_as_one_of_this_package(wrap):
    sick = wrap(sk.MLPClassifier((32,) * 3, learning_rate_init=3.0, max_iter=100, random_state=0))
    repaired, diagnosis = dr.repair(sick, *CIRCLES)
    network = repaired[-1] if isinstance(repaired, Pipeline) else repaired
    assert isinstance(network, dr.MLPClassifier)
    assert network.hidden_layer_sizes == (32, 32, 32)
    assert repaired.score(*CIRCLES) > 0.95
    assert kept(diagnosis)


def test_repairs_reach_through_wrappings():
    sick = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), regressor(learning_rate_init=5.0)),
        transformer=StandardScaler(),
    )
    repaired, _ = dr.repair(sick, X, 1e4 * y)
    assert network_of(repaired).learning_rate_init < 1
    assert repaired.score(X, 1e4 * y) > 0.85


def test_a_search_is_repaired_as_its_best_estimator():
    search = GridSearchCV(classifier(max_iter=60), {"learning_rate_init": [3.0, 9.0]}, cv=2)
    repaired, _ = dr.repair(search.fit(*MOONS), *MOONS)
    assert repaired.score(*MOONS) > 0.95


def test_tables_are_repaired():
    table = pd.DataFrame(CANCER[0][:, :6]).assign(c=pd.Categorical(list("abc") * 189 + ["a", "b"]))
    table.columns = table.columns.astype(str)
    sick = dr.TabularClassifier(max_iter=10, learning_rate_init=300.0, random_state=0)
    repaired, diagnosis = dr.repair(sick, table, CANCER[1])
    assert not diagnosis.healthy
    assert repaired.score(table, CANCER[1]) > 0.85


@pytest.mark.parametrize(
    ("predicted", "task", "expected"),
    [
        (np.array([0.2, 0.9, 2.4, 1.6]), "classification", 0.75),
        (np.eye(3)[[0, 1, 1, 1]], "classification", 0.75),
        (np.array([0, 1, 2, 1]), "classification", 1.0),
        (np.array([0, 1, 2, 1]), "regression", 1.0),
        (np.array([0.0, np.nan, 2, 1]), "regression", np.nan),
    ],
)
def test_models_of_another_kind_have_a_score(predicted, task, expected):
    class Model:
        def predict(self, _):
            return predicted

    rows = Rows(np.zeros((4, 1)), np.array([0, 1, 2, 1]))
    np.testing.assert_equal(score_of(Model(), rows, task), expected)


# ---- repairs as changes of an estimator


def changed(repair, estimator):
    treatment = apply(repair, estimator, Treatment())
    return None if treatment is None else treatment.of(estimator)


@pytest.mark.parametrize(
    ("repair", "expected"),
    [
        (repairs.SwapActivation("tanh", "glorot_uniform"), {"activation": "tanh"}),
        (repairs.Initialise("lecun_normal"), {"init": "lecun_normal"}),
        (repairs.AddBatchNorm(), {"batch_norm": True}),
        (repairs.AddResiduals(), {"residual": True}),
        (repairs.ClipGradients(2.0), {"grad_clip_norm": 2.0}),
        (repairs.LearningRate(0.5), {"learning_rate_init": 0.5, "learning_rate": "constant"}),
        (repairs.Optimizer("sgd"), {"solver": "sgd", "momentum": 0.9}),
        (repairs.Setting("beta_2", 0.99), {"beta_2": 0.99}),
        (repairs.BatchSize(16), {"batch_size": 16}),
        (repairs.WeighClasses(), {"class_weight": "balanced"}),
        (repairs.Regularise(0.5, 0.1, True), {"alpha": 0.5, "dropout": 0.1, "l1": 0.0}),
        (repairs.Epochs(77), {"max_iter": 77, "n_iter_no_change": 20}),
        (repairs.Units((8, 4)), {"hidden_layer_sizes": (8, 4)}),
        (repairs.OtherLoss("focal"), {"loss": "focal"}),
        (repairs.Usual("classification"), {"solver": "adam", "init": "he_normal"}),
        (
            repairs.Together((repairs.Units((8,)), repairs.Regularise(l1=0.1))),
            {"hidden_layer_sizes": (8,), "l1": 0.1},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repair_sets_the_parameters_it_names(repair, expected):
    estimator = classifier(activation="relu", class_weight=None)
    model = changed(repair, estimator)
    network = model[-1] if isinstance(model, Pipeline) else model
    parameters = network.get_params()
    assert {name: parameters[name] for name in expected} == expected
    assert repair.words().en
    assert repair.words().zh
    json.dumps(repair.to_record())


def test_a_repair_that_changes_nothing_is_none():
    estimator = classifier(learning_rate_init=0.5)
    assert changed(repairs.LearningRate(0.5), estimator) is None
    assert changed(repairs.CheckFeatures(), estimator) is None


def test_lists_of_layers_are_repaired_throughout():
    stack = [
        Dense(8, "zeros", "sigmoid", bias_init=Constant(-5.0)),
        Residual([Dense(8, activation="sigmoid")]),
        Concatenate([[Dense(4, activation="sigmoid")], [Dense(4), Activation("sigmoid")]]),
        Dropout(0.5),
    ]
    swapped = with_activation(stack, "relu", "he_normal")
    assert swapped[0].activation == swapped[1].layers[0].activation == "relu"
    assert swapped[2].branches[1][1].function.name == "relu"
    assert swapped[2].branches[1][0].activation is None
    begun = with_fields(stack, init="he_normal", bias_init="zeros")
    assert (begun[0].init, begun[0].bias_init) == ("he_normal", "zeros")
    penal = with_penalty([Dense(8, l2=5.0), Dropout(0.9)], 0.0, 0.1)
    assert (penal[0].l2, penal[1].rate) == (0.0, 0.1)


def test_a_linear_stack_gets_activations():
    assert all(
        d.activation == "tanh" for d in with_activation([Dense(4), Dense(4)], "tanh", "zeros")
    )


def test_recurrent_layers_are_initialised_anew():
    (layer,) = with_fields([GRU(4, recurrent_init=Normal(std=9.0))], recurrent_init="orthogonal")
    assert layer.recurrent_init == "orthogonal"


def test_recurrent_layers_are_given_memory():
    stack = [SimpleRNN(4, return_sequences=True, init="he_normal"), Residual([GRU(4)]), Dense(2)]
    first, around, last = with_memory(stack, 3.5)
    assert first == LSTM(4, return_sequences=True, init="he_normal", forget_bias=3.5)
    assert around.layers == (LSTM(4, forget_bias=3.5),)
    assert last == stack[2]
    first, around, last = with_fields(stack, bidirectional=True)
    assert first == SimpleRNN(4, return_sequences=True, init="he_normal", bidirectional=True)
    assert around.layers == (GRU(4, bidirectional=True),)
    assert last == stack[2]


def test_what_forgets_the_middle_is_given_an_lstm():
    X = np.random.default_rng(0).normal(size=(600, 80, 1))
    layers = [LSTM(16, forget_bias=-3.0)]
    network = dr.NetworkRegressor(
        layers, max_iter=80, learning_rate_init=0.003, batch_size=50, random_state=0
    )
    (found,) = (
        f
        for f in dr.examine(network, X, X[:, 24:27, 0].sum(axis=1)).findings
        if f.code == "forgetting"
    )
    assert [type(cure).__name__ for cure in found.repairs] == ["Remember", "ReadBothWays"]
    assert found.repairs[0].forget_bias == pytest.approx(np.log(80), abs=0.1)


def test_statistics_follow_by_another_momentum():
    stack = [Dense(4), BatchNorm(momentum=1e-5), Residual([BatchNorm(epsilon=1e-3)])]
    plain, norm, around = with_fields(stack, momentum=0.1)
    assert plain == stack[0]
    assert norm == BatchNorm(momentum=0.1)
    assert around.layers == (BatchNorm(momentum=0.1, epsilon=1e-3),)


def test_shares_at_the_end_of_a_stack_are_taken_away():
    first = Dense(8, activation="relu")
    assert without_shares([first, Dense(3, activation="softmax")]) == [first]
    assert without_shares([first, Activation("softmax")]) == [first]
    assert without_shares([Dense(3, activation="softmax"), first])[1] == first


# ---- scaling as part of the weights


def test_scaling_goes_into_the_weights():
    X, y = 100 * NUMBERS[0] + 300, 1e3 * NUMBERS[1] + 50
    estimator = regressor(hidden_layer_sizes=(8, 8), dtype="float64")
    model = Treatment(scales_features=True, scales_targets=True).of(estimator)
    model.fit(X, y)
    before = model.predict(X)
    network = fold(model, X)
    assert isinstance(network, dr.MLPRegressor)
    np.testing.assert_allclose(network.predict(X), before, rtol=1e-9)


def test_scaling_before_a_sum_is_refused():
    model = Treatment(scales_features=True).of(classifier(residual=True, hidden_layer_sizes=(8, 8)))
    with pytest.raises(ValueError, match="dense layers with biases"):
        fold(model.fit(*CANCER), CANCER[0])


# ---- the parameter doctor


def test_fit_repairs():
    X, y = 1e4 * NUMBERS[0] + 3e4, 1e5 * NUMBERS[1]
    estimator = regressor(doctor="repair").fit(X, y)
    assert estimator.score(X, y) > 0.9
    assert "unscaled_features" in estimator.diagnosis_
    assert kept(estimator.diagnosis_)
    assert estimator.get_params() == regressor(doctor="repair").get_params()
    assert regressor(doctor="off").fit(X, y).score(X, y) < 0.8


def test_fit_repairs_where_scaling_cannot_go_into_the_weights():
    estimator = classifier(residual=True, hidden_layer_sizes=(16, 16), doctor="repair")
    estimator.fit(*CANCER)
    assert estimator.score(*CANCER) > 0.85


def test_names_of_features_stay():
    frame = pd.DataFrame(NUMBERS[0], columns=list("abcdefghij"))
    estimator = regressor(doctor="repair").fit(frame, NUMBERS[1])
    assert list(estimator.feature_names_in_) == list("abcdefghij")
    assert estimator.score(frame, NUMBERS[1]) > 0.8


def test_rows_given_for_evaluation_prove_the_repair():
    a, b = Rows(*CANCER).at(np.arange(400)), Rows(*CANCER).at(np.arange(400, 569))
    estimator = classifier(solver="sgd", doctor="repair").fit(*a, eval_set=tuple(b))
    assert estimator.diagnosis_.after.case.scores.held_out == pytest.approx(estimator.score(*b))


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        ({}, {"sample_weight": np.ones(600)}, "rows that count alike"),
        ({"warm_start": True}, {}, "warm_start=True"),
        ({"doctor": "cure"}, {}, "doctor"),
    ],
)
def test_what_cannot_be_repaired_is_said(settings, given, message):
    with pytest.raises(ValueError, match=message):
        classifier(**{"doctor": "repair", **settings}).fit(*MOONS, **given)


def test_watch_warns_once_with_the_code_of_the_cause():
    sick = classifier(
        hidden_layer_sizes=(5,) * 9, activation="logistic", batch_size=50, learning_rate_init=0.001
    )
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        sick.fit(*CIRCLES)
    told = [w for w in met if w.category.__name__ == "DiagnosisWarning"]
    assert len(told) == 1
    assert "#vanishing_gradient]" in str(told[0].message)
    assert not told[0].message.diagnosis.healthy
    assert told[0].filename == __file__


@pytest.mark.parametrize("doctor", ["watch", "off"])
def test_healthy_networks_hear_nothing(doctor):
    with warnings.catch_warnings():
        warnings.simplefilter("error", dr.DiagnosisWarning)
        classifier(doctor=doctor, max_iter=60).fit(*MOONS)
        regressor(doctor=doctor, max_iter=60).fit(*NUMBERS)


def test_off_is_silent_where_watch_would_speak():
    with warnings.catch_warnings():
        warnings.simplefilter("error", dr.DiagnosisWarning)
        off = {"doctor": "off", "batch_size": 50, "learning_rate_init": 0.001}
        classifier(hidden_layer_sizes=(5,) * 9, activation="logistic", **off).fit(*CIRCLES)


def test_normalised_networks_are_judged_too():
    stack = [Dense(16), BatchNorm(), Activation("relu")]
    repaired, _ = dr.repair(
        dr.NetworkClassifier(stack, learning_rate_init=30.0, max_iter=60, random_state=0), *MOONS
    )
    assert repaired.score(*MOONS) > 0.95


def test_sequences_are_scaled_by_a_layer():
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(500, 6, 2))
    classes = (sequences[:, :2, 0].mean(axis=1) > 0).astype(int)
    sick = dr.NetworkClassifier([GRU(12)], learning_rate_init=0.01, max_iter=30, random_state=0)
    repaired, diagnosis = dr.repair(sick, 1e4 * sequences + 3e4, classes)
    assert repairs.ScaleFeatures() in kept(diagnosis)
    assert isinstance(repaired.layers[0], BatchNorm)
    assert repaired.score(1e4 * sequences + 3e4, classes) > 0.9
