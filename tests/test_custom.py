"""Own activations and losses: the compiled tape, the objects around it, and training with them."""

from __future__ import annotations

import copy
import json
import math
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import formula_oracle as oracle
import mpmath as mp
import numpy as np
import pytest
from sklearn.base import clone

import deltarule as dr
from deltarule import _core
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._from_formula import (
    FormulaWarning,
    activation_from_formula,
    custom_activation,
    custom_loss,
    loss_from_formula,
)
from deltarule.files import ModelFileError, read_model, write_model
from deltarule.formula import OPERATIONS, Formula, FormulaError
from deltarule.formula.expression import make, name
from deltarule.formula.program import compile_formulas

MISH = "x * tanh(log(1 + exp(x)))"


def own_mish():
    return activation_from_formula(MISH, name="own_mish")


def ufunc_of(operation):
    arity = OPERATIONS[operation].arity
    program = compile_formulas([make(operation, *map(name, "uvw"[:arity]))], "uvw"[:arity])
    return _core.tape_ufunc(operation, program.describe(), arity, 1)


# ---- the tape -----------------------------------------------------------------------------------

# Largest errors in ulp; logaddexp has a root away from 0, near which digits are its operands'.
ULP = {"logaddexp": math.inf, "sigmoid_slope": 4, "sech2": 4, "tanh_softplus_slope": 5}


def probes(operation, dtype):
    rng = np.random.default_rng(3)
    top = 80 if dtype == np.float32 else 700
    parts = [rng.uniform(-3, 3, 60), rng.uniform(-30, 30, 30), rng.uniform(-top, top, 20)]
    parts.append(10 ** rng.uniform(-20, 8, 30) * rng.choice([-1, 1], 30))
    if operation in {"sin", "cos", "tan"}:
        parts.append(np.arange(-20, 20) * np.pi / 2)
    u = np.concatenate(parts)
    if operation in {"erf", "erfc", "normcdf", "normpdf", "log_cosh"}:
        u = u[np.abs(u) < 1e4]
    v = rng.permutation(u)
    if operation == "power":
        whole = rng.random(len(u)) < 0.3
        u = np.where(whole, u / 10, np.exp(np.clip(u, -3, 3)))
        v = np.where(whole, np.round(v / 40), np.clip(v, -300, 300))
    if operation.startswith("root"):
        u = np.abs(u)
    return u.astype(dtype), v.astype(dtype)


def ulp_error(got, true, dtype):
    info = np.finfo(dtype)
    if mp.isnan(true):
        return 0.0 if np.isnan(got) else math.inf
    if abs(true) >= 0.999 * float(info.max):
        return 0.0 if np.isinf(got) or abs(float(got)) > 0.99 * float(info.max) else math.inf
    if not np.isfinite(got):
        return math.inf
    exponent = info.minexp if true == 0 else max(int(mp.floor(mp.log(abs(true), 2))), info.minexp)
    return float(abs(mp.mpf(float(got)) - true) / mp.ldexp(1, exponent - info.nmant))


