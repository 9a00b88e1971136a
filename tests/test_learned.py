"""Activations that learn their parameters, and losses beyond the usual, inside the estimators."""

from __future__ import annotations

import numpy as np
import pytest
from nets import begun, learned, pairs, put_pairs

import deltarule as dr
from deltarule.plan import Activation, Dense, Plan

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.abs(X[:, :1]) + 0.3 * X[:, 1:2] ** 2


def net_of(f, weights=None):
    plan = Plan(3, (Dense(5), Activation(f), Dense(1)), dr.losses.half_squared_error)
    net = begun(plan, np.float64, 3)
    if weights:
        put_pairs(net, weights)
    return net


TRAINABLE = [n for n, f in dr.activations.items() if f.facts["trainable"]]


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_gradient_of_the_parameters(name):
    f = dr.activations[name]
    net = net_of(f)
    weights = pairs(net)
    (gradient,) = learned(net, net.gradient(X, Y, None, None)[1])
    np.testing.assert_array_equal(learned(net)[0], f.arguments)
    h = 1e-6
    for k, (parameter, value) in enumerate(f.parameters.items()):
        up, down = (
            net_of(f.with_parameters({parameter: value + s * h}), weights).loss(X, Y, None, None)
            for s in (1, -1)
        )
        assert gradient[k] == pytest.approx((up - down) / (2 * h), rel=1e-7, abs=1e-10)
        slopes = f.parameter_derivative(X, parameter)
        ends = (f.with_parameters({parameter: value + s * h})(X) for s in (1, -1))
        np.testing.assert_allclose(slopes, np.subtract(*ends) / (2 * h), rtol=1e-7, atol=1e-9)
    with pytest.raises(TypeError, match=f"{name} has no derivative with respect to 'nothing'"):
        f.parameter_derivative(X, "nothing")


def test_only_trainable_activations_have_parameter_derivatives():
    with pytest.raises(TypeError, match="the parameters it can learn: none"):
        dr.activations.leaky_relu.parameter_derivative(X, "negative_slope")


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_estimator_learns_them_and_keeps_them(name, dtype, tmp_path):
    settings = {"hidden_layer_sizes": (8, 8), "max_iter": 60, "random_state": 0, "tol": 0}
    model = dr.MLPRegressor(activation=name, dtype=dtype, **settings)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, Y.ravel())
    learned = [layer.activation for layer in model._plan.layers if isinstance(layer, Activation)]
    assert len(set(learned)) == 2  # each layer its own
    assert dr.activations[name] not in learned
    assert model.activation == name  # a parameter of the constructor stays what it was
    expected = model.predict(X)
    dr.save(model, tmp_path / "a.model")
    np.testing.assert_array_equal(dr.load(tmp_path / "a.model").predict(X), expected)
    stopped = dr.MLPRegressor(activation=name, early_stopping=True, **settings)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        stopped.fit(X, Y.ravel())
    assert np.isfinite(stopped.predict(X)).all()


@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_losses_of_log_rates_predict_rates():
    rng = np.random.default_rng(1)
    rate = np.exp(0.8 * X[:, 0] - 0.2)
    counts = rng.poisson(rate)
    for loss in ("poisson_log", dr.loss("tweedie_log", p=1.5)):
        model = dr.MLPRegressor(
            hidden_layer_sizes=(16,), loss=loss, max_iter=300, random_state=0, alpha=1e-2
        )
        model.fit(X, counts)
        assert model.predict(X).min() > 0
        assert np.corrcoef(model.predict(X), rate)[0, 1] > 0.8
    with pytest.raises(ValueError, match="poisson_log needs targets that are numbers >= 0; met -1"):
        dr.MLPRegressor(loss="poisson_log").fit(X, counts - 1.0)


@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_losses_of_probabilities_are_merged_and_others_refused():
    labels = (X[:, 0] > 0).astype(int)
    named = dr.MLPClassifier(loss="binary_cross_entropy", max_iter=5, random_state=0)
    plain = dr.MLPClassifier(max_iter=5, random_state=0)
    expected = plain.fit(X, labels).predict_proba(X)
    np.testing.assert_array_equal(named.fit(X, labels).predict_proba(X), expected)
    with pytest.raises(ValueError, match="The loss dice is not one of raw predictions"):
        dr.MLPClassifier(loss="dice").fit(X, labels)
    with pytest.raises(ValueError, match="The loss hinge is not for probabilities"):
        dr.MLPClassifier(loss="hinge").fit(X, labels)
    with pytest.raises(ValueError, match="a multiple of 2"):
        dr.MLPClassifier((7,), activation="glu").fit(X, labels)
    gated = dr.MLPClassifier((16,), activation="glu", max_iter=2000, random_state=0, tol=0)
    assert gated.fit(X, labels).score(X, labels) > 0.97
    assert [w.shape for w in gated.coefs_] == [(3, 16), (8, 1)]
