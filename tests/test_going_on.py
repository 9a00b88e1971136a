"""Estimators that go on: partial_fit, warm starts, learning rates that change, L-BFGS."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor, NetworkRegressor
from deltarule.layers import BatchNorm, Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 5))
Y = (X[:, 0] - X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
T = np.sin(X[:, 0]) + X[:, 1]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(sizes, **settings):
    return MLPRegressor(hidden_layer_sizes=sizes, **settings)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_are_the_epochs_of_a_fit(solver):
    settings = {"solver": solver, "random_state": 3, "batch_size": 32}
    whole = MLPClassifier((8,), max_iter=12, n_iter_no_change=np.inf, **settings).fit(X, Y)
    parts = MLPClassifier((8,), **settings)
    for epoch in range(12):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
        if epoch == 5:
            parts = pickle.loads(pickle.dumps(parts))
    for a, b in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.loss_curve_ == parts.loss_curve_
    assert parts.n_iter_ == 1
    assert parts.t_ == whole.t_ == 12 * len(X)


@pytest.mark.parametrize("fitted", ["float32", "float64"])
def test_partial_fits_keep_the_dtype_of_the_first(fitted):
    other = {"float32": "float64", "float64": "float32"}[fitted]
    exact = np.round(X, 2).astype(np.float32)
    mixed, plain = (regressor((4,), random_state=0) for _ in range(2))
    mixed.partial_fit(exact.astype(fitted), T).partial_fit(exact.astype(other), T)
    plain.partial_fit(exact.astype(fitted), T).partial_fit(exact.astype(fitted), T)
    assert mixed.coefs_[0].dtype == fitted
    np.testing.assert_array_equal(mixed.coefs_[0], plain.coefs_[0])
    with pytest.raises(ValueError, match=f"fitted in {fitted} and dtype is now {other}"):
        mixed.set_params(dtype=other).partial_fit(exact, T)
    again = mixed.set_params(warm_start=True, max_iter=1).fit(exact, T)
    assert again.coefs_[0].dtype == other


def test_partial_fit_goes_on_from_weights_that_were_changed():
    model = regressor((4,), random_state=0).partial_fit(X, T)
    model.coefs_[0][:] = 0
    model.partial_fit(X, T)
    assert abs(model.coefs_[0]).max() < 0.01  # one epoch of steps of 0.001


def test_lbfgs_holds_no_rows_out():
    model = regressor((4,), solver="lbfgs", early_stopping=True, max_iter=5).fit(X, T)
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_scores_ is model.best_validation_score_ is None


def test_classes_of_partial_fit_are_those_of_the_first_call():
    model = MLPClassifier((4,), random_state=0).partial_fit(X[:5], ["a"] * 5, classes=["a", "b"])
    model.partial_fit(X[:5], ["b"] * 5)
    assert model.classes_.tolist() == ["a", "b"]
    before = pickle.dumps(model.coefs_)
    with pytest.raises(ValueError, match=r"classes not in `self\.classes_`"):
        model.partial_fit(X[:5], ["c"] * 5)
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X[:5], ["a"] * 5, classes=["a", "c"])
    assert pickle.dumps(model.coefs_) == before
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(X, Y)
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


def test_a_warm_start_begins_with_the_weights_as_they_are():
    settings = {"max_iter": 5, "random_state": 0, "warm_start": True, "tol": 0}
    model = regressor((8,), **settings).fit(X, T)
    first = model.loss_
    model.fit(X, T)
    assert model.loss_ < first
    assert len(model.loss_curve_) == 10
    assert model.n_iter_ == 5
    assert model.t_ == 10 * len(X)
    cold = regressor((8,), max_iter=5, random_state=0, tol=0).fit(X, T).fit(X, T)
    assert len(cold.loss_curve_) == 5
    with pytest.raises(ValueError, match="warm_start=False to begin anew"):
        model.set_params(hidden_layer_sizes=(9,)).fit(X, T)
    with pytest.raises(ValueError, match="X has 4 features"):
        model.set_params(hidden_layer_sizes=(8,)).fit(X[:, :4], T)


def test_rates_fall_as_they_say():
    settings = {"solver": "sgd", "max_iter": 6, "random_state": 0, "momentum": 0.0, "tol": 0}
    inverse = MLPRegressor(
        hidden_layer_sizes=(6,),
        learning_rate="invscaling",
        learning_rate_init=0.1,
        power_t=0.3,
        **settings,
    ).fit(X, T)
    schedule = MLPRegressor(
        hidden_layer_sizes=(6,), learning_rate=dr.schedules.Step(0.1, 2, 0.5), **settings
    )
    constant = regressor((6,), learning_rate_init=0.1, **settings)
    a, b = schedule.fit(X, T).loss_curve_, constant.fit(X, T).loss_curve_
    assert a[:2] == b[:2]
    assert a[3] != b[3]
    assert inverse.loss_curve_[0] == b[0]
    assert inverse.loss_curve_[1] == b[1]  # the first epoch is at the full rate
    assert inverse.loss_curve_[2] != b[2]


def test_an_adaptive_rate_ends_below_a_millionth():
    model = MLPClassifier((3,), solver="sgd", learning_rate="adaptive", tol=0.5, max_iter=3000)
    model.set_params(random_state=0, learning_rate_init=0.01).fit(X, Y)
    # 0.01 / 5**k <= 1e-6 from k = 6 on: seven waits of eleven epochs and the first epoch
    assert model.n_iter_ == 7 * 11 + 1


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_lbfgs_ends_where_the_gradient_is_zero(alpha):
    model = MLPRegressor(
        hidden_layer_sizes=(6,),
        activation="tanh",
        solver="lbfgs",
        alpha=alpha,
        random_state=0,
        max_iter=5000,
        tol=1e-7,
    )
    weights = RNG.uniform(0, 2, len(X))
    model.fit(X, T, sample_weight=weights)
    net = dr.Network(
        [Dense(6, activation="tanh"), Dense(1)],
        "half_squared_error",
        dtype="float64",
        input_shape=5,
    )
    names = ("dense_1", "dense_2")
    net.set_weights({f"{n}.weight": w for n, w in zip(names, model.coefs_, strict=True)})
    net.set_weights({f"{n}.bias": b for n, b in zip(names, model.intercepts_, strict=True)})
    slopes = net.backward(X, T, weights).gradients
    for n, w in zip(names, model.coefs_, strict=True):
        penalty = alpha * w / weights.sum()
        np.testing.assert_allclose(slopes[f"{n}.weight"], -penalty, atol=5e-4)
        np.testing.assert_allclose(slopes[f"{n}.bias"], 0, atol=5e-4)
    assert model.loss_curve_[-1] == model.loss_ == min(model.loss_curve_)
    assert model.n_iter_ == len(model.loss_curve_)


def test_lbfgs_trains_any_layers_and_says_when_it_has_not_ended():
    layers = [Dense(8, activation="tanh", l2=1e-3), BatchNorm()]
    model = NetworkRegressor(layers, solver="lbfgs", random_state=0, max_iter=300)
    assert model.fit(X, T).score(X, T) > 0.9
    with pytest.warns(ConvergenceWarning, match="lbfgs ended after 2 iterations"):
        regressor((6,), solver="lbfgs", random_state=0, max_iter=2).fit(X, T)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        regressor((6,), solver="lbfgs").fit(X * 1e300, T)


def test_a_diverging_fit_keeps_its_best_epoch():
    model = MLPRegressor(
        hidden_layer_sizes=(50,),
        activation="identity",
        solver="sgd",
        learning_rate_init=1.0,
        early_stopping=True,
        random_state=0,
        max_iter=20,
    )
    model.fit(5 * X, T)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.predict(X)).all()


def test_a_schedule_begins_anew_with_every_fit():
    schedule = dr.schedules.Cosine(0.01, 5)
    options = {"learning_rate": schedule, "random_state": 0}
    model = regressor((4,), max_iter=5, warm_start=True, **options)
    model.fit(X, T).fit(X, T)
    rates = [schedule(epoch) for epoch in range(5)]
    np.testing.assert_allclose(model.history_.learning_rate, rates * 2)
    model = regressor((4,), **options)
    for _ in range(5):
        model.partial_fit(X, T)
    np.testing.assert_allclose(model.history_.learning_rate, rates)


def test_training_that_diverges_after_a_best_epoch_says_so():
    settings = {"solver": "sgd", "learning_rate_init": 5.0, "early_stopping": True}
    model = regressor((30,), **settings, random_state=0)
    with pytest.warns(ConvergenceWarning, match="The loss was (inf|nan) after epoch") as told:
        model.fit(10 * X, T)
    assert len(told) == 1
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("weights", [{0: -1, 1: 1}, {0: 0, 1: 0}])
def test_class_weights_that_mean_nothing(weights):
    with pytest.raises(ValueError, match="With class_weight, rows must have weights >= 0"):
        MLPClassifier(class_weight=weights).fit(X, X[:, 0] > 0)
