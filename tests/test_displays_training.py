"""Displays of training: their numbers, what they tell, and how they look."""

import doctest
import importlib
import re
import sys
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from fresh import REPOSITORY, output_of
from picture_checks import require_readable, require_same_picture
from watched import watch

import deltarule as dr
from deltarule.displays import (
    ActivationDisplay,
    GradientFlowDisplay,
    LearningCurveDisplay,
    UpdateRatioDisplay,
    text,
)
from deltarule.layers import Dense, Residual
from deltarule.vitals import NUMBERS, Epoch, History

WATCHED = (GradientFlowDisplay, ActivationDisplay, UpdateRatioDisplay)
DISPLAYS = (LearningCurveDisplay, *WATCHED)


def rows(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def a_network(*layers, loss="softmax_cross_entropy", dtype="float32"):
    return dr.Network(list(layers), loss, input_shape=8, dtype=dtype)


def accuracy(network):
    x, y = rows(200, seed=1)
    return float((network.predict(x).argmax(axis=1) == y).mean())


@cache
def history(name):
    """What a training left; computed once."""
    held_out = (*rows(200, seed=1), accuracy)
    if name == "fifty":  # 50 layers, 200 epochs; ten of them look like each one that was watched
        deep = [Dense(8, activation="sigmoid") for _ in range(49)]
        few = watch(a_network(*deep, Dense(2)), *rows(60), epochs=20, validation=held_out)
        return History([e for e in few.epochs for _ in range(10)], few.layers)
    if name == "odd":
        return odd(history("three"))
    network = a_network(Dense(16, activation="relu"), Dense(16, activation="tanh"), Dense(2))
    epochs = {"three": 30, "one": 1}[name]
    return watch(network, *rows(), epochs=epochs, batch_size=100, validation=held_out)


def odd(given):
    """The same with what has no logarithm, epochs without vitals, and a loss that diverges."""
    epochs = []
    for i, epoch in enumerate(given.epochs):
        numbers = epoch.vitals.copy()
        of = {name: numbers[:, NUMBERS.index(name)] for name in NUMBERS}
        for name in ("delta_rms", "gradient_rms", "update_rms"):
            of[name][0] = 0 if i >= 20 else of[name][0]
            of[name][2] = np.inf if i > 25 else of[name][2]
        unseen = i in (10, 11, 28)
        loss = epoch.loss * 10 ** (-i / 6) if i < 15 else epoch.loss if i < 26 else np.nan
        missed = epoch.validation_loss if i % 3 == 0 else None
        score = epoch.validation_score if i % 3 == 0 else None
        epochs.append(
            replace(
                epoch,
                loss=loss,
                validation_loss=missed,
                validation_score=score,
                vitals=None if unseen else numbers,
            )
        )
    return History(epochs, given.layers)


def column(name, number):
    """An array (n_epochs, n_layers) straight from the epochs."""
    return np.array([e.vitals[:, NUMBERS.index(number)] for e in history(name).epochs])


# ---- learning curves


def test_curves_are_those_of_the_history():
    given = history("three")
    (curve,) = LearningCurveDisplay.from_history(given).curves
    np.testing.assert_array_equal(curve.epochs, np.arange(1, 31))
    np.testing.assert_array_equal(curve.loss, [e.loss for e in given.epochs])
    np.testing.assert_array_equal(curve.validation_loss, [e.validation_loss for e in given.epochs])
    np.testing.assert_array_equal(
        curve.validation_score, [e.validation_score for e in given.epochs]
    )
    assert set(curve.learning_rate) == {0.1}


@pytest.mark.parametrize(
    ("losses", "scores", "monitor", "best"),
    [
        ([3, 1, 2], [0.1, 0.2, 0.3], "score", 3),
        ([3, 1, 2], [0.1, 0.2, 0.3], "loss", 2),
        ([3, 1, 2], [None, None, None], "score", 2),
        ([3, 1, 1], [0.3, 0.3, 0.1], "score", 2),  # of equal ones the last, as in training
        ([3, 1, 1], [None, None, None], "score", 3),
        ([np.nan, 2, np.nan], [np.nan, 0.5, np.nan], "score", 2),
        ([np.nan, np.inf, 4], [None, None, None], "loss", 3),
        ([None, None, None], [None, None, None], "score", None),
    ],
)
def test_best_epoch(losses, scores, monitor, best):
    epochs = [Epoch(1.0, missed, score) for missed, score in zip(losses, scores, strict=True)]
    (curve,) = LearningCurveDisplay.from_history(History(epochs), monitor=monitor).curves
    assert curve.best == best


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_best_epoch_of_an_estimator_is_the_one_it_kept():
    x, y = rows()
    given = {"early_stopping": True, "max_iter": 30, "random_state": 0, "learning_rate_init": 0.1}
    for monitor, number in (("score", "validation_score"), ("loss", "validation_loss")):
        model = dr.MLPClassifier((8,), monitor=monitor, **given).fit(x, y)
        (curve,) = LearningCurveDisplay.from_estimator(model).curves
        sign = 1 if monitor == "score" else -1
        assert sign * getattr(curve, number)[curve.best - 1] == max(
            sign * getattr(model.history_, number)
        )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pipelines_and_searches_show_what_they_end_in():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = rows(60)
    pipeline = make_pipeline(StandardScaler(), dr.MLPClassifier((4,), max_iter=3, random_state=0))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, cv=2).fit(x, y)
    display = LearningCurveDisplay.from_estimator({"a": pipeline.fit(x, y), "b": search})
    assert [curve.name for curve in display.curves] == ["a", "b"]
    for curve in display.curves:  # both were fitted on all rows
        np.testing.assert_array_equal(curve.loss, pipeline[-1].loss_curve_)


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([1, 0.011], "linear"),
        ([1, 0.009], "log"),
        ([1, 0.009, 0], "log"),
        ([1, 0.009, -1], "linear"),
        ([1, np.nan, 1e9], "log"),
        ([1, np.inf], "linear"),
        ([0, 0], "linear"),
        ([np.nan], "linear"),
    ],
)
def test_the_loss_is_logarithmic_beyond_two_decades(losses, scale):
    display = LearningCurveDisplay.from_history(History([Epoch(v) for v in losses]))
    assert display.scale == scale
    assert display.plot().ax_[0].get_yscale() == scale
    close(display)


