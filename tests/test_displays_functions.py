"""Displays of functions, losses, boundaries and networks: their numbers, then their looks."""

from __future__ import annotations

import math
import re
import sys
import xml.etree.ElementTree as ET

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fresh import REPOSITORY, output_of
from matplotlib.contour import ContourSet
from picture_checks import require_readable, require_same_picture
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import deltarule as dr
from deltarule import layers
from deltarule.displays import (
    DecisionBoundaryDisplay,
    FunctionDisplay,
    LossDisplay,
    LossSurfaceDisplay,
    NetworkDisplay,
)
from deltarule.displays.text import draw, framed, shaded, side_by_side

matplotlib.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
themes = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def line(display, order, curve=0):
    return display.curves[curve].lines[order]


# ---- activations ---------------------------------------------------------------------------------


def test_values_and_derivatives_of_tanh():
    display = FunctionDisplay.from_activation("tanh", low=-3, high=2, points=101)
    x = np.linspace(-3, 2, 101)
    y = np.tanh(x)
    for order, expected in enumerate([y, 1 - y**2, -2 * y * (1 - y**2)]):
        np.testing.assert_array_equal(line(display, order).x, x)
        np.testing.assert_allclose(line(display, order).y, expected, rtol=1e-12, atol=1e-15)
        assert line(display, order).jumps.shape == (0, 3)
    half = math.atanh(math.sqrt(0.95))
    assert display.curves[0].saturation == pytest.approx((-half, half))
    assert display.curves[0].name == "tanh"
    assert display.titles == {0: "f(x)", 1: "f'(x)", 2: "f''(x)"}


def test_jumps_are_found_with_their_sides():
    hard_swish = FunctionDisplay.from_activation("hard_swish")
    expected = {
        0: np.empty((0, 3)),
        1: [[-3, 0, -0.5], [3, 1.5, 1]],
        2: [[-3, 0, 1 / 3], [3, 1 / 3, 0]],
    }
    for order, jumps in expected.items():
        np.testing.assert_allclose(line(hard_swish, order).jumps, jumps, atol=1e-12)
    np.testing.assert_allclose(line(hard_swish, 0).kinks, [[-3, 0], [3, 3]], atol=1e-12)
    np.testing.assert_allclose(line(hard_swish, 1).kinks, [[-3, 0], [3, 1.5]], atol=1e-12)
    sign = FunctionDisplay.from_activation("sign")
    np.testing.assert_array_equal(line(sign, 0).jumps, [[0, -1, 0], [0, 0, 1]])
    own = dr.activation.from_formula("x if x <= 0.3 else (x**2 if x < 1.7 else 5 - x)")
    jumps = line(FunctionDisplay.from_activation(own), 0).jumps
    np.testing.assert_allclose(jumps, [[0.3, 0.3, 0.09], [1.7, 2.89, 3.3]], rtol=1e-12)
    assert jumps[:, 0].tolist() == [0.3, 1.7]


@pytest.mark.parametrize("name", ["tanh", "elu", "gelu", "exponential", "gcu"])
def test_what_does_not_jump_is_not_broken(name):
    display = FunctionDisplay.from_activation(name, low=-8, high=8, points=65, orders=(0, 1))
    for order in (0, 1):
        x, y = line(display, order).broken()
        assert len(x) == 65
        assert np.isfinite(y).all()


def test_lines_are_broken_exactly_where_they_jump():
    x, y = line(FunctionDisplay.from_activation("step", points=5), 0).broken()
    np.testing.assert_array_equal(x, [-4, -2, 0, 0, 0, 0, 2, 4])
    np.testing.assert_array_equal(y, [0, 0, 0, np.nan, 1, 1, 1, 1])


def test_rowwise_activations_are_shown_by_their_first_entry():
    display = FunctionDisplay.from_activation(["softmax", "glu"], orders=(0, 1, 2), points=9)
    x = np.linspace(-4, 4, 9)
    s = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(line(display, 0).y, s, rtol=1e-12)
    np.testing.assert_allclose(line(display, 1).y, s * (1 - s), rtol=1e-12)
    np.testing.assert_allclose(line(display, 0, 1).y, x / (1 + math.exp(-1)), rtol=1e-12)
    assert list(display.curves[0].lines) == [0, 1]
    assert display.titles == {0: "f(x)", 1: "f'(x)"}
    assert display.curves[1].name == "glu, first entry of f([x, 1])"


def test_undefined_values_are_left_out():
    display = FunctionDisplay.from_activation("spline", points=9)
    np.testing.assert_array_equal(np.isnan(line(display, 0).y), np.linspace(-4, 4, 9) <= -1)


@pytest.mark.parametrize("f", [f for f in dr.activations.values() if f.name != "gumbel_softmax"])
def test_every_activation_has_its_curve(f):
    display = FunctionDisplay.from_activation(f)
    assert display.curves[0].name.startswith(f.name)
    known = np.isfinite(line(display, 0).y)
    assert known.mean() > 0.5
    if f.elementwise:
        np.testing.assert_array_equal(
            line(display, 1).y[known], f.derivative(line(display, 1).x)[known]
        )


