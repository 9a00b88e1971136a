"""Formulas: nothing but formulas is read, what is written is kept, what is computed is stable."""

from __future__ import annotations

import math
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import formula_oracle as oracle
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltarule.formula import OPERATIONS, RULES, Formula, FormulaError
from deltarule.formula.build import build
from deltarule.formula.condition import lost_digits
from deltarule.formula.differentiate import DERIVATIVES, derivative
from deltarule.formula.evaluate import evaluate
from deltarule.formula.exact import Budget, exact
from deltarule.formula.expression import constant, make, name, substitute
from deltarule.formula.operations import MACROS, SPELLINGS
from deltarule.formula.parse import FUNCTIONS, parse
from deltarule.formula.program import compile_formulas
from deltarule.formula.rules import NUMBERS, VANISHING, rewrite
from deltarule.formula.text import to_text
from deltarule.formula.trace import trace

X = name("x")


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(700):  # 1 + e**-700 is not 1
        yield


# ---- reading ------------------------------------------------------------------------------------

ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "np.exp(x)",
    "(x).real",
    "lambda x: x",
    "(lambda: 1)()",
    "[x for x in x]",
    "[x][0]",
    "{x}",
    "{x: x}",
    "f'{x}'",
    "'x'",
    "b'x'",
    "x if x",
    "x := 2",
    "(x := 2)",
    "x; x",
    "x = 2",
    "import os",
    "exec(x)",
    "eval(x)",
    "print(x)",
    "open(x)",
    "getattr(x, x)",
    "globals()",
    "await x",
    "yield x",
    "*x",
    "exp(*x)",
    "exp(**x)",
    "exp(x=x)",
    "exp(x)(x)",
    "x(x)",
    "x[0]",
    "x, x",
    "...",
    "None",
    "True * x",
    "1j * x",
    "x @ x",
    "x % 2",
    "x // 2",
    "x << 2",
    "x & 2",
    "x ^ 2",
    "~x",
    "x is x",
    "x in x",
    "not in x",
    "#x",
    "x # comment",
    "x\\\n+ 1",
    "x\n+ 1",
    "x\x00",
    "x\u200b",
    "\u212f**x",  # a script e, which Python's own parser would read as e
    "ｘ + 1",  # a full-width x
    "е(x)",  # Cyrillic
    "ехр(x)",
    "x²",
    "x − 1",
    "",
    "   ",
    "2x",
    "0x10 * x",
    "1_000 * x",
    "1e400 * x",
    "9" * 400,
    "0777 * x",
    "exp",
    "exp()",
    "exp(x, x)",
    "maximum(x)",
    "where(x, 1)",
    "y + 1",
    "alpha * x",
    "tanh(x",
    "x)",
    "x +",
    "** x",
    "(" * 90 + "x" + ")" * 89,
    "(" * 3000,
    "-" * 4000 + "x",
    "not " * 900 + "x",
    "x" + "**x" * 1300,
    "x if x else " * 300 + "x",
    "tanh(" * 65 + "x" + ")" * 65,
    "x + " * 600 + "x",
    "x + " * 2000 + "x",
    "x" * 5000,
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: repr(text)[:40])
def test_what_is_no_formula_is_refused(text):
    start = time.perf_counter()
    with pytest.raises(FormulaError):
        parse(text)
    assert time.perf_counter() - start < 1


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_formula_or_an_error(text):
    try:
        formula = parse(text)
    except FormulaError:
        return
    assert parse(to_text(formula)) is formula


@given(st.text("x0123456789.+-*/()<>=! eandortifls,", max_size=40))
@settings(max_examples=800, deadline=None)
def test_any_text_of_the_right_characters_too(text):
    test_any_text_is_a_formula_or_an_error.hypothesis.inner_test(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x + foo(x)", "    x + foo(x)\n        ^^^"),
        ("x * np.exp(x)", "    x * np.exp(x)\n        ^^^^^^"),
        ("x ^ 2", "    x ^ 2\n      ^"),
        ("tanh(x) + beta", "    tanh(x) + beta\n              ^^^^"),
        ("(x\n + foo)", "    (x? + foo)\n          ^^^"),
        ("exp(x, 2)", "    exp(x, 2)\n    ^^^^^^^^^"),
    ],
)
def test_errors_show_the_place(text, place):
    with pytest.raises(FormulaError) as error:
        parse(text)
    assert str(error.value).endswith(place)


