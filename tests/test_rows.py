"""Row-wise activations and losses: digits, products with the Jacobian, infinities, any layout."""

from __future__ import annotations

import numpy as np
import pytest
from accuracy import DTYPES, ERRORS
from row_accuracy import ACTIVATIONS, LOSSES, WIDTHS, activation_errors, loss_errors

import deltarule as dr

ROWWISE = [f for f in dr.activations.values() if not f.elementwise and f.name != "gumbel_softmax"]
SAME = [f for f in ROWWISE if f.facts["width"] == "same"]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)


def check(f, key, dtype, worst, lost):
    assert not lost, f"exact zero where the result is a normal number: {lost[:3]}"
    bound, recorded = f.facts[f"ulp_{dtype.__name__}"], ERRORS[key][dtype.__name__]
    for k, what in enumerate(("value", "slope")):
        assert worst[k] <= bound[k], f"{f!r} {what}: {worst[k]:.2f} ulp; the row states {bound[k]}"
        assert worst[k] <= recorded[k], f"{f!r} {what}: {worst[k]:.3f} ulp: the error grew"


@pytest.mark.parametrize("f", ACTIVATIONS, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS)
def test_activations_against_the_oracle(f, dtype, width):
    check(f, f.name, dtype, *activation_errors(f, dtype, width))


@pytest.mark.parametrize("f", LOSSES, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS[1:])
def test_losses_against_the_oracle(f, dtype, width):
    check(f, f"loss {f.name}", dtype, *loss_errors(f, dtype, width))


@pytest.mark.parametrize("f", LOSSES, ids=lambda f: f.name)
@dtypes
def test_class_codes_are_one_hot_rows(f, dtype):
    z = (8 * np.random.default_rng(0).standard_normal((20, 7))).astype(dtype)
    codes = np.arange(20) % 7
    by_code = f.value_and_gradient(z, codes, reduction="none")
    by_row = f.value_and_gradient(z, np.eye(7, dtype=dtype)[codes], reduction="none")
    np.testing.assert_allclose(by_code[0], by_row[0], rtol=1e-5)
    np.testing.assert_allclose(by_code[1], by_row[1], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
def test_the_jacobian_is_that_of_central_differences(f):
    x = np.random.default_rng(3).normal(size=8)
    jacobian, h = f.jacobian(x), 1e-6
    for j in range(8):
        step = np.zeros(8)
        step[j] = h
        numeric = np.atleast_1d(f(x + step, axis=-1) - f(x - step, axis=-1)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, j], numeric, rtol=1e-6, atol=1e-8)
    g = np.random.default_rng(4).normal(size=len(jacobian))
    given = g[0] if f.facts["width"] == "one" else g
    np.testing.assert_allclose(f.vjp(x, given, axis=-1), g @ jacobian, rtol=1e-12, atol=1e-13)


@dtypes
def test_rows_with_infinities_and_nan(dtype):
    softmax, log_softmax = dr.activations.softmax, dr.activations.log_softmax
    inf = np.inf
    x = np.array([[-inf, -inf], [inf, 0], [inf, inf], [-inf, 3], [np.nan, 0]], dtype=dtype)
    np.testing.assert_array_equal(
        softmax(x), [[0.5, 0.5], [1, 0], [0.5, 0.5], [0, 1], [np.nan, np.nan]]
    )
    log_half = dtype(np.log(0.5))
    np.testing.assert_allclose(
        log_softmax(x)[:4], [[log_half] * 2, [0, -inf], [log_half] * 2, [-inf, 0]], rtol=1e-6
    )
    assert np.isnan(log_softmax(x)[4]).all()
    np.testing.assert_array_equal(dr.activations.logsumexp(x), [-inf, inf, inf, 3, np.nan])
    assert softmax(np.array([1e8, 1e8 - 8], dtype=dtype)).sum() == pytest.approx(1, rel=1e-6)


