"""What the worked examples of networks claim, against NumPy, closed forms and the literature."""

import functools
import math
import re
import runpy

import mpmath
import numpy as np
import pytest
from fresh import REPOSITORY
from picture_checks import require_readable, require_same_picture
from test_worked_examples import made, numbers_in

import deltarule as dr
from deltarule import examples
from deltarule.initialisers import VarianceScaling
from deltarule.layers import Dense

OWN = (
    "mean_shift",
    "zig_zag",
    "vanishing_by_depth",
    "exploding",
    "dead_relu",
    "batch_norm",
    "race",
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def rms(a):
    return math.sqrt(np.mean(np.square(a)))


def column(example, table, heading):
    """A column of a table, by its English heading."""
    return example.tables[table].said("en")[heading]


@functools.cache
def digits():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels / 8 - 1, labels


def backpropagated(weights, biases, f, slope, x, y):
    """Of a stack of dense layers with a softmax: dL/dz and dL/dW by layer, from the equations."""
    values, sums = [x], []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        sums.append(values[-1] @ w + b)
        values.append(f(sums[-1]) if i < len(weights) - 1 else sums[-1])
    p = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    deltas = [(p - np.eye(p.shape[1])[y]) / len(x)]
    for w, z in zip(weights[:0:-1], sums[-2::-1], strict=True):
        deltas.append(deltas[-1] @ w.T * slope(z))
    deltas.reverse()
    return deltas, [a.T @ d for a, d in zip(values[:-1], deltas, strict=True)]


def stack_of(init, activation, depth, seed=0):
    """Weights and biases of a network as the examples build it."""
    layers = [*[Dense(32, init, activation)] * depth, Dense(10, init)]
    net = dr.Network(layers, "softmax_cross_entropy", dtype="float64", seed=seed, input_shape=64)
    w = net.weights()
    return [a for k, a in w.items() if k.endswith("weight")], [
        a for k, a in w.items() if k.endswith("bias")
    ]


# ---- what holds of each


@pytest.mark.parametrize("name", OWN)
def test_both_languages_tell_the_same_numbers(name):
    story = made(name).story
    assert numbers_in(story.en) == numbers_in(story.zh)
    assert len(numbers_in(story.en)) >= 5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OWN)
def test_the_picture_is_readable_and_as_recorded(name, theme):
    plt = pytest.importorskip("matplotlib.pyplot", reason="Pictures are drawn with matplotlib.")
    figure = made(name).plot(theme=theme)
    try:
        require_readable(figure)
        require_same_picture(figure, f"example_{name}_{theme}")
    finally:
        plt.close(figure)


@pytest.mark.parametrize("name", OWN)
def test_the_same_seed_gives_the_same_figures(name):
    quick = {"race": {"rows": 100, "updates": 8}, "zig_zag": {"repeats": 3}}
    again = [examples.run(name, **quick.get(name, {})) for _ in range(2)]
    assert again[0].figures == again[1].figures
    assert again[0].as_text() == again[1].as_text()


OTHERS = {
    "mean_shift": {"activations": ("softplus", "elu"), "layers": 2, "rows": 50, "units": 20},
    "zig_zag": {"batch_sizes": (3,), "rates": (0.5,), "repeats": 2, "goal": 0.3},
    "vanishing_by_depth": {"depths": (1, 2), "hidden": 1, "deep": 1, "epochs": 1, "units": 4},
    "exploding": {"weights": (1.0, 3.0), "depth": 2, "scale": 1.0, "epochs": 1, "units": 8},
    "dead_relu": {"slopes": (), "updates": 20, "units": 4, "repeats": 1},
    "batch_norm": {"batch_sizes": (3,), "batches": 3, "epochs": 1, "rows": 10},
    "race": {"activations": ("relu", "elu"), "rows": 50, "updates": 8, "repeats": 1},
}