def test_powers_of_powers_cost_nothing():
    start = time.perf_counter()
    formula = Formula.read("9**9**9**9**9 * x")
    assert math.isinf(formula.computed("slope", {}).value)
    assert time.perf_counter() - start < 1


def test_parameters_are_named_with_defaults():
    formula = Formula.read("a * x + b", parameters={"a": 2, "b": -1})
    assert dict(formula.parameters) == {"a": 2, "b": -1}
    for bad in ["x", "exp", "pi", "a.b", "_a", "if", "é", "lambda", "a" * 65]:
        with pytest.raises(FormulaError):
            Formula.read("x", parameters={bad: 1})
    with pytest.raises(TypeError, match="A formula is text"):
        parse(3)


# ---- text ---------------------------------------------------------------------------------------

leaves = st.one_of(
    st.just(X), st.floats(allow_nan=False, allow_infinity=False).map(constant), st.just(name("a"))
)


def _operations(children):
    def of(operation):
        return st.tuples(*[children] * OPERATIONS[operation].arity).map(
            lambda arguments: make(operation, *arguments)
        )

    return st.sampled_from(sorted(OPERATIONS)).flatmap(of)


formulas = st.recursive(leaves, _operations, max_leaves=12)


@given(formulas)
@settings(max_examples=500, deadline=None)
def test_text_and_back_is_the_same_object(formula):
    assert parse(to_text(formula), ("x", "a")) is formula
    assert pickle.loads(pickle.dumps(formula)) is formula


@given(st.recursive(
    st.sampled_from(["x", "2", "0.5", "a"]),
    lambda c: st.one_of(
        st.tuples(c, st.sampled_from(["+", "-", "*", "/", "**"]), c).map(" ".join),
        c.map("({})".format), c.map("-{}".format), c.map("tanh({})".format),
        st.tuples(c, c, c).map(lambda t: f"({t[0]} if {t[1]} < {t[2]} else a)"),
    ),
    max_leaves=8,
))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_operators_bind_as_in_python(text):
    values = {"x": np.float64(1.25), "a": np.float64(0.75)}
    with np.errstate(all="ignore"):
        try:
            wanted = eval(text, {"tanh": np.tanh}, values)
        except (OverflowError, ZeroDivisionError):  # of Python's own numbers
            return
    got = evaluate(parse(text, ("x", "a")), values)
    np.testing.assert_allclose(got, np.real_if_close(wanted), rtol=1e-12)


def test_brackets_only_where_needed():
    for text in ["x - (x - 1) - 2", "x / (x * 2) / 3", "-x**2", "(-2)**2", "2**-x", "x**(x**2)"]:
        assert to_text(parse(text)) == text.replace("x**(x**2)", "x**x**2")
    assert to_text(parse("where(x > 0, x, 2) * 3")) == "(x if x > 0 else 2) * 3"
    assert to_text(parse("0 < x < 1")) == "0 < x and x < 1"


def test_nodes_are_shared_between_threads():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: parse("x * tanh(log(1 + exp(x)))"), range(200)))
    assert all(formula is found[0] for formula in found)


# ---- tracing ------------------------------------------------------------------------------------


def test_a_function_and_its_text_are_the_same_formula():
    def mish(x):
        return x * np.tanh(np.log(1 + np.exp(x)))

    def leaky(x, slope=0.01):
        return np.where(x > 0, x, slope * x)

    assert trace(mish, ("x",))[0] is parse("x * tanh(log(1 + exp(x)))")
    expression, parameters = trace(leaky, ("x",))
    assert expression is parse("x if x > 0 else slope * x", ("x", "slope"))
    assert parameters == {"slope": 0.01}