def test_functions_are_named_with_their_parameters():
    f = dr.activation("leaky_relu", negative_slope=0.25)
    assert FunctionDisplay.from_activation(f).curves[0].name == "leaky_relu(negative_slope=0.25)"
    default = FunctionDisplay.from_activation(dr.activation("leaky_relu", negative_slope=0.01))
    assert default.curves[0].name == "leaky_relu"


def test_functions_as_text():
    told = FunctionDisplay.from_activation(["relu", "sigmoid"], level=0.001).as_text()
    relu, sigmoid = told.split("\n\n")
    assert relu.startswith("relu\n")
    assert "Kink at x = 0, where the slope is taken as 0." in relu
    assert "It saturates for x < 0 (at the level of 0.1 %)." in relu
    assert sigmoid.startswith("sigmoid\n")
    assert "It saturates for x < -8.294 and x > 8.294 (at the level of 0.1 %)." in sigmoid
    assert all(re.search(r"[⠁-⣿]{3}", part) for part in (relu, sigmoid))
    assert "Jump at x = 0 from 0 to 1." in str(FunctionDisplay.from_activation("step"))
    assert "The slope is 0 wherever" in str(FunctionDisplay.from_activation("step"))
    assert "It saturates nowhere." in str(FunctionDisplay.from_activation("identity"))
    assert "Jump" not in str(FunctionDisplay.from_activation("step", orders=[1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activations": []}, "There is no activation to show"),
        ({"activations": "gumbel_softmax"}, "draws new noise in every call, so it has no curve"),
        ({"activations": "softmax", "orders": [2]}, "has no second derivative element by element"),
        ({"activations": "relu", "orders": [3]}, r"are 0 \(the value\), 1 and 2; met \[3\]"),
        ({"activations": "relu", "orders": []}, r"1 and 2; met \[\]"),
        ({"activations": "relu", "low": 2, "high": 1}, "that rise; met low=2 and high=1"),
        ({"activations": "relu", "high": math.inf}, "two finite numbers that rise; met low=-4.0"),
        ({"activations": "relu", "points": 1}, "an integer >= 2; met 1"),
        ({"activations": "relu", "points": True}, "an integer >= 2; met True"),
        ({"activations": "reluu"}, "Did you mean 'relu'"),
    ],
)
def test_functions_that_cannot_be_shown(options, message):
    with pytest.raises(ValueError, match=message):
        FunctionDisplay.from_activation(**options)


def test_far_ends_of_a_pole_do_not_hide_the_rest():
    display = FunctionDisplay.from_activation("spline", orders=[1])  # 1 / (x + 1) and more
    high = display.plot().ax_.get_ylim()[1]
    assert np.nanmax(line(display, 1).y) > 63
    assert high < 60
    shown = re.search(r"^ *(\S+) \|", display.as_text(), flags=re.MULTILINE)
    assert float(shown[1]) < 60


def test_saturated_inputs_are_shaded():
    ax = FunctionDisplay.from_activation("tanh").plot().ax_
    half = math.atanh(math.sqrt(0.95))
    assert len(ax.patches) == 2
    edges = sorted(x for p in ax.patches for x in (p.get_x(), p.get_x() + p.get_width()))
    assert edges == pytest.approx([-4, -half, half, 4])
    assert len(FunctionDisplay.from_activation("identity").plot().ax_.patches) == 0
    assert len(FunctionDisplay.from_activation("step").plot().ax_.patches) == 1


# ---- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target", "value", "slope"),
    [
        ("squared_error", None, lambda z: z**2, lambda z: 2 * z),
        ("rmse", 1.0, lambda z: abs(z - 1), lambda z: np.sign(z - 1)),
        ("hinge", None, lambda z: np.maximum(0, 1 - z), lambda z: -1.0 * (z < 1)),
        ("hinge", -1.0, lambda z: np.maximum(0, 1 + z), lambda z: 1.0 * (z > -1)),
        ("soft_margin", None, lambda z: np.log1p(np.exp(-z)), lambda z: -1 / (1 + np.exp(z))),
        ("zero_one", None, lambda z: 1.0 * (z <= 0), lambda z: 0 * z),
        ("poisson_log", 2.0, lambda z: np.exp(z) - 2 * z, lambda z: np.exp(z) - 2),
        (
            "softmax_cross_entropy",
            None,
            lambda z: np.log1p(np.exp(-z)),
            lambda z: -1 / (1 + np.exp(z)),
        ),
        ("softmax_cross_entropy", 1, lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
    ],
)
def test_losses_and_slopes(name, target, value, slope):
    display = LossDisplay.from_loss(name, target=target, points=20)  # no point on a kink
    z = np.linspace(-4, 4, 20)
    np.testing.assert_array_equal(line(display, 0).x, z)
    np.testing.assert_allclose(line(display, 0).y, value(z), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(line(display, 1).y, slope(z), rtol=1e-12, atol=1e-14)


def test_cross_entropies_over_the_probability():
    display = LossDisplay.from_loss(
        ["bce_with_logits", "binary_cross_entropy", "softmax_cross_entropy"],
        against="probability",
        points=5,
    )
    p = np.linspace(0, 1, 5)
    with np.errstate(divide="ignore"):
        expected = np.where(p > 0, -np.log(p), np.nan)
    for curve in range(3):
        np.testing.assert_allclose(line(display, 0, curve).y, expected, rtol=1e-12, atol=1e-15)
    for curve in (0, 2):
        np.testing.assert_allclose(line(display, 1, curve).y, p - 1, rtol=1e-12, atol=1e-15)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(line(display, 1, 1).y[1:], -1 / p[1:], rtol=1e-12)
    assert display.x_label == "probability"


def test_kinks_of_losses_are_jumps_of_their_slopes():
    display = LossDisplay.from_loss("epsilon_insensitive", target=0.5, low=-1, high=2)
    np.testing.assert_allclose(line(display, 1).jumps, [[0.4, -1, 0], [0.6, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(line(display, 0).kinks, [[0.4, 0], [0.6, 0]], atol=1e-12)
    assert "Kink at z = 0.4." in display.as_text()
    assert "Jump at z = 0 from 1 to 0." in LossDisplay.from_loss("zero_one").as_text()
    assert "Kink" not in LossDisplay.from_loss("huber").as_text()


def test_ranges_and_targets_of_losses():
    ends = {
        name: tuple(line(LossDisplay.from_loss(name), 0).x[[0, -1]])
        for name in ("msle", "poisson", "binary_cross_entropy", "huber")
    }
    assert ends == {
        "msle": (-1, 4),
        "poisson": (0, 4),
        "binary_cross_entropy": (0, 1),
        "huber": (-4, 4),
    }
    names = [LossDisplay.from_loss(n).curves[0].name for n in ("huber", "mape", "hinge")]
    assert names == ["huber, t = 0", "mape, t = 1", "hinge, t = 1"]
    both = LossDisplay.from_loss(["softmax_cross_entropy", "huber"], low=-1, high=3)
    assert both.curves[0].name == "softmax_cross_entropy, class 0 of [z, 0]"
    assert (line(both, 0).x[0], line(both, 0).x[-1]) == (-1, 3)


@pytest.mark.parametrize(
    "f", [f for f in dr.losses.values() if "operands" not in f.facts], ids=repr
)
def test_every_loss_has_its_curve(f):
    display = LossDisplay.from_loss(f)
    x, y = line(display, 0).x, line(display, 0).y
    slope = line(display, 1).y
    # The slope by central differences between the points of the grid, away from kinks and jumps.
    differences = (y[2:] - y[:-2]) / (x[2:] - x[:-2])
    near = np.concatenate([line(display, o).jumps[:, 0] for o in (0, 1)])
    far = np.abs(x[1:-1, None] - near).min(axis=1, initial=9) > 2 * (x[1] - x[0])
    good = (
        far
        & np.isfinite(differences)
        & (np.abs(x[1:-1] - x[0]) > 0.2)
        & (np.abs(x[1:-1] - x[-1]) > 0.2)
    )
    assert good.sum() > 100
    np.testing.assert_allclose(slope[1:-1][good], differences[good], rtol=0.02, atol=0.01)


def test_own_losses_are_shown():
    own = dr.loss.from_formula("log(1 + (z - t)**2)", name="cauchy")
    display = LossDisplay.from_loss(own, target=1, points=7)
    z = np.linspace(-4, 4, 7)
    np.testing.assert_allclose(line(display, 0).y, np.log1p((z - 1) ** 2), rtol=1e-12)
    assert display.curves[0].name == "cauchy, t = 1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"losses": []}, "There is no loss to show"),
        ({"losses": "ctc"}, "is a loss of several arrays"),
        ({"losses": "huber", "against": "probability"}, "huber is no loss of probabilities"),
        ({"losses": "huber", "against": "logit"}, "the 'prediction' or the 'probability'; met"),
        ({"losses": "softmax_cross_entropy", "target": 0.5}, "its target is 0 or 1; met 0.5"),
        ({"losses": "hinge", "target": 0.0}, "-1 or 1"),
        ({"losses": "huber", "low": 3, "high": 3}, "that rise; met low=3"),
    ],
)
def test_losses_that_cannot_be_shown(options, message):
    with pytest.raises(ValueError, match=message):
        LossDisplay.from_loss(**options)


# ---- the surface of a neuron ---------------------------------------------------------------------

RNG = np.random.default_rng(0)
X1, X2 = RNG.normal(size=(12, 1)), RNG.normal(size=(9, 2))


def test_surface_over_weight_and_bias():
    y = 2 * X1[:, 0] - 1
    path = [[0.0, 0.0], [1.0, -0.5], [2.0, -1.0]]
    display = LossSurfaceDisplay.from_neuron(
        X1, y, low=(-3, -2), high=(3, 2), grid=13, paths=[path]
    )
    assert display.names == ("w", "b")
    for i, b in enumerate(np.linspace(-2, 2, 13)):
        for j, w in enumerate(np.linspace(-3, 3, 13)):
            assert display.loss[i, j] == pytest.approx(np.mean((X1[:, 0] * w + b - y) ** 2))
    assert display.lowest == pytest.approx((2, -1, 0), abs=1e-12)
    expected = [np.mean((X1[:, 0] * w + b - y) ** 2) for w, b in path]
    np.testing.assert_allclose(display.path_losses[0], expected, atol=1e-12)
    assert display.levels[0] == display.loss.min()
    assert display.levels[-1] == display.loss.max()


def test_surface_over_two_weights():
    t = 1.0 * (X2[:, 0] > 0)
    display = LossSurfaceDisplay.from_neuron(
        X2, t, activation="sigmoid", loss="rmse", bias=0.5, grid=7
    )
    assert display.names == ("w1", "w2")
    a = 1 / (1 + np.exp(-(X2 @ [display.first[5], display.second[2]] + 0.5)))
    assert display.loss[2, 5] == pytest.approx(np.sqrt(np.mean((a - t) ** 2)))


def test_surface_with_values_that_overflow():
    display = LossSurfaceDisplay.from_neuron(
        [[1.0], [2.0]], [1.0, 1.0], loss="exponential", low=-500, high=500, grid=11
    )
    assert np.isnan(display.loss).any()
    assert "?" in display.as_text()
    assert display.lowest[2] >= 0
    display.plot()


def test_surface_as_text():
    path = np.linspace([-3, 3], [2, -1], 20)
    display = LossSurfaceDisplay.from_neuron(X1, 2 * X1[:, 0] - 1, grid=41, paths=[path])
    told = display.as_text().splitlines()
    assert told[0] == "squared_error of identity, the mean over the samples"
    rows = [row for row in told if row.endswith("|")]
    assert len(rows) == 20
    assert "S" in rows[2]
    assert "E" in rows[12]
    assert told[-2] == "Lowest on the grid: 0 at w = 2, b = -1."
    assert re.fullmatch(r"Path of 19 steps: from \d+\.\d+ to 0\.", told[-1])


@pytest.mark.parametrize(
    ("X", "y", "options", "error", "message"),
    [
        ([1.0, 2.0], [1, 2], {}, ValueError, r"X has the shape \(2,\)"),
        (np.ones((4, 3)), np.ones(4), {}, ValueError, r"X has the shape \(4, 3\)"),
        (X1, np.ones(3), {}, ValueError, r"y has the shape \(3,\); 12 samples"),
        (X1, np.ones(12), {"paths": [[1.0, 2.0]]}, ValueError, r"\(n_steps, 2\); met \(2,\)"),
        (X1, np.ones(12), {"low": 4}, ValueError, "that rise; met low=4"),
        (X1, 2 * np.ones(12), {"loss": "hinge"}, ValueError, "-1 or 1"),
        (X1, np.ones(12), {"activation": "softmax"}, TypeError, "met softmax and squared_error"),
        (X1, np.ones(12), {"loss": "softmax_cross_entropy"}, TypeError, "work element by element"),
        (X1, np.ones(12), {"loss": "triplet_margin"}, TypeError, "work element by element"),
    ],
)
def test_surfaces_that_cannot_be_computed(X, y, options, error, message):
    with pytest.raises(error, match=message):
        LossSurfaceDisplay.from_neuron(X, y, **options)


# ---- decision boundaries -------------------------------------------------------------------------

IRIS, SPECIES = load_iris(return_X_y=True)


def test_probabilities_of_a_classifier():
    model = LogisticRegression().fit(IRIS, SPECIES)
    display = DecisionBoundaryDisplay.from_estimator(
        model, IRIS, features=(2, 0), grid=5, y=SPECIES
    )
    row = np.median(IRIS, axis=0)
    for i, second in enumerate(display.second):
        for j, first in enumerate(display.first):
            row[[2, 0]] = first, second
            expected = model.predict_proba(row[None])[0]
            np.testing.assert_allclose(display.response[i, j], expected, rtol=1e-12)
    assert display.names == ("feature 2", "feature 0")
    assert display.fixed == {"feature 1": 3.0, "feature 3": 1.3}
    np.testing.assert_array_equal(display.points, IRIS[:, [2, 0]])
    low, high = IRIS[:, 2].min(), IRIS[:, 2].max()
    assert display.first[0] < low < high < display.first[-1]


def test_predictions_of_a_regressor():
    X = RNG.normal(size=(30, 3))
    model = LinearRegression().fit(X, X @ [1.0, -2.0, 3.0])
    display = DecisionBoundaryDisplay.from_estimator(model, X, grid=4, others="mean")
    a, b = np.meshgrid(display.first, display.second)
    np.testing.assert_allclose(display.response, a - 2 * b + 3 * X[:, 2].mean(), atol=1e-12)
    assert display.classes is None
    row = [0.0, 0.0, 7.0]
    given = DecisionBoundaryDisplay.from_estimator(model, X, grid=4, others=row)
    np.testing.assert_allclose(given.response[0, 0], given.first[0] - 2 * given.second[0] + 21)
    assert given.fixed == {"feature 2": 7.0}


def test_classes_without_probabilities():
    model = RidgeClassifier().fit(IRIS, SPECIES)
    display = DecisionBoundaryDisplay.from_estimator(model, IRIS, grid=6)
    assert set(np.unique(display.response)) == {0.0, 1.0}
    assert (display.response.sum(axis=2) == 1).all()
    row = np.median(IRIS, axis=0)
    row[:2] = display.first[4], display.second[1]
    assert display.response[1, 4].argmax() == model.predict(row[None])[0]


def people():
    n = 60
    return pd.DataFrame(
        {
            "age": RNG.normal(40, 10, n),
            "city": np.where(np.arange(n) % 3 > 0, "Rome", "Oslo"),
            "height": RNG.normal(170, 10, n),
        }
    )


def test_lines_are_drawn_where_the_most_probable_class_changes():
    three = DecisionBoundaryDisplay.from_estimator(
        LogisticRegression().fit(IRIS[:, 2:], SPECIES), IRIS[:, 2:], grid=60
    )
    two = DecisionBoundaryDisplay.from_estimator(
        LogisticRegression().fit(IRIS[:, 2:], SPECIES > 0), IRIS[:, 2:], grid=60
    )
    for display, count in ((three, 3), (two, 1)):
        ax = display.plot().ax_
        lines = [c for c in ax.collections if isinstance(c, ContourSet)]
        assert len(lines) == count
        points = np.concatenate([path.vertices for c in lines for path in c.get_paths()])
        assert len(points) > 40
        i = np.abs(display.second - points[:, 1:]).argmin(axis=1)
        j = np.abs(display.first - points[:, :1]).argmin(axis=1)
        best = np.sort(display.response[i, j], axis=1)
        assert np.abs(best[:, -1] - best[:, -2]).max() < 0.2


def test_data_frames_keep_their_columns():
    X = people()
    old = X.age > 40
    columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(X, old)
    display = DecisionBoundaryDisplay.from_estimator(model, X, features=("age", "height"), grid=5)
    assert display.fixed == {"city": "Rome"}
    assert display.names == ("age", "height")
    assert display.title == "LogisticRegression, others at their median"
    rows = pd.DataFrame({"age": display.first, "city": "Rome", "height": display.second[3]})
    np.testing.assert_allclose(display.response[3], model.predict_proba(rows), rtol=1e-12)
    assert "Held fixed: city = Rome." in display.as_text()


def test_arrow_tables_and_sparse_rows():
    table = pa.table({"a": [0.0, 1.0, 2.0], "b": [1.0, 5.0, 3.0]})
    seen = []

    class Sum(LinearRegression):
        def predict(self, X):
            seen.append(X)
            return np.asarray(X["a"]) + np.asarray(X["b"])

    display = DecisionBoundaryDisplay.from_estimator(Sum(), table, grid=3)
    assert isinstance(seen[0], pa.Table)
    a, b = np.meshgrid(display.first, display.second)
    np.testing.assert_allclose(display.response, a + b)
    model = LinearRegression().fit(X2, X2[:, 0])
    dense, thin = (
        DecisionBoundaryDisplay.from_estimator(model, X, grid=3).response
        for X in (X2, sparse.csr_array(X2))
    )
    np.testing.assert_array_equal(dense, thin)


def test_boundaries_as_text():
    model = LogisticRegression().fit(
        IRIS[:, 2:], np.array(["setosa", "versicolor", "virginica"])[SPECIES]
    )
    told = DecisionBoundaryDisplay.from_estimator(model, IRIS[:, 2:]).as_text().splitlines()
    rows = [row.split("|")[1] for row in told if row.endswith("|")]
    assert len(rows) == 20
    assert rows[-1].startswith("A")
    assert rows[0].endswith("C")
    assert "b" in "".join(rows)
    assert told[-1] == (
        "A is setosa, B is versicolor, C is virginica; a small letter is less probable than 75%."
    )
    level = LinearRegression().fit(X2, X2[:, 0])
    told = str(DecisionBoundaryDisplay.from_estimator(level, X2)).splitlines()
    assert re.fullmatch(r"From -\d\.\d+ \(blank\) to \d\.\d+ \(@\)\.", told[-1])
    rows = [row.split("|")[1] for row in told if row.endswith("|")]
    assert all(row.startswith(" ") and row.endswith("@") for row in rows)


def boundary(estimator=None, X=IRIS, **options):
    if estimator is None:
        estimator = LinearRegression().fit(IRIS, SPECIES)
    return DecisionBoundaryDisplay.from_estimator(estimator, X, **options)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: boundary(dr.Network([layers.Dense(1)], input_shape=4)), TypeError, "met Network."),
        (lambda: boundary(X=np.ones(5)), ValueError, r"X has the shape \(5,\)"),
        (lambda: boundary(X=np.ones((5, 1))), ValueError, r"X has the shape \(5, 1\)"),
        (lambda: boundary(features=(0, 0)), ValueError, "names two columns"),
        (lambda: boundary(features=(0, 1, 2)), ValueError, "names two columns"),
        (lambda: boundary(features=(0, 4)), ValueError, "X has 4 columns and none that is 4"),
        (lambda: boundary(features=("a", 1)), ValueError, "4 columns and none that is 'a'"),
        (lambda: boundary(X=people(), features=("age", "city")), ValueError, "city holds no num"),
        (lambda: boundary(y=SPECIES[:5]), ValueError, r"y has the shape \(5,\); X has 150 rows"),
        (lambda: boundary(others="mode"), ValueError, "'mean' or a row of values; met 'mode'"),
        (lambda: boundary(others=[1.0]), ValueError, "a value for each of the 4 columns"),
        (lambda: boundary(grid=1), ValueError, "an integer >= 2; met 1"),
        (lambda: boundary(X=np.full((5, 4), np.nan)), ValueError, "holds no finite number"),
        (
            lambda: boundary(LinearRegression().fit(IRIS, IRIS[:, :2])),
            ValueError,
            "This LinearRegression predicts several targets",
        ),
        (
            lambda: boundary(
                MultiOutputClassifier(LogisticRegression()).fit(
                    IRIS[50:], np.c_[SPECIES, SPECIES][50:]
                )
            ),
            ValueError,
            "predicts several targets",
        ),
    ],
)
def test_boundaries_that_cannot_be_drawn(act, error, message):
    with pytest.raises(error, match=message):
        act()


