"""The gradient checker: what it must find, what it must excuse, and what it says of both."""

from __future__ import annotations

import doctest
import importlib
import json
import math
import warnings

import numpy as np
import pytest
from fresh import output_of, package_folder
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import deltarule as dr
from deltarule.cli import main
from deltarule.gradcheck import check_gradient

X = np.linspace(-3, 3, 41) + 0.01
FLOATS = [np.float64, np.float32]
RANDOM = np.random.default_rng(0)


def relu(x):
    return np.maximum(x, 0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Softmax:
    """A row-wise activation that is no class of the library; its vjp can be made wrong."""

    elementwise = False

    def __init__(self, error=0.0):
        self.error = error

    def __call__(self, x):
        return softmax(x)

    def vjp(self, x, g):
        y = softmax(x)
        gradient = y * (g - (y * g).sum(-1, keepdims=True))
        gradient[..., 1] *= 1 + self.error
        return gradient


class Tanh:
    """An element-wise activation; each of its claims can be made wrong."""

    def __init__(self, **errors):
        self.errors = errors

    def _times(self, name, a):
        a = np.array(a)
        a[3] *= 1 + self.errors.get(name, 0)
        return a

    def __call__(self, x):
        return np.tanh(x)

    def derivative(self, x):
        return self._times("derivative", np.cosh(x) ** -2)

    def vjp(self, x, g):
        return self._times("vjp", g * np.cosh(x) ** -2)

    def second_derivative(self, x):
        return self._times("second_derivative", -2 * np.tanh(x) * np.cosh(x) ** -2)


class Network:
    """One hidden layer of tanh and a mean square, by hand, with an error at (name, index)."""

    def __init__(self, error=0.0, at=("w1", (0, 0)), hidden=5):
        random = np.random.default_rng(0)
        self.x, self.y = random.standard_normal((20, 3)), random.standard_normal((20, 2))
        self.error, self.at = error, at
        self.evaluations = self.passes = 0
        self.start = {
            "w1": random.standard_normal((3, hidden)),
            "b1": random.standard_normal(hidden),
            "w2": random.standard_normal((hidden, 2)) / math.sqrt(hidden),
        }

    def parameters(self):
        return self.start

    def loss(self, p):
        self.evaluations += 1
        return np.mean((np.tanh(self.x @ p["w1"] + p["b1"]) @ p["w2"] - self.y) ** 2)

    def loss_and_gradient(self, p):
        self.passes += 1
        hidden = np.tanh(self.x @ p["w1"] + p["b1"])
        residual = hidden @ p["w2"] - self.y
        back = 2 * residual / residual.size
        inside = back @ p["w2"].T * (1 - hidden**2)
        gradient = {"w1": self.x.T @ inside, "b1": inside.sum(0), "w2": hidden.T @ back}
        name, index = self.at
        gradient[name][index] *= 1 + self.error
        return np.mean(residual**2), gradient


# ---- what is right passes -----------------------------------------------------------------------


def functions():
    return [*dr.activations.values(), *dr.losses.values()]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("f", functions(), ids=lambda f: f"{type(f).__name__}-{f.name}")
def test_every_row_of_the_catalogue_is_right(f, dtype):
    try:
        report = check_gradient(f, dtype=dtype)
    except ValueError as error:
        if "no default places" not in str(error):
            raise
        pytest.skip(str(error))
    assert report.passed, report
    assert report.checked > report.undecided


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("method", ["auto", "central", "complex"])
def test_functions_of_every_form(dtype, method):
    x = X.astype(dtype)
    forms = {
        "derivative": ((np.tanh, lambda x: 1 / np.cosh(x) ** 2), x),
        "gradient": ((lambda x: np.sin(x).sum(), np.cos), x),
        "both": (lambda x: (np.sin(x).sum(), np.cos(x)), x),
        "jacobian": (
            (
                lambda x: np.array([x[0] * x[1], x[2] ** 2]),
                lambda x: np.array([[x[1], x[0], 0], [0, 0, 2 * x[2]]]),
            ),
            x[:3],
        ),
        "one number": ((np.exp, np.exp), dtype(0.3)),
        "a list": (
            lambda p: ((p[0] ** 2).sum() * p[1], [2 * p[0] * p[1], (p[0] ** 2).sum()]),
            [x[:4].reshape(2, 2), np.asarray(dtype(2))],
        ),
    }
    for name, (f, at) in forms.items():
        report = check_gradient(f, at, method=method)
        assert report.passed, (name, str(report))
        assert report.undecided == 0, (name, str(report))
        assert report.worst_error < (1e-3 if dtype is np.float32 else 1e-7), (name, str(report))


def test_numbers_that_need_other_steps():
    cases = [
        (np.log, lambda x: 1 / x, [1e-300, 1e-12, 1e-3, 1.0, 1e10, 1e300]),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-12, 1e-3, 1e12]),
        (lambda x: np.tanh(1e4 * x), lambda x: 1e4 / np.cosh(1e4 * x) ** 2, [0, 1e-5, -3e-4]),
        (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), X),
        (lambda x: x**2 + 1e10, lambda x: 2 * x, X),
        (np.exp, np.exp, [-700.0, 700.0, 709.7]),
    ]
    for f, derivative, x in cases:
        for method in ("auto", "central"):
            report = check_gradient((f, derivative), np.array(x), method=method, rtol=1e-5)
            assert report.failed == 0, report
            assert report.checked, report
    wrong = check_gradient((np.log, lambda x: 1.0001 / x), np.array(cases[0][2]), method="central")
    assert wrong.failed == 6, wrong