def test_every_spelling_of_numpy_is_understood():
    def everything(x):
        y = np.clip(x, -1, 1) + np.clip(x, None, 2) + np.absolute(x) + abs(x) + np.reciprocal(x)
        y = y + np.positive(x) - np.negative(x) + +x - -x + x**2 + 2**x + np.float32(0.5)
        y = y * np.select([x > 1, x < -1], [x, -x], 0) + np.heaviside(x, 0.5) + (x > 0) * x
        return y + np.zeros_like(x) + np.ones_like(x) + np.full_like(x, 3) + np.array(2.0)

    assert Formula.trace(everything).parameters == {}
    ufuncs = [getattr(np, o, None) for o in (*OPERATIONS, *SPELLINGS, *MACROS)]
    for f in {u for u in ufuncs if isinstance(u, np.ufunc) and u.nin < 3}:
        points = [0.4, 0.3][: f.nin]
        got = evaluate(_traced(f, f.nin), dict(zip("xy", points, strict=False)))
        np.testing.assert_allclose(got, np.asarray(f(*points), float), rtol=1e-14)


def _traced(f, arguments):
    def of_one(x):
        return f(x)

    def of_two(x, y):
        return f(x, y)

    return trace(of_one if arguments == 1 else of_two, "xy"[:arguments])[0]


def test_scipy_names_are_understood():
    special = pytest.importorskip("scipy.special")
    assert _traced(special.expit, 1) is parse("sigmoid(x)")
    assert _traced(special.ndtr, 1) is parse("normcdf(x)")
    assert _traced(special.erf, 1) is parse("erf(x)")


def branching(x):
    return x if x > 0 else 0


def doubling(x):
    for _ in range(20):
        x = x * x + x
    return x


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (branching, "np.where"),
        (lambda x: max(x, 0), "np.maximum"),
        (lambda x: x and 1, "np.where"),
        (lambda x: 1 + np.sum(x), "numpy.sum"),
        (lambda x: 1 + np.mean(x), "numpy.mean"),
        (lambda x: 1 + np.add.reduce(x), "add.reduce"),
        (lambda x: np.exp(x, out=x), "element by element"),
        (lambda x: x[0], "items"),
        (lambda x: [v + 1 for v in x], "sequence"),
        (lambda x: 1 + math.exp(x), "np.exp"),
        (lambda x: 1 + int(x), "integer"),
        (lambda x: 1 + np.asarray(x), "array"),
        (lambda x: x % 2, "remainder"),
        (lambda x: x + np.ones(3), "shape"),
        (lambda x: 1j * x, "complex"),
        (lambda x: x + "1", "str"),
        (lambda x: x - x.mean(), r"an array with \.mean"),
        (lambda x: x / x.sum(), r"an array with \.sum"),
        (lambda x: np.zeros(x.shape), r"an array with \.shape"),
        (lambda x: x.copy(), r"an array with \.copy"),
        (lambda x: x.__setitem__(x < 0, 0), r"np\.where"),
        (lambda x: x & 1, "join conditions"),
        (lambda x: 10**5000 * x, "no integer beyond float64"),
        (lambda x: np.where(~x, 1, 0), r"join conditions.*; met x"),
        (lambda x, t=1.0, x_=2: np.cbrt(x), "Formulas have no function 'cbrt'"),
        (lambda x: None, "returns nothing"),
        (doubling, "operations"),
    ],
)
def test_what_a_formula_cannot_say_is_named(function, words):
    with pytest.raises(FormulaError, match=words):
        Formula.trace(function)


@pytest.mark.parametrize(
    "function",
    [lambda: 1, lambda x, *y: x, lambda x, **y: x, lambda x, a: x, lambda x, a="b": x,
     lambda x, a=True: x, lambda x, a=math.inf: x, lambda *, x: x],
)  # fmt: skip
def test_arguments_of_another_kind(function):
    with pytest.raises(TypeError):
        Formula.trace(function)


