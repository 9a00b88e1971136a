"""The engine against a slow NumPy network and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import begun, pairs, put_pairs

import deltarule as dr
from deltarule import _core
from deltarule._engine import TRAINERS, make_net
from deltarule._training import settings_of
from deltarule.plan import Activation, Dense, Plan

SETTINGS = settings_of(
    solver="adam",
    batch_size=8,
    seed=0,
    shuffle=False,
    l2=0.0,
    learning_rate=1e-2,
    momentum=0.9,
    nesterov=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    threads=1,
)
DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def plan_of(sizes, activation, loss, init="glorot_uniform"):
    layers = []
    for size in sizes[1:-1]:
        layers += [Dense(size, init), Activation(dr.activation(activation))]
    return Plan(sizes[0], (*layers, Dense(sizes[-1], init)), dr.loss(loss))


def data_for(loss, rows, inputs, outputs, dtype, seed=0):
    """X, values, codes, and the targets as values for the reference."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, inputs)).astype(dtype)
    domain = dr.losses[loss].facts["targets"]
    if domain == "classes":
        codes = rng.integers(0, outputs, rows)
        return x, None, codes, np.eye(outputs)[codes]
    shape = (rows, outputs)
    if domain == "signs":
        values = rng.choice([-1.0, 1.0], shape).astype(dtype)
    else:
        values = (rng.normal(size=shape) if domain == "real" else rng.uniform(0, 1, shape)).astype(
            dtype
        )
    return x, values, None, values.astype(np.float64)


def relative_difference(got, expected):
    scale = max(np.abs(expected).max(), 1e-12)
    return np.abs(got - expected).max() / scale


class Weighted:
    """A network as `check_gradient` takes it: parameters by name, loss and gradients."""

    def __init__(self, net, data):
        self.net, self.data = net, data

    def parameters(self):
        return {
            f"{name}{layer}": array
            for layer, pair in enumerate(pairs(self.net))
            for name, array in zip("Wb", pair, strict=True)
        }

    def put(self, parameters):
        count = len(parameters) // 2
        put_pairs(self.net, [(parameters[f"W{i}"], parameters[f"b{i}"]) for i in range(count)])

    def loss(self, parameters):
        self.put(parameters)
        return self.net.loss(*self.data)

    def loss_and_gradient(self, parameters):
        self.put(parameters)
        value, arrays, _, _ = self.net.gradient(*self.data)
        gradients = pairs(self.net, arrays)
        names = [f"{name}{layer}" for layer in range(len(gradients)) for name in "Wb"]
        return value, dict(zip(names, (a for pair in gradients for a in pair), strict=True))


def check_every_gradient(activation, loss):
    """Two hidden layers, float64, without and with weights of the rows."""
    plan = plan_of((5, 8, 6, 3), activation, loss)
    x, values, codes, _ = data_for(loss, 9, 5, 3, np.float64, seed=1)
    for weights in (None, np.random.default_rng(2).uniform(0.1, 2, 9)):
        net = begun(plan, DTYPES[1], 3)
        data = (x, values, codes, weights)
        everywhere = dr.activations[activation].facts["defined_above"] == -np.inf
        scale, shift = (1, 0.05) if everywhere else (0.1, 1.0)
        put_pairs(net, [(w * scale, b + shift) for w, b in pairs(net)])
        assert net.gradient(*data)[0] == pytest.approx(net.loss(*data), rel=1e-13)
        report = dr.check_gradient(Weighted(net, data), method="central")
        assert report.passed, report
        assert report.checked > 9 * len(report.skipped) or jumps(activation, loss)


def jumps(activation, loss):
    """Whether the loss of a network is flat, so that there may be nothing to check."""
    return activation in {"step", "sign", "hardmax"} or loss == "zero_one"


TRAINABLE = [n for n, f in dr.losses.items() if isinstance(f, dr.Loss) and f.link != "none"]