def test_a_function_of_fewer_digits_than_its_type():
    def coarse(x):
        return np.tanh(x.astype(np.float32)).astype(np.float64)

    right = check_gradient((coarse, lambda x: np.cosh(x) ** -2), X)
    assert right.passed, right
    assert right.rtol == 1e-3
    wrong = check_gradient((coarse, lambda x: 1.01 * np.cosh(x) ** -2), X)
    assert wrong.failed == len(X), wrong


# ---- what is wrong is found, and where ----------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "central", "complex"])
def test_small_errors_are_found(method):
    for size in (1e-4, 1e-5):
        wrong = np.cos(X) * np.where(np.arange(len(X)) == 7, 1 + size, 1)
        for f in (np.sin, lambda x: np.sin(x).sum()):
            report = check_gradient((f, lambda x, wrong=wrong: wrong), X, method=method)
            assert [e.index for e in report.offenders] == [(7,)], report
            assert_allclose(report.worst_error, size, rtol=1e-2)
            assert report.worst.at == X[7]


@pytest.mark.parametrize("part", ["derivative", "vjp", "second_derivative"])
def test_wrong_claims_of_an_activation(part):
    assert check_gradient(Tanh(), X).passed
    report = check_gradient(Tanh(**{part: 1e-4}), X)
    wrong = {(e.layer, e.index) for e in report.offenders}
    assert (part, (3,)) in wrong, report
    # What is differenced to check the second derivative is the first.
    assert wrong <= {(part, (3,)), ("second_derivative", (3,))}, report
    assert part in str(report)
    if part == "second_derivative":
        assert check_gradient(Tanh(**{part: 1e-4}), X, second=False).passed


@pytest.mark.parametrize("width", [5, 50])
@pytest.mark.parametrize("dtype", FLOATS)
def test_rows(width, dtype):
    x = np.random.default_rng(0).standard_normal((4, width)).astype(dtype)
    report = check_gradient(Softmax(), x)
    assert report.passed, report
    assert {layer.name for layer in report.layers} == (
        {"vjp"} if width > 32 else {"vjp", "jacobian"}
    )
    report = check_gradient(Softmax(0.02), x)
    assert {e.index[-1] for e in report.offenders} == {1}, report
    assert report.failed >= 4, report


def test_a_wrong_jacobian():
    class Wrong(Softmax):
        def jacobian(self, x):
            y = softmax(x)
            matrix = y[..., :, None] * (np.eye(x.shape[-1]) - y[..., None, :])
            matrix[2, 0, 3] *= 1.0001
            return matrix

    report = check_gradient(Wrong(), np.random.default_rng(0).standard_normal((4, 5)))
    assert [(e.layer, e.index) for e in report.offenders] == [("jacobian", (2, 0, 3))], report


