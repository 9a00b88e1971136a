"""Dropout: how much, what becomes of the rest, and that it can be drawn again."""

from __future__ import annotations

import numpy as np
import pytest
from layer_cases import F32, F64, Case, Given

import deltarule as dr
from deltarule import _core
from deltarule import layers as L
from deltarule._engine import make_net
from deltarule.plan import Plan

dtypes = pytest.mark.parametrize("dtype", [F32, F64], ids=str)
RATES = [0.0, 0.05, 0.25, 0.5, 0.9]
LIMIT = float(dr.activations.selu(-1e3))
rates = pytest.mark.parametrize("rate", RATES)
kinds = pytest.mark.parametrize("kind", [L.Dropout, L.AlphaDropout], ids=lambda k: k.kind)


def given_of(*layers, dtype=F64, rows=400, columns=51):
    return Given(Case((columns,), layers, rows=rows), dtype)


def dropped_by(given, node=0, **draw):
    """Which numbers a pass of training drops."""
    y = given.net.forward(np.ones_like(given.flat), training=True, **draw)[node]
    return y == y.min()


def deviations(dropped, rate):
    """How far the share is from the rate, in standard deviations of a fair draw."""
    return (dropped.mean() - rate) / np.sqrt(rate * (1 - rate) / dropped.size)


@rates
@dtypes
def test_numbers_are_dropped_at_the_rate_and_the_others_rescaled(rate, dtype):
    given = given_of(L.Dropout(rate), dtype=dtype)
    y = given.net.forward(given.flat, training=True, seed=1, step=2)[0]
    dropped = y == 0
    assert not rate or abs(deviations(dropped, rate)) < 4
    assert rate or not dropped.any()
    expected = given.flat / dtype.type(1 - rate)
    np.testing.assert_array_max_ulp(y[~dropped], expected[~dropped], 2)
    np.testing.assert_array_equal(given.net.forward(given.flat)[0], given.flat)


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5, 0.9])
def test_rows_columns_and_neighbours_are_dropped_alike(rate):
    """Shares of rows, of columns and of pairs, each within noise."""
    dropped = dropped_by(given_of(L.Dropout(rate), rows=4000))
    for axis in (0, 1):
        shares = dropped.mean(axis=axis)
        deviation = np.sqrt(rate * (1 - rate) / dropped.shape[axis])
        assert np.abs(shares - rate).max() < 5 * deviation
    flat = dropped.reshape(-1)
    for lag in (1, 2, 4, 16, 51, 64):
        assert abs(deviations(flat[lag:] & flat[:-lag], rate**2)) < 5


def test_what_is_dropped_follows_from_seed_step_and_layer():
    branches = L.Concatenate([[L.Dropout(0.5)], [L.Dropout(0.5)]])
    given = given_of(branches)
    first = dropped_by(given, seed=3, step=4)
    np.testing.assert_array_equal(dropped_by(given, seed=3, step=4), first)
    others = [
        dropped_by(given, seed=3, step=5),
        dropped_by(given, seed=4, step=4),
        dropped_by(given, node=1, seed=3, step=4),
    ]
    for other in others:  # not even alike
        assert abs(deviations(first == other, 0.5)) < 4
    single = given_of(branches, dtype=F32)
    np.testing.assert_array_equal(dropped_by(single, seed=3, step=4), first)


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5])
def test_the_expectation_is_kept(rate):
    """The mean of many passes is X, within five standard deviations of it."""
    given = given_of(L.Dropout(rate), rows=3, columns=7)
    passes = np.stack(
        [given.net.forward(given.flat, training=True, step=step)[0] for step in range(4000)]
    )
    deviation = passes.std(axis=0) / np.sqrt(len(passes))
    assert (np.abs(passes.mean(axis=0) - given.flat) < 5 * deviation).all()


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5])
@dtypes
def test_alpha_dropout_keeps_mean_and_variance_of_selu(rate, dtype):
    given = given_of(L.AlphaDropout(rate), rows=4000, dtype=dtype)
    z = np.random.default_rng(0).normal(size=given.flat.shape)
    x = dr.activations.selu(z).astype(dtype)
    assert abs(x.mean()) < 0.01
    assert abs(x.var() - 1) < 0.02
    y = given.net.forward(x, training=True)[0]
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.02


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5, 0.9])
@dtypes
def test_alpha_dropout_is_that_of_its_authors(rate, dtype):
    """a x + b, with the limit of selu in place of the x that are dropped; Klambauer et al. 2017."""
    given = given_of(L.AlphaDropout(rate), dtype=dtype)
    y = given.net.forward(given.flat, training=True)[0].astype(np.float64)
    keep = 1 - rate
    a = 1 / np.sqrt(keep + LIMIT**2 * keep * rate)
    b = -a * rate * LIMIT
    dropped = np.isclose(y, a * LIMIT + b, rtol=0, atol=1e-6)
    assert abs(deviations(dropped, rate)) < 4
    expected = np.where(dropped, a * LIMIT + b, a * given.flat + b)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6 if dtype == F32 else 1e-14)


@kinds
def test_slopes_pass_where_numbers_passed(kind):
    """And are scaled as they were."""
    given = given_of(L.Dense(51), kind(0.3))
    _, _, values, slopes = given.gradient(seed=2, step=3)
    before, after = slopes
    assert (before == 0).mean() == pytest.approx(0.3, abs=0.02)
    ratio = before[before != 0] / after[before != 0]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)
    if kind is L.Dropout:
        np.testing.assert_array_equal(before == 0, values[1] == 0)
        assert ratio[0] == pytest.approx(1 / 0.7, rel=1e-14)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, np.nan])
@kinds
def test_a_rate_is_below_one(kind, rate):
    with pytest.raises(ValueError, match="rate of a dropout"):
        kind(rate)


def test_what_is_dropped_follows_from_the_generator_alone():
    """Philox of (seed, stream, counter): the same on every instruction set and any thread."""
    rate, width, rows, seed, step = 0.3, 37, 9, 12345678901, 7
    plan = Plan(width, (L.Dropout(rate), L.Dense(1)), dr.losses.squared_error)
    net = make_net(plan, np.dtype(np.float64))
    dropped = net.forward(np.ones((rows, width)), training=True, seed=seed, step=step)[0] == 0
    stream = (3 << 56) | step
    for place in range(rows * width):
        counter = place // 128 * 16 + place % 16
        pairs = _core.philox(seed, stream, counter)
        words = [w for pair in pairs for w in (pair & 0xFFFFFFFF, pair >> 32)]
        bits = (words[place // 16 % 4] >> (16 * (place % 128 // 64))) & 0xFFFF
        assert dropped.flat[place] == (bits < round(rate * 65536))