def test_what_is_drawn_of_a_learning_curve():
    display = LearningCurveDisplay.from_history(history("odd")).plot(learning_rate=True)
    assert [ax.get_ylabel() for ax in display.ax_] == [
        "loss (log)",
        "validation score",
        "learning rate",
    ]
    losses = np.array([e.loss for e in history("odd").epochs])
    training, failed = display.ax_[0].lines[:2]
    np.testing.assert_array_equal(training.get_ydata(), losses)
    assert failed.get_marker() == "^"
    np.testing.assert_array_equal(failed.get_xdata(), [27, 28, 29, 30])
    validation = next(line for line in display.ax_[0].lines if line.get_linestyle() == "--")
    assert validation.get_markevery() == list(range(0, 30, 3))  # dots between gaps
    ring = display.ax_[1].lines[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == best_of(display.curves[0])
    close(display)


def best_of(curve):
    at = int(np.nanargmax(curve.validation_score))
    return at + 1, curve.validation_score[at]


def test_a_loss_of_zero_is_marked_at_the_lower_edge():
    display = LearningCurveDisplay.from_history(History([Epoch(1.0), Epoch(1e-3), Epoch(0.0)]))
    line, mark = display.plot().ax_[0].lines
    assert np.isnan(line.get_ydata()[2])
    assert mark.get_marker() == "v"
    assert mark.get_xdata() == [3]
    assert "loss exactly 0" in texts(display.ax_[0].get_legend())
    close(display)


def test_a_validation_loss_that_overflows_is_marked():
    display = LearningCurveDisplay.from_history(History([Epoch(1.0, 2.0), Epoch(0.5, np.inf)]))
    marks = [line for line in display.plot().ax_[0].lines if line.get_marker() == "^"]
    assert [mark.get_xdata().tolist() for mark in marks] == [[2]]
    assert "loss not finite" in texts(display.ax_[0].get_legend())
    close(display)


# ---- gradient flow


def test_gradients_of_a_history():
    display = GradientFlowDisplay.from_history(history("three"))
    assert display.layers == ("dense_1", "dense_2", "dense_3")
    np.testing.assert_array_equal(display.epochs, np.arange(1, 31))
    np.testing.assert_array_equal(display.delta_rms, column("three", "delta_rms")[:, [0, 2, 4]])
    np.testing.assert_array_equal(
        display.gradient_rms, column("three", "gradient_rms")[:, [0, 2, 4]]
    )
    assert display.told == [0, 7, 14, 22, 29]


def test_a_backward_pass_is_that_of_the_equations():
    x, _ = rows(40)
    x = x.astype(np.float64)
    target = np.random.default_rng(3).normal(size=(40, 2))
    layers = Dense(5, activation="tanh"), Dense(2)
    network = a_network(*layers, loss="half_squared_error", dtype="float64")
    before = network.weights()
    w1, b1, w2, b2 = before.values()
    a = np.tanh(x @ w1 + b1)
    delta2 = (a @ w2 + b2 - target) / len(x)
    delta1 = delta2 @ w2.T * (1 - a**2)
    display = GradientFlowDisplay.from_network(network, x, target)
    assert (display.layers, display.epochs) == (("dense_1", "dense_2"), None)
    np.testing.assert_allclose(display.delta_rms, [[rms(delta1), rms(delta2)]], rtol=1e-12)
    expected = [[rms(x.T @ delta1), rms(a.T @ delta2)]]
    np.testing.assert_allclose(display.gradient_rms, expected, rtol=1e-12)
    for name, w in network.weights().items():
        np.testing.assert_array_equal(w, before[name])


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def test_layers_within_layers_and_without_weights():
    stack = [Dense(8), Residual([dr.layers.BatchNorm(), Dense(8)]), Dense(2)]
    network, (x, y) = a_network(*stack, dtype="float64"), rows(30)
    trace = network.backward(x, y)
    display = GradientFlowDisplay.from_network(network, x, y)
    norm = next(name for name in display.layers if "batch_norm" in name)
    both = [trace.gradients[f"{norm}.{name}"] for name in ("gamma", "beta")]
    at = display.layers.index(norm)
    assert display.gradient_rms[0, at] == pytest.approx(rms(np.concatenate(both)), rel=1e-12)
    assert "residual_1" not in display.layers
    added = next(n.name for n in network.plan.nodes if n.kind == "add")
    alone = GradientFlowDisplay.from_network(network, x, y, layers=[added])
    assert alone.delta_rms[0, 0] == pytest.approx(rms(trace.deltas[added]), rel=1e-12)
    assert np.isnan(alone.gradient_rms).all()


def test_weights_of_a_recurrent_layer_are_both_of_its_matrices():
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(20, 5, 3)), rng.normal(size=(20, 2))
    network = dr.Network([dr.layers.GRU(4), Dense(2)], "half_squared_error", dtype="float64")
    gradients = network.backward(x, target).gradients
    both = np.concatenate([gradients[f"gru_1.{name}"].ravel() for name in ("weight", "recurrent")])
    display = GradientFlowDisplay.from_network(network, x, target)
    assert display.gradient_rms[0, 0] == pytest.approx(rms(both), rel=1e-12)


