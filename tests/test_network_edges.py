"""Networks at their edges: shapes that do not fit, numbers that overflow, batches of one row."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import deltarule as dr
from deltarule.layers import (
    LSTM,
    Activation,
    BatchNorm,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalPool,
    MaxPool,
    Residual,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
T = RNG.normal(size=60)


# ---- whole-batch layers -------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1003, 64])
def test_normalisations_of_several_lengths_have_their_own_statistics(rows):
    """Blocks of rows of one layer are no multiples of those of another: 10, 5 and 1 positions."""
    x = RNG.normal(size=(rows, 10, 3)) + 2
    layers = [BatchNorm(momentum=1.0), Conv1D(8, 2, stride=2), BatchNorm(momentum=1.0)]
    layers += [Flatten(), Dense(64), BatchNorm(momentum=1.0), Dense(1)]
    bits = []
    for threads in (1, 2, 3, 4):
        net = dr.Network(layers, dtype="float64")
        net.forward(x)
        expected = net.forward(x, keep=True, training=True)
        net.fit(x, x[:, 0, 0], epochs=1, batch_size=rows, learning_rate=1e-12, n_jobs=threads)
        weights = net.weights()
        for name, before in (
            ("batch_norm_1", x),
            ("batch_norm_2", expected.values["conv1d_1"]),
            ("batch_norm_3", expected.values["dense_1"]),
        ):
            flat = before.reshape(-1, before.shape[-1])
            mean, variance = flat.mean(axis=0), flat.var(axis=0, ddof=1)
            np.testing.assert_allclose(weights[f"{name}.running_mean"], mean, rtol=1e-8, atol=1e-8)
            np.testing.assert_allclose(weights[f"{name}.running_variance"], variance, rtol=1e-8)
        net.fit(x, x[:, 0, 0], epochs=2, batch_size=500, n_jobs=threads)
        bits.append([w.tobytes() for w in net.weights().values()])
    assert all(b == bits[0] for b in bits)


def test_a_last_batch_of_one_row_leaves_the_variance():
    x = RNG.normal(size=(33, 4)) * 3
    net = dr.Network([BatchNorm(), Dense(1)], dtype="float64")
    net.fit(x, x[:, 0], epochs=200, batch_size=32, learning_rate=1e-9)
    found = net.weights()["batch_norm_1.running_variance"]
    np.testing.assert_allclose(found, x.var(axis=0, ddof=1), rtol=0.1)
    averaged = dr.Network([BatchNorm(), Dense(1)], dtype="float64")
    averaged.fit(x, x[:, 0], epochs=3, batch_size=32, learning_rate=1e-9, swa_from=1)
    found = averaged.weights()["batch_norm_1.running_variance"]
    np.testing.assert_allclose(found, x.var(axis=0, ddof=1), rtol=0.3)


def test_slopes_of_a_root_are_those_of_the_root():
    net = dr.Network([Dense(3, activation="tanh"), Dense(1)], "rmse", dtype="float64")
    trace = net.backward(X, T)
    product = trace.values["activation_1"].T @ trace.deltas["dense_2"]
    np.testing.assert_allclose(trace.gradients["dense_2.weight"], product, rtol=1e-10)


# ---- averages and files -------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"ema": 0.9}, {"swa_from": 1}])
def test_a_checkpoint_predicts_with_the_averages(how, tmp_path):
    path = tmp_path / "run.ckpt"
    net = dr.Network([Dense(6), BatchNorm(), Activation("relu"), Dense(1)], dtype="float64")
    net.fit(X, T, epochs=4, checkpoint=path, **how)
    loaded = dr.Network.load_checkpoint(path)
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    np.testing.assert_array_equal(loaded.resume(X, T, epochs=4).predict(X), net.predict(X))
    whole = dr.Network(net.layers, dtype="float64").fit(X, T, epochs=7, **how)
    np.testing.assert_array_equal(loaded.resume(X, T, epochs=7).predict(X), whole.predict(X))


def test_partial_fits_do_not_average_averages():
    settings = {"solver": "sgd", "random_state": 0, "ema": 0.9, "batch_size": 20}
    parts = dr.NetworkRegressor([Dense(4)], **settings)
    for _ in range(10):
        parts.partial_fit(X, T)
    settings |= {"max_iter": 10, "tol": 0, "n_iter_no_change": np.inf}
    with pytest.warns(Warning, match="Maximum iterations"):
        whole = dr.NetworkRegressor([Dense(4)], **settings).fit(X, T)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_networks_are_copied_and_pickled():
    net = dr.Network([Dense(6), Dense(1)]).fit(X, T, epochs=2)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
        other.resume(X, T, epochs=4)
        assert len(net.history_) == 2
    fresh = pickle.loads(pickle.dumps(dr.Network([Dense(1)])))
    assert fresh.fit(X, T, epochs=1).predict(X).shape == (60, 1)


def test_a_further_fit_sees_other_orders_and_drops_other_numbers():
    whole = dr.Network([Dropout(0.5), Dense(1)], dtype="float64", input_shape=5)
    begin = whole.weights()
    losses = []
    for _ in range(3):
        whole.fit(X, T, epochs=1, batch_size=7)
        losses.append(whole.history_.loss[-1])
        whole.set_weights(begin)
    assert len(set(losses)) == 3


def test_what_fails_takes_nothing_away():
    net = dr.Network([Dense(4), Dense(1)]).fit(X, T, epochs=2)
    with pytest.raises(ValueError, match="must be the same rows"):
        net.fit(X, T[:5])
    with pytest.raises(ValueError, match="must be a number >= 0; the schedule gave -1"):
        net.fit(X, T, learning_rate=lambda epoch: -1.0)
    assert len(net.resume(X, T, epochs=3).history_) == 3
    shy = dr.Network([Conv2D(2, 3), GlobalPool(), Dense(1)])
    for wrong in ([["a", "b"]], X, [1.0, 2.0]):
        with pytest.raises((TypeError, ValueError)):
            shy.predict(wrong)
    assert shy.predict(RNG.normal(size=(2, 5, 5, 1))).shape == (2, 1)


def test_no_rows_are_predicted_and_refused_for_training():
    net = dr.Network([Dense(4), Dense(2)], input_shape=5)
    assert net.predict(np.zeros((0, 5))).shape == (0, 2)
    with pytest.raises(ValueError, match="X has no rows"):
        net.fit(np.zeros((0, 5)), np.zeros((0, 2)))


# ---- numbers that are not finite ----------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_a_loss_that_is_not_finite_names_the_first_layer(threads):
    layers = [Dense(300, name="one"), Activation("exponential", name="two"), Dense(1, name="three")]
    net = dr.Network(layers)
    with pytest.raises(
        ValueError, match="the layer 'one', or 'two' behind it in the same memory, was the first"
    ):
        net.fit(np.full((600, 5), 1e4), np.ones(600), epochs=3, n_jobs=threads)
    apart = [Dense(300, init="ones"), Activation("gelu"), Dense(1, name="two", init="ones")]
    with pytest.raises(ValueError, match="the layer 'two' was the first to compute such a number"):
        dr.Network(apart).fit(np.full((600, 5), 1e37), np.ones(600), epochs=1, n_jobs=threads)
    x = X.copy()
    x[7, 2] = np.nan
    with pytest.raises(ValueError, match=r"in epoch 1: X holds numbers that are not finite"):
        dr.Network(layers).fit(x, T, epochs=1, n_jobs=threads)
    with pytest.raises(ValueError, match="look at the targets too"):
        dr.Network([Dense(1)]).fit(X, np.where(T[3] == T, np.nan, T), epochs=1, n_jobs=threads)


def test_weights_that_overflow_in_the_last_step_are_refused():
    net = dr.Network([Dense(1)])
    with pytest.raises(ValueError, match="The weights 'dense_1.weight' are not finite"):
        net.fit(X * 1e10, T * 1e10, epochs=1, batch_size=60, solver="sgd", learning_rate=1e30)
    assert np.isfinite(net.predict(X)).all()


# ---- what does not fit together -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        (
            [Dense(5, name="head"), LSTM(4, name="memory")],
            3,
            r"The layer LSTM 'memory' reads sequences \(steps, features\); what comes before it, "
            r"the layer 'head', has the shape \(5,\)",
        ),
        (
            [Residual([Conv2D(3, 3), GlobalPool()])],
            (8, 8, 2),
            r"turns \(8, 8, 2\) into \(3,\)",
        ),
        (
            [Residual([Dense(3)], projection=Dense(4))],
            2,
            r"layer 'residual_1.dense_1', of the shape \(3,\), and beside it passes the layer "
            r"'residual_1.dense_2', of the shape \(4,\)",
        ),
        (
            [Concatenate([[LSTM(3)], [Conv1D(2, 2)]])],
            (6, 2),
            r"'concatenate_1.lstm_1' \(3,\), the layer 'concatenate_1.conv1d_1' \(5, 2\)",
        ),
        ([Conv2D(1, 1, padding=(2**61, 0)), GlobalPool()], (4, 4, 1), "at most 281474976710656"),
        ([MaxPool((2**62, 8), stride=1, padding=(2**62 - 1, 3))], (4, 4, 1), "at most 2814749767"),
        ([Dense(2**50)], 3, "at most 281474976710656"),
        ([Dense(3), Embedding(4, 2)], 3, "reads the codes of X itself; here it would read the lay"),
        ([Embedding(2**24 + 10, 1), Flatten()], 2, "Use dtype='float64'"),
    ],
)
def test_an_impossible_stack_is_refused_when_it_is_built(layers, shape, words):
    with pytest.raises(ValueError, match=words):
        dr.Network([*layers, Dense(1)], input_shape=shape)


def test_a_named_branch_keeps_its_name():
    net = dr.Network([Concatenate([[Dense(2)], []], name="both"), Dense(1)], input_shape=3)
    assert [n.name for n in net.plan.nodes] == ["both.dense_1", "both.join_1", "dense_1"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: Dense(np.int64(5)),
        lambda: LSTM(np.int64(5)),
        lambda: Conv2D(np.int64(5), np.int32(3)),
        lambda: MaxPool(np.int64(2)),
        lambda: Embedding(np.int64(5), np.int64(2)),
    ],
)
def test_integers_of_numpy_are_integers(call):
    layer = call()
    assert all(type(v) is not np.int64 for v in vars(layer).values())
    assert layer == type(layer)(**vars(layer))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Dense(2.5), "units must be an integer >= 1; met 2.5"),
        (lambda: Dense("5"), "units must be an integer >= 1; met '5'"),
        (lambda: Dense(5, init=[1]), r"no initialiser named \[1\]"),
        (lambda: Dense(5, activation="rulu"), "rulu"),
        (lambda: dr.Network([Dense(1)], seed=-1), "seed must be an integer in 0"),
        (lambda: dr.Network([Dense(1)], input_shape=2.5), "The shape of a row must be"),
        (lambda: dr.Network([Dense(1)], input_shape=-3), "The shape of a row must be"),
        (lambda: dr.Network(None), "must be layers of deltarule.layers; met NoneType"),
        (lambda: dr.Network([Dense(1)]).fit(X, T, beta_1=1.0), r"beta_1 must be in \[0, 1\)"),
        (lambda: dr.Network([Dense(1)]).fit(X, T, momentum=-5), r"momentum must be in \[0, 1\)"),
        (lambda: dr.Network([Dense(1)]).fit(X, T, swa_from=50), "swa_from must be the number of"),
        (lambda: dr.Network([Dense(2)]).fit(X, T), r"predicts numbers of the shape \(2,\)"),
        (lambda: dr.Network([Dense(1)]).fit(X, T + 1j), "met y of the shape"),
        (
            lambda: dr.Network([Dense(1)], "bce_with_logits").fit(X, np.sign(T)),
            r"bce_with_logits takes targets in \[0, 1\]; y holds -1.0",
        ),
        (lambda: dr.Network([Dense(1)], "hinge").fit(X, T > 0), "takes targets -1 or 1; y holds"),
    ],
)
def test_arguments_are_refused_by_sentences(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_targets_of_another_order_of_axes_are_refused():
    net = dr.Network([Conv2D(2, 3, padding="same")], dtype="float64", input_shape=(3, 3, 1))
    x = RNG.normal(size=(4, 3, 3, 1))
    net.fit(x, RNG.normal(size=(4, 3, 3, 2)), epochs=1)
    net.fit(x, RNG.normal(size=(4, 18)), epochs=1)
    with pytest.raises(ValueError, match=r"met y of the shape \(4, 2, 3, 3\)"):
        net.fit(x, RNG.normal(size=(4, 2, 3, 3)), epochs=1)


def test_codes_are_checked_by_estimators_too():
    x = RNG.integers(0, 10, (50, 4))
    model = dr.NetworkClassifier([Embedding(10, 4), Flatten()], max_iter=2, tol=1)
    with pytest.warns(Warning, match="Maximum iterations"):
        model.fit(x, x[:, 0] > 4)
    for wrong in (12, -1, 2.5):
        bad = x.astype(float)
        bad[3, 1] = wrong
        with pytest.raises(ValueError, match=f"has the codes 0 ... 9; X holds {wrong}"):
            model.predict(bad)
        with pytest.raises(ValueError, match="has the codes 0 ... 9"):
            model.fit(bad, x[:, 0] > 4)


def test_weights_of_a_scaled_network_can_be_set_before_it_sees_data():
    net = dr.Network([Dense(3, init="lsuv"), Dense(1)], input_shape=4, dtype="float64")
    given = {"dense_1.weight": np.ones((4, 3)), "dense_1.bias": np.zeros(3)}
    given |= {"dense_2.weight": np.ones((3, 1)), "dense_2.bias": np.zeros(1)}
    assert net.set_weights(given).predict(np.ones((1, 4))) == 12
    with pytest.raises(TypeError, match="must be real numbers; met complex"):
        net.set_weights({"dense_1.bias": np.zeros(3, complex)})


def test_an_attached_activation_follows_its_layer():
    net = dr.Network([Dense(4, activation="prelu", trainable=False), Dense(1)], input_shape=5)
    before = net.weights()
    net.fit(X, T, epochs=2)
    for name, w in net.weights().items():
        assert np.array_equal(w, before[name]) == (not name.startswith("dense_2"))
