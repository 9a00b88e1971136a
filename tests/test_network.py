"""Networks of any layers: what they compute can be read off, trained, averaged, limited."""

from __future__ import annotations

import numpy as np
import pytest

import deltarule as dr
from deltarule.initialisers import LSUV, Normal, Orthogonal, Uniform, VarianceScaling
from deltarule.layers import (
    LSTM,
    Activation,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalPool,
    Layer,
    Masking,
    Residual,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def network(*layers, loss="softmax_cross_entropy", **options):
    options = {"dtype": "float64", "seed": 3, **options}
    return dr.Network([*layers, Dense(2)], loss, **options)


# ---- the four equations -------------------------------------------------------------------------


def test_the_four_equations_of_backpropagation_can_be_read_off():
    net = dr.Network(
        [Dense(4, activation="sigmoid"), Dense(3)], "softmax_cross_entropy", dtype="float64"
    )
    x, y = X[:7], RNG.integers(0, 3, 7)
    trace = net.backward(x, y)
    w = net.weights()
    z1, a1, z2 = (trace.values[name] for name in ("dense_1", "activation_1", "dense_2"))
    np.testing.assert_allclose(z1, x @ w["dense_1.weight"] + w["dense_1.bias"], rtol=1e-12)
    np.testing.assert_allclose(a1, 1 / (1 + np.exp(-z1)), rtol=1e-12)
    np.testing.assert_allclose(z2, a1 @ w["dense_2.weight"] + w["dense_2.bias"], rtol=1e-12)
    delta2 = (np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True) - np.eye(3)[y]) / 7
    delta1 = (delta2 @ w["dense_2.weight"].T) * a1 * (1 - a1)
    np.testing.assert_allclose(trace.deltas["dense_2"], delta2, rtol=1e-11)
    np.testing.assert_allclose(trace.deltas["dense_1"], delta1, rtol=1e-11)
    found = trace.gradients
    np.testing.assert_allclose(found["dense_2.weight"], a1.T @ delta2, rtol=1e-11)
    np.testing.assert_allclose(found["dense_2.bias"], delta2.sum(axis=0), rtol=1e-11)
    np.testing.assert_allclose(found["dense_1.weight"], x.T @ delta1, rtol=1e-11)
    np.testing.assert_allclose(found["dense_1.bias"], delta1.sum(axis=0), rtol=1e-11)
    assert trace.loss == pytest.approx(net.evaluate(x, y), rel=1e-13)


def test_forward_keeps_every_value_where_it_is_asked_to():
    net = network(Dense(6, name="first"), BatchNorm(), Activation("tanh"))
    trace = net.forward(X, keep=True)
    assert trace.names == ("first", "batch_norm_1", "activation_1", "dense_1")
    np.testing.assert_array_equal(trace.output, net.forward(X))
    assert not trace.deltas
    assert not trace.gradients
    assert trace.loss is None
    seen = net.forward(X, keep=True, training=True).values["batch_norm_1"]
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen.std(axis=0), 1, rtol=1e-4)


def test_a_network_passes_the_gradient_check():
    net = network(Dense(6, activation="tanh"), BatchNorm(), Residual([Dense(6, activation="silu")]))
    net.fit(X, Y, epochs=2)
    report = dr.check_gradient(net, X[:9], Y[:9], sample_weight=np.linspace(0.5, 2, 9))
    assert report.passed, report
    assert report.checked > 60


def test_names_of_nested_layers_and_their_weights():
    net = network(Residual([Dense(5), BatchNorm()], name="block"), Residual([Dense(7)]))
    assert list(net.forward(X, keep=True).values) == [
        "block.dense_1",
        "block.batch_norm_1",
        "block.sum_1",
        "residual_1.dense_1",
        "residual_1.projection",
        "residual_1.sum_1",
        "dense_1",
    ]
    assert "residual_1.projection.weight" in net.weights()
    assert "residual_1.projection.bias" not in net.weights()


# ---- weights ------------------------------------------------------------------------------------


