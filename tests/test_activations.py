"""Every activation of the catalogue against the oracle, by its row alone."""

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
from mpmath import mpf

import deltarule as dr

DTYPES = [np.float32, np.float64]
ELEMENTWISE = [f for f in dr.activations.values() if f.elementwise]
ROWWISE = [f for f in dr.activations.values() if not f.elementwise]
OTHER_PARAMETERS = {"negative_slope": 0.3, "alpha": 1.7, "beta": 2.3, "threshold": -0.4}
ERRORS = json.loads(Path(__file__).with_name("errors.json").read_text())
names = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)


def variants(f):
    """The function with its defaults and, where it has parameters, with others."""
    yield f
    if f.parameters:
        yield f.with_parameters({k: OTHER_PARAMETERS[k] for k in f.parameters})


def rounded(f, dtype):
    """The parameters as the kernel sees them: rounded to the dtype."""
    return tuple((name, float(dtype(value))) for name, value in f.parameters.items())


def is_normal(exact, dtype):
    info = np.finfo(dtype)
    return float(info.tiny) <= abs(exact) <= float(info.max)


def near_root(f, x):
    """Within half a unit of a root of the slope, errors are judged against the scale 1."""
    root = f.facts["slope_root"]
    inner = x * f.parameters.get("beta", 1.0)
    return mpf(1) if root and abs(float(root) - inner) < 0.5 else None


def errors(f, dtype, x):
    """The worst errors in ulp of value and slope, and the exact zeros that are none."""
    parameters = rounded(f, dtype)
    worst, lost = [0.0, 0.0], []
    for xi, *got in zip(x, f(x), f.derivative(x), strict=True):
        exact = oracle.elementwise(f.facts["formula"], float(xi), parameters)
        scales = (None, near_root(f, float(xi)))
        for k in range(2):
            worst[k] = max(worst[k], oracle.ulp_error(got[k], exact[k], dtype, scales[k]))
            if got[k] == 0 and is_normal(exact[k], dtype):
                lost.append((f, xi, k))
    return worst, lost


@names
@dtypes
def test_values_and_slopes_keep_the_bound_of_the_row(f, dtype):
    bound = f.facts[f"ulp_{dtype.__name__}"]
    finite = probes.special(dtype)
    x = np.concatenate([finite[np.isfinite(finite)], probes.wide(dtype, 60)])
    recorded = ERRORS[f.name][dtype.__name__]
    for g in variants(f):
        at = x[np.abs(x) < np.finfo(dtype).max / 4] if g.parameters else x
        worst, lost = errors(g, dtype, at)
        assert not lost, f"exact zero where the result is a normal number: {lost[:3]}"
        for k, what in enumerate(("value", "slope")):
            assert worst[k] <= bound[k], (
                f"{g!r} {what}: {worst[k]:.2f} ulp; the row states {bound[k]}"
            )
            assert worst[k] <= recorded[k] or g is not f, (
                f"{g!r} {what}: {worst[k]:.3f} ulp, recorded {recorded[k]}: the error grew"
            )


@names
@dtypes
def test_limits_nan_and_signed_zero(f, dtype):
    low, high = f.facts["range"]
    y = f(np.array([-np.inf, np.inf, np.nan], dtype=dtype))
    d = f.derivative(np.array([-np.inf, np.inf, np.nan], dtype=dtype))
    assert np.isnan(y[2])
    assert np.isnan(d[2]) or f.facts["slope_reads"] == "nothing"
    for at, side in ((0, -1), (1, 1)):
        far = oracle.elementwise(f.facts["formula"], side * 1e300, rounded(f, dtype))
        if np.isinf(y[at]):
            assert abs(far[0]) > 1e3
            assert np.sign(y[at]) == np.sign(float(far[0]))
        else:
            assert y[at] == pytest.approx(float(far[0]), rel=1e-6, abs=1e-30)
        assert d[at] == pytest.approx(float(far[1]), rel=1e-6, abs=1e-30)
        side_name = ("low", "high")[at]
        missing = f"the row of {f.name} lacks .saturates_{side_name}, or should not have it"
        assert (d[at] == 0) == f.facts["saturates"][at], missing
    x = probes.wide(dtype, 200, seed=1)
    assert f(x).min() >= low - 1e-6
    assert f(x).max() <= high


