"""Every fact of the catalogue that can be computed is computed."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from accuracy import ELEMENTWISE, rounded
from mpmath import mp, mpf

import deltarule as dr
from deltarule._latex import latex
from deltarule._statistics import normal_statistics

names = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.name)
everywhere = [f for f in ELEMENTWISE if f.facts["defined_above"] == -math.inf]


def expectations(f):
    """E f, E f^2 and E f'^2 under the standard normal, by mpmath's quadrature of the formula."""
    parameters = rounded(f, np.float64)
    kinks = (at for at, _ in f.kinks)
    edges = sorted({-38.0, -12.0, *range(-6, 7), 12.0, 38.0, *kinks})

    def moment(power, order):
        def integrand(z):
            y = oracle.evaluate(f.facts["formula"], {"x": oracle.Jet(z, 1)} | scalars)
            return (y.v, y.d)[order] ** power * mp.npdf(z)

        return mp.quad(integrand, [mpf(e) for e in edges])

    scalars = oracle.scalars(parameters)
    with mp.workdps(25):
        return moment(1, 0), moment(2, 0), moment(2, 1)


@pytest.mark.parametrize("f", everywhere, ids=lambda f: f.name)
def test_gains_and_mean_are_those_of_a_standard_normal_input(f):
    mean, square, slope = (float(v) for v in expectations(f))
    got = normal_statistics(f)
    assert got.mean == pytest.approx(mean, rel=1e-9, abs=1e-12)
    assert got.variance == pytest.approx(square - mean**2, rel=1e-8, abs=1e-12)
    assert dr.init_gain(f) == pytest.approx(1 / math.sqrt(square), rel=1e-9)
    backward = math.inf if slope == 0 else 1 / math.sqrt(slope)
    assert dr.init_gain(f, "backward") == pytest.approx(backward, rel=1e-9)


def test_gains_that_are_known():
    assert dr.init_gain("relu") == pytest.approx(math.sqrt(2), rel=1e-12)
    slope = 0.2
    leaky = dr.activation("leaky_relu", negative_slope=slope)
    assert dr.init_gain(leaky) == pytest.approx(math.sqrt(2 / (1 + slope**2)), rel=1e-12)
    assert dr.init_gain("identity") == pytest.approx(1, rel=1e-12)
    # Exactly: E[(x s(b))^2] = E[s(b)^2]; from random rows here.
    assert dr.init_gain("glu") == pytest.approx(dr.init_gain("sigmoid"), rel=5e-3)
    for name, f in dr.activations.items():
        if f.elementwise or name == "gumbel_softmax":
            continue
        assert 0 < dr.init_gain(name) < math.inf
    with pytest.raises(ValueError, match="The mode must be 'forward' or 'backward'; met 'up'"):
        dr.init_gain("relu", "up")


def above(a):
    """P(Z > a), and the density at a."""
    return math.erfc(a / math.sqrt(2)) / 2, math.exp(-a * a / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("at", [0.1, -0.37, 0.0, 1 / 3, 0.25, 2.0])
def test_gains_of_own_formulas_do_not_depend_on_where_they_switch(at):
    tail, density = above(at)
    ramp = (1 + at * at) * tail - at * density
    own = dr.activation.from_formula
    for text in ("1 if x > a else 0", "1 if not x <= a else 0", "(1 + sign(x - a)) / 2"):
        step = own(text, parameters={"a": at})
        assert dr.init_gain(step) == pytest.approx(tail**-0.5, rel=1e-9)
        assert dr.init_gain(step, "backward") == math.inf
        assert [k for k, _ in step.kinks] == pytest.approx([at], abs=1e-15)
    for text in ("maximum(x - a, 0)", "x - a if x > a else 0", "(x - a + abs(x - a)) / 2"):
        f = own(text, parameters={"a": at})
        assert dr.init_gain(f) == pytest.approx(ramp**-0.5, rel=1e-9)
        assert dr.init_gain(f, "backward") == pytest.approx(tail**-0.5, rel=1e-9)
    moved = own("maximum(x - a, 0)", parameters={"a": 7.0}).with_parameters({"a": at})
    assert dr.init_gain(moved, "backward") == pytest.approx(tail**-0.5, rel=1e-9)


def test_switches_of_own_formulas():
    own = dr.activation.from_formula
    band = own("x if 0.1 < x < 0.1001 else 0")
    assert band.switches == (0.1, 0.1001)
    assert [at for at, _ in band.kinks] == [0.1, 0.1001]
    assert (own("tanh(x)").switches, own("tanh(x)").kinks) == ((), [])
    elu = own("x if x > 0 else exp(x) - 1")
    assert (elu.switches, elu.kinks) == ((0.0,), [])  # the slope is continuous
    assert own("maximum(x, 0)").kinks == [(0.0, 0.0)]
    parabola = own("maximum(x**2 - 2, 0)")
    assert parabola.switches == pytest.approx((-math.sqrt(2), math.sqrt(2)), rel=1e-15)
    assert own("clip(x, -1, 1)").switches == (-1.0, 1.0)
    assert own("1 if x == 0.3 else x").switches == (0.3,)


def test_widths_are_positive_integers():
    for width in (0, -1, 2.5, "8", None):
        with pytest.raises(ValueError, match="width of a row must be an integer >= 1; met"):
            dr.init_gain("softmax", width=width)
    assert dr.init_gain("softmax", width=1) == 1
    assert dr.init_gain("softmax", width=np.int64(3)) > 1


@names
def test_limits_are_those_of_the_formula(f):
    for got, far in zip(f.limits, (-1e300, 1e300), strict=True):
        if far < f.facts["defined_above"] or f.name == "gcu":
            assert math.isnan(got)
            continue
        exact = float(oracle.elementwise(f.facts["formula"], far, rounded(f, np.float64))[0])
        assert got == exact or (math.isinf(got) and abs(exact) > 100) or abs(got - exact) < 1e-12


@pytest.mark.parametrize("f", [*dr.activations.values(), *dr.losses.values()], ids=repr)
def test_every_formula_is_latex(f):
    text = f.latex
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    if "operands" in f.facts:
        return  # written by hand
    assert not set("_*") & set(text.replace(r"\_", "").replace("_{", "").replace("_j", ""))


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("x / (1 + exp(-beta * x))", r"\frac{x}{1 + e^{-\beta x}}"),
        ("(a - b) * (c + 1)", r"\left(a - b\right) \left(c + 1\right)"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("2 * 3 * x**2", r"2 \cdot 3 x^{2}"),
        ("-(x + 1)**2", r"-\left(x + 1\right)^{2}"),
        ("sqrt(abs(x))", r"\sqrt{\left|x\right|}"),
        (
            "1 if -2 <= x < 2 else 0",
            r"\begin{cases} 1 & \text{if } -2 \leq x < 2 \\ 0 & "
            r"\text{otherwise} \end{cases}",
        ),
        ("1e-05 * x", r"1 \cdot 10^{-5} x"),
        ("alpha_p * x", r"\alpha_{p} x"),
    ],
)
def test_latex(formula, written):
    assert latex(formula) == written


def test_bounds_are_stated_for_every_row_and_order():
    for f in (*dr.activations.values(), *dr.losses.values()):
        for order in range(3 if f.elementwise and "operands" not in f.facts else 2):
            assert 0 <= f.error_bound(np.float32, order) < 64