def test_outputs_of_other_widths():
    class Glu:
        elementwise = False

        def __call__(self, x):
            a, b = np.split(x, 2, -1)
            return a * np.tanh(b)

        def vjp(self, x, g):
            a, b = np.split(x, 2, -1)
            return np.concatenate([g * np.tanh(b), g * a * np.cosh(b) ** -2], -1)

    class LogSumExp:
        elementwise = False

        def __call__(self, x, axis=-1):
            return np.log(np.exp(x).sum(axis))

        def vjp(self, x, g, axis=-1):
            return softmax(x) * g[..., None]

    for f in (Glu(), LogSumExp()):
        report = check_gradient(f, np.random.default_rng(0).standard_normal((2, 3, 6)))
        assert report.passed, report
        assert report.undecided == 0, report


@pytest.mark.parametrize("reduction", [None, "sum", "none"])
def test_losses(reduction):
    z, y = np.random.default_rng(0).standard_normal((2, 6, 4))
    options = {} if reduction is None else {"reduction": reduction}
    weights = np.linspace(0.5, 2, 6)
    for loss, t in [(dr.losses.huber, y), (dr.losses.kl_divergence, softmax(y))]:
        assert check_gradient(loss, z, t, sample_weight=weights, **options).passed
    codes = np.array([0, 1, 2, 3, 0, 1])
    report = check_gradient(dr.loss("cross_entropy", label_smoothing=0.1), z, codes, **options)
    assert report.passed, report


def test_operands_of_losses_may_be_lists():
    for loss in (dr.losses.huber, dr.losses.cosine_similarity):
        assert check_gradient(loss, [[1.0, 2.0]], [[0.5, -0.1]]).passed
    assert check_gradient(dr.losses.huber, [0.5, 2.0], [0.0, 0.0]).checked == 6
    assert check_gradient(dr.losses.huber, [1.0, 2.0], [0.0, 0.0]).passed
    assert check_gradient(dr.losses.softmax_cross_entropy, [[1.0, 2.0], [0.5, 0.0]], [0, 1]).passed


class Distance:
    """A loss of two operands, one value per row, whose second gradient can be wrong."""

    def __init__(self, error=0.0, mixed=False):
        self.error, self.mixed = error, mixed

    def __call__(self, a, b, reduction="mean"):
        return self.value_and_gradient(a, b, reduction)[0]

    def value_and_gradient(self, a, b, reduction="mean"):
        d = a - b - (b.mean(axis=0) if self.mixed else 0)  # mixed: rows see each other
        values = (d**2).sum(-1)
        scale = 1 / len(a) if reduction == "mean" else 1.0
        gradient = 2 * d * scale
        other = -gradient - (gradient.mean(axis=0) if self.mixed else 0)
        other[2, 1] *= 1 + self.error
        return (values if reduction == "none" else values.sum() * scale), (gradient, other)


@pytest.mark.parametrize("mixed", [False, True])
def test_losses_of_several_operands(mixed):
    a, b = np.random.default_rng(0).standard_normal((2, 5, 3))
    report = check_gradient(Distance(mixed=mixed), a, b)
    assert report.passed, report
    assert report.undecided == 0, report
    report = check_gradient(Distance(1e-4, mixed), a, b)
    assert {e.index for e in report.offenders} == {(2, 1)}, report
    assert all("operand 1" in e.layer for e in report.offenders), report


@pytest.mark.parametrize("method", ["auto", "central", "projection"])
@pytest.mark.parametrize("at", [("w1", (2, 3)), ("b1", (4,)), ("w2", (0, 1))])
def test_a_wrong_layer_of_a_network_is_named(method, at):
    assert check_gradient(Network(), method=method).passed
    report = check_gradient(Network(1e-3, at), method=method)
    assert not report.passed
    assert (report.worst.layer, report.worst.index) == at, report
    assert_allclose(report.worst_error, 1e-3, rtol=2e-3)
    assert f"{at[0]}[{', '.join(map(str, at[1]))}]" in str(report)


def test_gradients_that_are_no_numbers():
    def gradient(x):
        return np.where(x > 2.9, np.nan, np.cos(x))

    for f, method in [(np.sin, "auto"), (lambda x: np.sin(x).sum(), "auto"),
                      (lambda x: np.sin(x).sum(), "projection")]:  # fmt: skip
        report = check_gradient((f, gradient), X, method=method)
        assert report.worst.at > 2.9, report
        assert math.isnan(report.worst.analytic), report


