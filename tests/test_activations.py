"""Every activation of the catalogue against the oracle, by its row alone."""

from __future__ import annotations

import pickle

import numpy as np
import oracle
import probes
import pytest
from accuracy import DTYPES, ELEMENTWISE, activation_errors, points, rounded, variants
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import deltarule as dr

ROWWISE = [f for f in dr.activations.values() if not f.elementwise]
names = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)


@names
@dtypes
def test_errors_keep_the_bound_of_the_row(f, dtype):
    for g in variants(f):
        activation_errors(g, dtype, points(g, dtype)).check(f, g)


@names
@dtypes
def test_limits_nan_and_range(f, dtype):
    low, high = f.facts["range"]
    x = np.array([-np.inf, np.inf, np.nan], dtype=dtype)
    y, d, c = f(x), f.derivative(x), f.second_derivative(x)
    assert np.isnan(y[2])
    for result in (d, c):
        assert np.isnan(result[2]) or result[2] == f.derivative(1.0)  # a constant reads nothing
    for at, side in ((0, -1), (1, 1)):
        if side * 1e300 <= f.facts["defined_above"]:
            assert np.isnan(y[at])
            continue
        far = [float(v) for v in far_away(f, dtype, side)]
        if f.name == "gcu":  # oscillates: there is no limit
            assert np.isnan(y[at])
            continue
        known = 1 if f.name == "snake" else 3  # its slope oscillates
        for got, exact in zip((y[at], d[at], c[at])[:known], far[:known], strict=True):
            same_infinity = np.isinf(got) and abs(exact) > 1e3 and np.sign(got) == np.sign(exact)
            assert same_infinity or got == pytest.approx(exact, rel=1e-6, abs=1e-30)
        if f.name == "snake":
            continue
        side_name = ("low", "high")[at]
        missing = f"the row of {f.name} lacks .saturates_{side_name}, or should not have it"
        assert (d[at] == 0) == f.facts["saturates"][at], missing
    x = points(f, dtype, 100)
    assert f(x).min() >= low - 1e-6
    assert f(x).max() <= high


def far_away(f, dtype, side):
    return oracle.elementwise(f.facts["formula"], side * 1e300, rounded(f, dtype))


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
    x = x[x > f.facts["defined_above"]]
    low, high = f.facts["range"]
    y = f(x)
    for fact, got in ((low, y.min()), (high, y.max())):
        assert got == pytest.approx(fact, abs=1e-9) if np.isfinite(fact) else abs(got) > 5


@names
@dtypes
def test_symmetry_and_monotony_hold_to_the_bit(f, dtype):
    x = np.sort(points(f, dtype, 300))
    y = f(x)
    odd = np.array_equal(f(-x), -y) and not np.array_equal(y, np.zeros_like(y))
    even = np.array_equal(f(-x), y)
    symmetry = "odd" if odd else "even" if even else "none"
    assert f.facts["symmetry"] == symmetry, f"the row of {f.name} lacks .symmetry of {symmetry}"
    if odd:
        np.testing.assert_array_equal(f.derivative(-x), f.derivative(x))
    with np.errstate(over="ignore", invalid="ignore"):
        falls = (np.diff(y) < -4 * np.spacing(np.abs(y[1:]))).any()
    assert falls == (not f.facts["monotone"]), f"the row of {f.name} is wrong about .monotone"


