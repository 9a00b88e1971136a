"""Every loss of the catalogue against the oracle, and what its arguments may be."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import oracle
import probes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import deltarule as dr

DTYPES = [np.float32, np.float64]
ELEMENTWISE = [f for f in dr.losses.values() if f.elementwise and not f.facts["root_of_mean"]]
ROWWISE = [f for f in dr.losses.values() if not f.elementwise]
VARIANTS = {
    "huber": [{}, {"delta": 0.3}],
    "binary_cross_entropy": [{}, {"alpha": 0.25}, {"pos_weight": 3.0, "alpha": 0.6}],
    "cross_entropy": [{}, {"label_smoothing": 0.1}],
}
ERRORS = json.loads(Path(__file__).with_name("errors.json").read_text())
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
REAL = [f for f in dr.losses.values() if f.facts["targets"] == "real"]


def variants(f):
    return [f.with_parameters(p) for p in VARIANTS.get(f.name, [{}])]


def rounded(f, dtype):
    return tuple((k, None if v is None else float(dtype(v))) for k, v in f.parameters.items())


def raw_predictions(dtype, n=40):
    rng = np.random.default_rng(3)
    span = 85 if dtype == np.float32 else 700
    parts = [rng.uniform(-3, 3, n), rng.uniform(-40, 40, n), rng.uniform(-span, span, n)]
    special = probes.special(dtype)
    wide = probes.wide(dtype, 10)
    return np.concatenate([*parts, wide, special[np.isfinite(special)]]).astype(dtype)


def element_errors(g, dtype):
    """The worst errors in ulp of value and slope, and the exact zeros that are none."""
    z = raw_predictions(dtype)
    rng = np.random.default_rng(4)
    real = g.facts["targets"] == "real"
    soft = rng.normal(0, 5, z.shape) if real else rng.uniform(0, 1, z.shape)
    worst, lost = [0.0, 0.0], []
    for t in (np.zeros_like(z), np.ones_like(z), soft.astype(dtype)):
        got = g(z, t, reduction="none"), g.gradient(z, t, reduction="none")
        for i, (zi, ti) in enumerate(zip(z, t, strict=True)):
            exact = oracle.elementwise_loss(
                g.facts["formula"], float(zi), float(ti), rounded(g, dtype)
            )
            hard = real or ti in (0, 1)
            # The slope for a soft target is a difference of two terms of the size of 1.
            for k, scale in enumerate((None, None if hard else oracle.mpf(1))):
                worst[k] = max(worst[k], oracle.ulp_error(got[k][i], exact[k], dtype, scale))
                if hard and got[k][i] == 0 and abs(exact[k]) >= float(np.finfo(dtype).tiny):
                    lost.append((g, zi, ti, k))
    return worst, lost


def check(g, f, dtype, worst, lost):
    """The bound of the row for every variant, the record for the function as it comes."""
    assert not lost, f"exact zero where the result is a normal number: {lost[:3]}"
    bound, recorded = f.facts[f"ulp_{dtype.__name__}"], ERRORS[f.name][dtype.__name__]
    for k, what in enumerate(("value", "slope")):
        assert worst[k] <= bound[k], f"{g!r} {what}: {worst[k]:.2f} ulp; the row states {bound[k]}"
        assert worst[k] <= recorded[k] or g is not f, f"{g!r} {what}: {worst[k]:.3f} ulp: it grew"


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
@dtypes
def test_elements_against_the_oracle(f, dtype):
    for g in [f, *variants(f)]:
        check(g, f, dtype, *element_errors(g, dtype))


@pytest.mark.parametrize("f", list(dr.losses.values()), ids=lambda f: f.name)
def test_the_gradient_shown_is_that_of_the_formula(f):
    assert f.facts["gradient"], f"the row of {f.name} lacks .gradient"
    z, t = (0.3, -1.2, 2.5), (0.2, 0.5, 0.3)
    for g in variants(f):
        parameters, formula, shown = rounded(g, np.float64), f.facts["formula"], f.facts["gradient"]
        if f.elementwise:
            for zi, ti in zip(z, t, strict=True):
                exact = oracle.elementwise_loss(formula, zi, ti, parameters)[1]
                assert abs(oracle.elementwise_loss(shown, zi, ti, parameters)[0] - exact) < 1e-30
        else:
            names = {"z": oracle.row(z), "t": oracle.row(t)} | oracle.scalars(parameters)
            exact = oracle.rowwise_loss(formula, z, t, parameters)[1]
            for a, b in zip(oracle.evaluate(shown, names), exact, strict=True):
                assert abs(a.v - b) < 1e-30


WIDTHS = (2, 3, 10, 33)


def rows_and_targets(dtype, width):
    rng = np.random.default_rng(width)
    one_hot = np.eye(width, dtype=dtype)
    for scale in (1, 10, 60):
        z = (scale * rng.standard_normal(width)).astype(dtype)
        for t in [*one_hot[:3], rng.dirichlet(np.ones(width)).astype(dtype)]:
            yield z, t


def row_errors(g, dtype, width):
    """As `element_errors`, on the scales that `error_scale` of the row names."""
    worst, lost = [0.0, 0.0], []
    for z, t in rows_and_targets(dtype, width):
        exact, slope = oracle.rowwise_loss(
            g.facts["formula"], tuple(map(float, z)), tuple(map(float, t)), rounded(g, dtype)
        )
        one_class = t.max() == 1
        cancels = g.name == "kl_divergence" and not one_class
        size = oracle.mpf(float(np.abs(z).max())) if cancels else None
        value, gradient = g.value_and_gradient(z, t, reduction="sum")
        worst[0] = max(worst[0], oracle.ulp_error(value, exact, dtype, size))
        certain = one_class and not g.parameters.get("label_smoothing")
        for a, b in zip(gradient, slope, strict=True):
            scale = None if certain else oracle.mpf(1)
            worst[1] = max(worst[1], oracle.ulp_error(a, b, dtype, scale))
            if certain and a == 0 and abs(b) >= float(np.finfo(dtype).tiny):
                lost.append((g, z, t))
    return worst, lost


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS)
def test_rows_against_the_oracle(f, dtype, width):
    for g in [f, *variants(f)]:
        check(g, f, dtype, *row_errors(g, dtype, width))


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS)
def test_class_codes_are_one_hot_rows(f, dtype, width):
    for g in variants(f):
        for z, t in rows_and_targets(dtype, width):
            if t.max() == 1:
                by_code = g.value_and_gradient(z, np.array(t.argmax()), reduction="sum")
                by_row = g.value_and_gradient(z, t, reduction="sum")
                assert by_code[0] == pytest.approx(by_row[0], rel=1e-5)
                np.testing.assert_allclose(by_code[1], by_row[1], rtol=1e-5, atol=1e-12)


@dtypes
@pytest.mark.parametrize("gap", [17, 40, 80])
def test_a_confident_right_answer_is_not_rounded_away(dtype, gap):
    z = np.array([gap, 0, 0], dtype=dtype)
    exact, slope = oracle.rowwise_loss(
        dr.losses.cross_entropy.facts["formula"],
        tuple(map(float, z)),
        (1.0, 0.0, 0.0),
        (("label_smoothing", 0.0),),
    )
    value, gradient = dr.losses.cross_entropy.value_and_gradient(z, np.array(0), reduction="sum")
    assert oracle.ulp_error(value, exact, dtype) <= 3
    assert oracle.ulp_error(gradient[0], slope[0], dtype) <= 4
    bce = dr.losses.binary_cross_entropy
    assert bce(dtype(gap), dtype(1)) > 0
    assert bce.gradient(dtype(gap), dtype(1)) < 0


def test_textbook_figures():
    p, q = np.array([0.36, 0.48, 0.16]), np.full(3, 1 / 3)
    kl = dr.losses.kl_divergence
    assert kl(np.log(q), p) == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-14)
    assert kl(np.log(p), p) == pytest.approx(0, abs=1e-15)
    x, y = np.array([-2.0, -1, 0, 1, 2]), np.array([-3.0, 0, 0, 3, 4])
    assert dr.losses.squared_error(2 * x + 1, y, reduction="sum") == 3
    assert dr.losses.squared_error(0 * x, y, reduction="sum") == 34
    np.testing.assert_allclose(dr.activations.softmax([3.0, 1, -3]), [0.88, 0.12, 0.0], atol=0.005)


@pytest.mark.parametrize("f", list(dr.losses.values()), ids=lambda f: f.name)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_gradient_is_that_of_the_reduced_loss(f, data):
    """Central differences over every reduction, with and without weights."""
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    n, k = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 4))
    z = rng.standard_normal((n, k))
    y = (
        rng.dirichlet(np.ones(k), n)
        if f.facts["targets"] != "real"
        else rng.standard_normal((n, k))
    )
    w = data.draw(st.sampled_from([None, rng.uniform(0.1, 2, n)]))
    reduction = data.draw(st.sampled_from(["mean", "sum", "weighted_mean"]))
    value, gradient = f.value_and_gradient(z, y, sample_weight=w, reduction=reduction)
    assert value == f(z, y, sample_weight=w, reduction=reduction)
    h = 1e-6
    for i in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[i] += h
        down[i] -= h
        numeric = (
            f(up, y, sample_weight=w, reduction=reduction)
            - f(down, y, sample_weight=w, reduction=reduction)
        ) / (2 * h)
        assert gradient[i] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


def test_reductions_are_what_the_docstring_says():
    z, y, w = np.array([1.0, 3.0]), np.array([0.0, 0.0]), np.array([1.0, 3.0])
    f = dr.losses.squared_error
    np.testing.assert_array_equal(f(z, y, sample_weight=w, reduction="none"), [1, 27])
    assert f(z, y, sample_weight=w, reduction="sum") == 28
    assert f(z, y, sample_weight=w, reduction="mean") == 14
    assert f(z, y, sample_weight=w, reduction="weighted_mean") == 7
    assert f(z, y) == 5
    assert dr.losses.rmse(z, y) == pytest.approx(np.sqrt(5))
    assert dr.losses.rmse(z, y, reduction="sum") == pytest.approx(np.sqrt(10))
    assert (dr.losses.rmse.gradient(z, z) == 0).all()


def test_weights_of_rows_and_elements():
    z, y = np.arange(6.0).reshape(3, 2), np.zeros((3, 2))
    f = dr.losses.absolute_error
    per_row = f(z, y, sample_weight=[1, 0, 2], reduction="none")
    np.testing.assert_array_equal(per_row, z * [[1], [0], [2]])
    per_element = f(z, y, sample_weight=z, reduction="none")
    np.testing.assert_array_equal(per_element, z * z)


@settings(max_examples=40, deadline=None)
@given(
    z=hnp.arrays(np.float64, (7, 4), elements=st.floats(-50, 50)),
    y=hnp.arrays(np.int64, 7, elements=st.integers(0, 3)),
)
def test_layouts_and_dtypes_of_rows(z, y):
    f = dr.losses.cross_entropy
    value, gradient = f.value_and_gradient(z, y)
    for layout in (np.asfortranarray(z), z[::-1][::-1], np.repeat(z, 2, axis=1)[:, ::2]):
        again = f.value_and_gradient(layout, y.astype(np.uint8))
        assert again[0] == value
        np.testing.assert_array_equal(again[1], gradient)
    single = f.value_and_gradient(z.astype(np.float32), y)
    assert single[0].dtype == single[1].dtype == np.float32
    assert abs(gradient.sum()) < 1e-12


def test_rows_with_infinities_and_nan():
    f = dr.losses.cross_entropy
    inf = np.inf
    z = np.array([[inf, 0.0], [-inf, 0.0], [np.nan, 0.0], [-inf, -inf]])
    np.testing.assert_allclose(
        f(z, np.array([0, 1, 0, 0]), reduction="none"), [0, 0, np.nan, np.log(2)]
    )
    np.testing.assert_allclose(
        f.gradient(z, np.array([0, 1, 0, 0]), reduction="none"),
        [[0, 0], [0, 0], [np.nan, np.nan], [-0.5, 0.5]],
    )
    assert f(np.array([-inf, 0.0]), np.array([0.0, 1.0])) == 0
    bce = dr.losses.binary_cross_entropy
    np.testing.assert_array_equal(
        bce(np.array([inf, -inf, inf, np.nan]), np.array([1, 0, 0, 1]), reduction="none"),
        [0, 0, inf, np.nan],
    )


@pytest.mark.parametrize("f", REAL, ids=lambda f: f.name)
def test_values_need_the_shape_of_the_predictions(f):
    with pytest.raises(ValueError, match=r"needs targets of the shape \(3,\); met float64 of the"):
        f(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(TypeError, match="needs numbers as targets"):
        f(np.zeros(1), np.array(["a"]))


def test_bad_arguments_are_named():
    ce, bce, se = dr.losses.cross_entropy, dr.losses.binary_cross_entropy, dr.losses.squared_error
    z = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"has 3 classes, so codes must be 0 ... 2; met 3"):
        ce(z, np.array([0, 3]))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) or of integer class codes \(2,\)"):
        ce(z, np.array([0.0, 1.0]))
    with pytest.raises(
        ValueError, match="rows of y that are distributions; met a row with the sum 0"
    ):
        ce(z, z)
    with pytest.raises(ValueError, match=r"targets in \[0, 1\]; met -1"):
        bce(np.zeros(2), np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="reduction must be one of"):
        se(z, z, reduction="average")
    with pytest.raises(ValueError, match="has no value per element"):
        dr.losses.rmse(z, z, reduction="none")
    with pytest.raises(ValueError, match="weights must be numbers >= 0"):
        se(z, z, sample_weight=[-1, 1])
    with pytest.raises(ValueError, match=r"sample_weight has the shape \(3,\)"):
        se(z, z, sample_weight=[1, 1, 1])
    with pytest.raises(ValueError, match="all sample weights are 0"):
        se(z, z, sample_weight=[0, 0], reduction="weighted_mean")
    with pytest.raises(ValueError, match="over no values is undefined"):
        se([], [])
    with pytest.raises(ValueError, match="at least one class"):
        ce(np.zeros((2, 0)), np.array([0, 0]))
    with pytest.raises(TypeError, match="must be float32 or float64"):
        se(np.zeros(2, dtype=complex), [0, 0])
    with pytest.raises(ValueError, match=r"alpha of binary_cross_entropy must be None or a number"):
        dr.loss("bce", alpha=2)
    with pytest.raises(ValueError, match="There is no loss named 'hubber'. Did you mean 'huber'"):
        dr.loss("hubber")


def test_losses_are_values():
    f = dr.loss("cross_entropy", label_smoothing=0.1)
    assert pickle.loads(pickle.dumps(f)) == f
    assert repr(f) == "cross_entropy(label_smoothing=0.1)"
    assert dr.losses.mse is dr.losses["squared_error"]
    assert dr.losses.softmax_cross_entropy.link == "softmax"