# ---- kinks, jumps and edges ---------------------------------------------------------------------

NEAR_ZERO = np.array([-2.0, -1e-3, -1e-6, -1e-9, -1e-12, 0, 1e-12, 1e-9, 1e-6, 1e-3, 2.0])


@pytest.mark.parametrize("method", ["auto", "central"])
@pytest.mark.parametrize("total", [False, True])
def test_kinks_are_skipped_and_counted(method, total):
    def f(x):
        return relu(x).sum() if total else relu(x)

    x = np.array([-1.0, -1e-3, 0, 1e-3, 1])
    report = check_gradient((f, lambda x: (x > 0) * 1.0), x, method=method)
    assert report.passed, report
    assert report.checked == 4
    (kink,) = report.skipped
    assert (kink.index, kink.at, kink.reason) == ((2,), 0, "kink")
    assert_allclose([kink.left, kink.right], [0, 1], atol=1e-6)
    assert "1 skipped at kinks" in str(report)


def test_a_slope_that_is_wrong_on_one_side_is_found_at_any_distance():
    report = check_gradient((relu, lambda x: (x > 0) * 0.999), NEAR_ZERO, method="central")
    assert {e.at for e in report.offenders} == set(NEAR_ZERO[NEAR_ZERO > 0]), report
    assert [s.at for s in report.skipped] == [0]
    leaky = check_gradient(
        (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.02)),
        NEAR_ZERO,
        method="central",
    )
    assert {e.at for e in leaky.offenders} == set(NEAR_ZERO[NEAR_ZERO < 0]), leaky


def test_a_kink_excuses_no_claim_beyond_its_slopes():
    for claim, verdict in [(0.0, "UNDECIDED"), (1.0, "UNDECIDED"), (0.5, "UNDECIDED"),
                           (1.01, "FAILED"), (-0.01, "FAILED")]:  # fmt: skip
        report = check_gradient((relu, lambda x, claim=claim: claim + 0 * x), [0.0])
        assert report.verdict == verdict, (claim, str(report))


def test_an_error_near_no_kink_is_no_kink():
    """The claim has no part in recognising kinks: a bend of the claim excuses nothing."""

    def bent(x):
        return np.cos(x) * np.where(x > 0.5, 1.0001, 1)

    report = check_gradient((np.sin, bent), X, method="central")
    assert not report.skipped
    assert {e.at for e in report.offenders} == set(X[X > 0.5]), report


@given(
    st.floats(-12, -2), st.sampled_from([-1, 1]), st.floats(-3, 3), st.floats(0.1, 3),
    st.booleans(), st.floats(-1, 1),
)  # fmt: skip
def test_one_kink_or_jump_at_any_distance(exponent, side, slope, bend, jumps, offset):
    """The estimate's uncertainty covers a kink or a jump wherever it lies within the step."""
    at = offset + side * 10**exponent

    def f(x):
        beyond = x > at
        return slope * x + bend * np.where(beyond, 1 if jumps else x - at, 0)

    def derivative(x):
        return slope + (0 if jumps else bend) * (x > at)

    right = check_gradient((f, derivative), [offset], method="central")
    assert right.failed == 0, right
    far = 10**exponent > 1e-7 and abs(derivative(offset)) > 0.05
    wrong = check_gradient((f, lambda x: derivative(x) * (1 + 1e-4)), [offset], method="central")
    assert wrong.failed == 1 or not far, wrong


def test_jumps_and_edges():
    x = np.array([-1.0, 0, 1e-9, 2])
    for f in (np.sign, lambda x: (x >= 0) * 1.0, lambda x: (x > 0) * 1.0):
        report = check_gradient((f, np.zeros_like), x)
        assert report.passed, report
        assert [(s.at, s.reason) for s in report.skipped] == [(0, "jump")]
        assert check_gradient((f, np.ones_like), x).failed == 3
    report = check_gradient(
        (np.sqrt, lambda x: 0.5 / np.sqrt(np.fmax(x, 1e-300))), [0.0, 1.0, -1.0]
    )
    assert [(s.at, s.reason) for s in report.skipped] == [(0, "edge"), (-1, "undefined")], report
    assert report.checked == 1