# ---- networks ------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"
NAMES = np.array(["setosa", "versicolor", "virginica"])


def perceptron(*hidden, **options):
    X = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    return dr.MLPClassifier(hidden, max_iter=2, random_state=0, **options).fit(X, NAMES[SPECIES])


def convolutional(name="<conv & 'c\x00'>"):
    stack = [
        layers.Conv2D(4, 3, activation="relu", name=name),
        layers.MaxPool(2),
        layers.Dropout(0.2),
        layers.Dense(2, name="per_pixel"),
        layers.Flatten(),
        layers.Dense(20, activation="mish"),
        layers.Dense(1),
    ]
    return dr.Network(stack, "bce_with_logits", input_shape=(8, 8, 1))


def elements(svg, name):
    return ET.fromstring(svg).findall(f"{SVG}{name}")


def texts(svg):
    return [element.text for element in elements(svg, "text")]


def drawn_weights(svg):
    return [p for p in elements(svg, "path") if "stroke-opacity" in p.attrib]


def test_layers_of_a_perceptron():
    model = perceptron(5, 3)
    shown = NetworkDisplay.from_estimator(model).layers
    assert [layer.name for layer in shown] == ["X", "dense_1", "dense_2", "dense_3"]
    assert [layer.shape for layer in shown] == [(4,), (5,), (3,), (3,)]
    assert [layer.then for layer in shown] == [(), ("relu",), ("relu",), ("softmax",)]
    assert [layer.learned for layer in shown] == [0, 25, 18, 12]
    for layer, w in zip(shown[1:], model.coefs_, strict=True):
        np.testing.assert_array_equal(layer.weights, w)
    assert shown[0].units == ("a", "b", "c", "d")
    assert shown[-1].units == tuple(NAMES)