def test_an_activation_that_draws_numbers_is_no_layer():
    with pytest.raises(ValueError, match="The activation 'gumbel_softmax' draws new noise"):
        plan_of((5, 6, 3), "gumbel_softmax", "half_squared_error")


@pytest.mark.parametrize("activation", [n for n in dr.activations if n != "gumbel_softmax"])
@pytest.mark.parametrize("loss", ["half_squared_error", "softmax_cross_entropy"])
def test_every_activation_agrees_with_central_differences(activation, loss):
    check_every_gradient(activation, loss)


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu", "softmax"])
@pytest.mark.parametrize("loss", TRAINABLE)
def test_every_loss_agrees_with_central_differences(activation, loss):
    check_every_gradient(activation, loss)


@pytest.mark.parametrize("activation", list(reference.ACTIVATIONS))
@pytest.mark.parametrize("loss", list(reference.LOSSES))
@dtypes
def test_gradients_are_those_of_the_textbook(activation, loss, dtype):
    net = begun(plan_of((6, 9, 8, 4), activation, loss), dtype, 1)
    x, values, codes, y = data_for(loss, 11, 6, 4, dtype)
    value, arrays, _, _ = net.gradient(x, values, codes, None)
    gradients = pairs(net, arrays)
    weights = [(w.astype(float), b.astype(float)) for w, b in pairs(net)]
    expected, reference_gradients = reference.backpropagate(
        weights, activation, loss, x.astype(float), y
    )
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    assert value == pytest.approx(expected, rel=tolerance)
    for got, want in zip(gradients, reference_gradients, strict=True):
        for a, b in zip(got, want, strict=True):
            assert relative_difference(a, b) < tolerance


@pytest.mark.parametrize(
    ("settings_", "optimizer"),
    [
        ({"solver": "adam"}, lambda: reference.Adam(1e-2)),
        ({"solver": "sgd", "nesterov": False}, lambda: reference.Momentum(1e-2, 0.9, False)),
        ({"solver": "sgd"}, lambda: reference.Momentum(1e-2, 0.9, True)),
        ({"solver": "sgd", "momentum": 0.0}, lambda: reference.Momentum(1e-2, 0.0, True)),
        ({"solver": "adam", "l2": 0.1}, lambda: reference.Adam(1e-2)),
        ({"solver": "adam", "batch_size": 1000}, lambda: reference.Adam(1e-2)),
    ],
)
@pytest.mark.parametrize("loss", list(reference.LOSSES))
@dtypes
def test_training_is_that_of_the_textbook(settings_, optimizer, loss, dtype):
    """Five epochs of mini-batches, the last one short."""
    net = begun(plan_of((6, 9, 4), "tanh", loss), dtype, 5)
    weights = [(w.astype(float), b.astype(float)) for w, b in pairs(net)]
    x, values, codes, y = data_for(loss, 29, 6, 4, dtype)
    merged = {**SETTINGS, **settings_}
    trainer = TRAINERS[dtype](net, x, values, codes, None, merged)
    losses = [trainer.epoch() for _ in range(5)]
    expected, expected_losses = reference.train(
        weights,
        "tanh",
        loss,
        x.astype(float),
        y,
        optimizer=optimizer(),
        batch_size=merged["batch_size"],
        epochs=5,
        l2=merged["l2"],
    )
    tolerance = 1e-11 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(losses, expected_losses, rtol=tolerance)
    for got, want in zip(pairs(net), expected, strict=True):
        for a, b in zip(got, want, strict=True):
            assert relative_difference(a, b) < tolerance


