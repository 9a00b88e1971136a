"""What textbooks say imprecisely or wrongly: each test shows what is right (docs/errata.md)."""

import ast
import math
import re
from pathlib import Path

import mpmath
import numpy as np
import pytest
from fresh import REPOSITORY

import deltarule as dr
from deltarule import examples
from deltarule.layers import Dense

SIGMOID, RELU = dr.activations.sigmoid, dr.activations.relu
PAGES = {"en": REPOSITORY / "docs" / "errata.md", "zh": REPOSITORY / "docs" / "errata.zh.md"}
SHOWN_BY = {"en": "Shown by", "zh": "验证"}


# ---- the pages and this file keep step


def entries(lang):
    """(number, statement, name of the test) of every entry of a page."""
    text = PAGES[lang].read_text(encoding="utf-8")
    found = re.findall(r"^## (\d+)\. (.+?)$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    named = []
    for number, statement, body in found:
        (name,) = re.findall(rf"{SHOWN_BY[lang]}[：:]?\s*`(test_\w+)`", body)
        named.append((int(number), statement, name))
    return named


def demonstrations():
    """The tests between the two headings of this file, in their order."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [n for n in names if n.startswith("test_") and not n.startswith("test_the_pages_")]


@pytest.mark.parametrize("lang", PAGES)
def test_the_pages_name_every_test_and_no_other(lang):
    assert [name for *_, name in entries(lang)] == demonstrations()
    assert [number for number, *_ in entries(lang)] == list(range(1, len(demonstrations()) + 1))


def test_the_pages_have_the_same_formulas_and_figures():
    """What stands in backticks, and the numbers with a decimal point."""

    def facts(lang):
        text = PAGES[lang].read_text(encoding="utf-8")
        bodies = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        return [
            (set(re.findall(r"`([^`]+)`", body)), set(re.findall(r"\d+\.\d+(?:e-?\d+)?", body)))
            for body in bodies
        ]

    for english, chinese in zip(facts("en"), facts("zh"), strict=True):
        assert english == chinese


# ---- loss functions


def test_the_cross_entropy_has_a_minus():
    a, y = np.array([0.7, 0.2, 0.1]), np.array([1.0, 0, 0])
    loss = dr.losses.categorical_cross_entropy
    assert loss(a, y) == pytest.approx(-math.log(0.7))
    z, rate = np.log(a), 0.1
    gradient = dr.losses.softmax_cross_entropy.gradient(z, y)
    softmax = dr.activations.softmax
    assert softmax(z - rate * gradient)[0] > 0.7
    assert softmax(z + rate * gradient)[0] < 0.7  # what descending sum(y log a) would do


def test_the_binary_cross_entropy_has_two_terms():
    a = np.linspace(0.01, 0.99, 99)
    whole = dr.losses.binary_cross_entropy(a, np.zeros_like(a), reduction="none")
    np.testing.assert_allclose(whole, -np.log1p(-a), rtol=1e-13)
    first_term = -np.zeros_like(a) * np.log(a)
    assert not first_term.any()  # it does not mind any answer where the target is 0
    assert (np.diff(whole) > 0).all()


def test_the_least_cross_entropy_is_the_entropy():
    a = np.linspace(0.001, 0.999, 999)
    half = dr.losses.binary_cross_entropy(a, np.full_like(a, 0.5), reduction="none")
    assert a[half.argmin()] == pytest.approx(0.5)
    assert half.min() == pytest.approx(math.log(2))
    p = np.array([0.7, 0.2, 0.1])
    entropy = -np.sum(p * np.log(p))
    q = np.random.default_rng(0).dirichlet(np.ones(3), 10_000)
    rows = np.broadcast_to(p, q.shape)
    losses = dr.losses.categorical_cross_entropy(q, rows, reduction="none")
    assert losses.min() >= entropy
    assert dr.losses.categorical_cross_entropy(p, p) == pytest.approx(entropy)
    divergences = dr.losses.kl_divergence(np.log(q), rows, reduction="none")
    np.testing.assert_allclose(losses - entropy, divergences, rtol=1e-9, atol=1e-12)


def test_a_divergence_has_a_base():
    p, log_q = np.array([0.9, 0.1]), np.log([0.1, 0.9])
    in_base = {base: float(dr.loss("kl_divergence", base=base)(log_q, p)) for base in (2, 10)}
    nats = float(dr.losses.kl_divergence(log_q, p))
    assert f"{nats:.3f}" == "1.758"
    assert f"{in_base[10]:.3f}" == "0.763"
    assert f"{in_base[2]:.3f}" == "2.536"
    assert nats == pytest.approx(0.9 * math.log(9) - 0.1 * math.log(9))


def test_a_divergence_is_no_distance():
    def kl(p, q):
        return float(dr.losses.kl_divergence(np.log(q), np.array(p)))

    near, middle, far = (0.5, 0.5), (0.75, 0.25), (0.9, 0.1)
    assert (f"{kl(near, far):.3f}", f"{kl(far, near):.3f}") == ("0.511", "0.368")
    assert f"{kl(near, middle) + kl(middle, far):.3f}" == "0.236"  # shorter than the direct way
    assert kl(near, near) == 0


def test_halves_and_means_change_the_learning_rate():
    x = np.arange(-2.0, 3)[:, None]
    y = np.array([-3.0, 0, 0, 3, 4])[:, None]

    def learned(loss, rate):
        net = dr.Network([Dense(1)], loss, input_shape=1, dtype="float64")
        net.set_weights({"dense_1.weight": [[0.0]], "dense_1.bias": [0.0]})
        descent = {"solver": "sgd", "momentum": 0.0, "learning_rate": rate, "shuffle": False}
        weights = net.fit(x, y, epochs=7, batch_size=5, **descent).weights()
        return np.concatenate([w.ravel() for w in weights.values()])

    mean = learned("squared_error", 0.15)
    np.testing.assert_allclose(learned("half_squared_error", 0.3), mean, rtol=1e-13)
    assert abs(learned("half_squared_error", 0.15) - mean).max() > 0.01
    of_sum = examples.squared_error_sums(step=0.15 / 5, updates=7).series["path"][-1]
    np.testing.assert_allclose(of_sum, mean, rtol=1e-12)


def test_squared_error_learns_slowly_from_confident_errors():
    z = np.array([math.log(999.0)])  # a = 0.999, target 0
    squared = dr.losses.half_squared_error.gradient(SIGMOID(z), [0.0]) * SIGMOID.derivative(z)
    cross = dr.losses.bce_with_logits.gradient(z, [0.0])
    assert squared.item() == pytest.approx(0.999**2 * 0.001)
    assert cross.item() == pytest.approx(0.999)
    figures = examples.one_neuron().figures
    assert (figures["squared error"], figures["cross-entropy"]) == (287, 53)


def test_the_delta_of_the_output_depends_on_the_loss():
    x, y = np.array([[2.0]]), np.array([[0.0]])

    def delta_and_output(loss, activation):
        layer = Dense(1, activation=activation)
        net = dr.Network([layer], loss, input_shape=1, dtype="float64")
        net.set_weights({"dense_1.weight": [[1.5]], "dense_1.bias": [-0.5]})
        return net.backward(x, y).deltas["dense_1"].item(), net.predict(x).item()

    with_squared, a = delta_and_output("half_squared_error", "sigmoid")
    with_cross, same = delta_and_output("bce_with_logits", None)
    assert a == pytest.approx(same) == pytest.approx(float(1 / (1 + mpmath.exp(-2.5))))
    assert with_squared == pytest.approx(a * a * (1 - a))
    assert with_cross == pytest.approx(a)


def test_the_cross_entropy_is_convex_in_the_logits_only():
    rng = np.random.default_rng(0)
    z, d = rng.normal(size=(2, 1000, 4)) * 3
    y, loss = rng.integers(0, 4, 1000), dr.losses.softmax_cross_entropy
    ends = [loss(z + s * d, y, reduction="none") for s in (-1, 0, 1)]
    assert (ends[0] + ends[2] - 2 * ends[1] > -1e-12).all()

    x = rng.normal(size=(200, 2))
    exclusive = (x[:, 0] * x[:, 1] > 0).astype(int)
    layers = [Dense(8, activation="tanh"), Dense(2)]
    net = dr.Network(layers, "softmax_cross_entropy", dtype="float64", seed=0)
    net.fit(x, exclusive, epochs=100, learning_rate=0.01)
    one = net.weights()
    order = np.roll(np.arange(8), 1)  # the same function, its hidden units in another order
    two = {
        "dense_1.weight": one["dense_1.weight"][:, order],
        "dense_1.bias": one["dense_1.bias"][order],
        "dense_2.weight": one["dense_2.weight"][order],
        "dense_2.bias": one["dense_2.bias"],
    }
    middle = {name: (one[name] + two[name]) / 2 for name in one}
    at = [net.set_weights(w).evaluate(x, exclusive) for w in (one, middle, two)]
    assert at[0] == pytest.approx(at[2])
    assert at[1] > 2 * at[0]


# ---- activations


def test_the_slope_of_the_sigmoid_is_not_itself():
    x = np.linspace(-6, 6, 121)
    y = SIGMOID(x)
    np.testing.assert_allclose(SIGMOID.derivative(x), y * (1 - y), rtol=1e-12)
    assert abs(SIGMOID.derivative(x) - y).max() > 0.9
    assert SIGMOID.derivative(0.0) == 0.25 == SIGMOID.facts["lipschitz"]
    np.testing.assert_allclose(dr.activations.exponential.derivative(x), np.exp(x), rtol=1e-15)


def test_the_slope_of_the_sigmoid_at_40_is_not_0():
    y = SIGMOID(40.0)
    assert y * (1 - y) == 0
    exact = mpmath.exp(-40) / (1 + mpmath.exp(-40)) ** 2
    assert SIGMOID.derivative(40.0) == pytest.approx(float(exact), rel=1e-15)
    assert f"{SIGMOID.derivative(40.0):.1e}" == "4.2e-18"


def test_the_derivative_of_softmax_is_a_matrix():
    z, y = np.array([3.0, 1.0, -3.0]), np.array([1.0, 0.0, 0.0])
    softmax, loss = dr.activations.softmax, dr.losses.categorical_cross_entropy
    a, jacobian = softmax(z), softmax.jacobian(z)
    np.testing.assert_allclose(jacobian, np.diag(a) - np.outer(a, a), atol=1e-16)
    np.testing.assert_allclose(jacobian.sum(axis=0), 0, atol=1e-16)
    g = loss.gradient(a, y)
    np.testing.assert_allclose(jacobian @ g, a - y, rtol=1e-12)
    numeric = [(loss(softmax(z + h), y) - loss(softmax(z - h), y)) / 2e-5 for h in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(numeric, a - y, rtol=1e-7)
    diagonal_only = a * (1 - a) * g
    assert diagonal_only[1] == diagonal_only[2] == 0  # the wrong classes would not be told a thing


def test_a_softmax_is_never_exactly_0_or_1():
    a = dr.activations.softmax(np.array([40.0, 0.0]))
    assert a[1] == pytest.approx(float(1 / (1 + mpmath.exp(40))), rel=1e-15)
    scores = np.array([[1000.0, 0.0]])
    assert dr.activations.softmax(scores).tolist() == [[1, 0]]  # rounded: it is 5e-435
    assert mpmath.exp(-1000) > 0
    with np.errstate(divide="ignore"):
        of_probabilities = -np.log(dr.activations.softmax(scores))[0, 1]
    assert of_probabilities == np.inf
    assert dr.losses.softmax_cross_entropy(scores, [1]) == 1000
    np.testing.assert_array_equal(dr.losses.softmax_cross_entropy.gradient(scores, [1]), [[1, -1]])


def test_only_differences_of_scores_count():
    z = np.array([3.0, 1.0, -3.0])
    softmax = dr.activations.softmax
    np.testing.assert_allclose(softmax(z + 100), softmax(z), rtol=1e-13)
    gradient = dr.losses.softmax_cross_entropy.gradient(z, np.array([1.0, 0, 0]))
    assert gradient.sum() == pytest.approx(0, abs=1e-15)
    pair = np.array([2.0, -0.5])
    assert softmax(pair)[0] == pytest.approx(SIGMOID(2.5), rel=1e-14)


def test_the_tanh_form_is_another_gelu():
    x = np.linspace(-5, 5, 10_001)
    gelu, approximation = dr.activation("gelu"), dr.activation("gelu", profile="jax")
    assert approximation.name == "gelu_tanh"
    assert all(dr.activation("gelu", profile=system) == gelu for system in ("torch", "keras"))
    difference = abs(gelu(x) - approximation(x)).max()
    assert f"{difference:.1e}" == "4.7e-04"
    exact = [float(mpmath.mpf(v) * mpmath.ncdf(v)) for v in x[::500]]
    np.testing.assert_allclose(gelu(x[::500]), exact, rtol=1e-15)


def test_the_kink_of_relu_stops_no_learning():
    x = np.random.default_rng(0).normal(size=(1000, 4))
    assert RELU.kinks == [(0.0, 0.0)]
    assert np.count_nonzero(x == 0) == 0
    numeric = (RELU(x + 1e-9) - RELU(x - 1e-9)) / 2e-9
    np.testing.assert_allclose(RELU.derivative(x), numeric, atol=1e-6)
    y = np.abs(x[:, :1])
    net = dr.Network([Dense(16, activation="relu"), Dense(1)], "squared_error", seed=0)
    net.fit(x, y, epochs=60, learning_rate=0.01)
    assert net.history_.loss[-1] < 0.01 * np.var(y)


# ---- learning


def test_tiny_steps_make_a_gradient_check_worse():
    series = examples.numerical_gradient().series
    error = {
        name: dict(zip(np.round(np.log10(series["h"]), 2), series[name], strict=True))
        for name in ("forward", "central")
    }
    assert error["forward"][-12.0] > 1e-4
    assert error["central"][-5.0] < 1e-9
    assert error["forward"][-7.0] > 50 * error["central"][-5.0]
    assert error["central"][-12.0] > 1e-4


def chain(activation, weight, bias, depth=20):
    """Sizes of dL/dz along layers of one unit, the first one first."""
    layers = [*(Dense(1, activation=activation) for _ in range(depth)), Dense(1)]
    net = dr.Network(layers, "half_squared_error", input_shape=1, dtype="float64")
    for name, w in net.weights().items():
        net.set_weights({name: np.full_like(w, weight if name.endswith("weight") else bias)})
    deltas = net.backward([[0.5]], [[10.0]]).deltas
    return np.abs([deltas[f"dense_{n}"].item() for n in range(1, depth + 2)])


def test_weights_make_gradients_vanish_too():
    linear = chain(None, 0.5, 0.0)
    np.testing.assert_allclose(linear[:-1] / linear[1:], 0.5, rtol=1e-12)
    rectified = chain("relu", 0.5, 0.0)
    assert rectified[0] / rectified[-1] == pytest.approx(0.5**20)
    steep = chain("sigmoid", 4.0, -2.0)  # z = 0 everywhere, where the slope is 1/4: 4 / 4 = 1
    np.testing.assert_allclose(steep / steep[-1], 1, rtol=1e-12)
    plain = chain("sigmoid", 1.0, 0.0)
    assert plain[0] / plain[-1] < 0.25**20
    exploding = chain(None, 2.0, 0.0)
    assert exploding[0] / exploding[-1] == pytest.approx(2.0**20)


def rectified_pair():
    """1 -> Dense(1) -> two ReLUs, the second dead -> Dense(1); the output should be 3."""
    net = dr.Network(
        [Dense(1), Dense(2, activation="relu"), Dense(1)],
        "half_squared_error",
        input_shape=1,
        dtype="float64",
    )
    return net.set_weights(
        {
            "dense_1.weight": [[1.0]],
            "dense_2.weight": [[1.0, 1.0]],
            "dense_2.bias": [0.0, -1.2],
            "dense_3.weight": [[1.0], [1.0]],
        }
    )


def test_a_dead_relu_may_recover():
    x, y = [[1.0]], [[3.0]]
    descent = {"solver": "sgd", "momentum": 0.0, "learning_rate": 0.1, "batch_size": 1}
    net = rectified_pair()
    before = net.backward(x, y)
    assert before.values["activation_1"][0].tolist() == [1.0, 0.0]
    assert before.gradients["dense_2.weight"][0, 1] == 0
    assert before.gradients["dense_2.bias"][1] == 0
    net.fit(x, y, epochs=1, **descent)  # the layer before learned: from 1 to 1.4
    assert net.forward(x, keep=True).values["activation_1"][0, 1] > 0

    data = np.random.default_rng(0).random((50, 1))
    first = dr.Network([Dense(1, activation="relu"), Dense(1)], input_shape=1, dtype="float64")
    first.set_weights({"dense_1.weight": [[1.0]], "dense_1.bias": [-2.0]})
    first.fit(data, data, epochs=200, **descent)  # nothing before it that could learn
    assert first.weights()["dense_1.bias"] == -2
    assert first.weights()["dense_1.weight"] == 1


def test_equal_weights_stay_equal():
    x = np.random.default_rng(0).normal(size=(100, 3))
    y = np.sin(x).sum(axis=1, keepdims=True)

    def hidden(change):
        net = dr.Network(
            [Dense(4, activation="tanh"), Dense(1)], input_shape=3, dtype="float64", seed=0
        )
        net.set_weights(change(net.weights()))
        return net.fit(x, y, epochs=20, learning_rate=0.01).weights()["dense_1.weight"]

    halves = hidden(lambda w: {name: np.full_like(v, 0.5) for name, v in w.items()})
    np.testing.assert_allclose(halves - halves[:, :1], 0, atol=1e-12)
    assert abs(halves - 0.5).max() > 0.01  # they did learn
    last_0 = hidden(lambda w: {"dense_2.weight": np.zeros_like(w["dense_2.weight"])})
    assert abs(last_0 - last_0[:, :1]).max() > 0.1  # the last layer may well begin at 0


def test_the_curvature_bounds_the_learning_rate():
    # The sum of squared errors is as curved as 2 sum(x^2) = 20 in w: steps below 2 / 20 converge.
    assert examples.squared_error_sums(step=0.099, updates=2000).figures[
        "after the updates"
    ] == pytest.approx(1.9)
    with pytest.raises(ValueError, match=r"With steps of 0\.101 the sum grows"):
        examples.squared_error_sums(step=0.101, updates=2000)
    # A mean of (0.1 w - 1)^2 is only 0.02 times as curved as w^2 / 2: 50 is below 2 / 0.02.
    net = dr.Network([Dense(1, bias=False)], "squared_error", input_shape=1, dtype="float64")
    net.set_weights({"dense_1.weight": [[0.0]]})
    net.fit([[0.1]], [[1.0]], epochs=200, solver="sgd", momentum=0.0, learning_rate=50.0)
    assert net.weights()["dense_1.weight"].item() == pytest.approx(10)