def test_parts_of_layers_are_named_by_what_they_do():
    stack = [layers.Embedding(9, 4, padding=0), layers.LSTM(3, bidirectional=True), layers.Dense(1)]
    shown = NetworkDisplay.from_network(dr.Network(stack, input_shape=5)).layers
    assert [(layer.kind, layer.reads) for layer in shown] == [
        ("input", ()),
        ("padding_mask", (0,)),
        ("embedding", (0,)),
        ("lstm", (2, 1)),
        ("lstm", (2, 1)),
        ("concatenate", (3, 4)),
        ("dense", (5,)),
    ]


def test_one_output_is_named_after_the_second_class():
    model = dr.MLPClassifier((2,), max_iter=1, random_state=0).fit(IRIS, SPECIES > 1)
    shown = NetworkDisplay.from_estimator(model).layers
    assert shown[-1].units == ("True",)
    assert shown[-1].then == ("sigmoid",)
    assert shown[0].units == ()


def test_what_comes_first_stands_beside_the_input():
    stack = [layers.BatchNorm(), layers.Dropout(0.1), layers.Dense(2)]
    shown = NetworkDisplay.from_network(dr.Network(stack, input_shape=3)).layers
    assert [(layer.kind, layer.then) for layer in shown] == [
        ("input", ()),
        ("batch_norm", ("dropout",)),
        ("dense", ()),
    ]