def test_bitwise_operators_join_conditions():
    def inside(x):
        return np.where((x > 0) & (x < 1), x, 0)

    def outside(x):
        return np.where(~(x > 0) | (x >= 1), x, 0)

    assert trace(inside, ("x",))[0] is parse("x if x > 0 and x < 1 else 0")
    assert trace(outside, ("x",))[0] is parse("x if not x > 0 or x >= 1 else 0")
    one_of_two = Formula.trace(lambda x: np.where((x > -1) ^ (x > 1) & True, x, 0))
    np.testing.assert_array_equal(
        evaluate(one_of_two.expression, {"x": np.array([-2.0, 0.5, 2.0])}), [0, 0.5, 0]
    )


def test_what_is_offered_is_public():
    with pytest.raises(FormulaError, match="They have") as caught:
        Formula.trace(np.cbrt)
    offered = set(caught.value.sentence.split("They have: ")[1].rstrip(".").split(", "))
    assert {"exp", "tanh", "maximum", "expit"} <= offered
    assert not offered & {"damp", "root_rest", "log1mexp", "sqrt1pm1", "sigmoid_slope"}
    with pytest.raises(FormulaError) as caught:
        parse("dampp(x)")
    assert "'damp'" not in str(caught.value)


def test_ufuncs_are_functions_too():
    assert Formula.trace(np.tanh).expression is parse("tanh(x)")
    assert Formula.trace(np.maximum, ("z", "t")).text == "maximum(z, t)"
    with pytest.raises(TypeError, match="must take 1 argument by position; it takes 2. Wrap it"):
        Formula.trace(np.maximum)
    with pytest.raises(FormulaError, match="no function 'modf'"):
        Formula.trace(np.modf)


def test_a_parameter_is_no_variable():
    with pytest.raises(FormulaError, match="t is the formula's variable; rename the parameter"):
        Formula.trace(lambda prediction, target, t=1.0: prediction - target * t, ("z", "t"))
    with pytest.raises(FormulaError, match="z is the formula's variable"):
        Formula.trace(lambda prediction, target, z=1.0: prediction - target * z, ("z", "t"))
    with pytest.raises(FormulaError, match="x is the formula's variable"):
        Formula.trace(lambda y, x=1.0: y * x)


@pytest.mark.parametrize("value", [math.nan, math.inf, "b", None, [], 10**400])
def test_parameters_are_finite_numbers(value):
    with pytest.raises(ValueError, match="The parameter a of the formula must be a finite number"):
        Formula.read("a * x", parameters={"a": value})
    with pytest.raises(TypeError, match="The parameter a of .* must be a finite number; met"):
        Formula.trace(lambda x, a=value: a * x)


def test_a_function_that_is_more_than_its_formula_is_found_out():
    calls = []

    def counting(x):
        calls.append(1)
        return x * len(calls)

    with pytest.raises(FormulaError, match="depends on more than the values"):
        Formula.trace(counting)


# ---- stable forms -------------------------------------------------------------------------------


def numbers_for(rule):
    """Numbers a, b, c for which the rule holds."""
    for c in (0.7, -0.5, math.log(2), math.sqrt(2), math.sqrt(0.5), -math.sqrt(0.5)):
        numbers = {"a": 2.25, "b": 1.5, "c": c}
        used = {k: v for k, v in numbers.items() if name(k) in _leaves(rule)}
        if rule.holds(used):
            return used
    raise AssertionError(f"No numbers satisfy {rule}.")


def _leaves(rule):
    found = {node for text in (rule.written, rule.computed) for node in _nodes(text)}
    return {node for node in found if node.operation == "name"}


def _nodes(text):
    from deltarule.formula.expression import in_order

    return in_order([parse(text, ("u", "v", *NUMBERS))])


