"""Every loss of the catalogue against the oracle, and what its arguments may be."""

from __future__ import annotations

import pickle

import numpy as np
import oracle
import pytest
from accuracy import (
    DTYPES,
    ELEMENT_LOSSES,
    loss_errors,
    predictions,
    rounded,
    targets,
    variants,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import deltarule as dr

TABLE = [f for f in dr.losses.values() if isinstance(f, dr.Loss)]
ROWWISE = [f for f in TABLE if not f.elementwise]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
elements = pytest.mark.parametrize("f", ELEMENT_LOSSES, ids=lambda f: f.name)
REAL = [f for f in TABLE if f.facts["targets"] == "real"]


@elements
@dtypes
def test_elements_keep_the_bound_of_the_row(f, dtype):
    for g in variants(f):
        loss_errors(g, dtype).check(f, g)


def example(f):
    """A prediction and a target inside the domains of a loss, away from its kinks."""
    low, high = f.facts["defined"]
    z = 0.37 if high == 1 else 1.37 if low > -np.inf else 0.83
    t = {"signs": 1.0, "unit_interval": 0.25}.get(f.facts["targets"], 0.41)
    return z, t


@elements
def test_the_derivatives_shown_are_those_of_the_formula(f):
    for which, order in (("gradient", 1), ("second_derivative", 2)):
        assert f.facts[which], f"the row of {f.name} lacks .{which}"
        z, t = example(f)
        for g in variants(f):
            for zi in (z, 0.6 * z, 1.2 * z):
                exact = oracle.elementwise_loss(f.formula, zi, t, rounded(g, np.float64))
                shown = oracle.elementwise_loss(f.facts[which], zi, t, rounded(g, np.float64))
                assert abs(shown[0] - exact[order]) < 1e-30, (g, which, zi, t)


@elements
def test_value_and_gradient_in_one_pass_are_those_apart(f):
    for dtype in DTYPES:
        z = predictions(f, dtype)
        for t in targets(f, dtype, z):
            each = np.abs(f(z, t, reduction="none"))
            kept = each < np.finfo(dtype).max / 1e4  # so that the sum does not overflow
            z1, t1 = np.ascontiguousarray(z[kept]), np.ascontiguousarray(t[kept])
            value, gradient = f.value_and_gradient(z1, t1, reduction="sum")
            np.testing.assert_array_equal(gradient, f.gradient(z1, t1, reduction="none"))
            each = f(z1, t1, reduction="none").astype(np.float64)
            relative = 1e-5 if dtype == np.float32 else 1e-12
            assert abs(value - each.sum()) <= relative * np.abs(each).sum()
            out = np.empty_like(z1)
            assert f.value_and_gradient(z1, t1, out=out)[1] is out


@elements
def test_the_gradient_in_the_targets(f):
    z, t = example(f)
    if f.facts["targets"] == "signs" or "target_gradient" not in f._ufuncs:
        with pytest.raises(TypeError, match="has no derivative with respect to its targets"):
            f.target_gradient([z], [t])
        return
    for g in variants(f):
        exact = oracle.elementwise_loss(f.formula, z, t, rounded(g, np.float64), "t")[1]
        got = g.target_gradient([z], [t], reduction="sum")
        assert got[0] == pytest.approx(float(exact), rel=1e-12)


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
    bce = dr.losses.bce_with_logits
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


@pytest.mark.parametrize("f", TABLE, ids=lambda f: f.name)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_gradient_is_that_of_the_reduced_loss(f, data):
    """Central differences over every reduction, with weights and masks or without."""
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    n, k = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 4))
    z, y = batch(f, rng, n, k)
    shape = z.shape if f.elementwise else z.shape[:1]
    options = {
        "sample_weight": data.draw(st.sampled_from([None, rng.uniform(0.1, 2, n)])),
        "where": data.draw(st.sampled_from([None, rng.random(shape) < 0.8])),
        "reduction": data.draw(st.sampled_from(["mean", "sum", "weighted_mean"])),
    }
    if options["where"] is not None and not options["where"].any():
        options["where"] = None
    value, gradient = f.value_and_gradient(z, y, **options)
    assert value == pytest.approx(f(z, y, **options), rel=1e-13)
    h = 1e-6
    for i in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[i] += h
        down[i] -= h
        numeric = (f(up, y, **options) - f(down, y, **options)) / (2 * h)
        assert gradient[i] == pytest.approx(numeric, rel=2e-6, abs=1e-7)


