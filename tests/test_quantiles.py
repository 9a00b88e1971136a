"""Quantiles and expectiles learned together; smoothed labels; activations of the output."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from nets import begun
from scipy.stats import norm
from sklearn.metrics import r2_score

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor, NetworkRegressor
from deltarule.estimators._quantiles import at_levels
from deltarule.layers import Dense, Ordered
from deltarule.plan import Plan

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
LEVELS = (0.1, 0.25, 0.5, 0.9)
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(300, 3))
Y = X[:, 0] + (0.2 + np.abs(X[:, 1])) * RNG.normal(size=300)
OPTIONS = {"hidden_layer_sizes": (12,), "random_state": 0, "max_iter": 15}


def regressor(**options):
    chosen = {"loss": "quantile", "quantiles": LEVELS, **OPTIONS, **options}
    return MLPRegressor(**chosen)


@pytest.fixture(scope="module")
def fitted():
    return regressor().fit(X, Y)


# ---- what is learned


def test_levels_are_those_of_data_whose_quantiles_are_known():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(4000, 1))
    spread = 0.5 + 0.4 * x[:, 0]
    y = np.sin(2 * x[:, 0]) + spread * rng.normal(size=4000)
    options = {"learning_rate_init": 0.01, "max_iter": 60, "ema": 0.99, "batch_size": 100}
    learned = regressor(hidden_layer_sizes=(30,), **options).fit(x, y)
    at = np.linspace(-0.9, 0.9, 50)[:, None]
    found = learned.predict(at, quantiles=LEVELS)
    true = np.sin(2 * at) + (0.5 + 0.4 * at) * norm.ppf(LEVELS)
    assert np.abs(found - true).mean() < 0.08
    fresh = rng.uniform(-1, 1, size=(4000, 1))
    drawn = np.sin(2 * fresh[:, 0]) + (0.5 + 0.4 * fresh[:, 0]) * rng.normal(size=4000)
    below = (drawn[:, None] <= learned.predict(fresh, quantiles=LEVELS)).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.03)


def test_expectiles_are_those_of_a_sample():
    """Without features a net learns the expectiles of y: the slopes of both sides balance."""
    y = RNG.normal(size=400) ** 2
    options = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 500, "tol": 1e-9}
    learned = regressor(loss="expectile", hidden_layer_sizes=(), **options)
    found = learned.fit(np.zeros((400, 1)), y).predict([[0.0]], quantiles=LEVELS)[0]
    for level, e in zip(LEVELS, found, strict=True):
        above, below = np.maximum(y - e, 0).sum(), np.maximum(e - y, 0).sum()
        assert level * above == pytest.approx((1 - level) * below, rel=1e-3)
    assert found[2] == pytest.approx(y.mean(), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["quantile", "pinball", "expectile"])
def test_levels_never_cross(loss, dtype):
    estimator = regressor(loss=loss, dtype=dtype, solver="sgd", learning_rate_init=0.1, max_iter=4)
    estimator.fit(X, Y)
    for size in (1.0, 1e4, 1e15, 1e30):
        wild = size * RNG.standard_cauchy(size=(500, 3)).clip(-1e6, 1e6)
        learned = estimator.predict(wild, quantiles=LEVELS)
        assert np.isfinite(learned).all()
        assert (np.diff(learned, axis=1) >= 0).all()
        fine = estimator.predict(wild, quantiles=np.linspace(0.1, 0.9, 97))
        assert (np.diff(fine, axis=1) >= 0).all()


# ---- what is predicted


def test_levels_between_are_on_straight_lines(fitted):
    learned = fitted.predict(X, quantiles=LEVELS)
    assert learned.shape == (300, 4)
    np.testing.assert_array_equal(fitted.predict(X), learned[:, 2])
    wanted = [0.9, 0.175, 0.3, 0.1, 0.5]
    expected = np.array([np.interp(wanted, LEVELS, row) for row in learned])
    np.testing.assert_allclose(fitted.predict(X, quantiles=wanted), expected, rtol=1e-13)
    one = fitted.predict(X, quantiles=0.25)
    np.testing.assert_array_equal(one, learned[:, [1]])


def test_learned_levels_are_met_exactly():
    """No rounding of an interpolation, and no overflow of a difference."""
    learned = np.array([[-1.7e308, 0.1, 1.7e308], [0.1, 0.3, 0.7], [5e-324, 1e-323, 1.5e-323]])
    np.testing.assert_array_equal(at_levels(learned, (0.1, 0.5, 0.7), [0.1, 0.5, 0.7]), learned)
    between = at_levels(learned, (0.1, 0.5, 0.7), np.linspace(0.1, 0.7, 200))
    assert np.isfinite(between).all()
    assert (np.diff(between, axis=1) >= 0).all()


def test_the_middle_is_the_level_nearest_to_a_half():
    high = regressor(quantiles=[0.95, 0.8]).fit(X, Y)
    np.testing.assert_array_equal(high.predict(X), high.predict(X, quantiles=[0.8])[:, 0])
    around = regressor(quantiles=[0.25, 0.75]).fit(X, Y)
    sides = around.predict(X, quantiles=[0.25, 0.75])
    np.testing.assert_allclose(around.predict(X), sides.mean(axis=1), rtol=1e-12)


def test_one_level_is_the_loss_with_its_parameter():
    alone = regressor(quantiles=[0.8]).fit(X, Y)
    stated = regressor(loss=dr.loss("quantile", q=0.8), quantiles=None).fit(X, Y)
    np.testing.assert_array_equal(alone.predict(X), stated.predict(X))
    np.testing.assert_array_equal(alone.predict(X, quantiles=[0.8, 0.8])[:, 1], stated.predict(X))


def test_a_score_is_that_of_the_middle(fitted):
    assert fitted.score(X, Y) == r2_score(Y, fitted.predict(X))
    seen = regressor(max_iter=3).fit(X[:200], Y[:200], eval_set=(X[200:], Y[200:]))
    assert seen.validation_scores_[-1] == pytest.approx(seen.score(X[200:], Y[200:]), rel=1e-12)
    levels = seen.predict(X[200:], quantiles=LEVELS)
    missed = Y[200:, None] - levels
    loss = np.maximum(np.array(LEVELS) * missed, (np.array(LEVELS) - 1) * missed).sum(axis=1)
    assert seen.validation_loss_curve_[-1] == pytest.approx(loss.mean(), rel=1e-9)


@pytest.mark.parametrize("levels", [LEVELS, (0.3, 0.6), (0.8,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frozen_files_and_pickles_predict_the_same(levels, dtype, tmp_path):
    estimator = regressor(quantiles=levels, dtype=dtype).fit(X, Y)
    expected = estimator.predict(X)
    frozen = estimator.freeze()
    np.testing.assert_array_equal(frozen.predict(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frozen)).predict(X), expected)
    assert frozen.decision_function(X).shape == (300, len(levels))
    dr.save(estimator, tmp_path / "model")
    loaded = dr.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), expected)
    wanted = [levels[0], levels[-1]]
    np.testing.assert_array_equal(loaded.predict(X, wanted), estimator.predict(X, wanted))
    loaded.set_params(warm_start=True).fit(X, Y)
    assert tuple(loaded.quantiles) == levels


def test_partial_fits_and_layers_of_ones_own():
    parts = regressor()
    for _ in range(15):
        parts.partial_fit(X, Y)
    np.testing.assert_array_equal(parts.predict(X), regressor(tol=0.0).fit(X, Y).predict(X))
    layered = NetworkRegressor(
        [Dense(5, activation="tanh")], loss="quantile", quantiles=LEVELS, max_iter=3
    )
    learned = layered.fit(X, Y).predict(X, quantiles=LEVELS)
    assert (np.diff(learned, axis=1) >= 0).all()


# ---- gradients


@pytest.mark.parametrize("name", ["quantile", "expectile"])
def test_a_loss_by_level_is_every_column_with_its_own(name):
    levels = (0.1, 0.35, 0.9)
    plan = Plan(3, (Dense(3),), dr.losses[name], levels)
    net = begun(plan, F64)
    y = np.repeat(Y[:, None], 3, axis=1)
    raw = net.predict(np.ascontiguousarray(X))
    columns = [
        dr.loss(name, q=level)(raw[:, i], Y, reduction="mean") for i, level in enumerate(levels)
    ]
    expected = sum(columns)
    assert net.loss(X, y, None, None, 1) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_gradients_are_central_differences(solver):
    for loss in ("expectile", "quantile"):
        estimator = regressor(loss=loss, activation="tanh", solver=solver, max_iter=4).fit(X, Y)
        assert dr.check_gradient(estimator, X[:40], Y[:40]).passed


def test_ordered_numbers_rise():
    plan = Plan(4, (Ordered(),), dr.losses.half_squared_error)
    net = begun(plan, F32)
    x = np.array([[1, -200, 0, 300], [-3e38, 80, -80, 3e38]], dtype=np.float32)
    y = net.predict(x)
    expected = x.astype(float)
    expected[:, 1:] = np.logaddexp(0, expected[:, 1:])
    np.testing.assert_allclose(y, np.cumsum(expected, axis=1), rtol=1e-6)
    assert (np.diff(y, axis=1) >= 0).all()


# ---- refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "squared_error"}, "quantiles are for the losses 'quantile'.*'expectile'; the"),
        ({"quantiles": [0.5, 1.0]}, "between 0 and 1; met 1.0"),
        ({"quantiles": [0.0]}, "between 0 and 1; met 0.0"),
        ({"quantiles": [np.nan]}, "between 0 and 1; met nan"),
        ({"quantiles": ["0.5"]}, "between 0 and 1; met '0.5'"),
        ({"quantiles": "median"}, "between 0 and 1; met 'median'"),
        ({"quantiles": []}, "one level or more, each once"),
        ({"quantiles": [0.5, 0.1, 0.5]}, "one level or more, each once"),
    ],
)
def test_levels_that_cannot_be_learned_are_told(options, words):
    with pytest.raises(ValueError, match=words):
        regressor(**options).fit(X, Y)


def test_levels_are_of_one_target():
    with pytest.raises(ValueError, match="of a single target; y has 2 columns"):
        regressor().fit(X, np.column_stack([Y, Y]))


def test_levels_that_were_not_learned_are_told(fitted):
    for wanted in ([0.05], [0.5, 0.95], [np.nan]):
        with pytest.raises(ValueError, match="learned levels from 0.1 to 0.9; it cannot tell"):
            fitted.predict(X, quantiles=wanted)
    plain = MLPRegressor(**OPTIONS).fit(X, Y)
    with pytest.raises(ValueError, match=r"no levels: an MLPRegressor"):
        plain.predict(X, quantiles=[0.5])


def test_levels_may_not_change_where_training_goes_on(fitted):
    going = pickle.loads(pickle.dumps(fitted)).set_params(warm_start=True, quantiles=[0.1, 0.9])
    with pytest.raises(ValueError, match="not those of the network that was fitted before"):
        going.fit(X, Y)


# ---- smoothed labels and activations of the output


@pytest.mark.parametrize("classes", [2, 3])
def test_labels_are_smoothed(classes):
    y = RNG.integers(0, classes, 300)
    options = {**OPTIONS, "alpha": 0.0}
    smoothed = MLPClassifier(label_smoothing=0.2, **options)
    fitted = smoothed.fit(X, y, eval_set=(X, y))
    share = 0.8 * np.eye(classes)[y] + 0.2 / classes
    expected = -np.mean((share * fitted.predict_log_proba(X)).sum(axis=1))
    assert fitted.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9)
    plain = MLPClassifier(**options).fit(X, y)
    stated = dr.losses["softmax_cross_entropy" if classes > 2 else "bce_with_logits"]
    stated = stated.with_parameters({"label_smoothing": 0.2})
    same = MLPClassifier(loss=stated, **options).fit(X, y)
    np.testing.assert_array_equal(same.predict_proba(X), fitted.predict_proba(X))
    assert not np.array_equal(plain.predict_proba(X), fitted.predict_proba(X))


def test_smoothing_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match=r"label_smoothing .* \[0, 1\); met 1.0"):
        MLPClassifier(label_smoothing=1.0).fit(X, Y > 0)
    with pytest.raises(ValueError, match="has no label smoothing: set label_smoothing=0"):
        MLPClassifier(loss="poly_binary", label_smoothing=0.1).fit(X, Y > 0)


def test_an_output_may_have_an_activation():
    fitted = MLPRegressor(out_activation="softplus", **OPTIONS).fit(X, np.abs(Y))
    assert (fitted.predict(3 * X) > 0).all()
    assert fitted.out_activation_ == "identity"
    assert fitted.n_layers_ == 3
    assert fitted.score(X, np.abs(Y)) == r2_score(np.abs(Y), fitted.predict(X))
    np.testing.assert_array_equal(fitted.freeze().predict(X), fitted.predict(X))
    hidden = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    raw = hidden @ fitted.coefs_[1] + fitted.intercepts_[1]
    np.testing.assert_allclose(fitted.predict(X), np.logaddexp(0, raw)[:, 0], rtol=1e-10)
    bounded = MLPClassifier(out_activation=dr.activation("tanh"), **OPTIONS).fit(X, Y > 0)
    assert bounded.predict_proba(X).max() <= 1 / (1 + np.exp(-1)) + 1e-12


@pytest.mark.parametrize("wrong", ["glu", "crelu"])
def test_an_output_keeps_its_width(wrong):
    with pytest.raises(ValueError, match="turns 2 numbers into|must keep their number"):
        MLPRegressor(out_activation=wrong, **OPTIONS).fit(X, X[:, :2])