def test_weights_are_copies_and_can_be_replaced_by_name():
    net = network(Dense(4), input_shape=5)
    weights = net.weights()
    weights["dense_1.weight"][:] = 0
    assert net.weights()["dense_1.weight"].any()
    net.set_weights({"dense_1.weight": np.zeros((5, 4))})
    assert not net.weights()["dense_1.weight"].any()
    assert net.weights()["dense_2.weight"].any()
    before = net.weights()
    for wrong, words in (
        ({"dense_9.weight": np.zeros(3)}, "dense_9.weight unknown"),
        ({"dense_1.weight": np.zeros((4, 5))}, r"shape \(5, 4\); met \(4, 5\)"),
    ):
        with pytest.raises(ValueError, match=words):
            net.set_weights(wrong)
    for name, w in net.weights().items():
        np.testing.assert_array_equal(w, before[name])


@pytest.mark.parametrize(
    ("init", "mean", "deviation"),
    [
        ("uniform", 0, 0.05 / np.sqrt(3)),
        ("normal", 0, 0.05),
        (Normal(1.0, 0.2), 1, 0.2),
        (Normal(0.5, 1.0, truncated=True), 0.5, 0.87962566),
        (Uniform(1, 3), 2, 2 / np.sqrt(12)),
        ("he_normal", 0, np.sqrt(2 / 300)),
        (VarianceScaling("out", "truncated_normal", 2.0), 0, 2 / np.sqrt(400)),
        (VarianceScaling("average", "uniform"), 0, np.sqrt(2 / 700)),
        (VarianceScaling("in", gain="tanh"), 0, dr.init_gain("tanh") / np.sqrt(300)),
        ("zeros", 0, 0),
        ("ones", 1, 0),
    ],
)
def test_initial_weights_are_distributed_as_they_say(init, mean, deviation):
    net = dr.Network([Dense(400, init=init)], dtype="float64", input_shape=300)
    w = net.weights()["dense_1.weight"]
    assert w.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(w.size) + 1e-15)
    assert w.std() == pytest.approx(deviation, rel=0.02)
    if isinstance(init, Normal) and init.truncated:
        assert np.abs(w - 0.5).max() <= 2


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (30, 30)])
def test_orthogonal_weights_are_orthonormal(shape):
    net = dr.Network([Dense(shape[1], init=Orthogonal(2.0))], dtype="float64", input_shape=shape[0])
    w = net.weights()["dense_1.weight"] / 2
    small = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-12)


def test_every_gate_of_recurrent_weights_is_orthogonal():
    u = dr.Network([LSTM(6)], dtype="float64", input_shape=(4, 3)).weights()["lstm_1.recurrent"]
    for gate in np.split(u, 4, axis=1):
        np.testing.assert_allclose(gate.T @ gate, np.eye(6), atol=1e-12)
    bias = dr.Network([LSTM(6)], input_shape=(4, 3)).weights()["lstm_1.bias"]
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 6))


def test_lsuv_makes_every_layer_compute_values_of_variance_one():
    layers = [Dense(40, init="lsuv", activation="relu") for _ in range(6)]
    net = dr.Network([*layers, Dense(2, init=LSUV(tolerance=1e-6))], dtype="float64")
    x = RNG.normal(size=(500, 20))
    net.forward(x)
    values = net.forward(x, keep=True).values
    for name, z in values.items():
        if name.startswith("dense_"):
            assert z.var() == pytest.approx(1, abs=0.011), name
    with pytest.raises(ValueError, match="LSUV cannot scale them"):
        dr.Network([Dense(3, init="lsuv")], dtype="float64").forward(np.zeros((4, 2)))


# ---- controls -----------------------------------------------------------------------------------


def one_step(net, rate=0.1, **options):
    """The weights before and after one step of plain gradient descent on all rows."""
    before = net.forward(X) is not None and net.weights()
    options = {"solver": "sgd", "momentum": 0.0, "shuffle": False, **options}
    net.fit(X, Y, epochs=1, batch_size=len(X), learning_rate=rate, **options)
    return before, net.weights()


def test_a_step_is_the_rate_times_the_gradient():
    net = network(Dense(4, activation="tanh"))
    net.forward(X)
    gradients = net.backward(X, Y).gradients
    before, after = one_step(net)
    for name, g in gradients.items():
        np.testing.assert_allclose(after[name], before[name] - 0.1 * g, rtol=1e-9, atol=1e-12)


