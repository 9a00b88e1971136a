"""Activations that draw: the seed is an argument, the gradient belongs to the value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import deltarule as dr

X = np.random.default_rng(1).normal(size=(200, 5))


def test_rrelu_draws_one_slope_per_element():
    f = dr.activations.rrelu
    y = f(X, rng=7)
    np.testing.assert_array_equal(y[X > 0], X[X > 0])
    slopes = y[X <= 0] / X[X <= 0]
    low, high = f.parameters["lower"], f.parameters["upper"]
    assert low <= slopes.min() < slopes.max() <= high
    assert stats.kstest(slopes, "uniform", args=(low, high - low)).pvalue > 1e-3
    np.testing.assert_array_equal(y, f(X, rng=7))
    np.testing.assert_array_equal(y, f(X, rng=np.random.default_rng(7)))
    assert not np.array_equal(y, f(X, rng=8))
    g = np.ones_like(X)
    np.testing.assert_allclose(f.vjp(X, g, rng=7), np.where(X > 0, 1, y / X), rtol=1e-14)
    np.testing.assert_allclose(f.derivative(X, rng=7), f.vjp(X, g, rng=7), rtol=1e-15)


def test_rrelu_without_a_seed_is_its_mean():
    f = dr.activation("rrelu", lower=0.1, upper=0.5)
    np.testing.assert_allclose(f([-1.0, 2.0]), [-0.3, 2.0])
    draws = [f(np.full(4000, -1.0, dtype=np.float32), rng=s).mean() for s in range(5)]
    assert np.mean(draws) == pytest.approx(-0.3, abs=0.01)
    assert f(np.float32([-1]), rng=0).dtype == np.float32


def test_gumbel_softmax_samples_the_softmax():
    f = dr.activation("gumbel_softmax", hard=True)
    logits = np.log([0.5, 0.3, 0.2])
    y = f(np.broadcast_to(logits, (20_000, 3)), rng=0)
    assert set(np.unique(y)) == {0.0, 1.0}
    np.testing.assert_array_equal(y.sum(axis=1), 1)
    np.testing.assert_allclose(y.mean(axis=0), [0.5, 0.3, 0.2], atol=0.015)


def test_gumbel_softmax_is_a_softmax_of_the_noisy_input():
    for tau in (1.0, 0.4):
        f = dr.activation("gumbel_softmax", tau=tau)
        noisy = f.noisy(X, 3)
        np.testing.assert_allclose(f(X, rng=3), dr.activations.softmax(noisy / tau), rtol=1e-12)
        h, g = 1e-6, np.random.default_rng(0).normal(size=X.shape)
        vjp = f.vjp(X, g, rng=3)
        for i in range(5):
            step = np.zeros_like(X)
            step[:, i] = h
            numeric = ((f(X + step, rng=3) - f(X - step, rng=3)) * g).sum(axis=1) / (2 * h)
            np.testing.assert_allclose(vjp[:, i], numeric, rtol=1e-6, atol=1e-8)
        hard = dr.activation(f, hard=True)
        np.testing.assert_array_equal(hard.vjp(X, g, rng=3), vjp)
        np.testing.assert_allclose(f(X.T, rng=3, axis=0).sum(axis=0), 1, rtol=1e-14)
        rows = f.jacobian(X[0], rng=3)
        np.testing.assert_allclose(rows.sum(axis=1), 0, atol=1e-15)
    with pytest.raises(TypeError, match="draws noise: give rng="):
        f(X)
    with pytest.raises(ValueError, match="hard of gumbel_softmax must be True or False; met 2"):
        dr.activation("gumbel_softmax", hard=2)
    assert repr(hard) == "gumbel_softmax(tau=0.4, hard=True)"


def test_every_method_of_rrelu_takes_a_seed():
    f, x = dr.activations.rrelu, np.array([-1.0, 2.0, -1.0])
    np.testing.assert_array_equal(f.jacobian(x, rng=1), np.diag(f.derivative(x, rng=1)))
    np.testing.assert_array_equal(f.jacobian(x), np.diag(f.derivative(x)))
    np.testing.assert_array_equal(f.second_derivative(x, rng=1), [0, 0, 0])


def test_a_hard_sample_keeps_nan():
    f = dr.activation("gumbel_softmax", hard=True)
    y = f([[np.nan, 1.0], [1.0, 2.0]], rng=1)
    assert np.isnan(y[0]).all()
    assert sorted(y[1]) == [0, 1]