def test_layers_of_another_library():
    model = SklearnRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(X2, X2[:, 0])
    shown = NetworkDisplay.from_estimator(pipeline).layers
    assert [layer.shape for layer in shown] == [(2,), (2,), (1,)]
    assert [layer.then for layer in shown] == [(), ("relu",), ()]
    np.testing.assert_array_equal(shown[1].weights, model.coefs_[0])


def test_layers_of_a_network():
    network = convolutional()
    shown = NetworkDisplay.from_network(network).layers
    assert [(layer.kind, layer.shape, layer.then) for layer in shown] == [
        ("input", (8, 8, 1), ()),
        ("conv2d", (6, 6, 4), ("relu",)),
        ("max_pool", (3, 3, 4), ("dropout",)),
        ("dense", (3, 3, 2), ()),
        ("dense", (20,), ("mish",)),
        ("dense", (1,), ("sigmoid",)),
    ]
    assert [layer.has_units for layer in shown] == [False, False, False, False, True, True]
    np.testing.assert_array_equal(shown[4].weights, network.weights()["dense_1.weight"])
    assert sum(layer.learned for layer in shown) == network.summary().weights


def test_branches_are_read_past_other_layers():
    branch = [layers.Dense(3, activation="tanh"), layers.Dense(5)]
    stack = [layers.Dense(5), layers.Residual(branch), layers.Dense(2, trainable=False)]
    display = NetworkDisplay.from_network(dr.Network(stack, "squared_error", input_shape=2))
    add = display.layers[4]
    assert (add.kind, add.reads) == ("add", (3, 1))
    assert display.layers[-1].learned == 0
    svg = display.to_svg()
    assert sum("C" in path.get("d") for path in elements(svg, "path")) == 1
    assert len(drawn_weights(svg)) == 2 * 5 + 5 * 3 + 3 * 5 + 5 * 2