def test_numbers_without_a_logarithm_have_a_look_of_their_own():
    display = GradientFlowDisplay.from_history(history("odd")).plot()
    (mesh,) = display.ax_[0, 0].collections
    shown = mesh.get_array()  # by layer and epoch
    colours = mesh.cmap(mesh.norm(shown))
    assert_colour(colours[0, 25], mesh.cmap.get_under())
    assert_colour(colours[1, 27], mesh.cmap.get_over())
    assert_colour(colours[2, 10], mesh.cmap.get_bad())
    key = texts(display.figure_.findobj(lambda a: hasattr(a, "legend_handles"))[0])
    assert {"exactly 0", "infinite", "no number"} <= set(key)
    markers = {line.get_marker() for line in display.ax_[0, 1].lines}
    assert {"<", ">"} <= markers
    close(display)


def assert_colour(one, other):
    from matplotlib.colors import to_rgba

    np.testing.assert_allclose(to_rgba(one), to_rgba(other), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "shape"), [("both", (2, 2)), ("heatmap", (1, 2)), ("lines", (1, 2))]
)
def test_kinds_of_gradient_flow(kind, shape):
    display = GradientFlowDisplay.from_history(history("three")).plot(kind=kind)
    assert display.ax_.shape == shape
    assert bool(display.ax_[0, 0].collections) == (kind != "lines")
    close(display)