@dtypes
def test_masked_entries_are_absent(dtype):
    x = np.random.default_rng(0).normal(size=(4, 6)).astype(dtype)
    mask = np.random.default_rng(1).random((4, 6)) < 0.6
    mask[0], mask[1, 0] = False, True
    g = np.ones_like(x) + x
    for name in ("softmax", "log_softmax", "sparsemax", "softmin", "logsumexp"):
        f = dr.activations[name]
        y = f(x, where=mask)
        given = g[:, 0] if name == "logsumexp" else g
        dx = f.vjp(x, given, where=mask)
        assert (dx[~mask] == 0).all()
        assert np.isfinite(dx).all()
        for i in range(1, 4):
            kept = mask[i]
            expected = f(x[i][kept])
            got = y[i] if name == "logsumexp" else y[i][kept]
            np.testing.assert_allclose(got, expected, rtol=1e-6)
            part = given[i] if name == "logsumexp" else g[i][kept]
            np.testing.assert_allclose(dx[i][kept], f.vjp(x[i][kept], part), rtol=1e-5, atol=1e-6)
        empty = {"softmax": 0, "softmin": 0, "sparsemax": 0}.get(name, -np.inf)
        assert (np.atleast_1d(y[0]) == empty).all()


@pytest.mark.parametrize("f", SAME, ids=lambda f: f.name)
def test_rows_along_any_axis_and_layout(f):
    x = np.random.default_rng(0).standard_normal((4, 5, 6))
    expected = np.moveaxis(f(np.ascontiguousarray(np.moveaxis(x, 1, -1)), axis=-1), -1, 1)
    np.testing.assert_allclose(f(x, axis=1), expected, rtol=1e-14, atol=1e-16)
    np.testing.assert_array_equal(f(np.asfortranarray(x), axis=1), f(x, axis=1))
    for empty in (np.zeros((3, 0)), np.zeros((0, 3))):
        assert f(empty, axis=-1).shape == f.vjp(empty, empty, axis=-1).shape == empty.shape
    with pytest.raises(ValueError, match="maps a row of numbers; met a scalar"):
        f(1.0)
    with pytest.raises(TypeError, match=r"Use jacobian\(x\), or vjp"):
        f.derivative(x)


def test_widths():
    x = np.arange(24.0).reshape(2, 12)
    shapes = {"glu": 6, "swiglu": 6, "geglu": 6, "reglu": 6, "crelu": 24, "maxout": 6}
    for name, width in shapes.items():
        assert dr.activations[name](x).shape == (2, width)
        assert dr.activations[name](x.T, axis=0).shape == (width, 2)
        g = np.ones((2, width))
        assert dr.activations[name].vjp(x, g).shape == x.shape
    assert dr.activation("maxout", pieces=3)(x).shape == (2, 4)
    with pytest.raises(ValueError, match="glu splits a row into parts of 2; met a row of 5"):
        dr.activations.glu(np.zeros(5))


# ---- many rows ----------------------------------------------------------------------------------


def ulp_apart(got, exact, dtype):
    """Differences in ulp where the exact result is a normal number."""
    normal = np.abs(exact) > np.finfo(dtype).tiny
    unit = np.spacing(np.abs(exact[normal]).astype(dtype)).astype(np.longdouble)
    return float((np.abs(got[normal] - exact[normal]) / unit).max(initial=0))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double has no more digits.")