def test_units_and_weights_are_drawn():
    svg = NetworkDisplay.from_estimator(perceptron(5, 3)).to_svg()
    assert len(elements(svg, "circle")) == 4 + 5 + 3 + 3
    assert len(drawn_weights(svg)) == 4 * 5 + 5 * 3 + 3 * 3
    assert {"a", "b", "c", "d", *NAMES, "relu", "softmax", "5 units", "4 features"} <= set(
        texts(svg)
    )


def test_large_layers_are_abbreviated():
    svg = NetworkDisplay.from_estimator(perceptron(13, 12)).to_svg()
    assert len(elements(svg, "circle")) == 4 + 11 + 12 + 3
    assert len(drawn_weights(svg)) == 4 * 11 + 11 * 12 + 12 * 3
    assert texts(svg).count("⋮") == 1
    assert "13 units" in texts(svg)
    centres = [float(c.get("cy")) for c in elements(svg, "circle")[4:15]]
    steps = np.diff(centres)
    assert steps == pytest.approx([26] * 5 + [52] + [26] * 4, abs=0.11)


def test_weights_have_sign_and_size():
    model = perceptron(2)
    model.coefs_[0][:] = [[1, -1], [0.5, 0], [0.25, 0], [0, 0]]
    svg = NetworkDisplay.from_estimator(model).to_svg()
    first = drawn_weights(svg)[:8]  # small ones first
    looks = [(p.get("stroke"), p.get("stroke-width"), p.get("stroke-opacity")) for p in first]
    assert looks[-2:] == [("#0072b2", "3.00", "0.95"), ("#d55e00", "3.00", "0.95")]
    assert looks[-3] == ("#0072b2", "1.65", "0.53")
    assert [width for _, width, _ in looks[:4]] == ["0.30"] * 4


