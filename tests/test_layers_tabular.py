"""Layers of tables: how they begin, waves far out, what they refuse, and columns that are codes."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from layer_cases import F32, F64, Case, Given

import deltarule as dr
from deltarule import layers as L
from deltarule._engine import TRAINERS, make_net, named, weights_of
from deltarule._training import settings_of
from deltarule.plan import Plan

dtypes = pytest.mark.parametrize("dtype", [F32, F64], ids=str)
MIXED = (
    L.Concatenate(
        [
            [L.Columns(0, 3), L.PeriodicEmbedding(8)],
            [L.Columns(3, 1), L.Embedding(4, 3), L.Flatten()],
            [L.Columns(4, 1), L.Embedding(7, 2), L.Flatten()],
        ]
    ),
    *(L.Scale(), L.Dense(16), L.ParametricActivation("mish"), L.Dense(1)),
)


def mixed_rows(rng, n=400):
    """Three numbers, codes below 4 and below 7; what follows from a wave and a code."""
    codes = np.column_stack([rng.integers(0, 4, n), rng.integers(0, 7, n)])
    x = np.column_stack([rng.normal(size=(n, 3)), codes]).astype(np.float32)
    y = np.sin(6 * x[:, 0]) + np.array([0.0, 2.0, -1.0, 1.0])[codes[:, 0]]
    return x, y.astype(np.float32)


# ---- how they begin -----------------------------------------------------------------------------


def test_waves_begin_as_their_fields_say():
    layer = L.PeriodicEmbedding(64, 5, frequency_scale=0.3)
    weights = dr.Network([layer, L.Dense(1)], input_shape=50).weights()
    w, b, V, c = (
        weights[f"periodic_embedding_1.{k}"] for k in ("frequency", "phase", "weight", "bias")
    )
    assert [a.shape for a in (w, b, V, c)] == [(50, 64), (50, 64), (50, 64, 5), (50, 5)]
    assert w.std() == pytest.approx(0.3, rel=0.05)
    assert abs(w.mean()) < 0.02
    for array, reach in [(b, np.pi), (V, 1 / 8), (c, 1 / 8)]:
        assert np.abs(array).max() <= reach * (1 + 1e-6)
        assert array.std() == pytest.approx(reach / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("name", ["selu", "mish", "relu", "tanh"])
@dtypes
def test_a_parametric_activation_begins_as_the_activation(name, dtype):
    parametric, plain = (
        make_net(
            plan := Plan((6,), (layer,), dr.losses.half_squared_error),
            dtype,
            {n: np.ones(p.shape) for n, p in plan.parameters},
        )
        for layer in (L.ParametricActivation(name), L.Activation(name))
    )
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(dtype)
    np.testing.assert_allclose(
        parametric.predict(x), plain.predict(x), rtol=4 * np.finfo(dtype).eps, atol=1e-7
    )


def test_factors_begin_at_1():
    net = dr.Network([L.Scale(), L.ParametricActivation("selu"), L.Dense(1)], input_shape=3)
    weights = net.weights()
    assert (weights["scale_1.weight"] == 1).all()
    assert (weights["parametric_activation_1.blend"] == 1).all()


# ---- waves --------------------------------------------------------------------------------------


class Waves:
    """One column whose units are its cosines, and whose slopes of phases are minus its sines."""

    def __init__(self, dtype, frequency, phase):
        count = len(frequency)
        layer = L.PeriodicEmbedding(count, count, name="waves")
        self.plan = Plan((1,), (layer,), dr.losses.half_squared_error)
        arrays = {
            "frequency": frequency[None],
            "phase": phase[None],
            "weight": np.eye(count)[None],
            "bias": np.zeros((1, count)),
        }
        weights = {f"waves.{k}": a.astype(dtype) for k, a in arrays.items()}
        self.net, self.dtype = make_net(self.plan, dtype, weights), dtype

    def cosines(self, x):
        return self.net.predict(np.array([[x]], self.dtype))[0, 1:]

    def sines(self, x):
        """Targets one below the prediction: slopes of 1, but for rounding."""
        row = np.array([[x]], self.dtype)
        gradients = self.net.gradient(row, self.net.predict(row) - 1, None, None)[1]
        return -named(self.plan, gradients)["waves.phase"][0]


def exact(function, x, frequency, phase):
    with mpmath.workprec(400):
        turn = 2 * mpmath.pi
        return np.array(
            [
                float(function(turn * mpmath.mpf(float(x)) * mpmath.mpf(float(w)) + float(b)))
                for w, b in zip(frequency, phase, strict=True)
            ]
        )


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 300.0, 4e6, 7e6, 1e10, 1e16])
@dtypes
def test_waves_are_exact_however_many_turns_they_have(size, dtype):
    rng = np.random.default_rng(3)
    frequency = np.append(rng.normal(size=30), [0.0, 1.0, -0.25]).astype(dtype)
    phase = rng.uniform(-np.pi, np.pi, frequency.size).astype(dtype)
    waves = Waves(dtype, frequency, phase)
    # without FMA, products of two numbers are exact to 2^-104
    tolerance = 2.5e-7 if dtype == F32 else 6e-16 + 1e-30 * size
    for x in (rng.normal(size=20) * size).astype(dtype):
        cosines, sines = exact(mpmath.cos, x, frequency, phase), waves.cosines(x)
        assert np.abs(sines - cosines).max() <= tolerance
        if size <= 300:  # beyond, 1 is lost beside x
            error = np.abs(waves.sines(x) - exact(mpmath.sin, x, frequency, phase)).max()
            assert error <= 3 * tolerance


@dtypes
def test_the_phase_may_be_large(dtype):
    frequency, phase = np.full(4, 0.125), np.array([50.0, -1e3, 6.28125, 1e4])
    got = Waves(dtype, frequency, phase).cosines(1.0)
    expected = exact(mpmath.cos, 1.0, frequency, phase)
    np.testing.assert_allclose(got, expected, atol=1e4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("what", [np.nan, np.inf, -np.inf])
@dtypes
def test_what_is_not_finite_stays_in_its_column(what, dtype):
    given = Given(Case((3,), (L.PeriodicEmbedding(4, 2),), rows=20), dtype)
    expected = given.net.predict(given.flat)
    given.x[7, 1] = what
    got = given.net.predict(given.flat)
    assert np.isnan(got[7, 4:6]).all()
    np.testing.assert_equal(got[7, 3], dtype.type(what))
    got[7, 3:6] = expected[7, 3:6]
    np.testing.assert_array_equal(got, expected)


# ---- penalties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("control", ["l2", "weight_decay"])
def test_penalties_are_for_factors_shares_waves_and_weights(control):
    def step(**options):
        layers = (
            L.PeriodicEmbedding(4, 2, **options),
            L.Scale(**options),
            L.ParametricActivation("tanh", **options),
        )
        given = Given(Case((3,), layers, rows=40))
        plain = {"solver": "sgd", "momentum": 0.0, "learning_rate": 0.1, "shuffle": False}
        settings = settings_of(batch_size=40, **plain)
        TRAINERS[F64](given.net, given.flat, given.targets, None, None, settings, None).epoch()
        return given.weights, weights_of(given.net, given.plan)

    before, without = step()
    _, decayed = step(**{control: 0.5})
    for name, array in before.items():
        shrinks = name.startswith("periodic") or name.endswith((".weight", ".blend"))
        expected = without[name] - (0.1 * 0.5 * array if shrinks else 0)
        np.testing.assert_allclose(decayed[name], expected, rtol=1e-12, atol=1e-14, err_msg=name)


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: L.ParametricActivation("softmax"), "'softmax' works along whole rows"),
        (lambda: L.ParametricActivation("glu"), "'glu' works along whole rows"),
        (lambda: L.ParametricActivation("prelu"), "'prelu' learns parameters of its own"),
        (
            lambda: L.ParametricActivation(dr.activation.from_formula("x * exp(-x)")),
            "is an own formula. Use an Activation layer",
        ),
        (lambda: L.PeriodicEmbedding(0), "frequencies must be an integer >= 1; met 0"),
        (lambda: L.PeriodicEmbedding(units=1.5), "units must be an integer >= 1; met 1.5"),
        (lambda: L.PeriodicEmbedding(frequency_scale=np.nan), "frequency_scale must be a number"),
        (lambda: L.PeriodicEmbedding(max_norm=1.0), "A PeriodicEmbedding has parameters of col"),
        (lambda: L.Scale(max_norm=1.0), "A Scale has parameters of columns"),
        (lambda: L.Columns(-1, 2), "first must be an integer >= 0; met -1"),
        (lambda: L.Columns(True, 2), "first must be an integer >= 0; met True"),
        (lambda: L.Columns(0, 0), "count must be an integer >= 1; met 0"),
    ],
)
def test_impossible_layers_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([L.Columns(2, 2)], r"columns 2 ... 3 on the last axis; .* X, has the shape \(3,\)"),
        ([L.Dense(4), L.Columns(4, 1)], "columns 4 ... 4 on the last axis; .*'dense_1'"),
        (
            [L.Dense(4), L.Columns(0, 1), L.Embedding(3, 2)],
            "reads the codes of X itself; here it would read the layer 'columns_1'",
        ),
    ],
)
def test_impossible_stacks_are_refused(layers, words):
    with pytest.raises(ValueError, match=words):
        dr.Network([*layers, L.Dense(1)], input_shape=3)


# ---- numbers beside codes -----------------------------------------------------------------------


def test_numbers_and_codes_of_one_table_are_learned_from(tmp_path):
    x, y = mixed_rows(np.random.default_rng(0))
    net = dr.Network(MIXED, "half_squared_error", input_shape=5, seed=1)
    path = tmp_path / "run.ckpt"
    net.fit(x, y, epochs=60, learning_rate=1e-2, checkpoint=path, n_jobs=2)
    assert np.mean((net.predict(x).ravel() - y) ** 2) < 0.05 * y.var()
    again = dr.Network.load_checkpoint(path)
    assert again.layers == net.layers
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


def test_codes_are_checked_in_their_own_columns_only():
    x, _ = mixed_rows(np.random.default_rng(0), 20)
    net = dr.Network(MIXED, "half_squared_error", input_shape=5)
    x[3, 3] = 4  # a code of the second table, not of the first
    with pytest.raises(ValueError, match=r"'concatenate_1.embedding_1' has the codes 0 ... 3; X h"):
        net.predict(x)
    x[3, 3:] = 3, 6
    assert np.isfinite(net.predict(x)).all()


def test_codes_of_time_steps_may_be_columns():
    """Columns of the columns of sequences."""
    layers = (L.Columns(1, 3), L.Columns(2, 1), L.Embedding(5, 2), L.Reshape((6, 2)), L.GRU(3))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 5))
    x[..., 3] = rng.integers(0, 5, (4, 6))
    net = dr.Network([*layers, L.Dense(1)], "half_squared_error", input_shape=(6, 5))
    assert np.isfinite(net.predict(x)).all()
    x[0, 5, 3] = 0.5
    with pytest.raises(ValueError, match="has the codes 0 ... 4; X holds 0.5"):
        net.predict(x)


# ---- rows that are withheld ---------------------------------------------------------------------


@dtypes
def test_rows_that_are_withheld_give_no_slope_in_training(dtype):
    """The mean over all rows has the slope of the others, whose mean is over fewer."""
    given = Given(Case((3,), (L.Dense(2), L.Withhold(2, 1, 3), L.Dense(1)), rows=40), dtype)
    given.x[::4, 2] = 1
    others = np.arange(40) % 4 > 0
    whole = given.net.gradient(given.flat, given.targets, None, None)[1][0]
    part = given.net.gradient(given.flat[others], given.targets[others], None, None)[1][0]
    np.testing.assert_allclose(whole * 40, part * 30, rtol=1e-4 if dtype == F32 else 1e-12)
    plain = given.net.gradient(given.flat, given.targets, None, None, training=False)[1][0]
    assert np.abs(plain - whole).max() > 1e-3


def test_columns_to_withhold_by_are_checked():
    with pytest.raises(ValueError, match=r"X has the columns 0 ... 2; there is no column 3"):
        L.Withhold(3, 1, 3)
    with pytest.raises(ValueError, match="reads one row of numbers"):
        dr.Network([L.Dense(2), L.Withhold(0, 1, 3), L.Dense(1)], input_shape=(4, 3)).weights()