@pytest.mark.parametrize("width", [2, 3, 5, 8, 10, 17, 33, 64, 100, 1000])
@dtypes
def test_many_rows_keep_the_bounds(dtype, width):
    rng = np.random.default_rng(width)
    for scale in (0.5, 1, 3, 10, 40):
        x = (scale * rng.standard_normal((20_000 // width, width))).astype(dtype)
        wide = x.astype(np.longdouble)
        for name, sign in (("softmax", 1), ("softmin", -1)):
            shifted = sign * wide - (sign * wide).max(-1, keepdims=True)
            e = np.exp(shifted)
            p = e / e.sum(-1, keepdims=True)
            f = dr.activations[name]
            assert ulp_apart(f(x), p, dtype) <= f.error_bound(dtype)
            if sign < 0:
                continue
            log_p = shifted - np.log(e.sum(-1, keepdims=True))
            g = dr.activations.log_softmax
            below = log_p < -0.1  # nearer to 0 the reference itself cancels
            assert ulp_apart(g(x)[below], log_p[below], dtype) <= g.error_bound(dtype)
            y = rng.integers(0, width, len(x))
            loss = dr.losses.softmax_cross_entropy
            slope = loss.gradient(x, y, reduction="sum")
            other = np.arange(width) != y[:, None]
            assert ulp_apart(slope[other], p[other], dtype) <= loss.error_bound(dtype, 1)


@pytest.mark.parametrize("name", ["softmax", "softmin", "softmax2d", "sparsemax"])
@dtypes
def test_rows_of_minus_infinity_have_equal_shares_at_every_width(name, dtype):
    """Lanes beyond the end of a row are not part of it."""
    f = dr.activations[name]
    for width in range(1, 36):
        x = np.full((width, 1, 1) if name == "softmax2d" else width, -np.inf, dtype)
        np.testing.assert_allclose(f(x).ravel(), np.full(width, 1 / width), rtol=1e-6)
        g = np.zeros_like(x)
        g.flat[0] = 1
        slopes = f.vjp(x, g).ravel()
        expected = -np.full(width, 1 / width) / width
        expected[0] += 1 / width
        if name == "sparsemax":
            expected *= width
        if name == "softmin":
            expected *= -1
        np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-7)


# ---- rows that change their length --------------------------------------------------------------

RESIZING = {"glu": 0.5, "swiglu": 0.5, "geglu": 0.5, "reglu": 0.5, "crelu": 2, "maxout": 0.5}
resizing = pytest.mark.parametrize("name", RESIZING)


@resizing
def test_a_wrong_length_is_named(name):
    f, width = dr.activations[name], int(4 * RESIZING[name])
    sentence = f"the result of {name} has the length {width} along the axis -1"
    for wrong in (np.zeros(width + 1), np.zeros((2, 1)), np.zeros(())):
        with pytest.raises(ValueError, match=sentence):
            f(np.arange(4.0), out=wrong)
        with pytest.raises(ValueError, match=sentence):
            f.vjp(np.arange(4.0), wrong)
    with pytest.raises(ValueError, match=sentence):
        f(np.arange(4.0), out=(np.zeros(width + 1),))
    for axis in (3, -2):
        with pytest.raises(np.exceptions.AxisError):
            f(np.zeros(4), axis=axis)
        with pytest.raises(np.exceptions.AxisError):
            f.vjp(np.zeros(4), np.zeros(width), axis=axis)
    if width < 4:
        with pytest.raises(ValueError, match="splits a row into parts of 2; met a row of 5"):
            f.vjp(np.zeros(5), np.zeros(2))


@resizing
def test_out_and_dtype_of_a_result_of_another_length(name):
    f, x = dr.activations[name], np.array([[0.5, -1.0, 2.0, 3.0]] * 3)
    y = f(x)
    out = np.empty_like(y)
    assert f(x, out=out) is out
    np.testing.assert_array_equal(out, y)
    np.testing.assert_array_equal(f(x.T, out=None, axis=0), y.T)
    for given in (x, x.tolist()):
        single = f(given, dtype=np.float32)
        assert single.dtype == np.float32
        np.testing.assert_array_equal(single, f(x.astype(np.float32)))
    assert f.vjp(x, np.ones_like(y), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
def test_a_row_has_no_limits(f):
    with pytest.raises(TypeError, match=f"{f.name} maps a whole row and has no limits"):
        _ = f.limits