# ---- activations


def test_distributions_of_a_history():
    display = ActivationDisplay.from_history(history("three"))
    assert display.layers == ("activation_1", "activation_2")
    expected = np.array([e.vitals[[1, 3], len(NUMBERS) :] for e in history("three").epochs])
    np.testing.assert_array_equal(display.quantiles, expected)
    for name in ("saturated", "dying", "dead"):
        np.testing.assert_array_equal(display.shares[name], column("three", name)[:, [1, 3]])


def test_up_to_eight_distributions_are_drawn_unless_layers_are_named():
    every = ActivationDisplay.from_history(history("fifty"))
    assert len(every.layers) == 49
    assert every.drawn == [0, 7, 14, 21, 27, 34, 41, 48]
    named = [f"activation_{i}" for i in range(1, 11)]
    assert ActivationDisplay.from_history(history("fifty"), layers=named).drawn == list(range(10))
    linear = watch(a_network(Dense(4), Dense(2)), *rows(30), epochs=1)
    assert ActivationDisplay.from_history(linear).layers == ("dense_1", "dense_2")


def test_a_forward_pass_is_a_histogram():
    x, _ = rows(200)
    network = a_network(Dense(16, activation="relu"), Dense(2))
    weights = network.weights()
    values = np.maximum(x @ weights["dense_1.weight"] + weights["dense_1.bias"], 0)
    display = ActivationDisplay.from_network(network, x, bins=20)
    (histogram,) = display.histograms
    assert display.layers == ("activation_1",)
    assert histogram.zeros == pytest.approx(np.mean(values == 0))
    assert histogram.not_finite == 0
    density, edges = np.histogram(values[values > 0], 20, density=True)
    np.testing.assert_allclose(histogram.density, density, rtol=1e-3)
    np.testing.assert_allclose(histogram.edges, edges, rtol=1e-4, atol=1e-7)
    quantiles = np.quantile(values, np.linspace(0, 1, 17))
    np.testing.assert_allclose(display.quantiles[0, 0], quantiles, rtol=1e-4, atol=1e-7)


def test_values_that_are_not_finite_are_told_not_drawn():
    values = np.array([[np.nan, 1.0], [np.inf, 3.0]])
    trace = SimpleNamespace(names=("a", "b"), values={"a": values, "b": np.full((2, 2), np.nan)})
    nodes = [SimpleNamespace(kind="activation")] * 2
    network = SimpleNamespace(
        forward=lambda x, keep: trace, backward=None, plan=SimpleNamespace(nodes=nodes)
    )
    display = ActivationDisplay.from_network(network, None)
    assert [h.not_finite for h in display.histograms] == [0.5, 1.0]
    assert display.quantiles[0, 0, [0, 8, 16]].tolist() == [1, 2, 3]
    assert np.isnan(display.quantiles[0, 1]).all()
    display.plot()
    assert display.ax_[0].texts[0].get_text() == "50% not finite"
    close(display)