def test_penalties_of_a_layer_are_in_its_gradient_and_in_the_loss():
    plain, held = network(Dense(4)), network(Dense(4, l1=0.3, l2=0.2, name="dense_1"))
    (_, a), (before, b) = one_step(plain), one_step(held)
    w = before["dense_1.weight"]
    np.testing.assert_allclose(
        b["dense_1.weight"], a["dense_1.weight"] - 0.1 * (0.3 * np.sign(w) + 0.2 * w), rtol=1e-9
    )
    np.testing.assert_allclose(b["dense_1.bias"], a["dense_1.bias"], rtol=1e-9, atol=1e-12)
    penalty = 0.3 * np.abs(w).sum() + 0.1 * (w * w).sum()
    assert held.history_.loss[0] == pytest.approx(plain.history_.loss[0] + penalty, rel=1e-9)


def test_decoupled_decay_shrinks_weights_apart_from_their_gradient():
    (_, a), (before, b) = one_step(network(Dense(4))), one_step(network(Dense(4, weight_decay=0.5)))
    lost = 0.1 * 0.5 * before["dense_1.weight"]
    np.testing.assert_allclose(b["dense_1.weight"], a["dense_1.weight"] - lost, rtol=1e-9)
    np.testing.assert_array_equal(b["dense_1.bias"], a["dense_1.bias"])


def test_frozen_layers_stay_and_rates_of_layers_are_factors():
    before, after = one_step(network(Dense(4, trainable=False), BatchNorm(trainable=False)))
    for name, w in before.items():
        assert np.array_equal(w, after[name]) == (not name.startswith("dense_2")), name
    (first, a), (_, b) = one_step(network(Dense(4))), one_step(network(Dense(4, learning_rate=3.0)))
    moved = [w["dense_1.weight"] - first["dense_1.weight"] for w in (a, b)]
    np.testing.assert_allclose(moved[1], 3 * moved[0], rtol=1e-9)


def test_no_unit_has_a_larger_norm_than_its_layer_allows():
    net = network(Dense(30, max_norm=0.5), Dense(4), dtype="float32", input_shape=5)
    for threads in (1, 2):
        net.initialise()
        net.fit(X, Y, epochs=5, batch_size=20, learning_rate=0.1, n_jobs=threads)
        norms = np.linalg.norm(net.weights()["dense_1.weight"], axis=0)
        assert norms.max() <= 0.5 * (1 + 1e-6)
        assert norms.min() > 0.1
        assert np.linalg.norm(net.weights()["dense_2.weight"], axis=0).max() > 0.5


def test_gradients_are_clipped_by_value_and_by_norm():
    net = network(Dense(4))
    net.forward(X)
    gradients = net.backward(X, Y).gradients
    before, by_value = one_step(network(Dense(4)), grad_clip_value=0.01)
    for name, g in gradients.items():
        np.testing.assert_allclose(
            by_value[name], before[name] - 0.1 * np.clip(g, -0.01, 0.01), rtol=1e-9, atol=1e-12
        )
    norm = np.sqrt(sum((g * g).sum() for g in gradients.values()))
    for limit in (norm / 3, norm * 3):
        before, by_norm = one_step(network(Dense(4)), grad_clip_norm=limit)
        for name, g in gradients.items():
            step = 0.1 * g * min(1, limit / norm)
            np.testing.assert_allclose(by_norm[name], before[name] - step, rtol=1e-9, atol=1e-12)


def test_accumulated_batches_are_one_large_batch():
    weights = RNG.uniform(0, 2, len(X))
    results = []
    for batch, accumulate in ((60, 1), (15, 4), (7, 9)):
        net = network(Dense(6, activation="tanh", l2=0.1))
        net.fit(X, Y, epochs=4, batch_size=batch, accumulate=accumulate, sample_weight=weights)
        results.append(net.weights())
    for other in results[1:]:
        for name, w in results[0].items():
            np.testing.assert_allclose(other[name], w, rtol=1e-8, atol=1e-10)


def test_the_moving_average_of_weights_is_that_of_its_formula():
    net, plain = network(Dense(4)), network(Dense(4))
    steps = []
    plain.fit(
        X,
        Y,
        epochs=6,
        batch_size=60,
        shuffle=False,
        callback=lambda _: steps.append(plain._net.weights()[0]) and False,
    )
    net.fit(X, Y, epochs=6, batch_size=60, shuffle=False, ema=0.7)
    average = steps[0]
    for n, w in enumerate(steps[1:], start=2):
        average = average + max(0.3, 1 / n) * (w - average)
    np.testing.assert_allclose(net.weights()["dense_1.weight"], average, rtol=1e-9)