def test_svg_is_valid_whatever_the_names_are():
    svg = NetworkDisplay.from_network(convolutional()).to_svg(theme="dark")
    assert "<conv & 'c\ufffd'>" in texts(svg)
    assert ET.fromstring(svg).get("aria-label").startswith("A network: X 8 x 8 x 1, <conv & ")
    for text in ('"quoted"', "]]>", "<!--", "$x$", "层"):
        assert text in texts(NetworkDisplay.from_network(convolutional(text)).to_svg())
    long = NetworkDisplay.from_network(convolutional("long " * 20)).to_svg()
    assert any(text.startswith("long long") and text.endswith("…") for text in texts(long))


def test_notebooks_show_the_diagram():
    display = NetworkDisplay.from_estimator(perceptron(3))
    assert display._repr_svg_() == display.to_svg()
    assert display.to_svg() in display._repr_html_()
    ET.fromstring(display._repr_html_())


def test_diagrams_are_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    display = NetworkDisplay.from_estimator(perceptron(3))
    path = tmp_path / "net.svg"
    display.save(path)
    assert path.read_text(encoding="utf-8") == display.to_svg()
    display.save(str(path), theme="dark")
    before = path.read_bytes()
    assert b"#181818" in before
    monkeypatch.setattr("os.fsync", lambda descriptor: exec("raise OSError(28, 'full')"))
    with pytest.raises(OSError, match="full"):
        display.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.svg"]
    with pytest.raises(ValueError, match=r"ends with .svg; met 'net.png'"):
        display.save("net.png")


def test_networks_as_text():
    told = NetworkDisplay.from_estimator(perceptron(5, batch_norm=True)).as_text().splitlines()
    assert told[0].split() == [
        "layer",
        "kind",
        "shape",
        "reads",
        "then",
        "learned",
        "largest",
        "|w|",
    ]
    assert told[1].split() == ["X", "input", "4"]
    assert told[2].split()[:7] == ["dense_1", "dense", "5", "X", "batch_norm,", "relu", "35"]
    assert told[-1] == "53 numbers learned"


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda: NetworkDisplay.from_network(perceptron(2)),
            TypeError,
            "met MLPClassifier. from_e",
        ),
        (
            lambda: NetworkDisplay.from_network(dr.Network([layers.Dense(1)])),
            ValueError,
            "give input_shape",
        ),
        (lambda: NetworkDisplay.from_estimator(dr.MLPClassifier()), ValueError, "call fit"),
        (lambda: NetworkDisplay.from_estimator(SklearnRegressor()), ValueError, "call fit"),
        (lambda: NetworkDisplay.from_estimator(dr.NetworkRegressor()), ValueError, "call fit"),
        (
            lambda: NetworkDisplay.from_estimator(LinearRegression()),
            TypeError,
            "met LinearRegression",
        ),
        (lambda: NetworkDisplay.from_estimator(convolutional()), TypeError, "met Network"),
        (
            lambda: NetworkDisplay.from_estimator(perceptron(2)).to_svg(theme="grey"),
            ValueError,
            "is 'light' or 'dark'; met 'grey'",
        ),
    ],
)
def test_networks_that_cannot_be_drawn(act, error, message):
    with pytest.raises(error, match=message):
        act()


# ---- looks ---------------------------------------------------------------------------------------


def descent():
    """Weights of a neuron on the way of gradient descent."""
    x, y = X1[:, 0], 2 * X1[:, 0] - 1
    weights = [np.array([-3.0, 3.0])]
    for _ in range(25):
        w, b = weights[-1]
        e = x * w + b - y
        weights.append(weights[-1] - 0.15 * np.array([np.mean(e * x), np.mean(e)]))
    return weights