# ---- update ratios


def test_ratio_of_gradient_descent_is_that_of_its_step():
    display = UpdateRatioDisplay.from_history(history("one"))
    network = a_network(Dense(16, activation="relu"), Dense(16, activation="tanh"), Dense(2))
    x, y = rows()
    steps, sizes = [], []
    for i in range(3):  # batches of 100 rows, one step each
        batch = slice(100 * i, 100 * i + 100)
        gradients = network.backward(x[batch], y[batch]).gradients
        network.set_weights({k: w - 0.1 * gradients[k] for k, w in network.weights().items()})
        names = [f"dense_{k}.weight" for k in (1, 2, 3)]
        steps.append([np.mean(np.square(0.1 * gradients[n])) for n in names])
        sizes.append([np.mean(np.square(network.weights()[n])) for n in names])
    expected = np.sqrt(np.mean(steps, axis=0) / np.mean(sizes, axis=0))
    np.testing.assert_allclose(display.ratio, [expected], rtol=1e-4)


def test_ratios_of_zero_and_infinity_are_marked():
    display = UpdateRatioDisplay.from_history(history("odd")).plot()
    assert display.band == (3e-4, 3e-3)
    assert {"exactly 0", "near 1e-3"} <= set(texts(display.ax_.get_legend()))
    marks = [line for line in display.ax_.lines if line.get_marker() == "v"]
    unseen = {29}
    assert sorted(x for m in marks for x in m.get_xdata()) == sorted({*range(21, 31)} - unseen)
    close(display)


# ---- in words


def test_learning_curve_in_words():
    told = str(LearningCurveDisplay.from_history({"a": history("three"), "b": history("one")}))
    first, second = told.split("\n\nb: ")
    assert first.startswith("a: 30 epochs, the best of them")
    assert second.startswith("1 epoch, the best of them 1\n")
    lines = first.splitlines()
    assert lines[2].split() == ["first", "best", "last", "course"]
    loss = [e.loss for e in history("three").epochs]
    assert lines[3].split()[1] == f"{loss[0]:.4g}"
    assert lines[3].split()[3] == f"{loss[-1]:.4g}"
    diverged = LearningCurveDisplay.from_history(history("odd")).as_text()
    assert "courses of the loss on a log scale; the loss of 4 is not finite" in diverged
    assert "best" not in LearningCurveDisplay.from_history(History([Epoch(1.0)])).as_text()


def test_gradient_flow_in_words():
    told = GradientFlowDisplay.from_history(history("three")).as_text()
    deltas, gradients = told.split("\n\nrms of weight gradient")
    heading, row = deltas.splitlines()[2:4]
    assert heading.split("  ")[0] == "layer"
    assert [int(n) for n in re.findall(r"epoch (\d+)", heading)] == [1, 8, 15, 23, 30]
    wanted = column("three", "delta_rms")[[0, 7, 14, 22, 29], 0]
    assert row.split()[1:6] == [f"{v:.4g}" for v in wanted]
    assert len(gradients.splitlines()) == 6
    deep = GradientFlowDisplay.from_history(history("fifty")).as_text()
    assert deep.count("(16 of 50 layers)") == 2
    x, y = rows(20)
    once = GradientFlowDisplay.from_network(a_network(Dense(3), Dense(2)), x, y)
    assert once.as_text().splitlines()[0] == "layer    rms of delta  rms of weight gradient"


def test_courses_are_logarithmic_and_share_a_scale():
    values = np.array([[1.0, 100.0], [10.0, 0.0], [100.0, np.inf], [np.nan, 1.0]])
    told = text.by_layer(["a", "b"], np.arange(1, 5), values, [0, 3]).splitlines()
    assert told == ["layer  epoch 1  epoch 4  course", "a            1           ▁▅█", told[2]]
    assert told[2] == "b          100        1  █  ▁"
    linear = text.by_layer(["a"], np.arange(1, 4), values[:3, :1], [], log=False)
    assert linear.splitlines()[1] == "a      ▁▁█"


