"""What layers compute, against a plain NumPy reference and against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import CASES, F32, F64, TRUNCATED, Case, Given, difference, kinds_of, there_are

from deltarule import layers as L

ALL = CASES | TRUNCATED
TOLERANCES = {F32: 1e-5, F64: 1e-12}
dtypes = pytest.mark.parametrize("dtype", [F32, F64], ids=str)
recurrent = pytest.mark.parametrize("kind", [L.LSTM, L.GRU, L.SimpleRNN], ids=lambda k: k.kind)


@pytest.mark.parametrize("name", ALL)
@dtypes
def test_predictions_are_those_of_the_textbook(name, dtype):
    given = Given(ALL[name], dtype)
    got = given.net.predict(given.flat)
    assert got.dtype == dtype
    assert difference(got, given.reference()) < TOLERANCES[dtype]
    np.testing.assert_array_equal(given.net.forward(given.flat)[-1], got)


@pytest.mark.parametrize("name", [name for name in ALL if name != "dropout"])
@pytest.mark.parametrize("weighted", [False, True])
@dtypes
def test_passes_of_training_are_those_of_the_textbook(name, weighted, dtype):
    given = Given(ALL[name], dtype)
    row_weights = given.row_weights if weighted else None
    expected = given.reference(training=True, row_weights=row_weights)
    _, _, values, _ = given.gradient(row_weights)
    assert difference(values[-1], expected) < TOLERANCES[dtype]
    if not weighted:
        got = given.net.forward(given.flat, training=True)[-1]
        np.testing.assert_array_equal(got, values[-1])


def test_every_layer_there_is_is_among_the_cases():
    assert {kind for case in CASES.values() for kind in kinds_of(case.plan.layers)} == there_are()


# ---- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
@dtypes
def test_the_prediction_of_a_row_is_the_same_to_the_bit_in_any_batch(name, dtype):
    given = Given(replace(CASES[name], rows=261), dtype)
    x, net = given.flat, given.net
    whole = net.predict(x, 3)
    for start, stop in [(0, 1), (1, 3), (3, 10), (10, 127), (127, 260), (260, 261)]:
        np.testing.assert_array_equal(net.predict(x[start:stop]), whole[start:stop])
    alone = np.concatenate([net.predict(x[i : i + 1]) for i in range(0, 261, 13)])
    np.testing.assert_array_equal(alone, whole[::13])


@pytest.mark.parametrize("name", CASES)
@dtypes
def test_rows_of_weight_zero_may_hold_anything(name, dtype):
    """The last row, so that the others have the same place in the batch, and the same dropout."""
    given, without = Given(CASES[name], dtype), Given(CASES[name], dtype)
    given.row_weights[-1] = 0
    given.x[-1] = given.targets[-1] = np.nan
    for attribute in ("x", "targets", "row_weights"):
        setattr(without, attribute, getattr(without, attribute)[:-1])
    got = given.gradient(given.row_weights, seed=5)
    expected = without.gradient(without.row_weights, seed=5)
    assert got[0] == pytest.approx(expected[0], rel=TOLERANCES[dtype])
    largest = max((np.abs(g).max() for g in expected[1].values()), default=0)
    for array, gradient in expected[1].items():
        error = np.abs(got[1][array] - gradient).max()
        assert error <= TOLERANCES[dtype] * largest, array


# ---- time steps that do not exist ----------------------------------------------------------------


@recurrent
@pytest.mark.parametrize("bidirectional", [False, True])
def test_masked_steps_are_as_good_as_absent(kind, bidirectional):
    layer = kind(5, bidirectional=bidirectional, initial_state="learned")
    masked = Given(Case((7, 3), (L.Masking(), layer), rows=4))
    masked.x[:, [0, 2, 3, 6]] = 0
    short = Given(Case((3, 3), (layer,), rows=4))
    short.x = np.ascontiguousarray(masked.x[:, [1, 4, 5]])
    short.weights, short.targets = masked.weights, masked.targets
    expected = short.net.predict(short.flat)
    np.testing.assert_allclose(masked.net.predict(masked.flat), expected, rtol=1e-13)
    for array, gradient in short.gradient()[1].items():
        np.testing.assert_allclose(masked.gradient()[1][array], gradient, rtol=1e-10, atol=1e-14)


@recurrent
@pytest.mark.parametrize("padding", [np.nan, np.inf, -7.0])
def test_what_masked_steps_hold_does_not_matter(kind, padding):
    """Neither to predictions nor to gradients."""
    layer = kind(5, return_sequences=True)
    zeros = Given(Case((4, 3), (L.Masking(), layer, L.Dense(2))))
    other = Given(Case((4, 3), (L.Masking(padding), layer, L.Dense(2))))
    zeros.x[:, 2:] = 0
    zeros.x[0] = 0
    other.x = np.where((zeros.x == 0).all(axis=-1, keepdims=True), padding, zeros.x)
    expected = zeros.net.predict(zeros.flat)
    np.testing.assert_array_equal(other.net.predict(other.flat), expected)
    for array, gradient in zeros.gradient()[1].items():
        np.testing.assert_array_equal(other.gradient()[1][array], gradient, err_msg=array)


@pytest.mark.parametrize(
    "layers",
    [
        [L.Conv1D(2, 1, stride=2)],
        [L.Flatten(), L.Reshape((9, 2))],
        [L.Concatenate([[L.Conv1D(2, 2, stride=2)], [L.MaxPool(2)]])],
        [L.Concatenate([[L.LSTM(2)], [L.LSTM(4)]]), L.Reshape((6, 1))],
        [L.Residual([L.LSTM(6)], projection=L.LSTM(6)), L.Reshape((6, 1))],
    ],
    ids=["strides", "other_steps", "pooled_branches", "states", "sum_of_states"],
)
def test_no_mask_is_left_where_steps_are_no_longer_those_of_x(layers):
    given = Given(Case((6, 3), (*layers, L.GRU(2)), masked=True))
    assert len(given.plan.nodes[-1].reads) == 1
    assert np.isfinite(given.net.predict(given.flat)).all()


def test_padding_among_codes_of_several_axes_is_refused():
    layers = (L.Embedding(4, 2, padding=0), L.Reshape((3, 4)), L.LSTM(2))
    with pytest.raises(ValueError, match="reads codes of time steps"):
        Given(Case((3, 2), layers, codes=4))