# Their results have roots away from 0, where digits are the operands' affair.
IRRATIONAL = {
    math.log(2): lambda: mp.log(2),
    math.sqrt(2): lambda: mp.sqrt(2),
    math.sqrt(0.5): lambda: mp.sqrt(0.5),
    -math.sqrt(0.5): lambda: -mp.sqrt(0.5),
}
HAS_ROOT = {"logaddexp", "log_cosh"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.written)
def test_rules_are_right_to_1e_14(rule):
    numbers = numbers_for(rule)
    sides = [parse(text, ("u", "v", *NUMBERS)) for text in (rule.written, rule.computed)]
    given_numbers = {name(k): constant(v) for k, v in numbers.items()}
    written, computed = (substitute(side, given_numbers) for side in sides)
    meant = {k: IRRATIONAL.get(v, lambda v=v: mp.mpf(v))() for k, v in numbers.items()}
    variables = {name("u"): X, name("v"): name("y")}
    assert rule.name in rewrite(substitute(written, variables))[1]
    rng = np.random.default_rng(1)
    n = 60
    small = 10 ** rng.uniform(-12, 0, n)
    u = np.concatenate([rng.uniform(-3, 3, n), small, -small, rng.uniform(-40, 40, n)])
    v = rng.uniform(0.01, 0.99, len(u))
    compared = 0
    in_the_square = any(word in rule.written for word in ("**2", "erf", "norm"))
    for a, b in zip(u, v, strict=True):
        true = oracle.value(sides[0], {"u": a, "v": b, **meant})
        if mp.isnan(true) or abs(true) < 1e-300:
            continue
        got = float(evaluate(computed, {"u": a, "v": b}))
        # The rounding of a sum or product of operands, handed through an exponential.
        allowed = 1e-14 * max(1, abs(a) / 5, a * a / 5 if in_the_square else 0)
        if rule.name in HAS_ROOT:
            allowed /= min(1.0, abs(float(true)))
        assert oracle.relative_error(got, true) <= allowed, (a, b)
        compared += 1
    assert compared > 20


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("log(1 + exp(2 * x))", "softplus(2 * x)"),
        ("log(exp(x) + 1)", "softplus(x)"),
        ("1 / (exp(-x) + 1)", "sigmoid(x)"),
        ("x / (1 + exp(-1.5 * x))", "damp(sigmoid(1.5 * x), x)"),
        ("x * tanh(log(1 + exp(x)))", "damp(tanh_softplus(x), x)"),
        ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh(x)"),
        ("(exp(2 * x) - 1) / (exp(2 * x) + 1)", "tanh(x)"),
        ("2 / (1 + exp(-2 * x)) - 1", "tanh(x)"),
        ("0.5 * x * (1 + erf(x / 1.4142135623730951))", "damp(normcdf(x), x)"),
        ("0.5 * (1 + tanh(x / 2))", "sigmoid(x)"),
        ("log(cosh(x))", "log_cosh(x)"),
        ("1 - tanh(x)**2", "sech2(x)"),
        ("sqrt(1 + x**2) - 1", "root_rest(1, x)"),
        ("(x + sqrt(x**2 + 4)) / 2", "0.5 * root_sum(2, x)"),
        ("log(1 + exp(x)) - log(2)", "shifted_softplus(x)"),
        ("1 - cos(2 * x)", "2 * square(sin(x))"),
        ("log(1 / (1 + exp(-x)))", "-softplus(-x)"),
        ("exp(-x**2 / 2)", "2.5066282746310002 * normpdf(x)"),
    ],
)  # fmt: skip
def test_what_is_written_and_what_is_computed(text, stable):
    assert to_text(rewrite(parse(text))[0]) == stable


def test_confident_answers_keep_their_digits():
    formula = Formula.read("log(1 + exp(z)) - t * z", ("z", "t"))
    slope = evaluate(formula.computed("slope", {}), {"z": 60.0, "t": 1.0})
    np.testing.assert_allclose(slope, -np.exp(-60.0), rtol=1e-15)
    assert evaluate(formula.computed("value", {}), {"z": 60.0, "t": 1.0}) > 0


middling = st.one_of(st.just(X), st.floats(0.1, 4).map(constant), st.just(name("a")))


