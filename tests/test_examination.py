"""Networks of other kinds are examined as those of deltarule's own estimators."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.neural_network as sk
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, make_circles, make_friedman1
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from test_vitals import NETS, Y, a_network
from watched import watch

import deltarule as dr
from deltarule.examination._replay import Tally, replay, vitals_of
from deltarule.layers import LSTM, Dense
from deltarule.vitals import NUMBERS, QUANTILES, Epoch, History

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CIRCLES = make_circles(600, noise=0.05, factor=0.5, random_state=0)
CANCER = load_breast_cancer(return_X_y=True)
X, y = make_friedman1(500, noise=0.5, random_state=0)
NUMBERS_DATA = (X - 0.5) / 0.29, (y - y.mean()) / y.std()
LEARNS = {"max_iter": 300, "learning_rate_init": 0.01, "random_state": 0}
DEEP = {"hidden_layer_sizes": (5,) * 9, "activation": "logistic", "max_iter": 60, "random_state": 0}


def codes(diagnosis):
    return [finding.code for finding in diagnosis.findings]


def rms(a):
    return np.sqrt(np.mean(np.square(a)))


# ---- vitals of a pass


@pytest.mark.parametrize("name", NETS)
def test_a_pass_has_the_vitals_of_a_slow_reference(name):
    x, network = a_network(name)
    loss, vitals = replay(network, x, Y)
    assert loss == pytest.approx(network.backward(x, Y).loss)
    wanted = watch(network, x, Y, epochs=1, learning_rate=1e-9).vitals
    assert vitals.layers == wanted.layers
    for number in NUMBERS:
        if number in ("update_rms", "signal"):
            assert np.isnan(vitals[number]).all()
        else:
            grid = 3e-3 if number == "saturated" else 1e-7  # where the reference looks for slopes
            np.testing.assert_allclose(vitals[number], wanted[number], rtol=1e-5, atol=grid)
    at_ends = vitals.quantiles[:, :, [0, -1]], wanted.quantiles[:, :, [0, -1]]
    np.testing.assert_allclose(*at_ends, rtol=1e-5)
    spread = wanted["value_std"][0, :, None]
    assert (np.abs(vitals.quantiles - wanted.quantiles)[0] < 0.1 * spread).all()


def test_sums_over_batches_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    values, deltas = (
        rng.normal(1, 2, (90, 4)),
        rng.normal(size=(90, 4)) * (rng.random((90, 4)) > 0.3),
    )
    whole, parts = (Tally(dr.activation("relu")) for _ in range(2))
    for tally, batches in ((whole, 1), (parts, 3)):
        for v, d in zip(np.split(values, batches), np.split(deltas, batches), strict=True):
            tally.see_value(v)
            tally.see_inputs(v)
            tally.see_delta(d)
    names = ("value_mean", "value_std", "value_largest", "delta_rms", "delta_zeros", "saturated")
    one, other = (vitals_of({"relu": tally}) for tally in (whole, parts))
    for name in names:
        assert one[name][0, 0] == pytest.approx(other[name][0, 0], rel=1e-6)
    assert one["value_std"][0, 0] == pytest.approx(values.std(), rel=1e-6)
    assert one["saturated"][0, 0] == pytest.approx(np.mean(values < 0), rel=1e-6)
    assert one["delta_zeros"][0, 0] == pytest.approx(np.mean(deltas == 0), rel=1e-6)


def test_numbers_that_are_not_finite_are_counted():
    tally = Tally()
    assert tally.is_empty
    tally.see_value(np.array([[1.0, np.inf], [np.nan, -7.0]]))
    vitals = vitals_of({"dense_1": tally})
    assert vitals["not_finite"][0, 0] == 0.5
    assert vitals["value_largest"][0, 0] == 7
    assert np.isnan(vitals["value_mean"][0, 0])
    assert np.isnan(vitals["dead"][0, 0])
    assert np.isnan(vitals["gradient_rms"][0, 0])


def test_signal_is_the_unbiased_ratio_of_fading_sums():
    g = np.random.default_rng(0).normal(0.5, 1, (7, 40))
    tally = Tally()
    for i, gradient in enumerate(g):
        tally.begin_epoch()  # which does not forget the direction
        tally.see_gradient([gradient[:25].reshape(5, 5), gradient[25:]])
        if i == 0:
            assert np.isnan(tally.numbers()[NUMBERS.index("signal")])
    g = np.concatenate([g[:, b : b + 16] for b in (3, 9, 15, 21)], axis=1)
    w = (7 / 8) ** np.arange(7)[::-1]
    w /= w.sum()
    mean, squares, lost = w @ g, w @ np.sum(g**2, axis=1), np.sum(w**2)
    variance = (squares - mean @ mean) / (1 - lost)
    wanted = np.sqrt((mean @ mean - variance * lost) / variance)
    assert tally.numbers()[NUMBERS.index("signal")] == pytest.approx(wanted, rel=1e-6)
    assert len(tally.numbers()) == len(NUMBERS) + QUANTILES


# ---- multilayer perceptrons of scikit-learn


def by_hand(model, x, targets, weights):
    """Gradients of the weight matrices, inputs of hidden units and deltas, with NumPy alone."""
    f = {"logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: z * (z > 0)}
    slope = {
        "logistic": lambda a: a * (1 - a),
        "tanh": lambda a: 1 - a**2,
        "relu": lambda a: (a > 0) * 1.0,
    }
    inputs, outputs = [], [x]
    for i, (w, b) in enumerate(weights):
        inputs.append(outputs[-1] @ w + b)
        last = i == len(weights) - 1
        outputs.append(inputs[-1] if last else f[model.activation](inputs[-1]))
    z = inputs[-1]
    p = {
        "softmax": lambda: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        "logistic": lambda: 1 / (1 + np.exp(-z)),
        "identity": lambda: z,
        "exp": lambda: np.exp(z),
    }[model.out_activation_]()
    delta, gradients, deltas = (p - targets) / len(x), [], []
    for i in range(len(weights) - 1, -1, -1):
        gradients.insert(0, outputs[i].T @ delta)
        deltas.insert(0, delta)
        delta = delta @ weights[i][0].T * (slope[model.activation](outputs[i]) if i else 1)
    return gradients, inputs, deltas


THREE = np.digitize(CIRCLES[0][:, 0], [-0.4, 0.4])
TARGETS = {
    "binary": (sk.MLPClassifier, CIRCLES[1], lambda y: y[:, None]),
    "words": (
        sk.MLPClassifier,
        np.array(["no", "yes"])[CIRCLES[1]],
        lambda y: (y == "yes")[:, None],
    ),
    "classes": (sk.MLPClassifier, 7 - THREE, lambda y: np.eye(3)[y - 5]),
    "labels": (sk.MLPClassifier, (CIRCLES[0] > 0).astype(int), lambda y: y),
    "numbers": (sk.MLPRegressor, CIRCLES[0][:, 0] ** 2, lambda y: y[:, None]),
    "several": (sk.MLPRegressor, CIRCLES[0] ** 2, lambda y: y),
}


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_perceptron_of_scikit_learn_is_looked_at_as_it_is(target, activation):
    make, labels, encode = TARGETS[target]
    x = CIRCLES[0]
    model = (
        make((6, 4), activation=activation, max_iter=20, random_state=3)
        if make is (sk.MLPClassifier)
        else make(hidden_layer_sizes=(6, 4), activation=activation, max_iter=20, random_state=3)
    )
    model.fit(x, labels)
    case = dr.examine(model, x, labels).case
    weights = list(zip(model.coefs_, model.intercepts_, strict=True))
    gradients, inputs, deltas = by_hand(model, x, encode(labels), weights)
    dense, active = [0, 2, 4], [1, 3]
    close = {"rtol": 1e-5}
    found = case.end["gradient_rms"][0, dense]
    np.testing.assert_allclose(found, [rms(g) for g in gradients], **close)
    np.testing.assert_allclose(case.end["delta_rms"][0, dense], [rms(d) for d in deltas], **close)
    np.testing.assert_allclose(case.end["value_std"][0, dense], [z.std() for z in inputs], **close)
    if activation == "relu":
        dead = [np.mean((z <= 0).all(axis=0)) for z in inputs[:2]]
        np.testing.assert_allclose(case.end["dead"][0, active], dead)
        np.testing.assert_allclose(
            case.end["saturated"][0, active], [np.mean(z <= 0) for z in inputs[:2]], atol=1e-6
        )
    assert case.scores.train == pytest.approx(model.score(x, labels))
    kinds = ["dense", "activation", "dense", "activation", "dense"]
    assert [layer.kind for layer in case.layers] == kinds


@pytest.mark.skipif(
    "loss" not in sk.MLPRegressor().get_params(), reason="This scikit-learn has no Poisson loss."
)
def test_the_poisson_loss_of_scikit_learn_is_known():
    x, counts = CIRCLES[0], np.round(np.exp(CIRCLES[0][:, 0]))
    model = sk.MLPRegressor("poisson", (5,), activation="tanh", max_iter=9, random_state=0)
    case = dr.examine(model.fit(x, counts), x, counts).case
    weights = list(zip(model.coefs_, model.intercepts_, strict=True))
    gradients, _, _ = by_hand(model, x, counts[:, None], weights)
    found = case.end["gradient_rms"][0, [0, 2]]
    np.testing.assert_allclose(found, [rms(g) for g in gradients], rtol=1e-5)
    assert (case.loss, case.link) == ("poisson_log", "exponential")


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_training_began_where_the_random_state_says(activation, solver):
    x, labels = CIRCLES
    settings = {"solver": solver, "early_stopping": True, "learning_rate": "adaptive"}
    model = sk.MLPClassifier((5,), activation=activation, random_state=7, max_iter=5, **settings)
    case = dr.examine(model.fit(x, labels), x, labels).case
    random, weights = np.random.RandomState(7), []
    for inputs, units in ((2, 5), (5, 1)):
        bound = np.sqrt((2 if activation == "logistic" else 6) / (inputs + units))
        weights.append(
            (random.uniform(-bound, bound, (inputs, units)), random.uniform(-bound, bound, units))
        )
    gradients, _, _ = by_hand(model, x, labels[:, None], weights)
    found = case.begin["weight_rms"][0, [0, 2]], case.begin["gradient_rms"][0, [0, 2]]
    np.testing.assert_allclose(found[0], [rms(w) for w, _ in weights], rtol=1e-6)
    np.testing.assert_allclose(found[1], [rms(g) for g in gradients], rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam", "learning_rate_init": 0.02, "beta_1": 0.8},
        {"solver": "sgd", "learning_rate_init": 0.3, "momentum": 0.7, "alpha": 0.5},
        {"solver": "sgd", "learning_rate_init": 0.3, "nesterovs_momentum": False},
    ],
)
def test_the_first_epochs_are_those_of_scikit_learn(settings):
    x, labels = CIRCLES
    given = {"hidden_layer_sizes": (8,), "activation": "tanh", "random_state": 1, "shuffle": False}
    model = sk.MLPClassifier(**given, **settings, batch_size=600, max_iter=5).fit(x, labels)
    found = dr.examine(model, x, labels).case.history.vitals["update_rms"]
    walker = sk.MLPClassifier(**given, **settings, batch_size=600)
    begin = dr.examine(model, x, labels).case.begin["weight_rms"][0, 0]
    random = np.random.RandomState(1)
    bound = np.sqrt(6 / 10)
    before = random.uniform(-bound, bound, (2, 8))
    assert rms(before) == pytest.approx(begin, rel=1e-6)
    for epoch in range(3):
        walker.partial_fit(x, labels, classes=[0, 1])
        step = rms(walker.coefs_[0] - before)
        assert found[epoch, 0] == pytest.approx(step, rel=1e-4)
        before = walker.coefs_[0].copy()
    assert np.isnan(found[3:]).all()


def test_the_history_of_scikit_learn():
    x, labels = CIRCLES
    model = sk.MLPClassifier(
        early_stopping=True, max_iter=8, random_state=0, hidden_layer_sizes=(4,)
    )
    model.fit(x, labels)
    case = dr.examine(model, x, labels).case
    np.testing.assert_array_equal(case.history.loss, model.loss_curve_)
    np.testing.assert_array_equal(case.history.validation_score, model.validation_scores_)
    np.testing.assert_array_equal(case.history.learning_rate, [0.001] * 8)
    weights = case.history.vitals["weight_rms"][:, 0]
    assert np.flatnonzero(np.isfinite(weights)).tolist() == [0, 1, 2, 7]
    assert weights[-1] == pytest.approx(rms(model.coefs_[0]), rel=1e-6)
    assert case.settings["hidden_layer_sizes"] == (4,)
    settings = {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.25}
    model = sk.MLPClassifier((4,), max_iter=4, random_state=0, **settings).fit(x, labels)
    rates = dr.examine(model, x, labels).case.history.learning_rate
    np.testing.assert_allclose(rates, [0.001, *(0.001 / (600 * np.arange(1, 4) + 1) ** 0.25)])
    model = sk.MLPClassifier((4,), max_iter=4, solver="sgd", learning_rate="adaptive").fit(
        x, labels
    )
    rates = dr.examine(model, x, labels).case.history.learning_rate
    assert rates[0] == 0.001
    assert np.isnan(rates[1:]).all()


def test_what_scikit_learn_does_not_tell_is_named():
    x, labels = CIRCLES
    model = sk.MLPClassifier((4,), max_iter=3).fit(x, labels)
    diagnosis = dr.examine(model, x, labels)
    assert diagnosis.case.begin is None
    assert diagnosis.case.end is not None
    assert diagnosis.explain().endswith(
        "random_state is no integer: what they would tell was not looked at."
    )
    assert "random_state 不是整数" in diagnosis.explain("zh")
    assert "random_state" in diagnosis.to_record()["unknown"][0]["en"]
    model = sk.MLPClassifier((4,), solver="lbfgs", max_iter=30, random_state=0).fit(x, labels)
    diagnosis = dr.examine(model, x, labels)
    assert "lbfgs of scikit-learn keeps no losses" in diagnosis.explain()
    assert diagnosis.case.begin is not None
    assert diagnosis.case.history.loss.tolist() == [model.loss_]
    seeded = dr.examine(sk.MLPClassifier((4,), max_iter=3), x, labels)  # the clone is seeded
    assert seeded.case.unknown == ()


def test_weights_that_overflow_are_no_reason_to_fail():
    x, labels = CANCER
    model = sk.MLPRegressor(
        hidden_layer_sizes=(9,), solver="sgd", learning_rate_init=1e9, random_state=0, max_iter=9
    )
    with np.errstate(all="ignore"):
        case = dr.examine(model, x, labels).case
    assert "non-finite" in case.settings["failure"]
    assert case.end is None
    assert case.begin is not None
    assert np.isnan(case.scores.train)
    assert case.scores.shortfall == 1


SICK = {
    "vanishing_gradient": (DEEP, CIRCLES),
    "learning_rate_high": (
        {
            "hidden_layer_sizes": (20,),
            "solver": "sgd",
            "learning_rate_init": 5.0,
            "random_state": 0,
        },
        CIRCLES,
    ),
    "unscaled_features": ({"activation": "tanh", "random_state": 0}, CANCER),
}


@pytest.mark.filterwarnings("ignore:The network predicts no better:UserWarning")
@pytest.mark.parametrize("fault", SICK)
def test_the_same_is_found_in_scikit_learn_and_in_ours(fault):
    settings, data = SICK[fault]
    for make in (sk.MLPClassifier, dr.MLPClassifier):
        diagnosis = dr.examine(make(**settings), *data)
        assert codes(diagnosis)[0] == fault
        x, held_out, labels, truth = train_test_split(*data, random_state=0)
        fitted = make(**settings).fit(x, labels)
        assert codes(dr.examine(fitted, x, labels, held_out, truth))[0] == fault


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_layers_and_loss_are_those_of_ours(activation):
    for name, (x, labels) in {"Classifier": CIRCLES, "Regressor": NUMBERS_DATA}.items():
        given = {"hidden_layer_sizes": (5, 4), "activation": activation, "max_iter": 2}
        own, theirs = (
            dr.examine(getattr(home, f"MLP{name}")(**given, random_state=0), x, labels).case
            for home in (dr, sk)
        )
        assert own.layers == theirs.layers
        assert (own.task, own.loss, own.link) == (theirs.task, theirs.loss, theirs.link)
        assert theirs.settings.keys() <= own.settings.keys() | {"failure"}
        assert own.history.layers == theirs.history.layers


@pytest.mark.parametrize("make", [sk.MLPClassifier, dr.MLPClassifier])
def test_healthy_networks_stay_silent(make):
    model = make((20,), **LEARNS)
    assert dr.examine(model, *CIRCLES).healthy
    assert dr.examine(clone(model).fit(*CIRCLES), *CIRCLES).healthy
    assert not hasattr(model, "coefs_")


def test_a_net_without_hidden_layers_is_examined():
    x, numbers = NUMBERS_DATA
    case = dr.examine(sk.MLPRegressor(hidden_layer_sizes=(), **LEARNS), x, numbers).case
    assert [layer.kind for layer in case.layers] == ["dense"]


def test_rows_of_float32_begin_at_the_same_weights():
    x, labels = CIRCLES[0].astype(np.float32), CIRCLES[1]
    model = sk.MLPClassifier((4,), max_iter=2, random_state=0).fit(x, labels)
    assert model.coefs_[0].dtype == np.float32
    case = dr.examine(model, x, labels).case
    bound = np.sqrt(6 / 6)
    wanted = rms(np.random.RandomState(0).uniform(-bound, bound, (2, 4)))
    assert case.begin["weight_rms"][0, 0] == pytest.approx(wanted, rel=1e-6)


# ---- within pipelines


@pytest.mark.parametrize("make", [sk.MLPClassifier, dr.MLPClassifier])
def test_a_pipeline_is_examined_with_the_data_as_its_network_sees_them(make):
    x, labels = CANCER
    bare = make(activation="tanh", random_state=0)
    assert codes(dr.examine(bare, x, labels))[0] == "unscaled_features"
    pipeline = make_pipeline(StandardScaler(), bare)
    diagnosis = dr.examine(pipeline, x, labels)
    assert diagnosis.healthy
    np.testing.assert_allclose(diagnosis.case.data.std, 1, rtol=1e-6)
    fitted = clone(pipeline).fit(x, labels)
    case = dr.examine(fitted, x, labels).case
    assert case.scores.train == fitted.score(x, labels)
    np.testing.assert_allclose(case.data.mean, 0, atol=1e-9)
    assert isinstance(case.settings["failure"], str)
    assert case.settings["activation"] == "tanh"


@pytest.mark.parametrize("make", [sk.MLPRegressor, dr.MLPRegressor])
def test_targets_are_those_that_the_network_learns(make):
    x, numbers = NUMBERS_DATA
    numbers = 4000 + 300 * numbers
    network = make(hidden_layer_sizes=(30,), **LEARNS)
    scaler = StandardScaler()
    outside = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), network), transformer=scaler
    )
    inside = make_pipeline(
        StandardScaler(), TransformedTargetRegressor(network, transformer=scaler)
    )
    for model in (outside, inside):
        case = dr.examine(model, x, numbers).case
        assert abs(case.data.target_mean) < 1e-9
        assert case.data.target_std == pytest.approx(1)
        assert case.scores.held_out > 0.8
        weights = case.end["delta_rms"][0, -1] * case.data.rows  # residuals of scaled numbers
        assert weights < 1


def test_data_frames_reach_the_pipeline_as_they_are():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(40, 9, 400), "city": rng.choice(["Oslo", "Rome"], 400)})
    labels = ((frame["age"] > 40) ^ (frame["city"] == "Rome")).to_numpy()
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["age"]), ("words", OneHotEncoder(), ["city"])]
    )
    model = make_pipeline(columns, sk.MLPClassifier((20,), **LEARNS))
    case = dr.examine(model, frame, labels).case
    assert case.data.names == ("numbers__age", "words__city_Oslo", "words__city_Rome")
    assert case.scores.held_out > 0.9
    assert case.scores.reference > 0.9


def test_sparse_rows_and_searches_are_examined():
    x, labels = CIRCLES
    rows = scipy.sparse.csr_matrix(x)
    model = sk.MLPClassifier((20,), **LEARNS)
    dense, sparse = (dr.examine(model, given, labels).case for given in (x, rows))
    assert sparse.scores.reference == dense.scores.reference
    assert sparse.scores.held_out == pytest.approx(dense.scores.held_out)
    search = GridSearchCV(model, {"alpha": [1e-4]}, cv=2).fit(x, labels)
    assert dr.examine(search, x, labels).case.settings["alpha"] == 1e-4


# ---- networks of layers


def softmax_net(seed=0):
    return dr.Network([Dense(20, activation="relu"), Dense(2)], "softmax_cross_entropy", seed=seed)


def test_a_fitted_network_is_examined_with_its_history():
    x, labels = CIRCLES
    network = softmax_net().fit(x, labels, epochs=40, learning_rate=0.01, batch_size=20)
    case = dr.examine(network, x, labels).case
    assert case.task == "classification"
    right = network.predict(x).argmax(axis=1) == labels
    assert case.scores.train == np.mean(right) > 0.9
    assert case.history is network.history_
    assert (case.loss, case.link) == ("softmax_cross_entropy", "softmax")
    wanted = {"learning_rate_init": 0.01, "batch_size": 20, "max_iter": 40, "solver": "adam"}
    assert wanted.items() <= case.settings.items()
    trace = network.backward(x, labels)
    assert case.end["gradient_rms"][0, 0] == pytest.approx(
        rms(trace.gradients["dense_1.weight"]), rel=1e-5
    )
    np.testing.assert_array_equal(
        case.begin["gradient_rms"], network.history_.vitals["gradient_rms"][:1]
    )


def test_a_network_that_is_not_fitted_is_trained_as_it_is_told_and_stays_as_it_was():
    x, labels = CIRCLES
    network = softmax_net()
    few = dr.examine(network, x, labels)
    many = dr.examine(network, x, labels, fit_params={"epochs": 60, "learning_rate": 0.02})
    assert len(few.case.history) == 10
    assert len(many.case.history) == 60
    assert many.healthy
    assert many.case.scores.held_out > 0.95 > few.case.scores.held_out
    assert len(network.history_) == 0
    twin = copy.deepcopy(network)
    twin.forward(x[:1])
    first = many.case.begin["weight_rms"][0, 0]
    assert first == pytest.approx(rms(twin.weights()["dense_1.weight"]), rel=1e-6)
    deep = [Dense(5, activation="sigmoid") for _ in range(9)]
    sick = dr.Network([*deep, Dense(2)], "softmax_cross_entropy")
    assert codes(dr.examine(sick, x, labels, fit_params={"epochs": 30}))[0] == "vanishing_gradient"


LABELS = CIRCLES[1]
LOSSES = {
    "softmax_cross_entropy": (2, LABELS, "classification"),
    "bce_with_logits": (1, LABELS, "classification"),
    "hinge": (1, 2 * LABELS - 1, "classification"),
    "squared_error": (1, CIRCLES[0][:, 0] ** 2, "regression"),
    "poisson_log": (1, np.round(4 * CIRCLES[0][:, 0] ** 2), "regression"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_targets_tell_the_task(loss):
    outputs, targets, task = LOSSES[loss]
    network = dr.Network([Dense(30, activation="relu"), Dense(outputs)], loss)
    given = {"epochs": 100, "learning_rate": 0.01}
    case = dr.examine(network, CIRCLES[0], targets, fit_params=given).case
    assert case.task == task
    assert case.scores.held_out > 0.9
    assert np.isnan(case.predicted_share) == (task == "regression")
    assert case.scores.reference > 0.9


def test_r2_of_a_network_is_that_of_its_predictions():
    x, numbers = NUMBERS_DATA
    targets = np.column_stack([numbers, x[:, 0]])
    network = dr.Network([Dense(20, activation="tanh"), Dense(2)]).fit(x, targets, epochs=20)
    missed = np.sum((network.predict(x) - targets) ** 2, axis=0)
    spread = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
    score = dr.examine(network, x, targets).case.scores.train
    assert score == pytest.approx(np.mean(1 - missed / spread), rel=1e-6)


def test_a_class_for_every_step_has_no_plain_model():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6, 1))
    labels = np.digitize(np.cumsum(x[:, :, 0], axis=1), [-1, 1])
    network = dr.Network([LSTM(8, return_sequences=True), Dense(3)], "softmax_cross_entropy")
    case = dr.examine(network, x, labels, fit_params={"epochs": 3}).case
    assert np.isnan(case.scores.reference)
    assert 0 <= case.scores.held_out <= 1


def test_a_network_whose_loss_overflows_is_examined():
    x, numbers = CANCER
    network = dr.Network([Dense(9, activation="relu"), Dense(1)])
    case = dr.examine(
        network, x, numbers.astype(float), fit_params={"solver": "sgd", "learning_rate": 1e9}
    ).case
    assert "not finite" in case.settings["failure"] or "non-finite" in case.settings["failure"]
    assert len(case.history) == 0
    assert case.begin is not None
    assert np.isnan(case.scores.train)


# ---- histories alone


def test_a_history_alone_is_examined():
    x, labels = CIRCLES
    history = softmax_net().fit(x, labels, epochs=3).history_
    diagnosis = dr.examine(history)
    assert diagnosis.healthy
    assert "A history alone has no data" in diagnosis.explain()
    case = diagnosis.case
    assert case.task == "unknown"
    assert case.weighted == [0, 2]
    assert case.hidden_activations == [1]
    assert [layer.kind for layer in case.layers] == ["dense", "activation", "dense"]
    np.testing.assert_array_equal(case.end["dead"], history.vitals["dead"][-1:])
    assert dr.examine(History([Epoch(1.0), Epoch(0.5)])).healthy
    assert dr.examine(History()).case.begin is None


# ---- what is refused


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="a History; met RandomForestClassifier"):
        dr.examine(RandomForestClassifier(), *CIRCLES)
    search = GridSearchCV(sk.MLPClassifier(), {"alpha": [1.0]})
    with pytest.raises(TypeError, match="met GridSearchCV"):
        dr.examine(search, *CIRCLES)
    with pytest.raises(ValueError, match="X and y are needed"):
        dr.examine(sk.MLPClassifier())


def test_no_warning_reaches_the_user():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        dr.examine(sk.MLPClassifier(**DEEP), *CIRCLES)
        dr.examine(sk.MLPClassifier(**{**DEEP, "batch_size": 10_000}), *CIRCLES)