@names
@dtypes
def test_the_slope_reads_only_what_the_row_says(f, dtype):
    """What a slope does not read arrives as NaN."""
    from deltarule._core import activation_vjp

    x = np.linspace(-3, 3, 50, dtype=dtype).reshape(5, 10)
    y, g, nan = f(x), np.full_like(x, 2.0), np.full_like(x, np.nan)
    reads = f.facts["slope_reads"]
    got = activation_vjp(
        f.name, x if reads == "x" else nan, y if reads == "y" else nan, g, f.arguments
    )
    np.testing.assert_array_equal(got, f.vjp(x, g))


@names
def test_the_range_is_reached_or_approached(f):
    x = np.concatenate([np.linspace(-20, 20, 400_001), [-1e300, 1e300]])
    low, high = f.facts["range"]
    y = f(x)
    for fact, got in ((low, y.min()), (high, y.max())):
        assert got == pytest.approx(fact, abs=1e-9) if np.isfinite(fact) else abs(got) > 50


@names
@dtypes
def test_symmetry_and_monotony_hold_to_the_bit(f, dtype):
    x = np.sort(probes.wide(dtype, 300, seed=2))
    y = f(x)
    odd, even = np.array_equal(f(-x), -y), np.array_equal(f(-x), y)
    symmetry = "odd" if odd else "even" if even else "none"
    assert f.facts["symmetry"] == symmetry, f"the row of {f.name} lacks .symmetry of {symmetry}"
    if odd:
        np.testing.assert_array_equal(f.derivative(-x), f.derivative(x))
    falls = (np.diff(y) < -4 * np.spacing(np.abs(y[1:]))).any()
    assert falls == (not f.facts["monotone"]), f"the row of {f.name} is wrong about .monotone"


@names
def test_kinks_are_those_of_the_row(f):
    """At each stated kink the slope is the stated one; nowhere else does it jump."""
    for where, slope in f.facts["kinks"]:
        at = f.parameters.get(where, None) if where in f.parameters else float(where)
        expected = f.parameters[slope] if slope in f.parameters else float(slope)
        assert f.derivative(at) == pytest.approx(expected, rel=1e-15)
        assert f.derivative(-0.0 if at == 0 else at) == pytest.approx(expected, rel=1e-15)
    stated = [float(f.parameters.get(w, w)) for w, _ in f.facts["kinks"]]
    grid = np.linspace(-4, 4, 160_001)
    jumps = grid[1:][np.abs(np.diff(f.derivative(grid))) > 0.01]
    assert all(min(abs(j - s) for s in stated) < 1e-3 for j in jumps) if len(jumps) else True


@dtypes
def test_extreme_parameters(dtype):
    """Where a parameter moves the scale, the tail stays exact and the limit stays the limit."""
    single = dtype == np.float32
    cases = [
        ("silu", {"beta": 1e-8}, [-1e8, 1e8, -3e9, 1e7]),
        ("silu", {"beta": 1e-17}, [-1e17, 1e17, -3e18]),
        (
            "elu",
            {"alpha": 1e20 if single else 1e200},
            [-110.0, -90.0] if single else [-800.0, -720.0],
        ),
        ("elu", {"alpha": 100.0}, [-90.0, -5.0]),
        ("softplus", {"beta": 1e-6}, [-1e6, 1e6, 3.0]),
        ("leaky_relu", {"negative_slope": 1e30}, [-1e-30, 2.0]),
    ]
    for name, parameters, x in cases:
        f = dr.activation(name, **parameters)
        worst, lost = errors(f, dtype, np.array(x, dtype=dtype))
        assert not lost
        assert max(worst) <= 6, (f, worst)
    inf = dtype(np.inf)
    assert dr.activation("leaky_relu", negative_slope=0)(-inf) == 0
    for beta in (1e-30, 1.0, 1e30):
        silu = dr.activation("silu", beta=beta)
        assert (silu(-inf), silu(inf), silu.derivative(-inf), silu.derivative(inf)) == (
            0,
            inf,
            0,
            1,
        )


def test_reduce_and_accumulate_read_what_they_wrote():
    x = np.random.default_rng(0).normal(size=600)
    for name in ("elu", "leaky_relu", "softplus", "silu"):
        ufunc = dr.activations[name].ufunc
        steps = [x[0]]
        for value in x[1:]:
            steps.append(ufunc(steps[-1], abs(value) + 0.1))
        accumulated = ufunc.accumulate(np.r_[x[0], np.abs(x[1:]) + 0.1])
        np.testing.assert_array_equal(accumulated, steps)
        assert ufunc.reduce(np.r_[x[0], np.abs(x[1:]) + 0.1]) == steps[-1]


