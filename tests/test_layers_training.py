"""Training of every layer: the step of the textbook, and the same bits however it is shared out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import CASES, F32, F64, Case, Given, kinds_of, there_are

import deltarule as dr
from deltarule import layers as L
from deltarule._engine import TRAINERS, weights_of
from deltarule._training import settings_of

dtypes = pytest.mark.parametrize("dtype", [F32, F64], ids=str)
ROWS = 150  # two batches of 64, and 22 rows
BRANCHES = [[L.Dense(24, activation="tanh"), L.Dropout(0.2)], [], [L.Residual([L.Dense(40)])]]
CONTROLS = {"l1": 1e-3, "l2": 1e-2, "max_norm": 0.7, "learning_rate": 0.5}

# Each has work for three threads.
NETS = {
    "dense": Case(
        (64,),
        (L.Dense(150, activation="gelu"), L.BatchNorm(), L.Dropout(0.3), L.Dense(150), L.PReLU()),
    ),
    "controlled": Case(
        (96,), (L.Dense(128, **CONTROLS), L.BatchNorm(trainable=False), L.Dense(3, l2=0.1))
    ),
    "wide": Case((30,), (L.Dense(600, bias=False), L.Activation("relu"), L.Dense(5))),
    "activations": Case(
        (30,),
        (
            *(L.Dense(128), L.Activation("swiglu"), L.Dense(90), L.Activation("xielu")),
            *(L.Activation(dr.activation("maxout", pieces=3)), L.Activation("crelu")),
            *(L.Activation(dr.activation.from_formula("x / (1 + x**2)")), L.Dense(200)),
            L.Activation("softmax"),
        ),
    ),
    "image": Case(
        (12, 11, 3),
        (
            *(L.Conv2D(8, 3, padding="same", bias=False), L.BatchNorm(), L.Activation("relu")),
            L.MaxPool(2),
            *(
                L.Conv2D(9, 3, stride=2, dilation=(1, 2)),
                L.AveragePool(2, stride=1, padding="same"),
            ),
            *(L.GlobalPool(), L.Dense(2)),
        ),
    ),
    "signal": Case(
        (40, 4),
        (L.Conv1D(18, 5, dilation=2), L.LayerNorm(), L.Conv1D(7, 1), L.GlobalPool("max")),
    ),
    "lstm": Case(
        (9, 6),
        (
            L.LSTM(16, True, bidirectional=True, initial_state="learned"),
            *(L.AlphaDropout(0.2), L.LSTM(9, truncate=4), L.Dense(3)),
        ),
        masked=True,
    ),
    "gru": Case(
        (9, 6),
        (L.GRU(40, True, truncate=2), L.BatchNorm(), L.GRU(30, True, initial_state="learned")),
        masked=True,
    ),
    "simple_rnn": Case(
        (12, 8),
        (
            *(L.RMSNorm(), L.SimpleRNN(30, True, bidirectional=True), L.Reshape((6, -1))),
            *(L.SimpleRNN(16, True), L.Flatten(), L.Dense(2)),
        ),
    ),
    "codes": Case((9,), (L.Embedding(300, 12, padding=0), L.GRU(24), L.Dense(4)), codes=300),
    "table": Case(
        (24,),
        (
            L.Scale(),
            L.Concatenate([[L.Columns(0, 20), L.PeriodicEmbedding(8)], [L.Columns(20, 4)]]),
            *(L.Dense(150), L.ParametricActivation("selu"), L.Withhold(3, 1, 24)),
            *(L.Dense(2), L.Ordered()),
        ),
    ),
    "branches": Case(
        (40,),
        (
            L.Concatenate(BRANCHES),
            L.Residual([L.BatchNorm(), L.Dense(90)]),
            L.Flatten(),
            L.Dense(3),
        ),
    ),
}
SETTINGS = {
    "adam": {},
    "gathered": {"accumulate": 2, "grad_clip_norm": 0.5, "l2": 0.1},
    "momentum": {"solver": "sgd", "grad_clip_value": 0.01, "average_decay": 0.9},
}


def trainer_of(given, row_weights=None, **settings):
    data = (given.flat, given.targets, None, row_weights)
    return TRAINERS[given.dtype](given.net, *data, settings_of(**settings), None)


def trained(case, dtype, threads, settings):
    """The losses of three epochs, and the weights after them."""
    given = Given(replace(case, rows=ROWS), dtype)
    given.row_weights[5::7] = 0
    trainer = trainer_of(given, given.row_weights, batch_size=64, threads=threads, **settings)
    assert trainer.threads == threads
    losses = [trainer.epoch() for _ in range(3)]
    assert np.isfinite(losses).all()
    return losses, weights_of(given.net, given.plan), given


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("settings", SETTINGS)
@dtypes
def test_training_is_the_same_to_the_bit_with_any_number_of_threads(name, settings, dtype):
    losses, expected, given = trained(NETS[name], dtype, 1, SETTINGS[settings])
    for threads in (2, 3):
        other_losses, weights, _ = trained(NETS[name], dtype, threads, SETTINGS[settings])
        assert other_losses == losses
        for array, numbers in weights.items():
            np.testing.assert_array_equal(numbers, expected[array], err_msg=array)
    for node in given.plan.nodes:
        for parameter in node.parameters:
            array = f"{node.name}.{parameter.name}"
            stays = np.array_equal(expected[array], given.weights[array])
            assert stays != node.controls["trained"], array


def test_every_layer_there_is_is_trained():
    assert {kind for case in NETS.values() for kind in kinds_of(case.plan.layers)} == there_are()


@pytest.mark.parametrize("name", NETS)
@dtypes
def test_predictions_and_gradients_are_the_same_with_any_number_of_threads(name, dtype):
    given = Given(replace(NETS[name], rows=ROWS), dtype)
    expected, loss = (
        given.gradient(given.row_weights),
        given.net.loss(given.flat, given.targets, None, None),
    )
    for threads in (2, 3):
        got = given.gradient(given.row_weights, threads=threads)
        assert got[0] == expected[0]
        for array, gradient in got[1].items():
            np.testing.assert_array_equal(gradient, expected[1][array], err_msg=array)
        assert given.net.loss(given.flat, given.targets, None, None, threads) == loss
        np.testing.assert_array_equal(
            given.net.predict(given.flat, threads), given.net.predict(given.flat)
        )


# ---- one step ------------------------------------------------------------------------------------


def one_step(case, weighted, dtype=F64, **settings):
    """What an epoch of plain gradient descent adds to the weights, and the gradient before it."""
    given = Given(replace(case, rows=ROWS), dtype)
    row_weights = given.row_weights if weighted else None
    _, gradients, _, _ = given.gradient(row_weights)
    plain = {"solver": "sgd", "momentum": 0.0, "learning_rate": 0.1, "shuffle": False}
    trainer = trainer_of(given, row_weights, **plain, **settings)
    trainer.epoch()
    learned = weights_of(given.net, given.plan)
    trained = [name for name, parameter in given.plan.parameters if parameter.trained]
    return {name: (learned[name] - given.weights[name], gradients[name]) for name in trained}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_of_training_follows_the_gradient(name, weighted):
    """Rows go through the layers a few at a time, in memory that values and slopes share."""
    steps = one_step(CASES[name], weighted, batch_size=ROWS, threads=2)
    largest = max((np.abs(gradient).max() for _, gradient in steps.values()), default=0)
    for array, (step, gradient) in steps.items():
        assert np.abs(step + 0.1 * gradient).max() <= 1e-12 * max(largest, 1), array


@pytest.mark.parametrize("name", CASES)
@dtypes
def test_gradients_do_not_depend_on_what_is_kept_of_the_pass(name, dtype):
    given = Given(CASES[name], dtype)
    _, expected, _, _ = given.gradient(given.row_weights)
    _, arrays, values, slopes = given.net.gradient(
        given.flat, given.targets, None, given.row_weights
    )
    assert values == slopes == []
    for array, gradient in zip(arrays, expected.values(), strict=True):
        np.testing.assert_array_equal(array, gradient)


WHOLE = [
    name
    for name, case in CASES.items()
    if not any(node.kind in ("dropout", "batch_norm") for node in case.plan.nodes)
]


@pytest.mark.parametrize("name", WHOLE)
def test_gathered_gradients_of_batches_are_those_of_all_rows(name):
    """Three batches, the last one short, each row by its weight."""
    steps = one_step(CASES[name], True, batch_size=64, accumulate=3)
    largest = max((np.abs(gradient).max() for _, gradient in steps.values()), default=0)
    for array, (step, gradient) in steps.items():
        assert np.abs(step + 0.1 * gradient).max() <= 1e-12 * max(largest, 1), array


@pytest.mark.parametrize("name", WHOLE)
def test_the_norm_of_all_gradients_together_is_clipped(name):
    steps = one_step(CASES[name], True, batch_size=ROWS, grad_clip_norm=1e-3)
    norm = np.sqrt(sum((gradient**2).sum() for _, gradient in steps.values()))
    for step, gradient in steps.values():
        np.testing.assert_allclose(step, -1e-4 * gradient / norm, rtol=1e-9, atol=1e-14)