@given(st.recursive(middling, _operations, max_leaves=8))
@settings(max_examples=150, deadline=None)
def test_rewriting_ends_and_keeps_the_value(formula):
    stable, _ = rewrite(formula)
    assert rewrite(stable)[0] is stable
    at = {"x": 0.7310585786300049, "a": 1.3132616875182228}
    with mp.workdps(60):
        try:
            before, after = oracle.value(formula, at), oracle.value(stable, at)
        except (OverflowError, ValueError, ZeroDivisionError, TypeError):
            return
        if mp.isnan(before) or mp.isinf(before) or abs(before) > 1e100:
            return
        if mp.isnan(after) or mp.isinf(after):
            return
        assert abs(before - after) <= 1e-9 * max(1, abs(before))


# ---- derivatives --------------------------------------------------------------------------------

SMOOTH = [
    "x * tanh(log(1 + exp(x)))",
    "x / (1 + exp(-1.7 * x))",
    "0.5 * x * (1 + erf(x / 1.4142135623730951))",
    "x / (1 + abs(x))",
    "x / sqrt(1 + 0.3 * x**2)",
    "(x + sqrt(x**2 + 3)) / 2",
    "exp(-x**2)",
    "x * tanh(exp(x))",
    "1 / (1 + x**2)",
    "x / (1 + x**2)",
    "log(cosh(x)) + sin(x / 50) * cos(x / 50)",
    "sqrt(log(1 + exp(x)))",
    "arctan(x) + arcsinh(x) + log(2 + x**2)",
    "(2 + x**2)**1.7 + 2**x + (1 + x**2)**x",
    "log(exp(x) + exp(2 * x))",
    "x if x > 0 else 1.5 * (exp(x) - 1)",
    "maximum(x, tanh(x)) + minimum(x**2, 2)",
    "logaddexp(x, 1 - x) + hypot(x, 2)",
    "tan(x / 50) + sinh(x / 9) + cosh(x / 9) + arctanh(x / 50)",
    "normpdf(x) * log2(3 + x**2) + log10(3 + x**2) + expm1(-x**2 / 900)",
]


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("order", ["slope", "curve"])
def test_derivatives_are_those_of_mpmath(text, order):
    formula = Formula.read(text)
    computed = formula.computed(order, {})
    n = 1 if order == "slope" else 2
    with mp.workdps(60):
        for x in (-37.5, -11.25, -3.1, -0.7, -1e-3, 0.45, 2.3, 13.7, 39.0):
            true = mp.diff(
                lambda t: oracle.value(formula.expression, {"x": t}), x, n, h=mp.mpf("1e-12")
            )
            got = float(evaluate(computed, {"x": x}))
            # at 1e-12 central differences are right to about 24 digits of the value
            floor = mp.mpf("1e-20")
            assert abs(mp.mpf(got) - true) <= 2e-13 * abs(true) + floor, (x, got, true)


def test_tails_are_kept():
    x = np.array([-700.0, -300.0, -40.0])
    mish = Formula.read("x * tanh(log(1 + exp(x)))")
    np.testing.assert_allclose(
        evaluate(mish.computed("slope", {}), {"x": x}), (1 + x) * np.exp(x), rtol=1e-13
    )
    gelu = Formula.read("x * normcdf(x)")
    assert (evaluate(gelu.computed("slope", {}), {"x": np.array([-37.0, -20.0])}) < 0).all()
    far = np.array([-1e18, 1e18])
    isru = Formula.read("x / sqrt(1 + x**2)")
    np.testing.assert_allclose(evaluate(isru.computed("slope", {}), {"x": far}), 1e-54, rtol=1e-14)
    softsign = Formula.read("x / (1 + abs(x))")
    np.testing.assert_allclose(
        evaluate(softsign.computed("slope", {}), {"x": far}), 1e-36, rtol=1e-14
    )