@names
def test_the_derivative_shown_is_that_of_the_formula(f):
    assert f.facts["derivative"], f"the row of {f.name} lacks .derivative"
    for g in variants(f):
        parameters = rounded(g, np.float64)
        for x in (-7.3, -1.1, -0.2, 0.4, 2.6):
            exact = oracle.elementwise(f.facts["formula"], x, parameters)[1]
            shown = oracle.elementwise(f.facts["derivative"], x, parameters)[0]
            assert abs(shown - exact) < 1e-30


@names
def test_derivative_agrees_with_central_differences(f):
    x = np.linspace(-3, 3, 61) + 0.013
    h = 1e-5
    numeric = (f(x + h) - f(x - h)) / (2 * h)
    np.testing.assert_allclose(f.derivative(x), numeric, rtol=1e-7, atol=1e-9)


@names
@dtypes
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_layout_gives_the_same_bits(f, dtype, data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40))
    x = data.draw(hnp.arrays(dtype, shape, elements=st.floats(-50, 50, width=32)))
    expected = np.array([f(v) for v in x.ravel()], dtype=dtype).reshape(shape)
    read_only = x.copy()
    read_only.flags.writeable = False
    swapped = x.astype(x.dtype.newbyteorder())
    spaced = np.repeat(x[..., None], 3, axis=-1)[..., 1] if x.ndim else x
    for layout in (
        x,
        np.asfortranarray(x),
        read_only,
        swapped,
        spaced,
        x[..., ::-1][..., ::-1] if x.ndim else x,
    ):
        result = f(layout)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected)
    out = np.empty_like(x)
    assert f(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    f(x, out=x)
    np.testing.assert_array_equal(x, expected)


@names
def test_numpy_semantics(f):
    x = np.array([[-1.5, 0.25], [2.0, -3.0]])
    assert isinstance(f.ufunc, np.ufunc)
    assert f(x.astype(np.float32)).dtype == np.float32
    assert f(np.array([1, -2])).dtype == np.float64
    assert np.isscalar(f(0.5))
    assert f([]).shape == (0,)
    untouched = f(x, out=np.full_like(x, 7.0), where=x > 0)
    np.testing.assert_array_equal(untouched, np.where(x > 0, f(x), 7.0))
    np.testing.assert_array_equal(f.vjp(x, [2.0, 3.0]), f.derivative(x) * [2.0, 3.0])
    np.testing.assert_array_equal(f.jacobian(x)[0], np.diag(f.derivative(x[0])))
    with pytest.raises(TypeError, match=r"computes in float32 and float64; complex128"):
        f(1j * x)
    with pytest.raises(ValueError, match="at least one dimension"):
        f.jacobian(1.0)
    with pytest.raises(TypeError, match="has no axis"):
        f.vjp(x, x, axis=0)


def test_no_warning_is_raised_for_any_input():
    with np.errstate(all="raise"):
        for f in ELEMENTWISE:
            for dtype in DTYPES:
                x = np.concatenate([probes.special(dtype), probes.wide(dtype, 20)])
                f(x), f.derivative(x), f.vjp(x, x)


def test_parameters_broadcast_in_the_ufunc():
    slopes = np.array([0.0, 0.1, 0.5])
    got = dr.activations.leaky_relu.ufunc(np.array([[-2.0], [3.0]]), slopes)
    np.testing.assert_array_equal(got, [[-0.0, -0.2, -1.0], [3.0, 3.0, 3.0]])


WIDTHS = (1, 2, 3, 10, 33)


def rows(dtype, width):
    """Rows whose entries spread over 1, 10 and 40 times a standard normal, and tiny ones."""
    rng = np.random.default_rng(width)
    return [(s * rng.standard_normal(width)).astype(dtype) for s in (1, 10, 40, 1e-20)]


def row_errors(f, dtype, width):
    """The worst errors in ulp of values and of the Jacobian; false zeros among the values."""
    worst, lost = [0.0, 0.0], []
    for x in rows(dtype, width):
        values, jacobian = oracle.rowwise(f.facts["formula"], tuple(map(float, x)))
        for got, exact in zip(f(x), values, strict=True):
            worst[0] = max(worst[0], oracle.ulp_error(got, exact, dtype))
            if got == 0 and is_normal(exact, dtype):
                lost.append((f, x))
        for row, exact_row in zip(f.jacobian(x), jacobian, strict=True):
            size = max(abs(v) for v in exact_row)
            for got, exact in zip(row, exact_row, strict=True):
                worst[1] = max(worst[1], oracle.ulp_error(got, exact, dtype, size))
    return worst, lost


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS)
def test_rows_against_the_oracle(f, dtype, width):
    worst, lost = row_errors(f, dtype, width)
    assert not lost, f"exact zero where the result is a normal number: {lost[:3]}"
    bound, recorded = f.facts[f"ulp_{dtype.__name__}"], ERRORS[f.name][dtype.__name__]
    for k, what in enumerate(("value", "slope")):
        assert worst[k] <= bound[k], f"{f!r} {what}: {worst[k]:.2f} ulp; the row states {bound[k]}"
        assert worst[k] <= recorded[k], f"{f!r} {what}: {worst[k]:.3f} ulp: the error grew"


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
@dtypes
@pytest.mark.parametrize("width", WIDTHS)
def test_products_with_rows_against_the_oracle(f, dtype, width):
    for x in rows(dtype, width):
        g = np.random.default_rng(0).standard_normal(width).astype(dtype)
        jacobian = oracle.rowwise(f.facts["formula"], tuple(map(float, x)))[1]
        exact = [
            float(sum(mpf(float(g[i])) * jacobian[i][j] for i in range(width)))
            for j in range(width)
        ]
        tolerance = 32 * np.finfo(dtype).eps * max(1.0, np.abs(g).max())
        np.testing.assert_allclose(f.vjp(x, g), exact, rtol=tolerance, atol=tolerance)


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
    assert softmax(np.array([1e8, 1e8 - 8], dtype=dtype)).sum() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("f", ROWWISE, ids=lambda f: f.name)