def test_stochastic_weight_averaging_is_the_mean_of_epochs_with_new_statistics():
    def make():
        return network(Dense(8), BatchNorm(), Activation("relu"))

    plain, net, ends = make(), make(), []
    plain.fit(
        X,
        Y,
        epochs=6,
        batch_size=20,
        callback=lambda _: ends.append(plain._net.weights()) and False,
    )
    net.fit(X, Y, epochs=6, batch_size=20, swa_from=2)
    expected = [np.mean(arrays, axis=0) for arrays in zip(*ends[2:], strict=True)]
    found = net.weights()
    for (name, w), mean in zip(found.items(), expected, strict=True):
        if "running" not in name:
            np.testing.assert_allclose(w, mean, rtol=1e-9, atol=1e-12)
    z = net.forward(X, keep=True).values["dense_1"]
    np.testing.assert_allclose(found["batch_norm_1.running_mean"], z.mean(axis=0), atol=1e-12)


# ---- training -----------------------------------------------------------------------------------


def test_a_later_fit_goes_on_and_the_history_grows():
    net = network(Dense(16, activation="relu"))
    net.fit(X, Y, epochs=3)
    first = net.evaluate(X, Y)
    net.fit(X, Y, epochs=20, learning_rate=0.01, validation=(X, Y))
    assert len(net.history_) == 23
    assert net.evaluate(X, Y) < first
    assert np.isnan(net.history_.validation_loss[:3]).all()
    assert net.history_.validation_loss[-1] == pytest.approx(net.evaluate(X, Y), rel=1e-12)
    assert net.initialise().history_.loss.size == 0


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (dr.schedules.Constant(0.1), [0.1, 0.1, 0.1, 0.1]),
        (dr.schedules.Step(1.0, 2, 0.5), [1, 1, 0.5, 0.5]),
        (dr.schedules.Exponential(1.0, 0.5), [1, 0.5, 0.25, 0.125]),
        (dr.schedules.Cosine(2.0, 4, 1.0), [2, 1 + (1 + np.sqrt(0.5)) / 2, 1.5, 1.1464466]),
        (dr.schedules.Cosine(1.0, 5, warm_up=1), [0.5, 1, 0.8535534, 0.5]),
    ],
)
def test_a_schedule_gives_the_rate_of_every_epoch(schedule, expected):
    np.testing.assert_allclose([schedule(e) for e in range(4)], expected, rtol=1e-6)
    a, b = network(Dense(3)), network(Dense(3))
    a.fit(X, Y, epochs=4, learning_rate=schedule)
    b.fit(X, Y, epochs=4, learning_rate=lambda epoch: expected[epoch])
    for name, w in a.weights().items():
        np.testing.assert_allclose(b.weights()[name], w, rtol=1e-4, atol=1e-4)


def test_one_cycle_rises_and_falls():
    cycle = dr.schedules.OneCycle(1.0, 20)
    rates = [cycle(e) for e in range(20)]
    assert np.argmax(rates) == 5
    assert rates[0] == pytest.approx(0.04)
    assert rates[5] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1 / 250000)
    short = dr.schedules.OneCycle(1.0, 4, rising=0.25)
    assert [short(0), short(3)] == pytest.approx([1.0, 1 / 250000])


def test_a_failed_fit_leaves_the_network_as_it_was():
    net = network(Dense(8, activation="relu"), loss="squared_error", dtype="float32").fit(
        X, np.c_[Y, Y], epochs=2
    )
    before, epochs = net.weights(), len(net.history_)
    with pytest.raises(ValueError, match="The loss became"):
        net.fit(X, 1e20 * np.c_[Y, Y], epochs=30, solver="sgd", learning_rate=10.0)
    for name, w in net.weights().items():
        np.testing.assert_array_equal(w, before[name])
    assert len(net.history_) == epochs


def test_a_network_of_steps_learns_every_step():
    x = RNG.normal(size=(200, 6, 3))
    y = (x[:, :, 0] > 0).astype(int)
    net = dr.Network([LSTM(12, return_sequences=True), Dense(2)], "softmax_cross_entropy")
    net.fit(x, y, epochs=40, batch_size=20, learning_rate=0.01)
    assert net.predict(x).shape == (200, 6, 2)
    assert (net.predict(x).argmax(axis=2) == y).mean() > 0.97
    raw = net.forward(x).astype(float)
    own = np.log(np.exp(raw).sum(axis=2)) - np.take_along_axis(raw, y[..., None], 2)[..., 0]
    assert net.evaluate(x, y) == pytest.approx(own.mean(), rel=1e-5)