@dtypes
def test_same_seed_same_bits(dtype):
    x, values, codes, _ = data_for("cross_entropy", 100, 6, 4, dtype)

    def weights(seed, shuffle=True):
        net = begun(plan_of((6, 9, 4), "relu", "cross_entropy"), dtype, seed)
        trainer = TRAINERS[dtype](
            net, x, values, codes, None, {**SETTINGS, "seed": seed, "shuffle": shuffle}
        )
        for _ in range(3):
            trainer.epoch()
        return np.concatenate([a.ravel() for a in net.weights()])

    np.testing.assert_array_equal(weights(7), weights(7))
    assert not np.array_equal(weights(7), weights(8))
    assert not np.array_equal(weights(7), weights(7, shuffle=False))


def test_every_epoch_visits_every_row_once_in_a_new_order():
    """With the weight of each row in its own input, one SGD epoch sums over all rows."""
    rows = 40
    x = np.eye(rows)
    y = np.zeros((rows, 1))
    plan = Plan(rows, (Dense(1),), dr.losses.half_squared_error)
    orders = []
    for seed in range(2):
        net = make_net(plan, DTYPES[1])
        net.set_weights([np.ones((rows, 1)), np.zeros(1)])
        settings_ = {**SETTINGS, "solver": "sgd", "momentum": 0.0, "learning_rate": 1e-3}
        trainer = TRAINERS[DTYPES[1]](
            net, x, y, None, None, {**settings_, "batch_size": 1, "shuffle": True, "seed": seed}
        )
        trainer.epoch()
        w, b = net.weights()
        assert (w < 1).all()  # every row was visited
        orders.append(np.argsort(1 - w[:, 0]))
        assert b[0] < 0
    assert sorted(orders[0]) == list(range(rows))
    assert not np.array_equal(orders[0], orders[1])


def test_weight_two_is_the_row_twice_and_weight_zero_is_no_row():
    x, _, codes, _ = data_for("cross_entropy", 12, 6, 4, np.float64)
    plan = plan_of((6, 9, 4), "tanh", "cross_entropy")
    weights = np.array([2.0, 0.0] + [1.0] * 10)
    repeated = np.r_[0, 0, 2:12]

    def result(index, w):
        net = begun(plan, DTYPES[1], 0)
        settings_ = {**SETTINGS, "batch_size": 50}
        trainer = TRAINERS[DTYPES[1]](net, x[index], None, codes[index], w, settings_)
        for _ in range(20):
            trainer.epoch()
        return np.concatenate([a.ravel() for a in net.weights()])

    np.testing.assert_allclose(
        result(np.arange(12), weights), result(repeated, None), rtol=1e-9, atol=1e-12
    )


@dtypes
@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 700), seed=st.integers(0, 100))
def test_a_prediction_does_not_depend_on_the_other_rows(dtype, rows, seed):
    net = begun(plan_of((6, 30, 4), "gelu", "cross_entropy"), dtype, seed)
    x = np.random.default_rng(seed).standard_normal((rows, 6)).astype(dtype)
    together = net.predict(x)
    alone = np.vstack([net.predict(np.ascontiguousarray(x[i : i + 1])) for i in range(0, rows, 37)])
    tolerance = 1e-7 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(together[::37], alone, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("glorot_uniform", 2 / 500),
        ("glorot_normal", 2 / 500),
        ("he_uniform", 2 / 300),
        ("he_normal", 2 / 300),
        ("lecun_uniform", 1 / 300),
        ("lecun_normal", 1 / 300),
    ],
)
def test_initial_weights_have_the_variance_of_their_rule(init, variance):
    net = begun(Plan(300, (Dense(200, init),), dr.losses.huber), DTYPES[1], 1)
    w, b = net.weights()
    assert w.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / w.size))
    assert w.var() == pytest.approx(variance, rel=0.03)
    if init.endswith("uniform"):
        assert np.abs(w).max() <= np.sqrt(3 * variance)
    assert (b == 0).all()


