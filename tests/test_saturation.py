"""Where activations saturate, against closed forms and 800-digit slopes."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from accuracy import ELEMENTWISE, rounded
from mpmath import mp

import deltarule as dr
from deltarule._saturation import saturation_interval

INF = math.inf
everything = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
levels = pytest.mark.parametrize("level", [0.05, 0.001])

# Ends at a level s of the largest slope, solved by hand.
SOLVED = {
    "sigmoid": lambda s: (-2 * math.atanh(math.sqrt(1 - s)), 2 * math.atanh(math.sqrt(1 - s))),
    "tanh": lambda s: (-math.atanh(math.sqrt(1 - s)), math.atanh(math.sqrt(1 - s))),
    "erf": lambda s: (-math.sqrt(-math.log(s)), math.sqrt(-math.log(s))),
    "softsign": lambda s: (1 - s**-0.5, s**-0.5 - 1),
    "isru": lambda s: (-math.sqrt(s ** (-2 / 3) - 1), math.sqrt(s ** (-2 / 3) - 1)),
    "sqnl": lambda s: (-2 * (1 - s), 2 * (1 - s)),
    "softplus": lambda s: (math.log(s / (1 - s)), INF),
    "log_sigmoid": lambda s: (-INF, -math.log(s / (1 - s))),
    "elu": lambda s: (math.log(s), INF),
    "selu": lambda s: (math.log(s), INF),
    "sparse_plus": lambda s: (-1 + 2 * s, INF),
    "relu": lambda s: (0.0, INF),
    "relu6": lambda s: (0.0, 6.0),
    "hard_tanh": lambda s: (-1.0, 1.0),
    "hard_sigmoid": lambda s: (-3.0, 3.0),
    "hard_swish": lambda s: (-3.0, INF),
    "thresholded_relu": lambda s: (1.0, INF),
    "leaky_relu": lambda s: (-INF, INF),
    "identity": lambda s: (-INF, INF),
    "log_cosh": lambda s: (-INF, INF),
    "snake": lambda s: (-INF, INF),
    "gcu": lambda s: (-INF, INF),
    "spline": lambda s: (-INF, INF),
    "step": lambda s: (INF, -INF),
    "sign": lambda s: (INF, -INF),
    # No largest slope: sqrt(E f'(Z)^2) stands for it.
    "exponential": lambda s: (math.log(s) + 1, INF),
    "relu2": lambda s: (s * math.sqrt(2) / 2, INF),
    "quadratic": lambda s: (-INF, INF),
}
# The largest slope where the catalogue states none because of a jump of the value or of growth.
LARGEST = {
    "thresholded_relu": 1,
    "relu2": math.sqrt(2),
    "exponential": math.e,
    "poisson1": math.sqrt(17) * math.e,
}


@levels
@pytest.mark.parametrize("name", SOLVED)
def test_ends_that_are_known(name, level):
    assert saturation_interval(dr.activations[name], level) == pytest.approx(
        SOLVED[name](level), rel=1e-12, abs=1e-15
    )


@everything
def test_sides_are_those_of_the_catalogue(f):
    low, high = saturation_interval(f)
    assert (low > -INF, high < INF) == f.facts["saturates"]


@levels
@everything
def test_the_slope_passes_the_level_at_the_ends(f, level):
    """By the 800-digit slope of the formula on both sides of an end."""
    low, high = saturation_interval(f, level)
    if low > high:
        return  # tested above
    largest = LARGEST.get(f.name, f.facts["lipschitz"])
    for end, outwards in ((low, -1), (high, 1)):
        if math.isinf(end):
            continue
        step = 1e-9 * max(1, abs(end))
        inside, outside = (
            abs(oracle.elementwise(f.facts["formula"], end + s * step, rounded(f, np.float64))[1])
            for s in (-outwards, outwards)
        )
        assert outside < level * largest * (1 + 1e-7)
        assert inside > level * largest * (1 - 1e-7)


@levels
@everything
def test_no_slope_beyond_the_ends_reaches_the_level(f, level):
    low, high = saturation_interval(f, level)
    largest = LARGEST.get(f.name, f.facts["lipschitz"])
    distance = np.logspace(-6, 200, 2000)
    for end, outwards in ((low, -1), (high, 1)):
        if math.isfinite(end):
            slopes = np.abs(f.derivative(end + outwards * distance))
            assert (slopes <= level * largest).all()


@pytest.mark.parametrize(
    ("name", "parameters", "ends"),
    [
        ("scaled_tanh", {"beta": 1e4}, (-2.17827221030087654e-4, 2.17827221030087654e-4)),
        ("laplace", {"mu": 0.7071, "sigma": 1e-5}, None),
        ("softplus", {"beta": 50.0}, (math.log(1 / 19) / 50, INF)),
        ("capped_relu", {"max_value": 100.03}, (0.0, 100.03)),
        ("prelu", {"weight": 0.0}, (0.0, INF)),
        ("affine", {"alpha": 0.0}, (INF, -INF)),
        ("hard_tanh", {"min_val": -1.3, "max_val": 0.1}, (-1.3, 0.1)),
    ],
)
def test_parameters_count(name, parameters, ends):
    if ends is None:
        reach = 1e-5 * math.sqrt(2 * math.log(20))
        ends = (0.7071 - reach, 0.7071 + reach)
    got = saturation_interval(dr.activation(name, **parameters))
    assert got == pytest.approx(ends, rel=1e-10)


def test_own_formulas():
    own = dr.activation.from_formula
    wide = math.sqrt(mp.findroot(lambda s: 2 * s * mp.exp(1 - 2 * s) - 0.05**2, 4))
    half = math.atanh(math.sqrt(0.95))
    for text, ends in {
        "exp(-x**2)": (-wide, wide),
        "log(1 + exp(x))": (math.log(1 / 19), INF),
        "(exp(x) - exp(-x)) / (exp(x) + exp(-x))": (-half, half),
        "tanh(1000 * (x - 0.3))": (0.3 - half / 1000, 0.3 + half / 1000),
        "log(1 + abs(x))": (-19.0, 19.0),
        "0 if x < 0 else x": (0.0, INF),
        "x if x > 0.3 else 0": (0.3, INF),
        "clip(x, -1, 1)": (-1.0, 1.0),
        "x**3 / (1 + x**2)": (-INF, INF),
        "tanh(x) + 0.01 * x": (-INF, INF),
        "sin(x)": (-INF, INF),
        "x * log(abs(x))": (-INF, INF),
        "1 / (x - 0.3)": (-INF, INF),
        "2.0 + 0 * x": (INF, -INF),
    }.items():
        assert saturation_interval(own(text)) == pytest.approx(ends, rel=1e-9, abs=1e-15), text


def test_kinks_are_ends_to_the_bit():
    own = dr.activation.from_formula
    for text, ends in {
        "0 if x < 0 else x": (0.0, INF),  # the slope at 0 is 1
        "0 if x <= 0 else x": (0.0, INF),
        "x if -2.5 <= x <= 2.5 else 0": (-2.5, 2.5),
    }.items():
        low, high = saturation_interval(own(text))
        assert (low, high) == ends
        assert math.copysign(1, low) == (1 if low == 0 else -1)


def test_a_peak_between_samples_is_found():
    low, _ = saturation_interval(dr.activations.gelu, 1 - 1e-9)
    assert low == pytest.approx(math.sqrt(2), abs=2e-4)  # where its slope is largest
    assert low < math.sqrt(2)


def test_what_has_no_interval():
    with pytest.raises(TypeError, match="maps whole rows and has no slope for each number"):
        saturation_interval(dr.activations.softmax)
    for level in (0, 1, -0.1, math.nan):
        with pytest.raises(ValueError, match="must be between 0 and 1; met"):
            saturation_interval(dr.activations.tanh, level)