def test_rows_along_any_axis_and_layout(f):
    x = np.random.default_rng(0).standard_normal((4, 5, 6))
    expected = np.moveaxis(f(np.ascontiguousarray(np.moveaxis(x, 1, -1))), -1, 1)
    np.testing.assert_array_equal(f(x, axis=1), expected)
    np.testing.assert_array_equal(f(np.asfortranarray(x), axis=1), expected)
    np.testing.assert_array_equal(f(x[:, :, ::2]), f(np.ascontiguousarray(x[:, :, ::2])))
    g = np.random.default_rng(1).standard_normal(x.shape)
    by_jacobian = np.einsum("...ij,...i->...j", f.jacobian(x), g)
    np.testing.assert_allclose(f.vjp(x, g), by_jacobian, rtol=1e-12, atol=1e-14)
    for empty in (np.zeros((3, 0)), np.zeros((0, 3))):
        assert f(empty).shape == f.vjp(empty, empty).shape == empty.shape
    with pytest.raises(ValueError, match="maps a row of numbers; met a scalar"):
        f(1.0)
    with pytest.raises(TypeError, match="has no where="):
        f(x, where=True)
    with pytest.raises(TypeError, match=r"Use jacobian\(x\), or vjp"):
        f.derivative(x)


def test_names_aliases_and_typos():
    assert dr.activations["swish"] is dr.activations["silu"]
    assert dr.activations.logistic is dr.activations["sigmoid"]
    assert list(dr.activations)[:2] == ["identity", "sigmoid"]
    assert "relu" in dr.activations
    assert "rellu" not in dr.activations
    with pytest.raises(
        ValueError, match="There is no activation named 'rellu'. Did you mean 'relu'"
    ):
        dr.activation("rellu")
    with pytest.raises(AttributeError, match="Did you mean 'tanh'"):
        _ = dr.activations.tahn
    with pytest.raises(TypeError, match="no parameter named 'slope'. It has: negative_slope"):
        dr.activation("leaky_relu", slope=0.1)
    with pytest.raises(ValueError, match="beta of softplus must be a number > 0; met 0"):
        dr.activation("softplus", beta=0)
    with pytest.raises(TypeError, match="must be a name or an instance"):
        dr.activation(3)
    with pytest.raises(TypeError, match="tanh has no parameters"):
        dr.activation("tanh", alpha=1)


def test_functions_are_values():
    f = dr.activation("leaky_relu", negative_slope=0.2)
    assert repr(f) == "leaky_relu(negative_slope=0.2)"
    assert pickle.loads(pickle.dumps(f)) == f
    assert f == dr.activation(f)
    assert f != dr.activations.leaky_relu
    assert dr.activation(f, negative_slope=0.01) == dr.activations.leaky_relu
    assert len({f, dr.activation("lrelu", negative_slope=0.2)}) == 1


def test_names_are_unique_and_rows_complete():
    for catalogue in (dr.activations, dr.losses):
        every = [n for f in catalogue.values() for n in (f.name, *f.facts["aliases"])]
        assert len(every) == len(set(every))
        for f in catalogue.values():
            missing = [k for k in ("name", "formula", "source") if not f.facts[k]]
            assert not missing, f"the row of {f.name} lacks {missing}"