def batch(f, rng, n, k):
    """Predictions clear of the kinks, and targets, for any loss of the table."""
    low, high = f.facts["defined"]
    kind = f.facts["targets"]
    if high == 1:
        z = rng.uniform(0.1, 0.9, (n, k))
    else:
        z = rng.uniform(0.2, 3, (n, k)) if low > -np.inf else rng.standard_normal((n, k))
    if kind == "classes":
        return z, rng.dirichlet(np.ones(k), n)
    if kind == "signs":
        return z, rng.choice([-1.0, 1.0], (n, k))
    if kind == "unit_interval":
        return z, rng.random((n, k))
    return z, rng.uniform(0.1, 3, (n, k)) if kind != "real" else rng.standard_normal((n, k))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_leaving_out_is_deleting_and_weights_are_repetition(seed, data):
    """Of rows, whatever else is given: weights, class weights, smoothing."""
    rng = np.random.default_rng(seed)
    n, k = 8, 4
    f = dr.loss("softmax_cross_entropy", label_smoothing=data.draw(st.sampled_from([0.0, 0.2])))
    z, y = rng.standard_normal((n, k)), rng.integers(0, k, n)
    shared = {
        "class_weight": data.draw(st.sampled_from([None, rng.uniform(0.1, 2, k)])),
        "reduction": data.draw(st.sampled_from(["mean", "sum", "weighted_mean"])),
    }
    w = rng.integers(1, 4, n)
    kept = rng.random(n) < 0.6
    kept[0] = True
    ignored = np.where(kept, y, -100)
    deleted = f.value_and_gradient(z[kept], y[kept], sample_weight=w[kept], **shared)
    for options in ({"ignore_index": -100}, {"where": kept}):
        targets_given = ignored if "ignore_index" in options else y
        value, gradient = f.value_and_gradient(
            z, targets_given, sample_weight=w, **options, **shared
        )
        assert value == pytest.approx(deleted[0], rel=1e-13)
        np.testing.assert_allclose(gradient[kept], deleted[1], rtol=1e-13)
        assert (gradient[~kept] == 0).all()
    if shared["reduction"] != "mean":  # a mean counts values, not weights
        repeated = f(np.repeat(z, w, axis=0), np.repeat(y, w), **shared)
        assert f(z, y, sample_weight=w, **shared) == pytest.approx(repeated, rel=1e-12)


def test_class_weights():
    ce, bce = dr.losses.softmax_cross_entropy, dr.losses.bce_with_logits
    z, y = np.array([[2.0, 1.0, 0.0], [0.5, 0.0, 1.0]]), np.array([0, 2])
    each = ce(z, y, reduction="none")
    w = np.array([1.0, 5.0, 3.0])
    assert ce(z, y, class_weight=w, reduction="sum") == pytest.approx(each @ w[y])
    assert ce(z, y, class_weight={2: 3.0}, reduction="weighted_mean") == pytest.approx(
        (each[0] + 3 * each[1]) / 4
    )
    soft = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    terms = -soft * w * dr.activations.log_softmax(z)
    assert ce(z, soft, class_weight=w, reduction="sum") == pytest.approx(terms.sum())
    scores, labels = np.array([0.3, -2.0]), np.array([1.0, 0.0])
    weighted = bce(scores, labels, class_weight=[2.0, 3.0], reduction="none")
    np.testing.assert_allclose(weighted, bce(scores, labels, reduction="none") * [3, 2])
    signs = dr.losses.hinge(scores, [1, -1], class_weight={1: 3.0}, reduction="none")
    np.testing.assert_allclose(signs, [3 * 0.7, 0])
    with pytest.raises(ValueError, match="class_weight weighs labels, but bce_with_logits met"):
        bce(scores, [0.5, 0.0], class_weight=[1, 2])
    with pytest.raises(TypeError, match="squared_error is a loss of numbers"):
        dr.losses.squared_error(scores, labels, class_weight=[1, 2])
    with pytest.raises(TypeError, match="ignore_index=-1 names a class code"):
        bce(scores, labels, ignore_index=-1)