@pytest.mark.parametrize("name", OWN)
def test_other_parameters_are_told_and_drawn_too(name):
    plt = pytest.importorskip("matplotlib.pyplot", reason="Pictures are drawn with matplotlib.")
    example = examples.run(name, **OTHERS[name])
    assert numbers_in(example.story.en) == numbers_in(example.story.zh)
    assert not re.search(r"\bnan\b|\binf\b|\bNone\b|[{}]", example.as_text("en"))
    plt.close(example.plot())


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("mean_shift", {"rows": 0}, "rows must be an integer >= 1; met 0"),
        ("mean_shift", {"layers": 1}, "layers must be an integer >= 2; met 1"),
        ("mean_shift", {"activations": ("sigmoyd",)}, "sigmoyd"),
        ("zig_zag", {"batch_sizes": ()}, "batch_sizes must name at least one; it is empty"),
        ("zig_zag", {"goal": 1.0}, "goal is a share of the error at first, below 1; met 1.0"),
        ("zig_zag", {"rates": (9e9,), "repeats": 1}, "No learning rate brings the error down"),
        ("vanishing_by_depth", {"depths": (0,)}, "depth_1 must be an integer >= 1; met 0"),
        ("exploding", {"clip": 0.0}, "clip must be a finite number above 0; met 0.0"),
        ("dead_relu", {"step": 0.1}, "leaves the unit active for 41 of 41 rows"),
        ("batch_norm", {"batch_sizes": (1,)}, "smallest_batch_size must be an integer >= 2"),
        ("batch_norm", {"rows": 8}, "A batch has at most as many rows as there are, 8; met 64"),
        ("race", {"activations": ("relu",)}, "at least two different activations"),
        ("race", {"target": 0.9}, "target must be below 0.9, the error of guessing; met 0.9"),
        ("race", {"rows": 2000}, "There are 1,797 images; met rows=2000"),
        ("race", {"data_home": "nowhere"}, "training images of MNIST are not in nowhere"),
    ],
)
def test_a_parameter_out_of_range_is_refused(name, parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.run(name, **parameters)


# ---- mean_shift


def test_uniform_inputs_have_the_means_and_spreads_of_their_integrals():
    figures = made("mean_shift").figures
    exact = {  # over -1 ... 1; sigmoid**2 = sigmoid - sigmoid', tanh**2 = 1 - tanh'
        "inputs": (0, math.sqrt(1 / 3)),
        "sigmoid": (0.5, math.sqrt(0.25 - math.tanh(0.5) / 2)),
        "tanh": (0, math.sqrt(1 - math.tanh(1))),
        "relu": (0.25, math.sqrt(1 / 6 - 1 / 16)),
    }
    for name, (mean, spread) in exact.items():
        assert figures[f"{name}, mean"] == pytest.approx(mean, abs=0.002)
        assert figures[f"{name}, spread"] == pytest.approx(spread, abs=0.002)


def test_the_shift_of_layers_is_that_of_a_product_with_numpy():
    x = np.random.default_rng(0).uniform(-1, 1, (4000, 100))
    layers = [Dense(100, "lecun_normal", "sigmoid", bias=False)] * 3
    net = dr.Network(layers, dtype="float64", input_shape=100, seed=0)
    a = x
    for i, w in enumerate(net.weights().values(), 1):
        z = a @ w
        shift = rms(z.mean(axis=0)) / rms(z.std(axis=0))
        figure = made("mean_shift").figures[f"sigmoid, shift at layer {i}"]
        assert figure == pytest.approx(shift, rel=1e-9)
        a = sigmoid(z)


def test_sigmoid_layers_lose_the_rows_and_tanh_layers_do_not():
    figures = made("mean_shift").figures
    # weights of variance 1/n: the offset is about the mean, 1/2, the spread that of one output
    ratio = figures["sigmoid, mean"] / figures["sigmoid, spread"]
    assert figures["sigmoid, shift at layer 2"] == pytest.approx(ratio, rel=0.15)
    shifts = [figures[f"sigmoid, shift at layer {i}"] for i in range(1, 6)]
    assert shifts == sorted(shifts)
    assert all(figures[f"tanh, shift at layer {i}"] < 0.05 for i in range(1, 6))


# ---- zig_zag


def path_with_numpy(kind, rate, seed):
    """Single rows, by w <- w - rate 2 (w x - y) x."""
    rng = np.random.default_rng(seed)
    x = sigmoid(rng.normal(size=(400, 2)))
    y = x @ [1, -1]
    x = x - 0.5 * (kind == "centred")
    path = [np.zeros(2)]
    first = np.mean(y**2)
    while np.mean((x @ path[-1] - y) ** 2) > 0.01 * first:
        (i,) = rng.integers(400, size=1)
        path.append(path[-1] - rate * 2 * (x[i] @ path[-1] - y[i]) * x[i])
    return np.array(path)


@pytest.mark.parametrize("kind", ["positive", "centred"])
def test_the_path_is_that_of_a_loop(kind):
    example = made("zig_zag")
    path, rate = example.series[f"{kind}, path"], example.figures[f"{kind}, 1, rate"]
    found = [path_with_numpy(kind, rate, seed) for seed in range(20)]
    lengths = sorted(len(p) - 1 for p in found)
    assert lengths[9] == example.figures[f"{kind}, 1, updates"]
    assert any(p.shape == path.shape and np.allclose(p, path, atol=1e-9) for p in found)


def test_positive_inputs_move_both_weights_the_same_way_and_batches_soften_it():
    figures = made("zig_zag").figures
    assert figures["positive, 1, one sign"] == 1
    assert figures["centred, 1, one sign"] == pytest.approx(0.5, abs=0.15)
    signs = [figures[f"positive, {b}, one sign"] for b in (1, 4, 16, 64)]
    detours = [figures[f"positive, {b}, detour"] for b in (1, 4, 16, 64)]
    assert signs == sorted(signs, reverse=True)
    assert detours == sorted(detours, reverse=True)
    for batch in (1, 4, 16, 64):
        more, fewer = (figures[f"{kind}, {batch}, updates"] for kind in ("positive", "centred"))
        assert more > 2 * fewer


def test_the_steepness_is_that_of_the_second_moments():
    figures = made("zig_zag").figures
    variance = float(
        mpmath.quad(lambda v: (1 / (1 + mpmath.exp(-v)) - 0.5) ** 2 * mpmath.npdf(v), [-20, 0, 20])
    )
    exact = (1 + 2 * variance) / (2 * variance)
    assert figures["positive, steepness"] == pytest.approx(exact, rel=0.1)
    assert figures["centred, steepness"] == pytest.approx(1, rel=0.1)


# ---- vanishing_by_depth


def test_largest_and_typical_slopes_are_those_of_the_formulas():
    figures = made("vanishing_by_depth").figures
    assert figures["sigmoid, largest slope"] == 0.25
    assert figures["tanh, largest slope"] == 1
    assert figures["relu, typical slope"] == pytest.approx(math.sqrt(0.5), rel=1e-12)
    slopes = {
        "sigmoid": lambda z: mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2,
        "tanh": lambda z: mpmath.sech(z) ** 2,
        "gelu": lambda z: mpmath.ncdf(z) + z * mpmath.npdf(z),
    }
    for name, slope in slopes.items():
        square = mpmath.quad(
            lambda z, slope=slope: slope(z) ** 2 * mpmath.npdf(z), [-20, -2, 0, 2, 20]
        )
        assert figures[f"{name}, typical slope"] == pytest.approx(float(square) ** 0.5, rel=1e-7)


def test_products_of_slopes_are_powers():
    example = made("vanishing_by_depth")
    assert column(example, 0, "largest^30")[0] == 0.25**30
    assert column(example, 0, "typical")[2] ** 10 == column(example, 0, "typical^10")[2]


def test_gradients_of_the_deep_net_are_those_of_the_four_equations():
    x, y = digits()
    weights, biases = stack_of("lecun_normal", "sigmoid", 30)
    _, gradients = backpropagated(
        weights, biases, sigmoid, lambda z: sigmoid(z) * sigmoid(-z), x, y
    )
    found = made("vanishing_by_depth").series["sigmoid, gradients"]
    np.testing.assert_allclose(found, [rms(g) for g in gradients], rtol=1e-9)


def test_each_remedy_reaches_the_first_layer():
    figures = made("vanishing_by_depth").figures
    assert figures["sigmoid, reach"] < 1e-15
    assert figures["sigmoid, factor"] == pytest.approx(0.24, abs=0.02)  # below 1/4
    for remedy in ("ReLU, He", "sigmoid, batch norm", "sigmoid, residual"):
        assert figures[f"{remedy}, reach"] > 0.05
        assert figures[f"{remedy}, first moves"] > 5 * figures["sigmoid, first moves"]
        assert figures[f"{remedy}, accuracy"] > 0.9
    assert figures["sigmoid, first moves"] < 0.2 * figures["sigmoid, last moves"]
    assert figures["sigmoid, accuracy"] < 0.6


# ---- exploding


def test_the_width_is_the_closed_form():
    """Nielsen, Neural Networks and Deep Learning, chapter 5."""
    figures = made("exploding").figures
    for w in (7, 10, 20, 50, 100):
        width = 2 / w * math.log(w * (1 + math.sqrt(1 - 4 / w)) / 2 - 1)
        assert figures[f"{w}, width"] == pytest.approx(width, rel=1e-9)
    assert [figures[f"{w}, width"] for w in (1, 2, 4)] == [0, 0, 0]


@pytest.mark.parametrize(("name", "scale"), [("too large", 2), ("He", 1)])
def test_deltas_are_those_of_the_four_equations(name, scale):
    x, y = digits()
    init = VarianceScaling("in", "normal", scale * math.sqrt(2))
    weights, biases = stack_of(init, "relu", 10)
    deltas, _ = backpropagated(
        weights, biases, lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, x, y
    )
    found = made("exploding").series[f"{name}, deltas"]
    np.testing.assert_allclose(found, [rms(d) for d in deltas], rtol=1e-9)


def test_the_gradient_grows_by_the_scale_per_layer_and_remedies_learn():
    figures = made("exploding").figures
    assert figures["too large, growth"] == pytest.approx(2, rel=0.1)
    assert figures["clipping, growth"] == figures["too large, growth"]
    assert figures["He, growth"] == pytest.approx(1, rel=0.1)
    assert figures["batch norm, growth"] < 1.4
    assert "too large, loss" not in figures  # it overflowed
    assert "overflows in epoch 1" in made("exploding").story.en
    for remedy, least in (("clipping", 0.3), ("batch norm", 0.85), ("He", 0.9)):
        assert figures[f"{remedy}, accuracy"] > least
    assert figures["clipping, loss"] > 5 * figures["batch norm, loss"]


def test_clipping_bounds_the_step_to_the_rate_times_the_norm():
    x, y = digits()
    init = VarianceScaling("in", "normal", 2 * math.sqrt(2))
    layers = [*[Dense(32, init, "relu")] * 10, Dense(10, init)]
    net = dr.Network(layers, "softmax_cross_entropy", dtype="float64", input_shape=64)
    before = net.weights()
    net.fit(
        *(x[:32], y[:32]),
        epochs=1,
        batch_size=32,
        solver="sgd",
        momentum=0,
        learning_rate=0.1,
        grad_clip_norm=1.0,
    )
    squares = sum(np.sum((w - before[name]) ** 2) for name, w in net.weights().items())
    assert math.sqrt(squares) == pytest.approx(0.1, rel=1e-9)


# ---- dead_relu


def unit_with_numpy(slope, bias_reset=False, updates=2000):
    """Updates until a row is active and until the loss is below 1e-6, after one step of rate 1."""
    x = np.linspace(0, 2, 41)
    y = x / 2 + 1 / 4

    def gradient(w, b):
        z = w * x + b
        delta = 2 * (np.where(z > 0, z, slope * z) - y) * np.where(z > 0, 1, slope) / len(x)
        return np.sum(delta * x), np.sum(delta)

    w, b = np.array([1.0, 1.0]) - gradient(1.0, 1.0)
    after = w, b
    b = 1.0 if bias_reset else b
    back = learned = None
    for k in range(updates + 1):
        z = w * x + b
        loss = np.mean((np.where(z > 0, z, slope * z) - y) ** 2)
        back = k if back is None and (z > 0).any() else back
        learned = k if learned is None and loss < 1e-6 else learned
        w, b = np.array([w, b]) - 0.1 * np.array(gradient(w, b))
    return after, back, learned


def test_the_step_kills_the_unit_for_good():
    """Mean of x 1, of x^2 27/20: dL/dw = 2 (27/40 + 3/4), dL/db = 2 (1/2 + 3/4)."""
    example = made("dead_relu")
    assert column(example, 0, "w")[0] == pytest.approx(1 - 2.85, abs=1e-12)
    assert column(example, 0, "b")[0] == pytest.approx(1 - 2.5, abs=1e-12)
    assert column(example, 0, "dL/dw")[0] == column(example, 0, "dL/db")[0] == 0
    assert example.figures["relu, gradient"] == 0
    assert example.figures.keys().isdisjoint({"relu, back", "relu, learned"})
    assert "bit for bit what they were" in example.story.en
    assert "逐位相同" in example.story.zh
    assert unit_with_numpy(0.0)[1:] == (None, None)


@pytest.mark.parametrize(
    ("name", "slope", "reset"),
    [
        ("relu, bias reset", 0.0, True),
        ("leaky_relu 0.01", 0.01, False),
        ("leaky_relu 0.1", 0.1, False),
    ],
)
def test_a_unit_comes_back_as_in_a_loop(name, slope, reset):
    _, back, learned = unit_with_numpy(slope, reset)
    figures = made("dead_relu").figures
    assert figures[f"{name}, back"] == pytest.approx(back, abs=1)
    assert figures[f"{name}, learned"] == pytest.approx(learned, abs=1)


def test_a_dead_unit_of_a_net_comes_back_only_if_its_inputs_move():
    figures = made("dead_relu").figures
    assert figures["learning, killed"] == figures["fixed, killed"] > 10
    assert figures["fixed, back"] == 0
    assert 0 < figures["learning, back"] < figures["learning, killed"]


# ---- batch_norm


def test_columns_are_normalised_as_with_numpy():
    example = made("batch_norm")
    for name in ("normal", "uniform", "exponential"):
        x, y = (example.series[f"{name}, {when}"] for when in ("before", "after"))
        np.testing.assert_allclose(y, (x - x.mean()) / np.sqrt(x.var() + 1e-5), atol=1e-12)
        off = np.sqrt(x.var() / (x.var() + 1e-5))  # what gamma = spread lacks
        reference = np.abs((1 - off) * (x - x.mean())).max() / x.std()
        assert example.figures[f"{name}, restored"] == pytest.approx(reference, rel=1e-6)
        assert example.figures[f"{name}, restored exactly"] < 1e-12
        assert example.figures[f"{name}, mean"] == pytest.approx(0, abs=1e-12)
        assert example.figures[f"{name}, spread"] == pytest.approx(off, rel=1e-9)


def test_running_statistics_follow_the_recurrence():
    series = made("batch_norm").series
    mean, variance = 0.0, 1.0
    for i, (m, v) in enumerate(zip(series["batch means"], series["batch variances"], strict=True)):
        mean = 0.9 * mean + 0.1 * m
        variance = 0.9 * variance + 0.1 * v * 16 / 15
        assert series["running means"][i] == pytest.approx(mean, rel=1e-12)
        assert series["running variances"][i] == pytest.approx(variance, rel=1e-12)
    assert mean == pytest.approx(5, abs=0.6)
    assert variance == pytest.approx(4, rel=0.4)


def test_tiny_batches_keep_little_of_the_rows():
    figures = made("batch_norm").figures
    assert figures["2, largest"] == pytest.approx(1, abs=1e-4)  # of two rows one is +1, one is -1
    for n in (2, 4, 16, 64):
        assert figures[f"{n}, largest"] <= math.sqrt(n - 1)
        assert figures[f"{n}, spread of means"] == pytest.approx(1 / math.sqrt(n), rel=0.25)
    differences = [figures[f"{n}, difference"] for n in (2, 4, 16, 64)]
    assert differences == sorted(differences, reverse=True)


def test_batches_of_two_spoil_the_digits_and_batches_of_sixteen_do_not():
    figures = made("batch_norm").figures
    assert figures["2, accuracy"] < figures["2, accuracy without"] - 0.1
    assert figures["16, accuracy"] > figures["16, accuracy without"] - 0.02


# ---- race


def test_the_race_is_told_as_it_went():
    example = made("race")
    figures, series = example.figures, example.series
    tanh, relu = figures["tanh, updates"], figures["relu, updates"]
    assert figures["tanh against relu"] == tanh / relu
    assert tanh < relu < figures["sigmoid, updates"]
    times = max(tanh, relu) / min(tanh, relu)
    assert f"relu takes {times:.1f} times as many updates as tanh" in example.story.en
    assert f"relu 的更新次数是 tanh 的 {times:.1f} 倍" in example.story.zh
    for name in ("tanh", "relu", "sigmoid"):
        look = int(figures[f"{name}, updates"]) // 4
        assert series["updates"][look] == figures[f"{name}, updates"]
        errors = series[f"{name}, errors"]
        arrived = (errors[:, : look + 1] <= 0.25).any(axis=1)
        before = (errors[:, :look] <= 0.25).any(axis=1)
        assert arrived.sum() >= 2 > before.sum()  # of three runs


def test_saturated_units_begin_flat_and_learn_late():
    figures = made("race").figures
    assert figures["tanh, larger weights, slope"] < 0.5 * figures["tanh, slope"]
    assert figures["tanh, larger weights, updates"] > 1.5 * figures["tanh, updates"]
    assert figures["sigmoid, slope"] < 0.25
    assert figures["tanh, largest rate"] > figures["relu, largest rate"]


def test_a_race_without_a_winner_says_so():
    example = examples.race(rows=50, updates=4, repeats=1, rates=(1e-3,))
    assert "tanh and relu cannot be compared" in example.story.en
    assert "tanh does not arrive within 4 updates" in example.story.en
    assert "relu none" in example.story.en
    assert "tanh against relu" not in example.figures


def test_an_even_race_says_so():
    example = examples.race(
        activations=("relu", "leaky_relu"), target=0.8, rates=(0.1,), rows=200, repeats=1
    )
    ratio = example.figures["relu against leaky_relu"]
    assert 0.9 < ratio < 1.1
    assert "are about equally fast" in example.story.en


def test_an_overflow_ends_a_run():
    example = examples.race(rates=(0.2, 1e9), rows=200, repeats=1, updates=200)
    assert column(example, 1, "tanh")[1] is None
    assert example.figures["tanh, rate"] == 0.2


@pytest.mark.slow
def test_tanh_is_ahead_with_other_seeds_too():
    example = examples.race(repeats=7, seed=100)
    assert example.figures["tanh against relu"] < 0.8


@pytest.mark.slow
def test_the_race_is_run_on_mnist(shared_data):
    example = examples.race(
        data_home=shared_data, rows=500, repeats=1, rates=(0.05, 0.1, 0.2), updates=160
    )
    assert "500 images of 28 x 28 pixels" in example.story.en
    assert example.figures["tanh, updates"] < 100
    assert example.figures["relu, updates"] < 160


# ---- the pictures of README.md


def test_the_picture_of_the_functions_is_what_its_program_draws():
    pictures = runpy.run_path(str(REPOSITORY / "docs" / "pictures" / "pictures.py"))
    drawn = (REPOSITORY / "docs" / "pictures" / "functions.svg").read_text()
    found = pictures["functions"]()
    numbers = [np.array(re.findall(r"-?\d+\.\d", text), float) for text in (found, drawn)]
    np.testing.assert_allclose(*numbers, atol=0.11)  # a rounding apart on other processors
    assert re.sub(r"-?\d+\.\d", "", found) == re.sub(r"-?\d+\.\d", "", drawn)