def test_steps_out_of_the_domain():
    """A function that refuses numbers outside of its domain is checked as far as steps fit in."""

    def entropy(p):
        if not (p >= 0).all():
            raise ValueError("p must be >= 0")
        return p * np.log(np.where(p > 0, p, 1))

    p = np.array([0.0, 1e-4, 0.5])
    derivative = (entropy, lambda p: np.log(np.where(p > 0, p, 1)) + 1)
    assert check_gradient(derivative, p[1:], method="central").checked == 2
    report = check_gradient(derivative, p, method="central")
    assert report.failed == 0, report
    assert {s.reason for s in report.skipped} == {"edge"}
    one = (lambda p: entropy(p).sum(), derivative[1])
    report = check_gradient(one, p, method="central")
    assert [s.index for s in report.skipped] == [(0,)], report
    assert report.checked == 2


def test_a_network_of_kinks_passes_and_a_wrong_one_does_not():
    random = np.random.default_rng(0)
    x, w = random.standard_normal((200, 4)), random.standard_normal((4, 6))
    w[:, 0] = 0  # a unit that sits on its kink for every row

    def gradient(w):
        return x.T @ (x @ w > 0) / 200

    def f(w):
        return relu(x @ w).sum() / 200

    report = check_gradient((f, gradient), w, method="central")
    assert report.failed == 0, report
    assert {s.index[1] for s in report.skipped} == {0}
    assert report.checked == 20
    factor = np.ones((4, 6))
    factor[1, 2] += 1e-4
    report = check_gradient((f, lambda w: gradient(w) * factor), w, method="central")
    assert [e.index for e in report.offenders] == [(1, 2)], report


# ---- methods and their cost ---------------------------------------------------------------------


def test_the_cost_is_counted():
    network = Network()
    for method, expected in [
        ("central", 3 + 4 * 30),
        ("auto", 2 + 4 + 30),
        ("complex", 2 + 4 + 30),
    ]:
        network.evaluations = network.passes = 0
        report = check_gradient(network, method=method)
        assert (network.evaluations, network.passes) == (report.evaluations, 1), report
        # The point twice, one step aside; then a first complex step.
        assert report.evaluations == expected + (2 if method != "central" else 0), report
        assert report.backward_passes == 1
        assert sum(report.methods.values()) == 30
    assert f"{report.evaluations} evaluations of the function for 30 parameters" in str(report)
    assert "two evaluations for each parameter and step size" in str(report)


def test_projection_costs_four_evaluations_for_each_direction():
    network = Network()
    for k in (1, 5):
        network.evaluations = 0
        report = check_gradient(network, method="projection", directions=k)
        assert report.evaluations == network.evaluations == 3 + 4 * k
        assert report.checked == k
        assert report.projection.parameters == 30
    assert "probability below 1 %" in str(report)


def test_large_networks_are_projected():
    network = Network(hidden=2000)
    report = check_gradient(network)
    assert report.projection is not None
    assert report.passed, report
    assert report.evaluations < 100
    report = check_gradient(Network(1e-2, ("w1", (1, 1234)), hidden=2000), directions=20)
    assert (report.worst.layer, report.worst.index) == ("w1", (1, 1234)), report
    assert report.evaluations < 1000


def test_what_projection_says_of_errors_that_escape():
    """An error of the stated length escapes in less than 1 % of all draws."""
    random = np.random.default_rng(1)
    x, escaped, draws = random.standard_normal(12), 0, 400

    def f(x):
        return np.sin(x).sum()

    for seed in range(draws):
        unseen = check_gradient(
            (f, np.cos), x, method="projection", directions=2, seed=seed
        ).projection.unseen
        error = random.standard_normal(12)
        error *= unseen / np.linalg.norm(error)
        report = check_gradient(
            (f, lambda x, e=error: np.cos(x) + e), x, method="projection", directions=2, seed=seed
        )
        escaped += report.passed
    assert escaped <= 0.02 * draws


def test_directions_depend_on_the_seed_only():
    reports = [
        check_gradient(Network(), method="projection", seed=seed).worst.analytic
        for seed in (0, 0, 1)
    ]
    assert reports[0] == reports[1] != reports[2]