def test_activations_in_words():
    told = ActivationDisplay.from_history(history("three")).as_text().splitlines()
    assert told[0].startswith("values of layers in epoch 30")
    share = column("three", "saturated")[-1, 1]
    assert f"{share:.0%}" in told[3]
    assert re.search("[▁▂▃▄▅▆▇█]{24}", told[3])
    x, _ = rows(50)
    once = ActivationDisplay.from_network(a_network(Dense(9, activation="relu"), Dense(2)), x)
    assert once.as_text().startswith("values of layers in one forward pass\n\nlayer ")
    odd_ones = ActivationDisplay.from_history(history("odd")).as_text()
    assert odd_ones.startswith("values of layers in epoch 30")


def test_update_ratios_in_words():
    told = UpdateRatioDisplay.from_history(history("three")).as_text().splitlines()
    assert "near 0.001" in told[0]
    ratio = column("three", "update_rms") / column("three", "weight_rms")
    assert told[3].split()[1] == f"{ratio[0, 0]:.4g}"


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_words_remain(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    made = display.from_history(history("three"))
    assert made.as_text() == str(made)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'deltarule\[plot\]'; as_text"):
        made.plot()


def test_displays_are_imported_without_matplotlib():
    ask = "import sys, deltarule.displays; print('matplotlib' in sys.modules)"
    assert output_of(ask).strip() == "False"


# ---- how they look


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["three", "fifty", "one", "odd"])
@pytest.mark.parametrize("display", DISPLAYS)
def test_pictures_can_be_read_and_stay_as_they_are(display, name, theme):
    made = display.from_history(history(name)).plot(theme=theme)
    require_readable(made.figure_)
    if theme == "light" or name == "three":
        kind = display.__name__.removesuffix("Display").lower()
        require_same_picture(made.figure_, f"training_{kind}_{name}_{theme}")
    close(made)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_one_pass_can_be_read(theme):
    x, y = rows()
    network = a_network(
        *[Dense(12, activation=f) for f in ("relu", "tanh", "selu", "sigmoid", "gelu")], Dense(2)
    )
    flow = GradientFlowDisplay.from_network(network, x, y).plot(theme=theme)
    values = ActivationDisplay.from_network(network, x).plot(theme=theme)
    for name, made in (("flow", flow), ("values", values)):
        require_readable(made.figure_)
        require_same_picture(made.figure_, f"training_pass_{name}_{theme}")
        close(made)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_several_curves_can_be_read(theme):
    many = {f"rate {2.0**-i:g}": history("three") for i in range(9)}
    made = LearningCurveDisplay.from_history(many).plot(theme=theme, learning_rate=True)
    require_readable(made.figure_)
    assert len({line.get_color() for line in made.ax_[2].lines}) == 9
    close(made)


def test_one_panel_is_drawn_in_the_axes_given_and_several_in_their_place():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    ratios = UpdateRatioDisplay.from_history(history("three")).plot(left)
    assert ratios.ax_ is left
    assert ratios.figure_ is figure
    curves = LearningCurveDisplay.from_history(history("three")).plot(right)
    assert len(curves.ax_) == 2
    assert not right.axison
    figure.draw_without_rendering()
    box = left.get_position()
    assert all(ax.get_position().x0 > box.x1 for ax in curves.ax_)
    loss = LearningCurveDisplay.from_history(History([Epoch(1.0), Epoch(0.5)])).plot(left)
    assert loss.ax_.tolist() == [left]
    plt.close(figure)


# ---- what is refused