NUMERIC = sorted(o for o in OPERATIONS if OPERATIONS[o].arity < 3 and not o.startswith("logical"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("operation", NUMERIC)
def test_operations_are_right_to_a_few_ulp(operation, dtype):
    u, v = probes(operation, dtype)
    got = ufunc_of(operation)(*(u, v)[: OPERATIONS[operation].arity])
    assert got.dtype == dtype
    formula = make(operation, *map(name, "uv"[: OPERATIONS[operation].arity]))
    with mp.workdps(400):
        worst = max(
            ulp_error(y, oracle.value(formula, {"u": float(a), "v": float(b)}), dtype)
            for y, a, b in zip(got, u, v, strict=True)
        )
    assert worst <= ULP.get(operation, 3)


def test_the_tape_has_every_operation_that_is_not_defined_by_others():
    own = {o for o, entry in OPERATIONS.items() if entry.definition is None}
    swapped = {"greater", "greater_equal"}
    assert set(_core.tape_operations()) == (own - swapped) | {"copy", "madd", "msub", "nmadd"}


def test_nan_is_handed_on_and_conditions_are_numbers():
    nan = np.nan
    for operation in OPERATIONS:
        f = ufunc_of(operation)
        for k in range(f.nin):
            if operation == "select" and k > 0:
                continue  # the branch that is not taken is not read
            operands = [0.5] * f.nin
            operands[k] = nan
            assert np.isnan(f(*operands)), operation
    np.testing.assert_array_equal(ufunc_of("less")([1.0, 2, 3], [2.0, 2, 2]), [1, 0, 0])
    np.testing.assert_array_equal(ufunc_of("select")([1.0, 0, -2], 5.0, 7.0), [5, 7, 5])
    assert ufunc_of("damp")(0.0, np.inf) == 0


ROWS = [f for f in dr.activations.values() if f.elementwise]
# In these the catalogue's kernel keeps digits that its formula, taken literally, does not.
LOSES = {("tanh_shrink", "__call__"): 1e-3, ("snake", "derivative"): 1e-6}


@pytest.mark.parametrize("row", ROWS, ids=lambda f: f.name)
@pytest.mark.parametrize("method", ["__call__", "derivative", "second_derivative"])
def test_formulas_of_the_catalogue_equal_its_kernels(row, method):
    parameters = {k: v for k, v in row.parameters.items() if v is not None}
    own = CustomActivation(Formula.read(row.formula, ("x",), parameters), "own")
    rng = np.random.default_rng(0)
    small = 10 ** rng.uniform(-6, 2, 100) * rng.choice([-1, 1], 100)
    x = np.concatenate([rng.uniform(-3, 3, 300), rng.uniform(-30, 30, 100), small])
    got, wanted = getattr(own, method)(x), getattr(row, method)(x)
    tiny = float(np.finfo(np.float64).tiny)  # below which errors are absolute
    np.testing.assert_allclose(got, wanted, rtol=LOSES.get((row.name, method), 1e-12), atol=tiny)


def test_losses_of_the_catalogue_equal_their_kernels():
    rng = np.random.default_rng(0)
    compared = 0
    for row in dr.losses.values():
        if not getattr(row, "elementwise", False) or row.facts.get("root_of_mean"):
            continue
        parameters = {k: v for k, v in row.parameters.items() if v is not None}
        try:
            own = CustomLoss(Formula.read(row.formula, ("z", "t"), parameters), "own")
        except FormulaError:
            continue  # written with words that only the catalogue has
        z = rng.uniform(0.05, 0.95, 300)
        t = rng.uniform(0.1, 0.9, 300)
        t = np.sign(t - 0.5) if row.facts["targets"] == "signs" else t
        for method in ("__call__", "gradient", "second_derivative"):
            wanted = getattr(row, method)(z, t, reduction="none")
            got = getattr(own, method)(z, t, reduction="none")
            np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-14, err_msg=row.name)
        compared += 1
    assert compared >= 5


def test_layouts_dtypes_and_options_are_those_of_a_ufunc():
    f = own_mish()
    x = np.random.default_rng(0).normal(size=(37, 11)) * 4
    whole = f(x)
    for view, result in [(x.T, whole.T), (x[::2, ::-3], whole[::2, ::-3]), (x[5], whole[5])]:
        np.testing.assert_array_equal(f(view), result)
        np.testing.assert_array_equal(f(np.asfortranarray(view)), result)
    assert f(np.float32(1)).dtype == np.float32
    assert f([1, 2]).dtype == np.float64
    assert f(x[:0]).shape == (0, 11)
    assert np.ndim(f(0.5)) == 0
    out = np.empty((11, 37)).T
    assert f(x, out=out) is out
    np.testing.assert_array_equal(out, whole)
    masked = np.full_like(x, 7)
    f(x, out=masked, where=x > 0)
    np.testing.assert_array_equal(masked, np.where(x > 0, whole, 7))
    np.testing.assert_array_equal(f.vjp(x, x[0]), f.vjp(x, np.broadcast_to(x[0], x.shape)))
    inplace = x.copy()
    f(inplace, out=inplace)
    np.testing.assert_array_equal(inplace, whole)
    overlapping = np.arange(100.0) / 10
    wanted = f(overlapping[:-1])
    f(overlapping[:-1], out=overlapping[1:])
    np.testing.assert_array_equal(overlapping[1:], wanted)
    with pytest.raises(TypeError, match="float32 and float64"):
        f(1j)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_element_does_not_know_its_place(dtype):
    """Blocks, last partial vectors, strides, threads: one element, one result."""
    f = activation_from_formula("x * sigmoid(1.7 * x) + sin(x) / (1 + abs(x)) + (2 + x**2)**0.7")
    x = (np.random.default_rng(0).normal(size=300_001) * 5).astype(dtype)
    x[7] = 1e9  # its sine is the C library's
    whole = f(x)
    for n in (1, 2, 3, 7, 15, 16, 17, 511, 512, 513, 1025):
        np.testing.assert_array_equal(f(x[:n]), whole[:n])
        np.testing.assert_array_equal(f(x[-n:]), whole[-n:])
        np.testing.assert_array_equal(f(x[1 : n + 1]), whole[1 : n + 1])
    np.testing.assert_array_equal(f(x[::7]), whole[::7])
    np.testing.assert_array_equal([f(v) for v in x[:20]], whole[:20])


def test_accumulate_reads_what_it_wrote():
    plus = ufunc_of("add")
    np.testing.assert_array_equal(plus.accumulate(np.arange(2000.0)), np.arange(2000.0).cumsum())
    assert plus.reduce(np.arange(2000.0)) == 1999 * 1000


def program(*code, constants=(), registers=0):
    return (1, 1, list(constants), registers, list(code))


@pytest.mark.parametrize(
    "bad",
    [
        program(("exp", 2, (0,))),
        program(("exp", 0, (0,))),
        program(("exp", 1, (5,))),
        program(("exp", 1, (-1,))),
        program(("exp", 2, (0,)), constants=[1.0]),
        program(("exp", 1, (0, 0))),
        program(("eggs", 1, (0,))),
        program(("exp", 1, (0,)), registers=-1),
        program(("exp", 1, (0,)), registers=1000),
        program(("exp", 1, (0,)), constants=[1.0] * 300),
        program()[:4],
        (2, 1, [], 0, []),
    ],
)
def test_programs_are_checked_before_they_run(bad):
    with pytest.raises(ValueError, match=r"program|operation|slot|tape"):
        _core.tape_ufunc("bad", bad, 1, 1)


def test_ufuncs_keep_their_programs_alive():
    fs = [activation_from_formula(f"x + {i}") for i in range(200)]
    ufuncs = [f.ufunc for f in fs]
    del fs
    assert [u(1.0) for u in ufuncs] == [1.0 + i for i in range(200)]


# ---- the objects --------------------------------------------------------------------------------


def test_an_own_activation_has_the_methods_of_the_catalogue():
    f, mish = own_mish(), dr.activations["mish"]
    x = np.linspace(-5, 5, 12).reshape(3, 4)
    for method in ("__call__", "derivative", "second_derivative", "jacobian"):
        np.testing.assert_allclose(getattr(f, method)(x), getattr(mish, method)(x), rtol=1e-12)
    np.testing.assert_allclose(f.vjp(x, x), mish.vjp(x, x), rtol=1e-12)
    assert f.elementwise
    assert f.formula == MISH
    assert f.rewrites == ("softplus", "tanh_softplus")
    assert f.limits == (0.0, math.inf)
    assert f.latex
    with pytest.raises(TypeError, match="no axis"):
        f(x, axis=0)
    with pytest.raises(TypeError, match="no error is stated"):
        f.error_bound(np.float64)


def leaky(x, slope=0.01, *, shift=0.0):
    """Leaky, and shifted."""
    return np.where(x > shift, x - shift, slope * (x - shift))


def huber(prediction, target, delta=1.0):
    e = np.abs(prediction - target)
    return np.where(e > delta, delta * (e - delta / 2), e * e / 2)


NOT_FINITE = [math.nan, math.inf, "b", None, 10**400]


@pytest.mark.parametrize("value", NOT_FINITE)
def test_parameters_are_finite_numbers(value):
    with pytest.raises(ValueError, match="The parameter a of the formula must be a finite number"):
        activation_from_formula("a * x", parameters={"a": value})
    with pytest.raises(ValueError, match="must be a finite number; met"):
        loss_from_formula("a * (z - t)", parameters={"a": value})


def test_ufuncs_are_decorated_too():
    f = custom_activation(np.tanh)
    assert f.name == "tanh"
    np.testing.assert_allclose(f([-1.0, 2.0]), np.tanh([-1.0, 2.0]))


def test_decorated_functions():
    f = custom_activation(leaky)
    assert (f.name, f.__doc__, dict(f.parameters)) == (
        "leaky",
        "Leaky, and shifted.",
        {"slope": 0.01, "shift": 0.0},
    )
    np.testing.assert_allclose(f([-2.0, 3.0]), [-0.02, 3.0])
    steeper = f.with_parameters({"slope": 0.5})
    np.testing.assert_allclose(steeper([-2.0, 3.0]), [-1.0, 3.0])
    assert steeper != f
    assert dict(steeper.parameters) == {"slope": 0.5, "shift": 0.0}
    refused = [({"slop": 1}, TypeError), *(({"slope": v}, ValueError) for v in NOT_FINITE)]
    for bad, error in refused:
        with pytest.raises(error):
            f.with_parameters(bad)

    @custom_loss(name="own_huber")
    def own(prediction, target, delta=1.0):
        return huber(prediction, target, delta)

    z, t = np.array([0.0, 5.0, -2.0]), np.array([0.5, 1.0, 1.0])
    for options in [{}, {"reduction": "sum"}, {"sample_weight": [1.0, 2.0, 3.0]}]:
        got, slope = own.value_and_gradient(z, t, **options)
        wanted, wanted_slope = dr.losses["huber"].value_and_gradient(z, t, **options)
        np.testing.assert_allclose(got, wanted)
        np.testing.assert_allclose(slope, wanted_slope)
    np.testing.assert_allclose(own.target_gradient(z, t), -own.gradient(z, t))
    np.testing.assert_array_equal(own.second_derivative(z, t, reduction="none"), [1, 0, 0])
    assert custom_activation(lambda x: 2 * x).name == "formula"


@pytest.mark.parametrize(
    "mistake", [lambda x: x if x > 0 else 0, lambda x: 1 + np.sum(x), lambda x: None]
)
def test_functions_that_are_no_formulas(mistake):
    with pytest.raises(FormulaError, match="lambda"):
        custom_activation(mistake)


def test_names_and_links_are_checked():
    for bad in ["", "a b", "1x", "a" * 200, "x\n"]:
        with pytest.raises(ValueError, match="Python name"):
            activation_from_formula("x", name=bad)
    with pytest.raises(ValueError, match="link"):
        loss_from_formula("z - t", link="softmax")


def test_losses_of_digits_are_warned_of():
    with pytest.warns(FormulaWarning, match=r"\|x\| <= 0.00029") as caught:
        f = activation_from_formula("x - tanh(x)")
    assert caught[0].filename == __file__
    assert [r.of for r in f.lost_digits()] == ["value"]
    assert f.lost_digits(np.float32)[0].high > f.lost_digits()[0].high
    with pytest.warns(FormulaWarning) as caught:

        @custom_activation
        def naive(x):
            return x - np.tanh(x)

    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own_mish()
        pickle.loads(pickle.dumps(f))


@pytest.mark.parametrize(
    "f",
    [
        custom_activation(leaky).with_parameters({"slope": 0.3}),
        activation_from_formula(MISH, name="own_mish"),
        loss_from_formula("log(1 + exp(z)) - t * z", link="sigmoid"),
        custom_loss(huber).with_parameters({"delta": 2.5}),
    ],
    ids=str,
)
def test_copies_are_equal(f):
    record = json.loads(json.dumps(f.to_record()))
    for again in [
        pickle.loads(pickle.dumps(f)),
        copy.deepcopy(f),
        type(f).from_record(record),
        clone(f, safe=False),
    ]:
        assert again == f
        assert hash(again) == hash(f)
        assert repr(again) == repr(f)
        x = np.linspace(-2, 2, 9)
        for method in ("derivative",) if isinstance(f, CustomActivation) else ("gradient",):
            operands = (x,) if method == "derivative" else (x, x[::-1])
            np.testing.assert_array_equal(
                getattr(again, method)(*operands), getattr(f, method)(*operands)
            )
    assert f != own_mish() or f.name == "own_mish"


def test_repr_says_how_to_make_it():
    f = activation_from_formula("a * x", name="line", parameters={"a": 2.0})
    assert repr(f) == "activation.from_formula('a * x', name='line', parameters={'a': 2.0})"
    loss = loss_from_formula("(z - t)**2", link="sigmoid")
    assert repr(loss) == "loss.from_formula('(z - t)**2', link='sigmoid')"


def test_public_names():
    assert dr.activation.from_formula(MISH)(1.0) == own_mish()(1.0)
    assert dr.loss.from_formula("(z - t)**2")([1.0], [0.0]) == 1.0
    assert dr.custom_activation is custom_activation
    assert dr.custom_loss is custom_loss
    assert dr.FormulaWarning is FormulaWarning
    assert (dr.CustomActivation, dr.CustomLoss) == (CustomActivation, CustomLoss)


# ---- training -----------------------------------------------------------------------------------


def digits(rows=400):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X[:rows] / 16, y[:rows]


SETTINGS = {"hidden_layer_sizes": (20, 12), "max_iter": 12, "random_state": 0, "tol": 0.0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("built_in", "text"),
    [
        ("mish", MISH),
        ("tanh", "(exp(x) - exp(-x)) / (exp(x) + exp(-x))"),
        ("relu", "maximum(x, 0)"),
        ("elu", "x if x > 0 else exp(x) - 1"),
    ],
)
def test_training_ends_at_the_weights_of_the_built_in_one(built_in, text, dtype):
    X, y = digits()
    own = activation_from_formula(text)
    ours = dr.MLPClassifier(activation=own, dtype=dtype, **SETTINGS).fit(X, y)
    theirs = dr.MLPClassifier(activation=built_in, dtype=dtype, **SETTINGS).fit(X, y)
    digits_of = {"float32": 2e-4, "float64": 1e-11}[dtype]
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=digits_of)
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=digits_of, atol=digits_of)


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    return X, np.sin(X[:, 0]) + X[:, 1], rng.uniform(0.1, 2, 300)


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_own_losses_train_as_the_built_in_ones(options, weighted):
    X, y, weights = data()
    w = weights if weighted else None
    settings = {**SETTINGS, **options}
    ours = dr.MLPRegressor(loss=loss_from_formula("(z - t)**2 / 2"), **settings).fit(X, y, w)
    theirs = dr.MLPRegressor(loss="half_squared_error", **settings).fit(X, y, w)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9, atol=1e-12)
    entropy = loss_from_formula("log(1 + exp(z)) - t * z", link="sigmoid")
    ours = dr.MLPClassifier(loss=entropy, **settings).fit(X, y > 0, w)
    theirs = dr.MLPClassifier(**settings).fit(X, y > 0, w)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_several_activations_and_parameters():
    X, y, _ = data()
    f = custom_activation(leaky).with_parameters({"slope": 0.2})
    ours = dr.MLPRegressor(activation=[f, "tanh"], **SETTINGS).fit(X, y)
    other = dr.activation("leaky_relu", negative_slope=0.2)
    theirs = dr.MLPRegressor(activation=[other, "tanh"], **SETTINGS).fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-11)


