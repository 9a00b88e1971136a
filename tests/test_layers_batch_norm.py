"""Batch normalisation: its moments, weights of rows, running statistics."""

from __future__ import annotations

import numpy as np
import pytest
from layer_cases import F32, F64, Case, Given, difference
from layers_reference import batch_moments, renew

from deltarule import layers as L
from deltarule._engine import TRAINERS, weights_of
from deltarule._training import settings_of

SHAPES = [(1,), (17,), (4, 3), (3, 5, 2)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
PLAIN_STEPS = {"solver": "sgd", "momentum": 0.0, "learning_rate": 0.1, "shuffle": False}


def trainer_of(given, row_weights=None, **settings):
    data = (given.flat, given.targets, None, row_weights)
    return TRAINERS[given.dtype](given.net, *data, settings_of(**PLAIN_STEPS, **settings), None)


def running(weights):
    return [weights[f"batch_norm_1.running_{moment}"] for moment in ("mean", "variance")]


@shapes
def test_the_deviation_and_the_mean_of_the_batch_give_back_its_input(shape):
    epsilon = 1e-5
    given = Given(Case(shape, (L.BatchNorm(epsilon=epsilon),), rows=150))
    given.x = 3 * given.x + np.arange(shape[-1])
    flat = given.x.reshape(-1, shape[-1])
    given.weights["batch_norm_1.gamma"] = np.sqrt(flat.var(axis=0) + epsilon)
    given.weights["batch_norm_1.beta"] = flat.mean(axis=0)
    (y,) = given.net.forward(given.flat, training=True)
    assert difference(y, given.flat) < 1e-13
    assert difference(given.net.predict(given.flat), given.flat) > 0.1


@pytest.mark.parametrize(("dtype", "tolerance"), [(F32, 1e-3), (F64, 1e-11)], ids=str)
def test_a_mean_far_from_zero_costs_few_digits(dtype, tolerance):
    """The variance is no difference of two large numbers."""
    given = Given(Case((5,), (L.BatchNorm(),), rows=200), dtype)
    given.x += dtype.type(1000)
    expected = given.reference(training=True)
    assert difference(given.net.forward(given.flat, training=True)[0], expected) < tolerance


@shapes
def test_a_row_of_weight_two_counts_as_the_row_twice(shape):
    """For the loss, the gradients and everything that is learned."""
    layers = (L.BatchNorm(), L.Dense(3, activation="tanh"), L.BatchNorm(), L.Dense(1))
    weighted, repeated = (Given(Case(shape, layers, rows=70)) for _ in range(2))
    times = np.random.default_rng(1).integers(0, 4, 70)
    weighted.row_weights = times.astype(float)
    repeated.x = np.repeat(weighted.x, times, axis=0)
    repeated.targets = np.repeat(weighted.targets, times, axis=0)
    loss, gradients, _, _ = weighted.gradient(weighted.row_weights)
    expected_loss, expected, _, _ = repeated.gradient()
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    largest = max(np.abs(g).max() for g in expected.values())
    for array, gradient in expected.items():
        assert np.abs(gradients[array] - gradient).max() < 1e-12 * largest
    trainers = [
        trainer_of(weighted, weighted.row_weights, batch_size=1000),
        trainer_of(repeated, batch_size=1000),
    ]
    for _ in range(3):
        losses = [trainer.epoch() for trainer in trainers]
        assert losses[0] == pytest.approx(losses[1], rel=1e-11)
    learned = [weights_of(given.net, given.plan) for given in (weighted, repeated)]
    for array, expected in learned[1].items():
        assert difference(learned[0][array], expected) < 1e-10, array


@shapes
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0])
def test_running_statistics_follow_the_batches(shape, weighted, momentum):
    """Three epochs, the last batch of each is short."""
    given = Given(Case(shape, (L.BatchNorm(momentum=momentum), L.Dense(1)), rows=85))
    row_weights = np.random.default_rng(2).uniform(0.5, 3, 85) if weighted else None
    trainer = trainer_of(given, row_weights, batch_size=16, threads=2)
    expected = running(given.weights)
    for _ in range(3):
        trainer.epoch()
        for start in range(0, 85, 16):
            rows = slice(start, start + 16)
            some = None if row_weights is None else row_weights[rows]
            expected = renew(expected, batch_moments(given.x[rows], some), momentum)
    for got, statistic in zip(running(weights_of(given.net, given.plan)), expected, strict=True):
        assert difference(got, statistic) < 1e-13


def test_a_single_row_moves_the_running_mean_only():
    """It has no variance."""
    given = Given(Case((3,), (L.BatchNorm(momentum=0.5),), rows=1))
    mean, variance = running(given.weights)
    trainer_of(given, batch_size=1).epoch()
    got = running(weights_of(given.net, given.plan))
    np.testing.assert_allclose(got[0], (mean + given.x[0]) / 2, rtol=1e-15)
    np.testing.assert_array_equal(got[1], variance)


def test_neither_gradients_nor_forward_passes_change_running_statistics():
    given = Given(Case((3,), (L.BatchNorm(), L.Dense(1))))
    given.net.forward(given.flat, training=True)
    given.gradient(training=True)
    for name, array in weights_of(given.net, given.plan).items():
        np.testing.assert_array_equal(array, given.weights[name])


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_a_frozen_layer_uses_running_statistics_in_training(dtype):
    layers = (L.Dense(4), L.BatchNorm(trainable=False), L.Dense(1))
    given = Given(Case((3,), layers, rows=40), dtype)
    _, _, values, _ = given.gradient(training=True)
    np.testing.assert_array_equal(values[-1], given.net.predict(given.flat))
    trainer = trainer_of(given, batch_size=16)
    for _ in range(2):
        trainer.epoch()
    learned = weights_of(given.net, given.plan)
    for name, array in given.weights.items():
        assert np.array_equal(learned[name], array) == name.startswith("batch_norm"), name


def test_statistics_can_be_renewed_from_all_rows():
    """Those of equal batches are averaged, as for weights that were averaged."""
    given = Given(Case((3,), (L.Dense(4), L.BatchNorm(), L.Dense(1)), rows=60))
    trainer = trainer_of(given, batch_size=20, average_from=0)
    trainer.renew_statistics()
    hidden = given.x @ given.weights["dense_1.weight"] + given.weights["dense_1.bias"]
    batches = [batch_moments(hidden[i : i + 20]) for i in (0, 20, 40)]
    mean, variance = running(weights_of(given.net, given.plan))
    assert difference(mean, np.mean([m for m, _, _ in batches], axis=0)) < 1e-13
    assert difference(variance, np.mean([v * 20 / 19 for _, v, _ in batches], axis=0)) < 1e-13