@pytest.mark.parametrize("display", WATCHED)
def test_a_history_without_vitals_is_refused(display):
    unwatched = History([Epoch(1.0)], ("dense_1",))
    for given in (unwatched, History([Epoch(1.0)])):
        with pytest.raises(ValueError, match="The history of 1 epoch has no vitals.*lbfgs"):
            display.from_history(given)
    with pytest.raises(ValueError, match="history of 2 epochs has no vitals"):
        display.from_estimator(SimpleNamespace(history_=History([Epoch(1.0)] * 2)))


@pytest.mark.parametrize("display", DISPLAYS)
def test_what_has_no_history_is_refused(display):
    with pytest.raises(ValueError, match="MLPRegressor has no history .* call fit first"):
        display.from_estimator(dr.MLPRegressor())
    with pytest.raises(ValueError, match="The history has no epochs: train first"):
        display.from_history(History())
    with pytest.raises(TypeError, match="from_history takes a History; met Network"):
        display.from_history(a_network(Dense(2)))


@pytest.mark.parametrize("display", WATCHED)
def test_unknown_layers_are_refused(display):
    with pytest.raises(ValueError, match="The layers are dense_1, .*; met 'dense_9'"):
        display.from_history(history("three"), layers=["dense_1", "dense_9"])
    with pytest.raises(ValueError, match="met none"):
        display.from_history(history("three"), layers=[])


def test_passes_need_a_network():
    for display, data in ((GradientFlowDisplay, (None, None)), (ActivationDisplay, (None,))):
        with pytest.raises(TypeError, match=r"takes a deltarule.Network; met MLPClassifier"):
            display.from_network(dr.MLPClassifier(), *data)


def test_a_network_without_weights_has_no_flow():
    network = a_network(dr.layers.Activation("tanh"), loss="half_squared_error")
    with pytest.raises(ValueError, match="None of the layers has a gradient: activation_1"):
        GradientFlowDisplay.from_network(network, rows(5)[0], rows(5)[0])


def test_wrong_choices_are_refused():
    curves = LearningCurveDisplay.from_history(History([Epoch(-1.0), Epoch(2.0)]))
    flow = GradientFlowDisplay.from_history(history("three"))
    once = GradientFlowDisplay.from_network(a_network(Dense(2)), *rows(5))
    refused = [
        (
            lambda: curves.plot(scale="cubic"),
            "scale must be 'auto', 'linear' or 'log'; met 'cubic'",
        ),
        (lambda: curves.plot(scale="log"), "no place for the loss -1, which is below 0"),
        (lambda: curves.plot(theme="pink"), "'light' or 'dark'; met 'pink'"),
        (lambda: flow.plot(kind="pie"), "kind must be 'both', 'heatmap' or 'lines'; met 'pie'"),
        (lambda: once.plot(kind="heatmap"), "has no epochs to draw a map over"),
        (
            lambda: LearningCurveDisplay.from_history(history("one"), monitor="luck"),
            "monitor must be 'score' or 'loss'; met 'luck'",
        ),
        (lambda: LearningCurveDisplay.from_history({}), "met an empty mapping"),
    ]
    for call, words in refused:
        with pytest.raises(ValueError, match=re.escape(words)):
            call()


def test_axes_without_a_place_in_a_grid_are_refused():
    import matplotlib.pyplot as plt

    figure = plt.figure()
    with pytest.raises(ValueError, match="take the place of the axes given, which have none"):
        GradientFlowDisplay.from_history(history("one")).plot(figure.add_axes((0, 0, 1, 1)))
    plt.close(figure)


# ---- what the documents say


def test_example_of_a_docstring():
    result = doctest.testmod(importlib.import_module("deltarule.displays._learning_curve"))
    assert result.attempted
    assert not result.failed


def page():
    text = (REPOSITORY / "docs" / "displays-training.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("index", range(5))
def test_examples_of_the_page_run(index, tmp_path):
    assert len(page()) == 5
    output_of(page()[index], cwd=tmp_path, MPLBACKEND="Agg")
    assert list(tmp_path.glob("*.png"))


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def close(display):
    import matplotlib.pyplot as plt

    plt.close(display.figure_)