def test_wrong_kinds_are_refused():
    X, y, _ = data()
    for settings in [
        {"activation": loss_from_formula("(z - t)**2")},
        {"loss": own_mish()},
        {"loss": loss_from_formula("(z - t)**2", link="sigmoid")},
    ]:
        with pytest.raises((TypeError, ValueError)):
            dr.MLPRegressor(**settings).fit(X, y)


def test_a_name_of_the_catalogue_does_not_hide_an_own_loss():
    X, y, _ = data()
    named = loss_from_formula(
        "log(1 + exp(z)) - t * z", name="binary_cross_entropy", link="sigmoid"
    )
    fitted = dr.MLPClassifier(loss=named, **SETTINGS).fit(X, y > 0)
    assert fitted._plan.loss == named


def fitted_model():
    X, y, _ = data()
    entropy = loss_from_formula("log(1 + exp(z)) - t * z", name="entropy", link="sigmoid")
    f = custom_activation(leaky).with_parameters({"slope": 0.2})
    return dr.MLPClassifier(activation=f, loss=entropy, **SETTINGS).fit(X, y > 0), X


def test_models_with_formulas_are_saved_and_pickled(tmp_path: Path):
    model, X = fitted_model()
    dr.save(model, tmp_path / "own.model")
    for again in [dr.load(tmp_path / "own.model"), pickle.loads(pickle.dumps(model))]:
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again.get_params() == model.get_params()
        assert again._plan == model._plan
    assert clone(model).activation == model.activation
    assert "from_formula" in repr(model)
    metadata, _ = read_model(tmp_path / "own.model")
    assert metadata["plan"]["loss"]["formula"] == "log(1 + exp(z)) - t * z"