def test_limits_and_nan():
    at = {"x": np.array([-np.inf, np.inf, np.nan])}
    mish = Formula.read("x * tanh(log(1 + exp(x)))")
    np.testing.assert_array_equal(evaluate(mish.computed("value", {}), at), [0, np.inf, np.nan])
    np.testing.assert_array_equal(evaluate(mish.computed("slope", {}), at), [0, 1, np.nan])
    step = Formula.read("1 if x > 0 else 0")
    assert np.isnan(evaluate(step.computed("value", {}), at)[2])


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("maximum(x, 0)", 0, 0),
        ("maximum(0, x)", 0, 0),
        ("minimum(x, 1)", 1, 0),
        ("abs(x)", 0, 0),
        ("maximum(x, 2 * x)", 0, 1),
        ("minimum(x, 2 * x)", 0, 2),
        ("maximum(-x, -2 * x)", 0, -2),
        ("maximum(-x, x)", 0, 0),
    ],
)
def test_kinks_have_the_slope_of_the_convention(text, x, slope):
    """0 if 0 lies between the one-sided slopes, else the slope from the left."""
    assert evaluate(Formula.read(text).computed("slope", {}), {"x": x}) == slope


def test_every_operation_is_known_everywhere():
    assert set(DERIVATIVES) == set(OPERATIONS) == set(oracle.FUNCTIONS)
    assert set(FUNCTIONS) >= set(OPERATIONS)
    assert set(OPERATIONS) >= VANISHING


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_definitions_numpy_and_decimals_agree_with_mpmath(operation):
    entry = OPERATIONS[operation]
    rng = np.random.default_rng(5)
    formula = make(operation, *map(name, "xyz"[: entry.arity]))
    for _ in range(40):
        at = dict(zip("xyz", 10 ** rng.uniform(-3, 1, 3) * rng.choice([-1, 1], 3), strict=True))
        at["x"] = abs(at["x"]) if operation.startswith("root") else at["x"]
        true = oracle.value(formula, at)
        if mp.isnan(true):
            continue
        got = exact(formula, at, Budget())
        assert abs(mp.mpf(str(got)) - true) <= abs(true) * mp.mpf("1e-19")
        size = max(1.0, 1 / float(abs(true))) if operation == "logaddexp" and true else 1.0
        assert oracle.relative_error(evaluate(formula, at), true) < 1e-13 * size
        defined = compile_formulas([formula], "xyz"[: entry.arity])
        assert oracle.relative_error(_interpreted(defined, at)[0], true) < 1e-13 * size


# ---- lost digits --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [t for t in SMOOTH if "**1.7" not in t and "arctanh" not in t])
def test_stable_formulas_lose_nothing(text):
    assert [r for r in Formula.read(text).lost_digits({}) if abs(r.low) < 1e4] == []


@pytest.mark.parametrize(
    ("text", "of", "low", "high"),
    [
        ("x - tanh(x)", "value", -3e-4, 3e-4),
        ("(1 + x) - 1", "value", -7.5e-9, 7.5e-9),
        ("exp(x) - 1 - x", "value", -6e-8, 6e-8),
        ("sqrt(x + 1) - sqrt(x)", "value", 2.7e7, math.inf),
        ("exp(x) * sin(exp(-x))", "value", 710, math.inf),
        ("exp(2 * x) / (1 + exp(2 * x) + x**2)", "value", 355, math.inf),
    ],
)
def test_lost_digits_are_reported_with_their_range(text, of, low, high):
    found = [r for r in Formula.read(text).lost_digits({}) if r.of == of]
    assert len(found) >= 1
    nearest = min(found, key=lambda r: abs(min(r.high, 1e30) - min(high, 1e30)))
    assert nearest.low == pytest.approx(low, rel=0.35)
    assert nearest.high == pytest.approx(high, rel=0.35)
    assert f"The {of} " in str(nearest)
    assert "float64" in str(nearest)


def test_the_unstable_form_is_what_loses():
    for text, stable in [("log(1 + exp(x))", "softplus(x)"), ("1 - tanh(x)**2", "sech2(x)")]:
        assert lost_digits(parse(text), "x")
        assert lost_digits(rewrite(parse(text))[0], "x") == ()
        assert lost_digits(parse(stable), "x") == ()