def test_the_textbook_losses_keep_their_names():
    p, q = np.array([0.36, 0.48, 0.16]), np.array([0.3, 0.5, 0.2])
    base_10 = dr.loss("kl_divergence", base=10)
    assert base_10(np.log(q), p) == pytest.approx(np.sum(p * np.log10(p / q)), rel=1e-13)
    assert base_10(np.log(q), p) == pytest.approx(
        dr.losses.kl_divergence(np.log(q), p) / np.log(10), rel=1e-14
    )
    z, y = np.array([[2.0, 1.0, 0.1]]), np.array([0])
    likelihood = dr.losses.softmax_log_likelihood(z, y)
    assert likelihood == pytest.approx(-np.log(dr.activations.softmax(z)[0, 0]), rel=1e-14)
    balanced = dr.losses.alpha_balanced_cross_entropy
    probability = 1 / (1 + np.exp(-0.7))
    assert balanced([0.7], [1.0]) == pytest.approx(-0.25 * np.log(probability))
    assert balanced([0.7], [0.0]) == pytest.approx(-0.75 * np.log(1 - probability))
    assert dr.losses.rmse([3.0, 4.0], [0.0, 0.0]) == pytest.approx(np.sqrt(12.5))


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
    bce = dr.losses.bce_with_logits
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
    ce, bce, se = dr.losses.cross_entropy, dr.losses.bce_with_logits, dr.losses.squared_error
    z = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"has 3 classes, so codes must be 0 ... 2; met 3"):
        ce(z, np.array([0, 3]))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) or of integer class codes \(2,\)"):
        ce(z, np.array([0.0, 1.0]))
    with pytest.raises(
        ValueError, match="rows of y that are distributions; met a row with the sum 0"
    ):
        ce(z, z)
    with pytest.raises(ValueError, match=r"numbers in \[0, 1\]; met -1"):
        bce(np.zeros(2), np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="reduction must be one of"):
        se(z, z, reduction="average")
    with pytest.raises(ValueError, match="has no value per element"):
        dr.losses.rmse(z, z, reduction="none")
    with pytest.raises(ValueError, match="weights must be numbers >= 0"):
        se(z, z, sample_weight=[-1, 1])
    with pytest.raises(ValueError, match=r"sample_weight has the shape \(3,\)"):
        se(z, z, sample_weight=[1, 1, 1])
    with pytest.raises(ValueError, match="all weights are 0"):
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
    assert repr(f) == "softmax_cross_entropy(label_smoothing=0.1)"
    assert dr.losses.mse is dr.losses["squared_error"]
    assert dr.losses.softmax_cross_entropy.link == "softmax"


# ---- weights, masks and out= --------------------------------------------------------------------

CLASSES = [dr.losses.softmax_cross_entropy, dr.losses.kl_divergence]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "weighted_mean"])
@pytest.mark.parametrize("f", CLASSES, ids=lambda f: f.name)
def test_codes_one_hot_rows_and_next_to_no_smoothing_mean_the_same(f, reduction):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(6, 3)), np.array([0, 1, 2, 2, 1, 0])
    options = {
        "class_weight": [1.0, 3.0, 0.5],
        "sample_weight": rng.uniform(0.5, 2, 6),
        "reduction": reduction,
    }
    expected = f.value_and_gradient(z, y, **options)
    spelled = [f.value_and_gradient(z, np.eye(3)[y], **options)]
    if "label_smoothing" in f.parameters:
        nearly = f.with_parameters({"label_smoothing": 1e-13})
        spelled.append(nearly.value_and_gradient(z, y, **options))
    for got in spelled:
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-10)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-9, atol=1e-12)


def test_class_weights_by_the_labels_of_the_loss():
    z, y = np.array([0.2, -0.3]), np.array([1.0, -1.0])
    weights = {-1: 2.0, 1: 5.0}
    f = dr.losses.hinge
    expected = f(z, y, reduction="none") * [5, 2]
    np.testing.assert_array_equal(f(z, y, class_weight=weights, reduction="none"), expected)
    with pytest.raises(ValueError, match="the codes are -1 and 1"):
        f(z, y, class_weight={0: 1.0})


@pytest.mark.parametrize("f", ELEMENT_LOSSES, ids=lambda f: f.name)
def test_what_where_leaves_out_is_not_looked_at(f):
    z, t = example(f)
    kept = f([z], [t], sample_weight=[2.0])
    got = f([z, z], [t, np.nan], sample_weight=[2.0, np.nan], where=[True, False])
    assert got == kept
    value, gradient = f.value_and_gradient([z, np.nan], [t, -7.0], where=[True, False])
    assert value == f([z], [t])
    assert gradient.tolist() == [f.gradient([z], [t])[0], 0]


