"""What layers are seen to do while they learn is what they do."""

from __future__ import annotations

import numpy as np
import pytest

import deltarule as dr
from deltarule import layers as L
from deltarule._engine import TRAINERS
from deltarule._training import settings_of
from deltarule._watching import EVERY, watching
from deltarule.vitals import NUMBERS, QUANTILES, Epoch, History

RNG = np.random.default_rng(0)
ROWS = 48
X = RNG.normal(size=(ROWS, 6)).astype(np.float32)
SEQUENCES = RNG.normal(size=(ROWS, 5, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(ROWS, 6, 6, 2)).astype(np.float32)
Y = RNG.normal(size=(ROWS, 2)).astype(np.float32)

NETS = {
    "dense": (X, [L.Dense(20, activation="relu"), L.Dense(9, activation="tanh"), L.Dense(2)]),
    "normalised": (
        X,
        [
            *(L.Dense(12, bias=False), L.BatchNorm(), L.Activation("sigmoid")),
            *(L.Residual([L.Dense(12), L.BatchNorm(), L.Activation("gelu")]), L.Dense(2)),
        ],
    ),
    "images": (
        IMAGES,
        [L.Conv2D(5, 3, activation="relu"), L.MaxPool(2), L.Flatten(), L.Dense(2)],
    ),
    "sequences": (SEQUENCES, [L.LSTM(7), L.Dense(2, activation="softplus")]),
}
nets = pytest.mark.parametrize("name", NETS)


def a_network(name, dtype="float64"):
    x, stack = NETS[name]
    return x, dr.Network(stack, "half_squared_error", dtype=dtype, seed=1)


def watched(network, x, y, epochs=1, **given):
    """The history of a training in one order, without momentum unless it is asked for."""
    given = {"batch_size": ROWS, "solver": "sgd", "momentum": 0.0, "shuffle": False} | given
    return network.fit(x, y, epochs=epochs, **given).history_


def rms(a):
    return np.sqrt(np.mean(np.square(a, dtype=np.float64)))


@nets
def test_an_epoch_of_one_batch_is_that_of_a_backward_pass(name):
    x, network = a_network(name)
    trace = network.backward(x, Y)
    before = network.weights()
    vitals = watched(network, x, Y, learning_rate=0.1).vitals
    after = network.weights()
    assert vitals.layers == trace.names
    assert vitals.numbers.shape == (1, len(trace.names), len(NUMBERS))
    seen = {n: vitals[n][0] for n in NUMBERS}
    close = {"rtol": 1e-5, "atol": 1e-7}
    for i, node in enumerate(network.plan.nodes):
        value, delta = trace.values[node.name], trace.deltas.get(node.name)
        assert seen["value_mean"][i] == pytest.approx(np.mean(value), rel=1e-5, abs=1e-7)
        assert seen["value_std"][i] == pytest.approx(np.std(value), rel=1e-5)
        assert seen["value_largest"][i] == pytest.approx(np.abs(value).max(), rel=1e-6)
        assert seen["not_finite"][i] == 0
        if delta is None:
            assert np.isnan([seen[n][i] for n in NUMBERS if n.startswith("delta")]).all()
        else:
            found = [seen[f"delta_{n}"][i] for n in ("mean", "rms", "zeros")]
            np.testing.assert_allclose(
                found, [np.mean(delta), rms(delta), np.mean(delta == 0)], **close
            )
        weights = [n for n in trace.gradients if n.startswith(f"{node.name}.")]
        if node.kind != "batch_norm":
            weights = [n for n in weights if not n.endswith(".bias")]
        if weights:
            joined = [
                np.concatenate([a[n].ravel() for n in weights])
                for a in (after, trace.gradients, before)
            ]
            found = [seen[f"{n}_rms"][i] for n in ("weight", "gradient", "update")]
            wanted = [rms(joined[0]), rms(joined[1]), rms(joined[0] - joined[2])]
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
        else:
            assert np.isnan([seen[f"{n}_rms"][i] for n in ("weight", "gradient", "update")]).all()


@pytest.mark.parametrize(
    ("name", "scale", "dead", "dying"),
    [("relu", 1.0, 1, 2), ("sigmoid", 9.0, 2, 2), ("tanh", 1.0, 0, 0), ("leaky_relu", 1.0, 0, 0)],
)
def test_saturated_and_dead_units_are_counted(name, scale, dead, dying):
    x = np.linspace(-1, 1, 41)[:, None]
    bias = scale * np.array([0.0, -2, 2, -0.95])  # of relu: half the rows, none, all, one of 41
    stack = [L.Dense(4, activation=name), L.Dense(1)]
    network = dr.Network(stack, input_shape=1, dtype="float64")
    network.set_weights({"dense_1.weight": np.full((1, 4), scale), "dense_1.bias": bias})
    slope = dr.activations[name].derivative(scale * x + bias)
    largest = dr.activations[name].derivative(1e-9)
    vitals = watched(network, x, np.zeros((41, 1)), batch_size=41, learning_rate=1e-12).vitals
    assert vitals.having("dead") == [1]
    small = (slope < 0.05 * largest) & (name != "leaky_relu")
    assert vitals["saturated"][0, 1] == pytest.approx(small.mean(), abs=1e-6)
    alive = (slope > 1e-3 * largest).mean(axis=0)
    assert vitals["dead"][0, 1] == np.mean(alive == 0) == dead / 4
    assert vitals["dying"][0, 1] == np.mean(alive < 0.05) == dying / 4


@nets
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_no_bit_and_watching_changes_no_weight(name, dtype):
    x, network = a_network(name, dtype)
    rows = np.tile(x, (6, *[1] * (x.ndim - 1)))
    y = np.tile(Y, (6, 1)).astype(dtype)
    plan = network._settle(x.shape[1:]) or network.plan
    data = np.ascontiguousarray(rows.reshape(len(rows), -1), dtype=dtype)

    def trained(threads, **given):
        net = network.initialise()._net
        settings = settings_of(batch_size=100, threads=threads, seed=1) | given
        trainer = TRAINERS[np.dtype(dtype)](net, data, y, None, None, settings, None)
        epochs = [(trainer.epoch(), trainer.vitals) for _ in range(3)]
        return epochs, np.concatenate([w.ravel() for w in net.weights()])

    alone, weights = trained(1, **watching(plan))
    assert not np.isnan(alone[0][1][:, 0]).any()
    for threads in (2, 3):
        for (_, a), (_, b) in zip(alone, trained(threads, **watching(plan))[0], strict=True):
            np.testing.assert_array_equal(a, b)
    unwatched, others = trained(1)
    np.testing.assert_array_equal(weights, others)
    assert [loss for loss, _ in unwatched] == [loss for loss, _ in alone]
    assert unwatched[0][1] is None


def test_signal_tells_batches_that_agree_from_noise():
    x, w = RNG.normal(size=(4000, 8)), RNG.normal(size=(8, 1))
    layers = [L.Dense(1)]
    agree = watched(dr.Network(layers), x, x @ w, epochs=8, batch_size=40, learning_rate=1e-12)
    noise = watched(
        dr.Network(layers).fit(x, x @ w, epochs=20, learning_rate=0.05),
        *(x, x @ w + RNG.normal(size=(4000, 1))),
        **{"epochs": 8, "batch_size": 40, "learning_rate": 1e-12},
    )
    assert agree.vitals["signal"][-1, 0] > 1.5
    assert noise.vitals["signal"][-1, 0] < 0.5


def test_signal_is_the_unbiased_ratio_of_fading_sums():
    x, y = RNG.normal(size=(240, 3)), RNG.normal(size=(240, 1))
    network = dr.Network([L.Dense(1, bias=False)], "half_squared_error", dtype="float64")
    vitals = watched(network, x, y, epochs=6, batch_size=240, learning_rate=0.3).vitals
    network.initialise()
    gradients = []
    for _ in range(6):
        trace = network.backward(x, y)
        (g,) = trace.gradients.values()
        gradients.append(g.ravel())
        (name,) = trace.gradients
        network.set_weights({name: network.weights()[name] - 0.3 * g})
    g = np.array(gradients)
    w = (7 / 8) ** np.arange(6)[::-1]
    w /= w.sum()
    mean, squares = w @ g, w @ np.sum(g**2, axis=1)
    lost = np.sum(w**2)
    variance = (squares - mean @ mean) / (1 - lost)
    wanted = np.sqrt(max(mean @ mean - variance * lost, 0) / variance)
    assert vitals["signal"][5, 0] == pytest.approx(wanted, rel=1e-5)
    assert np.isnan(vitals["signal"][0, 0])


def test_quantiles_are_those_of_a_sample():
    x = RNG.normal(size=(400, 50))
    history = watched(dr.Network([L.Dense(300)]), x, np.zeros((400, 300)), batch_size=400)
    q = history.vitals.quantiles[0, 0]
    assert q.shape == (QUANTILES,)
    assert (np.diff(q) >= 0).all()
    assert abs(q[8]) < 0.8  # the median of 33 numbers of mean 0 and deviation near 1
    assert q[0] < -0.5 < 0.5 < q[-1]


def test_infinite_values_are_counted_and_an_epoch_without_a_watched_batch_repeats_numbers():
    network = dr.Network([L.Dense(4), L.Dense(1)], "half_squared_error")
    history = watched(network, X, Y[:, :1], epochs=3 * EVERY, batch_size=ROWS, learning_rate=1e-3)
    weight = history.vitals["weight_rms"][:, 0]
    changes = np.flatnonzero(np.diff(weight)) + 1
    assert changes.tolist() == [1, 2, 3, 4, 5, 6, 7, EVERY, 2 * EVERY]


def test_steps_of_several_batches_and_clipped_ones_are_watched():
    network = dr.Network([L.Dense(4), L.Dense(1)], "half_squared_error")
    given = {"accumulate": 3, "batch_size": 8, "grad_clip_norm": 1e-3, "learning_rate": 0.1}
    history = watched(network, X, Y[:, :1], **given)
    assert history.clipped.tolist() == [1.0]
    updates = history.vitals["update_rms"][0]
    assert np.all(updates[[0, 1]] > 0)
    total = np.sqrt(updates[0] ** 2 * 24 + updates[1] ** 2 * 4)
    assert total == pytest.approx(0.1 * 1e-3, rel=0.2)  # but for the biases


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make", [dr.MLPRegressor, dr.TabularRegressor])
def test_estimators_are_watched_and_files_keep_what_was_seen(make, tmp_path):
    model = make(max_iter=3, random_state=0).fit(X.astype(float), Y[:, 0])
    vitals = model.history_.vitals
    assert len(vitals) == len(model.history_)
    assert vitals.having("weight_rms")
    dr.save(model, tmp_path / "model.dr")
    again = dr.load(tmp_path / "model.dr").history_
    assert again.layers == model.history_.layers
    np.testing.assert_array_equal(again.vitals.numbers, vitals.numbers)
    np.testing.assert_array_equal(again.vitals.quantiles, vitals.quantiles)


def test_a_history_without_vitals_has_empty_ones():
    history = History([Epoch(1.0), Epoch(0.5)])
    assert history.vitals.numbers.shape == (2, 0, len(NUMBERS))
    assert History.from_arrays(history.as_arrays()).layers == ()
    with pytest.raises(KeyError, match="Vitals have no 'size'; they have value_mean"):
        history.vitals["size"]


def test_vitals_of_other_layers_are_refused():
    arrays = {"loss": np.ones(2), "vitals": np.zeros((2, 3, len(NUMBERS) + QUANTILES), np.float32)}
    with pytest.raises(ValueError, match="are not those of"):
        History.from_arrays(arrays, ("a", "b"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_epochs_of_a_solver_that_is_not_watched_follow_those_of_one_that_is():
    model = dr.MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=3, warm_start=True, random_state=0
    ).fit(X, Y[:, 0])
    model.set_params(solver="lbfgs").fit(X, Y[:, 0])
    weights = model.history_.vitals["weight_rms"][:, 0]
    assert not np.isnan(weights[:3]).any()
    assert np.isnan(weights[3:]).all()