def test_complex_steps_are_exact_and_confirmed():
    report = check_gradient((np.tanh, lambda x: np.cosh(x) ** -2), [0.0, 5.0, 18.0])
    assert report.methods == {"complex step": 3}
    assert report.undecided == 0
    vague = check_gradient((np.tanh, lambda x: np.cosh(x) ** -2), [18.0], method="central")
    assert vague.verdict == "UNDECIDED"
    assert "Nothing could be decided" in str(vague)


def test_functions_that_drop_imaginary_parts():
    def f(x):
        return (np.abs(x) * x).sum()

    x = np.array([-1.0, 3, 1])
    assert check_gradient((f, lambda x: 2 * np.abs(x)), x).methods == {"central+richardson": 3}
    assert check_gradient((f, np.abs), x).failed == 3  # what complex steps would say
    with pytest.raises(ValueError, match="drops the imaginary part"):
        check_gradient((f, np.abs), x, method="complex")
    with pytest.raises(ValueError, match="does not take complex numbers"):
        check_gradient((lambda x: x.real**2, lambda x: 2 * x), x, method="complex")
    with pytest.raises(ValueError, match="does not take complex numbers"):
        check_gradient(dr.activations.gelu, x, method="complex")


def test_steps_can_be_given():
    visited = []

    def f(x):
        visited.append(float(x[0]))
        return np.sin(x)

    check_gradient((f, np.cos), [1.0], method="central", h=0.25)
    assert {1.25, 0.75, 1.125, 0.875} <= set(visited)


def test_first_steps_suit_the_dtype():
    """The error of the extrapolated derivative is near eps^(4/5), as theory says."""
    for dtype in FLOATS:
        x = X.astype(dtype)
        report = check_gradient((np.sin, np.cos), x, method="central")
        size = np.abs(np.cos(X)).min()
        assert report.worst.error < 20 * np.finfo(dtype).eps ** 0.8 / size, report


# ---- estimators ---------------------------------------------------------------------------------


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few epochs
        return estimator.fit(X, y)


ROWS = np.random.default_rng(0).standard_normal((30, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", ["tanh", "mish"], "softmax"])
@pytest.mark.parametrize("labels", ["two", "three", "many"])
def test_classifiers(dtype, activation, labels):
    y = {
        "two": np.where(ROWS[:, 0] > 0, "yes", "no"),
        "three": np.digitize(ROWS[:, 0], [-0.5, 0.5]) * 10,
        "many": (ROWS[:, :3] > 0) * 1,
    }[labels]
    model = dr.MLPClassifier((6, 5), activation, max_iter=20, dtype=dtype, random_state=0)
    report = check_gradient(fitted(model, ROWS, y), ROWS, y)
    assert report.passed, report
    assert {layer.name for layer in report.layers} >= {"coefs_[0]", "intercepts_[2]"}
    assert report.checked + len(report.skipped) + report.undecided == report.parameters
    assert check_gradient(model, ROWS, y, method="projection").passed


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "rmse"])
def test_regressors(loss):
    y = ROWS @ np.ones((4, 2)) + np.sin(ROWS[:, :2])
    weights = np.linspace(0.1, 2, 30)
    for targets in (y, y[:, 0]):
        model = dr.MLPRegressor(loss, (6,), "silu", max_iter=20, random_state=0)
        report = check_gradient(fitted(model, ROWS, targets), ROWS, targets, sample_weight=weights)
        assert report.passed, report
        assert report.undecided <= 2, report


def test_what_activations_learn_is_checked_too():
    y = np.digitize(ROWS[:, 0], [-0.5, 0.5])
    model = dr.MLPClassifier((6, 5), ["prelu", "prelu"], max_iter=20, random_state=0)
    report = check_gradient(fitted(model, ROWS, y), ROWS, y)
    assert report.passed, report
    learned = [layer for layer in report.layers if layer.name.startswith("prelu of layer")]
    assert [layer.checked for layer in learned] == [1, 1], report