def test_what_where_leaves_out_of_classes_is_not_looked_at():
    f, z = dr.losses.softmax_cross_entropy, np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = f(z[:1], np.array([0]))
    assert f(z, np.array([0, -1]), where=[True, False]) == expected
    assert f(z, np.array([[1.0, 0.0], [np.nan, 7.0]]), where=[True, False]) == expected
    assert f(z, np.array([0, 9]), ignore_index=9) == expected


def test_a_single_sample():
    f = dr.losses.softmax_cross_entropy
    expected = f([[1.0, 2.0]], [1])
    assert f([1.0, 2.0], 1, ignore_index=-1) == expected
    assert f([1.0, 2.0], 1, where=True) == expected
    assert dr.losses.squared_error(1.0, 2.5, where=np.array(True)) == 2.25
    value, gradient = f.value_and_gradient([1.0, 2.0], 1, ignore_index=1, reduction="sum")
    assert value == 0
    assert gradient.tolist() == [0, 0]


@pytest.mark.parametrize("shift", [0, 1, 7])
@pytest.mark.parametrize("of", ["z", "y"])
def test_out_may_overlap_the_input(of, shift):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(2, 2000))
    f = dr.losses.squared_error
    value, gradient = f.value_and_gradient(z, y)
    buffer = np.zeros(2007)
    view = buffer[:2000]
    view[:] = z if of == "z" else y
    out = buffer[shift : shift + 2000]
    operands = (view, y) if of == "z" else (z, view)
    got = f.value_and_gradient(*operands, out=out)
    assert got[0] == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(got[1], gradient, rtol=1e-14)
    assert got[1] is out


def test_a_weight_of_0_excludes_an_infinite_loss():
    for f in (dr.losses.binary_cross_entropy, dr.losses.poisson):
        z, t = [0.0, 0.5], [1.0, 1.0]
        value, gradient = f.value_and_gradient(z, t, sample_weight=[0, 1], reduction="sum")
        assert value == f([0.5], [1.0])
        assert gradient.tolist() == [0, f.gradient([0.5], [1.0])[0]]


def test_a_float32_sum_of_squares_that_fits_is_not_infinite():
    f, z = dr.losses.squared_error, np.full(64, 1e19, np.float32)
    value, _ = f.value_and_gradient(z, np.zeros_like(z))
    assert value == f(z, np.zeros_like(z)) == pytest.approx(1e38, rel=1e-6)


def test_an_unknown_argument_and_a_list_as_out_are_named():
    f = dr.losses.squared_error
    with pytest.raises(TypeError, match=r"value_and_gradient\(\) got an unexpected .* 'weight'"):
        f.value_and_gradient([1.0], [2.0], weight=3)
    with pytest.raises(TypeError, match="out must be an array"):
        f.value_and_gradient(np.ones(2), np.ones(2), out=[0, 0])
    with pytest.raises(ValueError, match="Bounds are stated for float32 and float64"):
        f.error_bound(np.float16)


@pytest.mark.parametrize("classes", [1, 2, 7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_few_classes_do_not_know_each_other(classes, dtype):
    """Many short rows are computed side by side: each gives the bits that it gives alone."""
    rng = np.random.default_rng(classes)
    z = (rng.normal(size=(37, classes)) * 10).astype(dtype)
    z[3, 0], z[11], z[20, -1] = np.inf, -np.inf, np.nan
    codes = rng.integers(0, classes, 37)
    f = dr.losses.softmax_cross_entropy
    values = f(z, codes, reduction="none")
    gradients = f.gradient(z, codes, reduction="sum")
    for i in range(37):
        np.testing.assert_array_equal(f(z[i : i + 1], codes[i : i + 1]), values[i])
        alone = f.gradient(z[i : i + 1], codes[i : i + 1], reduction="sum")
        np.testing.assert_array_equal(alone[0], gradients[i])
    for other in (np.asfortranarray(z), np.repeat(z, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(f(other, codes, reduction="none"), values)
        met = f.value_and_gradient(other, codes, reduction="none")
        expected = f.value_and_gradient(z, codes, reduction="none")
        for a, b in zip(met, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    one_hot = np.eye(classes, dtype=dtype)[codes]
    whole = f.gradient(z, one_hot, reduction="sum")
    finite = np.isfinite(values)
    np.testing.assert_allclose(gradients[finite], whole[finite], rtol=20 * np.finfo(dtype).eps)
    assert np.isnan(gradients[20]).all()