def test_predictions_are_linked():
    net = dr.Network([Dense(1)], "bce_with_logits", input_shape=5)
    np.testing.assert_allclose(net.predict(X), 1 / (1 + np.exp(-net.forward(X))), rtol=1e-5)
    assert dr.Network([Dense(3)], "poisson_log", input_shape=5).predict(X).min() > 0


# ---- words --------------------------------------------------------------------------------------


def test_the_summary_counts_weights_and_operations():
    net = dr.Network(
        [Conv2D(8, 3, activation="relu"), BatchNorm(), GlobalPool(), Dense(4)],
        input_shape=(9, 9, 2),
    )
    summary = net.summary(batch_size=16)
    assert summary.weights == (3 * 3 * 2 * 8 + 8) + 16 + (8 * 4 + 4)
    assert summary.fixed == 16
    assert summary.lines[0].flops == 2 * 7 * 7 * 9 * 2 * 8
    assert [line.shape for line in summary.lines] == [(7, 7, 8), (7, 7, 8), (7, 7, 8), (8,), (4,)]
    text = str(summary)
    assert "conv2d_1       convolution  7 x 7 x 8" in text
    assert "training in batches of 16 takes" in text
    assert repr(net) == "Network([Conv2D, BatchNorm, GlobalPool, Dense], loss='squared_error')"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dr.Network([Dense(2)]).plan, "The shape of a row of X is not known yet"),
        (lambda: dr.Network([Dense(2), 3]), "must be layers of deltarule.layers; met int"),
        (lambda: dr.Network([Dense(2)], "triplet"), "is not one of raw predictions"),
        (lambda: dr.Network([Dense(2)], dtype="int8"), "dtype must be 'float32' or 'float64'"),
        (lambda: dr.Network([Flatten()], input_shape=3), "The last layer of a network computes"),
        (lambda: dr.Network([LSTM(2)], input_shape=3), r"reads sequences .* has the shape \(3,\)"),
        (lambda: dr.Network([Conv2D(2, 5)], input_shape=(4, 4, 1)), "at least as large as its ker"),
        (lambda: dr.Network([Masking()], input_shape=4), "The layer Masking reads sequences"),
        (lambda: Dropout(1.0), r"must be in \[0, 1\)"),
        (lambda: Dense(3, l2=-1), "l2 must be a number >= 0"),
        (lambda: BatchNorm(momentum=2), r"momentum must be in \[0, 1\]"),
        (lambda: Embedding(3, 2, max_norm=1.0), "omit max_norm"),
        (lambda: LSTM(3, truncate=0), "truncate must be an integer >= 1"),
        (lambda: network(Dense(3, name="a"), Dense(3, name="a"), input_shape=2), "Two layers are"),
        (lambda: network(Residual([Dense(3)], projection=None), input_shape=2), "must be equal"),
        (lambda: network(Dense(3)).fit(X, Y, epochs=0), "epochs must be an integer >= 1"),
        (lambda: network(Dense(3)).fit(X, Y, ema=0.9, swa_from=1), "both average the weights"),
        (lambda: network(Dense(3)).fit(X, Y, solver="newton"), "solver must be one of"),
        (lambda: network(Dense(3)).fit(X, Y[:5]), "they must be the same rows"),
        (lambda: network(Dense(3)).fit(X, Y + 1), "Class code 2 is outside"),
        (lambda: network(Dense(3)).fit(X, Y, sample_weight=-X[:, 0]), "numbers >= 0"),
        (lambda: network(Dense(3), input_shape=4).forward(X), r"has the shape \(4,\) .* \(60, 5\)"),
        (lambda: network(Dense(3)).resume(X, Y, epochs=3), "no training to go on with"),
        (
            lambda: dr.Network([Embedding(4, 2), Flatten(), Dense(1)]).forward([[1, 4]]),
            r"has the codes 0 ... 3; X holds 4",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_a_sentence(call, words):
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        call()
    text = str(caught.value)
    assert text[0].isupper() or text.split(maxsplit=1)[0].isidentifier()
    assert text.endswith(".")


def test_layers_are_abstract_or_final_records():
    with pytest.raises(TypeError):
        Layer()
    assert Dense(3) == Dense(3)
    assert hash(Dense(3)) == hash(Dense(3))