def test_single_precision_loses_earlier():
    formula = Formula.read("x - tanh(x)")
    double, single = (formula.lost_digits({}, dtype)[0] for dtype in ("float64", "float32"))
    assert single.high > 100 * double.high
    assert "of 7 digits" in str(single)


def test_a_monster_is_searched_in_bounded_time():
    start = time.perf_counter()
    Formula.read("/".join(f"(x + {i})" for i in range(60))).lost_digits({})
    assert time.perf_counter() - start < 30


# ---- programs -----------------------------------------------------------------------------------

_TERNARY = {
    "madd": lambda u, v, w: u * v + w,
    "msub": lambda u, v, w: u * v - w,
    "nmadd": lambda u, v, w: w - u * v,
    "copy": lambda u: u,
}


def _interpreted(program, values, *, alias=()):
    """Run a program on numbers; `alias` = (output, input) that share their memory."""
    memory = {i: values[n] for i, n in enumerate(program.inputs)}
    first = len(program.inputs) + program.outputs
    memory.update({first + i: c for i, c in enumerate(program.constants)})
    shared = {len(program.inputs) + alias[0]: alias[1]} if alias else {}
    with np.errstate(all="ignore"):
        for step in program.code:
            operands = [np.float64(memory[shared.get(s, s)]) for s in step.inputs]
            f = _TERNARY.get(step.operation) or OPERATIONS[step.operation].evaluate
            memory[shared.get(step.out, step.out)] = f(*operands)
    return [
        memory[shared.get(s, s)]
        for s in range(len(program.inputs), len(program.inputs) + program.outputs)
    ]


@given(formulas, formulas)
@settings(max_examples=200, deadline=None)
def test_programs_compute_the_formulas_even_in_place(f, g):
    program = compile_formulas([f, g], ("x", "a"))
    at = {"x": 0.73, "a": 1.31}
    wanted = [evaluate(f, at), evaluate(g, at)]
    np.testing.assert_allclose(_interpreted(program, at), wanted, rtol=1e-6, atol=1e-300)
    for output in (0, 1):
        for slot in (0, 1):
            got = _interpreted(program, at, alias=(output, slot))
            np.testing.assert_allclose(got[output], wanted[output], rtol=1e-6, atol=1e-300)


def test_common_parts_are_computed_once_and_registers_reused():
    program = compile_formulas([parse("tanh(exp(x)) * exp(x) + exp(x)")], ("x",))
    assert [step.operation for step in program.code].count("exp") == 1
    long = parse("tanh(" * 30 + "x" + ")" * 30)
    assert compile_formulas([long], ("x",)).registers == 1
    assert compile_formulas([parse("x**13")], ("x",)).registers <= 3


def test_what_backpropagation_needs():
    assert not Formula.read("exp(x)").pullback({}).reads("x")
    assert Formula.read("exp(x)").pullback({}).reads("y")
    assert not Formula.read("3 * x + 1").pullback({}).reads("x")
    assert Formula.read("x * tanh(x)").pullback({}).reads("x")


def test_too_large_programs_are_refused():
    terms = [build("sin", build("multiply", constant(i), X)) for i in range(2, 400)]
    total = X
    for term in terms:
        total = build("add", total, term)
    for term in terms:
        total = build("multiply", total, term)
    with pytest.raises(FormulaError, match="more than a tape holds"):
        compile_formulas([total], ("x",))


def test_derivatives_by_parameters_and_targets():
    formula = Formula.read("(z - t)**2 * w", ("z", "t"), {"w": 3.0})
    at = {"z": 2.0, "t": 0.5}
    assert evaluate(formula.computed("slope", formula.parameters), at) == 9.0
    assert evaluate(formula.computed("target_slope", formula.parameters), at) == -9.0
    assert derivative(parse("a * x", ("a", "x")), "a") is X