def test_some_rows_and_classes_are_enough():
    y = np.digitize(ROWS[:, 0], [-0.5, 0.5])
    model = fitted(dr.MLPClassifier((3,), max_iter=20, random_state=0), ROWS, y)
    some = y != 1
    assert check_gradient(model, ROWS[some], y[some]).passed
    with pytest.raises(ValueError, match="7, which is none of the classes"):
        check_gradient(model, ROWS[:1], [7])
    with pytest.raises(ValueError, match="30 rows and y 29"):
        check_gradient(model, ROWS, y[1:])
    with pytest.raises(TypeError, match=r"check_gradient\(estimator, X, y\)"):
        check_gradient(model, ROWS)


def test_the_gradient_of_the_engine_is_what_is_checked(monkeypatch):
    """A broken layer of the engine is found through the estimator, too: here a transpose."""
    model = dr.MLPRegressor(hidden_layer_sizes=(6, 5), max_iter=5)
    fitted(model, ROWS, ROWS[:, 0])
    problem = model._gradient_problem(ROWS, ROWS[:, 0])
    right = problem.loss_and_gradient

    def broken(parameters):
        loss, gradient = right(parameters)
        gradient["coefs_[1]"] = (
            gradient["coefs_[1]"].T.reshape(6, 5).copy()
        )  # a forgotten transpose
        return loss, gradient

    monkeypatch.setattr(problem, "loss_and_gradient", broken)
    report = check_gradient(problem)
    assert {e.layer for e in report.offenders} == {"coefs_[1]"}, report


# ---- errors, sentences, the command -------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words", "arguments", "options"),
    [
        (TypeError, "no gradient to check", (np.sin, X), {}),
        (TypeError, "of the type int claims no gradient", (3, X), {}),
        (TypeError, "real numbers; gradient holds complex128", ((np.sin, np.cos), X + 0j), {}),
        (TypeError, "the function gave complex128", ((lambda x: x * 1j, np.cos), X), {}),
        (TypeError, "2 positional arguments", ((np.sin, np.cos), X, X), {}),
        (TypeError, "sin is called with x only", ((np.sin, np.cos), X), {"where": 1}),
        (TypeError, "no second derivative", ((np.sin, np.cos), X), {"second": True}),
        (ValueError, "no number to differentiate by", ((np.sin, np.cos), []), {}),
        (ValueError, r"\(41, 41\) \(a Jacobian\)", ((np.sin, lambda x: x[:3]), X), {}),
        (ValueError, "changes at elements that were not moved", ((softmax, lambda x: x), X), {}),
        (ValueError, "two different values", ((lambda x: RANDOM.random(), np.cos), X), {}),
        (ValueError, "for each of a; met b", ((lambda p: 1.0, lambda p: {"b": 1}), {"a": X}), {}),
        (ValueError, r"has the shape \(41,\)", ((lambda p: 1.0, lambda p: {"a": 1}), {"a": X}), {}),
        (ValueError, "A loss is one number", ((lambda p: X, lambda p: p), {"a": X}), {}),
        (ValueError, "one of auto, central", ((np.sin, np.cos), X), {"method": "magic"}),
        (ValueError, "rtol must be a finite number > 0", ((np.sin, np.cos), X), {"rtol": -1}),
        (ValueError, "rtol must be a finite number > 0", ((np.sin, np.cos), X), {"rtol": "a"}),
        (ValueError, "h must be a finite number > 0", ((np.sin, np.cos), X), {"h": [1e-3]}),
        (ValueError, "directions must be an integer >= 1", ((np.sin, np.cos), X),
         {"directions": 0.5}),
        (ValueError, "directions must be an integer >= 1", ((np.sin, np.cos), X),
         {"directions": 0}),
        (ValueError, "a single value of many", ((np.sin, np.cos), X), {"method": "projection"}),
    ],
)  # fmt: skip
def test_errors(error, words, arguments, options):
    with pytest.raises(error, match=words):
        check_gradient(*arguments, **options)


def test_a_report_reads_well():
    text = str(check_gradient((np.sin, lambda x: np.cos(x) * 1.001), X))
    assert text.startswith("FAILED  sin\n  41 of 41 derivatives are wrong.\n")
    assert "the relative error is 0.001." in text
    assert "Also wrong: derivative[" in text
    text = str(check_gradient(dr.activations.relu))
    assert text.startswith("PASSED  relu()\n")
    assert "(slopes 0 and 1)" in text
    assert "1 evaluation of the gradient" in str(check_gradient((np.sin, np.cos), X))