def regression():
    X = np.random.default_rng(1).normal(size=(60, 3))
    return LinearRegression().fit(X, X[:, 0] - X[:, 1]), X


SHOWN = {
    "function": lambda: FunctionDisplay.from_activation("hard_swish"),
    "functions": lambda: FunctionDisplay.from_activation(["sigmoid", "tanh", "relu", "gelu"]),
    "loss": lambda: LossDisplay.from_loss("bce_with_logits", against="probability"),
    "losses": lambda: LossDisplay.from_loss(["hinge", "soft_margin", "zero_one"]),
    "surface": lambda: LossSurfaceDisplay.from_neuron(X1, 2 * X1[:, 0] - 1, paths=[descent()]),
    "boundary": lambda: DecisionBoundaryDisplay.from_estimator(
        LogisticRegression().fit(IRIS[:, 2:], NAMES[SPECIES]), IRIS[:, 2:], y=NAMES[SPECIES]
    ),
    "levels": lambda: DecisionBoundaryDisplay.from_estimator(*regression()),
    "network": lambda: NetworkDisplay.from_estimator(perceptron(13, 3)),
    "network_boxes": lambda: NetworkDisplay.from_network(convolutional("$conv$")),
}
everything = pytest.mark.parametrize("name", SHOWN)


@everything
@themes
def test_pictures_are_readable(name, theme):
    display = SHOWN[name]().plot(theme=theme)
    require_readable(display.figure_)


@everything
def test_pictures_look_as_recorded(name):
    require_same_picture(SHOWN[name]().plot().figure_, f"display_{name}")


@everything
def test_displays_draw_into_axes_that_are_given(name):
    figure, axes = plt.subplots(1, 2, figsize=(14, 5), layout="constrained")
    display = SHOWN[name]()
    assert display.plot(axes[1]) is display
    assert display.figure_ is figure
    drawn = np.ravel(display.ax_)
    assert axes[1] in drawn or not axes[1].axison
    assert all(ax.get_subplotspec() is not None for ax in drawn)
    assert not axes[0].has_data()


def test_names_are_no_mathematics():
    drawn = SHOWN["network_boxes"]().plot().ax_.texts
    assert r"\$conv\$" in [text.get_text() for text in drawn]


def test_several_panels_need_a_place():
    figure = plt.figure()
    with pytest.raises(ValueError, match="have none in a grid"):
        SHOWN["functions"]().plot(figure.add_axes((0, 0, 1, 1)))


@everything
def test_without_matplotlib_there_is_text(name, monkeypatch):
    display = SHOWN[name]()
    for module in [m for m in sys.modules if m.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(display.as_text()) > 100
    assert str(display) == display.as_text()
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'deltarule\[plot\]'; as_text"):
        display.plot()
    if hasattr(display, "to_svg"):
        ET.fromstring(display.to_svg())


def test_importing_displays_is_light():
    ask = "import sys, deltarule.displays; print(*{m.partition('.')[0] for m in sys.modules})"
    assert not set(output_of(ask).split()) & {"matplotlib", "sklearn", "scipy", "pandas", "rich"}


@everything
def test_themes_are_two(name):
    with pytest.raises(ValueError, match="is 'light' or 'dark'; met 'grey'"):
        SHOWN[name]().plot(theme="grey")


# ---- characters ----------------------------------------------------------------------------------


def test_graphs_leave_out_what_is_not_finite():
    x = np.linspace(0, 1, 60)
    whole, gap = draw(x, x, "y"), draw(x, np.where((x > 0.4) & (x < 0.6), np.nan, x), "y")
    assert len(whole) == len(gap) == 10
    blank = [row[-30:][14:16] for row in gap[1:-1]]
    assert set("".join(blank)) == {"⠀"}
    assert gap[1][-1] == whole[1][-1]
    nothing = draw(x, np.full(60, np.nan), "y")
    assert set("".join(row[-30:] for row in nothing[1:-1])) == {"⠀"}
    assert side_by_side(["a", "b"], ["c", "d"], ["e", ""]) == "a   c   e\nb   d"


def test_maps_have_axes():
    cells = shaded([[0.0, 1.0, 2.0], [3.0, math.nan, 9.0]], [0.5, 1.5, 2.5])
    assert cells[0, 0] == " "
    assert cells[1, 1] == "?"
    assert framed(cells, [0, 5], [-1.5, 2], ("x", "y")).splitlines() == [
        "      y",
        f"   2 |{''.join(cells[1])}|",
        f"-1.5 |{''.join(cells[0])}|",
        "      0 x 5",
    ]


# ---- the page of the documentation ---------------------------------------------------------------

PAGE = (REPOSITORY / "docs" / "displays.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("index", range(len(EXAMPLES)))
def test_examples_of_the_page_run(index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[index], f"docs/displays.md, example {index}", "exec"), {})


def test_the_page_has_an_example_for_every_display():
    for display in (
        *(FunctionDisplay, LossDisplay, LossSurfaceDisplay),
        *(DecisionBoundaryDisplay, NetworkDisplay),
    ):
        assert any(display.__name__ in example for example in EXAMPLES)