def test_the_generator_is_philox():
    """The known answers of Salmon et al. 2011 (kat_vectors: philox4x32-10)."""
    ones = (1 << 64) - 1
    first = _core.philox(ones, ones, ones)
    words = [w for pair in first for w in (pair & 0xFFFFFFFF, pair >> 32)]
    assert words == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    zeros = _core.philox(0, 0, 0)
    words = [w for pair in zeros for w in (pair & 0xFFFFFFFF, pair >> 32)]
    assert words == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_the_engine_refuses_what_it_cannot_use():
    net = make_net(plan_of((6, 9, 4), "relu", "cross_entropy"), DTYPES[1])
    x, _, codes, _ = data_for("cross_entropy", 10, 6, 4, np.float64)
    with pytest.raises(ValueError, match="X has 5 columns; the net has 6 inputs"):
        net.predict(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"Class code 4 is outside 0 ... 3"):
        net.loss(x, None, codes + 4 - codes, None)
    with pytest.raises(ValueError, match="as values or as class codes"):
        net.loss(x, None, None, None)
    with pytest.raises(ValueError, match="one weight per row"):
        net.loss(x, None, codes, np.ones(3))
    with pytest.raises(ValueError, match=r"Array 0 .* must have the shape \(6, 9, \); met \(6, 8"):
        net.set_weights([np.zeros((6, 8)), *net.weights()[1:]])
    with pytest.raises(ValueError, match="has 4 arrays of weights; met 1"):
        net.set_weights(net.weights()[:1])
    with pytest.raises(TypeError):  # strict: no silent copy of another dtype or order
        net.predict(x.astype(np.float32))
    with pytest.raises(TypeError):
        net.predict(np.asfortranarray(x))
    with pytest.raises(ValueError, match="units must be an integer >= 1; met 0"):
        Dense(0)
    with pytest.raises(ValueError, match="no initialiser named 'xavier'"):
        Dense(3, "xavier")


def test_training_refers_to_the_data_and_keeps_it_alive():
    import gc

    x, _, codes, _ = data_for("cross_entropy", 50, 6, 4, np.float64)
    net = begun(plan_of((6, 9, 4), "relu", "cross_entropy"), DTYPES[1], 0)
    trainer = TRAINERS[DTYPES[1]](net, x, None, codes, None, SETTINGS)
    first = trainer.epoch()
    x[:] = 0  # the trainer sees the change: nothing was copied
    assert trainer.epoch() != pytest.approx(first, rel=0.05)
    del x, codes, net
    gc.collect()
    assert np.isfinite(trainer.epoch())


def test_a_read_only_array_is_enough():
    x, _, codes, _ = data_for("cross_entropy", 50, 6, 4, np.float64)
    x.flags.writeable = codes.flags.writeable = False
    net = make_net(plan_of((6, 9, 4), "relu", "cross_entropy"), DTYPES[1])
    assert net.predict(x).shape == (50, 4)
    assert np.isfinite(TRAINERS[DTYPES[1]](net, x, None, codes, None, SETTINGS).epoch())


def test_learning_from_listed_rows_is_learning_from_those_rows():
    x, _, codes, _ = data_for("cross_entropy", 50, 6, 4, np.float64)
    rows = np.random.default_rng(0).permutation(50)[:31].astype(np.uint32)

    def weights(x, codes, rows, shuffle):
        net = begun(plan_of((6, 9, 4), "relu", "cross_entropy"), DTYPES[1], 0)
        settings_ = {**SETTINGS, "shuffle": shuffle}
        trainer = TRAINERS[DTYPES[1]](net, x, None, codes, None, settings_, rows)
        for _ in range(3):
            trainer.epoch()
        return np.concatenate([a.ravel() for a in net.weights()])

    for shuffle in (False, True):
        copied = weights(x[rows], codes[rows], None, shuffle)
        np.testing.assert_array_equal(weights(x, codes, rows, shuffle), copied)
    with pytest.raises(ValueError, match="A row to learn from is not in X"):
        weights(x, codes, rows + np.uint32(30), True)
    with pytest.raises(ValueError, match="no rows to learn from"):
        weights(x, codes, rows[:0], True)