def test_a_report_is_plain_data():
    report = check_gradient(dr.activations.relu, [-1.0, 0.0, 2.0], second=False)
    assert report.checked == 4
    assert report.layers[0].checked == 2
    assert report.layers[0].skipped == 1
    with pytest.raises(AttributeError):
        report.rtol = 1


def test_examples():
    result = doctest.testmod(importlib.import_module("deltarule.gradcheck._check"))
    assert result.attempted
    assert not result.failed


def test_the_witness_works_without_the_core():
    folder = str(package_folder())
    out = output_of(f"""
import sys, types
package = types.ModuleType("deltarule")
package.__path__ = [{folder!r}]
sys.modules["deltarule"] = package
import numpy as np
from deltarule.gradcheck import check_gradient
print(check_gradient((np.sin, np.cos), [1.0, 2.0]).passed)
print(sorted(m for m in sys.modules if m.startswith("deltarule.") and "gradcheck" not in m))
print("scipy" in sys.modules)
""")
    assert out.split("\n")[:3] == ["True", "[]", "False"]


def test_the_command(capsys):
    assert main(["check", "relu"]) == 0
    assert capsys.readouterr().out.startswith("PASSED  relu()\n")
    assert main(["check", "leaky_relu", "--param", "negative_slope=0.2", "--dtype", "float32"]) == 0
    assert "PASSED  leaky_relu(negative_slope=0.2)" in capsys.readouterr().out
    assert main(["check", "swish", "--at=-1,0.5"]) == 0
    assert "PASSED  silu" in capsys.readouterr().out
    assert main(["check", "huber", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"]
    assert report["failed"] == 0
    assert report["worst"]["layer"]
    assert main(["check", "relu", "--at", "0"]) == 1
    assert capsys.readouterr().out.startswith("UNDECIDED  relu()\n")


def test_the_command_checks_all(capsys):
    assert main(["check", "--kind", "loss"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(dr.losses)
    assert not [line for line in lines if line.startswith("FAILED")]
    assert main(["check", "--kind", "loss", "--json"]) == 0
    assert "huber(delta=1.0)" in json.loads(capsys.readouterr().out)


def test_the_command_fails_where_a_derivative_is_wrong(capsys, monkeypatch):
    kind = type(dr.activations.gelu)
    right = kind.derivative
    monkeypatch.setattr(kind, "derivative", lambda self, x, **o: 1.001 * right(self, x, **o))
    assert main(["check", "gelu"]) == 1
    assert capsys.readouterr().out.startswith("FAILED  gelu(")
    assert main(["check", "--kind", "activation"]) == 1
    assert "FAILED     gelu" in capsys.readouterr().out


def test_hints_are_of_the_kind_that_is_wanted(capsys):
    main(["show", "relv", "--kind", "loss"])
    assert "relu" not in capsys.readouterr().err
    with pytest.raises(ValueError, match="means") as caught:
        dr.loss("CrossEntropyLoss")
    main(["show", "CrossEntropyLoss"])
    assert capsys.readouterr().err == f"deltarule: {caught.value}\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check gleu", "did you mean glu or gelu"),
        ("check huber --param detla=2", "Did you mean 'delta'"),
        ("check huber --param delta=-2", "must be a number > 0"),
        ("check huber --param delta", "--param takes NAME=VALUE"),
        ("check huber --at 1", "--at is for activations"),
        ("check --at 1", "belong to one function"),
        ("check gelu --at 1,x", "must be numbers"),
        ("check gelu --rtol 0", "above 0"),
        ("check weighted_kappa --param weightage=cubic", "must be 'linear' or 'quadratic'"),
        ("check ranking_softmax --param weights=-1", "needs weights >= 0"),
        ("show relu --kind loss", "no loss named 'relu': it is an activation; pass --kind activ"),
        ("check huber --kind activation", "'huber': it is a loss; pass --kind loss."),
        ("show gleu --kind loss", "There is no loss named 'gleu': "),
        ("show CrossEntropyLoss", "'CrossEntropyLoss' means 'softmax_cross_entropy' in PyTorch"),
        ("check CrossEntropyLoss --kind loss", "pass one of these names"),
    ],
)
def test_the_command_refuses(capsys, line, words):
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