@names
def test_kinks_are_those_of_the_row(f):
    """At each stated kink the slope is the stated one; nowhere else does it jump."""
    for at, slope in f.kinks:
        where = (at, -0.0) if at == 0 else (at,)
        if f.name == "hard_sigmoid":  # its kinks, (0 - beta) / alpha and (1 - beta) / alpha, round
            where = (np.nextafter(at, np.inf if at > 0 else -np.inf),)
        for x in where:
            assert f.derivative(x) == pytest.approx(slope, rel=1e-14)
    grid = np.linspace(-8, 8, 320_001)
    grid = grid[grid > f.facts["defined_above"] + 0.1]
    slopes = f.derivative(grid)
    jumps = grid[1:][np.abs(np.diff(slopes)) > 0.01 * np.maximum(1, np.abs(slopes[1:]))]
    for jump in jumps:
        assert min((abs(jump - at) for at, _ in f.kinks), default=np.inf) < 1e-3


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
        worst = activation_errors(f, dtype, np.array(x, dtype=dtype))
        assert not worst.lost
        assert max(worst.ulp) <= 6, (f, worst.ulp)
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
def test_the_derivatives_shown_are_those_of_the_formula(f):
    for which, order in (("derivative", 1), ("second_derivative", 2)):
        assert f.facts[which], f"the row of {f.name} lacks .{which}"
        for g in variants(f):
            parameters = rounded(g, np.float64)
            for x in (-7.3, -2.6, -1.1, -0.2, 0.4, 1.3, 2.6, 7.7):
                if x <= f.facts["defined_above"]:
                    continue
                exact = oracle.elementwise(f.facts["formula"], x, parameters)[order]
                shown = oracle.elementwise(f.facts[which], x, parameters)[0]
                assert abs(shown - exact) < 1e-30, (g, which, x)


@names
def test_derivatives_agree_with_central_differences(f):
    x = np.linspace(-3, 3, 61) + 0.013
    x = x[x - 0.2 > f.facts["defined_above"]]
    h = 1e-5
    first = (f(x + h) - f(x - h)) / (2 * h)
    np.testing.assert_allclose(f.derivative(x), first, rtol=1e-7, atol=1e-9)
    second = (f.derivative(x + h) - f.derivative(x - h)) / (2 * h)
    np.testing.assert_allclose(f.second_derivative(x), second, rtol=1e-7, atol=1e-8)


@names
def test_the_lipschitz_constant_is_the_largest_slope(f):
    stated, x = f.facts["lipschitz"], np.linspace(-30, 30, 2_000_001)
    slopes = np.abs(f.derivative(x[x > f.facts["defined_above"]]))
    if np.isinf(stated):
        jumps = len(f.facts["kinks"]) > 0
        far = np.abs(f.derivative(np.array([-700.0, 700.0, 1e12, -1e12, -1 + 1e-9])))
        assert jumps or np.nanmax(far) > 1e2, f"the row of {f.name} has a finite .lipschitz"
    else:
        missing = f"the row of {f.name} lacks .lipschitz = {slopes.max():.17g}"
        assert slopes.max() <= stated * (1 + 1e-9), missing
        assert slopes.max() >= stated * (1 - 2e-3), missing  # some only approach it


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
    x = x if np.isinf(f.facts["defined_above"]) else np.abs(x)
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
    for dtype in DTYPES:
        x = np.concatenate([probes.special(dtype), probes.wide(dtype, 20)])
        with np.errstate(all="raise"):
            for f in ELEMENTWISE:
                f(x), f.derivative(x), f.vjp(x, x), f.second_derivative(x)


def test_parameters_broadcast_in_the_ufunc():
    slopes = np.array([0.0, 0.1, 0.5])
    got = dr.activations.leaky_relu.ufunc(np.array([[-2.0], [3.0]]), slopes)
    np.testing.assert_array_equal(got, [[-0.0, -0.2, -1.0], [3.0, 3.0, 3.0]])


def test_names_aliases_and_typos():
    assert dr.activations["swish"] is dr.activations["silu"]
    assert dr.activations.logistic is dr.activations["sigmoid"]
    assert list(dr.activations)[:2] == ["sigmoid", "log_sigmoid"]
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


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("hard_tanh", "min_val", "max_val"),
        ("gelu_clipped", "lo", "hi"),
        ("rrelu", "lower", "upper"),
    ],
)
def test_the_lower_of_two_bounds_does_not_exceed_the_upper(name, low, high):
    sentence = f"The parameter {low} of {name} must not exceed {high}; met 2.0 and 1.0"
    with pytest.raises(ValueError, match=sentence):
        dr.activation(name, **{low: 2, high: 1})
    assert dr.activation(name, **{low: 1, high: 1}).parameters[low] == 1


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