def tampered(metadata, change):
    functions = [r["function"] for r in metadata["plan"]["layers"] if "function" in r]
    next(f for f in functions if f["type"] == "own activation").update(change)


@pytest.mark.parametrize(
    "change",
    [
        {"formula": "__import__('os').system('true')"},
        {"formula": "x.__class__"},
        {"formula": "x   if x > shift else x"},
        {"formula": "x - shift if x > shift else slope * (x + shift + 1)"},
        {"formula": "y"},
        {"formula": "tanh(" * 500 + "x"},
        {"formula": None},
        {"formula": 3},
        {"parameters": {"slope": 0.9, "shift": 0.0}},
        {"parameters": {"slope": "nan", "shift": 0.0}},
        {"parameters": {"slope": 0.2}},
        {"parameters": None},
        {"name": "a b"},
        {"name": None},
        {"values": []},
        {"values": [1.0, 2.0, 3.0]},
        {"values": None},
    ],
    ids=str,
)
def test_a_changed_formula_is_not_believed(tmp_path: Path, change):
    model, _ = fitted_model()
    path = tmp_path / "own.model"
    dr.save(model, path)
    metadata, arrays = read_model(path)
    tampered(metadata, change)
    write_model(path, metadata, arrays)  # with a right digest
    with pytest.raises(ModelFileError, match="no MLPClassifier can be rebuilt"):
        dr.load(path)


def test_threads_train_and_call_at_once():
    X, y, _ = data()
    f = own_mish()

    def work(seed):
        settings = {**SETTINGS, "random_state": seed}
        return dr.MLPRegressor(activation=f, **settings).fit(X, y).loss_curve_, f(X)

    alone = [work(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(4)))
    for (curve, values), (other_curve, other_values) in zip(alone, together, strict=True):
        assert curve == other_curve
        np.testing.assert_array_equal(values, other_values)


@pytest.mark.slow
def test_training_takes_at_most_half_as_long_again():
    import statistics
    import time

    X, y = digits(1797)
    own = own_mish()
    settings = {"hidden_layer_sizes": (100,), "max_iter": 10, "random_state": 0, "tol": 0.0}

    def seconds(activation):
        start = time.perf_counter()
        dr.MLPClassifier(activation=activation, **settings).fit(X, y)
        return time.perf_counter() - start

    ratios = [seconds(own) / seconds("mish") for _ in range(15)]
    assert statistics.median(ratios) <= 1.5
