"""The composed losses against their definitions, and what their arguments mean."""

from __future__ import annotations

import copy

import composite_cases
import composite_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltarule._composite import composite_losses

DTYPES = [np.float32, np.float64]
NAMES = list(composite_cases.CASES)
NEEDED = {"distribution_balanced": {"class_counts": [3, 9, 20, 31], "n_samples": 40}}
names = pytest.mark.parametrize("name", NAMES)
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
K = 4


def find(name, **parameters):
    return composite_losses[name].with_parameters({**NEEDED.get(name, {}), **parameters})


def parameters_of(f, dtype):
    """Those in use, rounded as the kernels round them."""
    used = {k: v for k, v in {**f.parameters, **f.options}.items() if k != "axis"}
    return {k: float(dtype(v)) if isinstance(v, float) else v for k, v in used.items()}


def several(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


@names
@dtypes
def test_values_and_gradients_against_the_definition(name, dtype):
    """Within the stated tolerance; where the scale is the result, no zero that is not one."""
    value_scale, gradient_scale = composite_cases.SCALES[name]
    for operands, parameters in composite_cases.CASES[name](dtype):
        f = find(name, **parameters)
        differentiable, tolerance = f.facts["differentiable"], f.facts["tolerance"]
        named = dict(zip(f.facts["operands"], operands, strict=True))
        used = parameters_of(f, dtype)
        at = reference.evaluate(getattr(reference, name), named, differentiable, used)
        value, gradient = f.value_and_gradient(*operands, reduction="sum")
        assert value.dtype == dtype
        with reference.mp.workdps(reference.DIGITS):
            worst = reference.error(float(value), at.value, value_scale(at), dtype)
            assert worst <= tolerance[0], (f, operands, value, float(at.value))
            for what, got in zip(differentiable, several(gradient), strict=True):
                assert got.dtype == dtype
                scale = gradient_scale(at, what)
                scale = scale if isinstance(scale, list) else [scale] * got.size
                exact = at.gradients[what]
                for a, b, s in zip(got.ravel(), exact, scale, strict=True):
                    worst = reference.error(float(a), b, s, dtype)
                    assert worst <= tolerance[1], (f, operands, what, got, float(b))


# ---- random batches -----------------------------------------------------------------------------


def batch(name, rng, n=5, dtype=np.float64):
    """Operands of n rows of K numbers, away from kinks."""
    operands = composite_losses[name].facts["operands"]
    labels = composite_losses[name].facts["labels"]
    first = rng.standard_normal((n, K))
    if operands[0] == "p":
        first = np.exp(first) / np.exp(first).sum(axis=1, keepdims=True)
    if labels in ("codes", "codes or rows"):
        t = rng.integers(0, K, n)
    elif name == "multilabel_margin":
        t = rng.random((n, K)) < 0.5
    elif labels == "multi-hot" or name in ("dice", "tversky"):
        t = (rng.random((n, K)) < 0.5).astype(dtype)
    elif name in ("mean_pairwise_squared_error", "cosine_distance", "gaussian_nll"):
        t = rng.standard_normal((n, K)).astype(dtype)
    else:
        t = rng.random((n, K)).astype(dtype)
    rest = [rng.uniform(0.5, 2, (n, K)).astype(dtype)] if "v" in operands else []
    return [first.astype(dtype), t, *rest]


def allclose(a, b, rtol=1e-12):
    for x, y in zip(several(a), several(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-14)


REDUCTIONS = ("sum", "mean", "weighted_mean")
seeds = st.integers(0, 10**6)


@names
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_a_weight_repeats_a_row(name, seed):
    rng = np.random.default_rng(seed)
    operands, w = batch(name, rng), rng.integers(1, 4, 5)
    f = find(name)
    repeated = [np.repeat(a, w, axis=0) for a in operands]
    for reduction in ("sum", "weighted_mean"):
        value, gradient = f.value_and_gradient(*operands, sample_weight=w, reduction=reduction)
        again, pieces = f.value_and_gradient(*repeated, reduction=reduction)
        assert value == pytest.approx(again, rel=1e-11, abs=1e-13)
        starts = np.cumsum(w) - w
        for g, piece in zip(several(gradient), several(pieces), strict=True):
            summed = np.add.reduceat(piece, starts, axis=0)
            np.testing.assert_allclose(g, summed, rtol=1e-10, atol=1e-13)


@names
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_where_deletes(name, seed):
    """What is left out may hold anything; its gradient is 0."""
    rng = np.random.default_rng(seed)
    operands, kept = batch(name, rng, n=6), rng.permutation([True, False, True, True, False, True])
    f, w = find(name), rng.uniform(0.5, 2, 6)
    mask = kept
    if f.facts["per"] == "element" or "where" in f.facts["takes"]:
        mask = np.broadcast_to(kept[:, None], operands[0].shape)
    dirty = [a.copy() for a in operands]
    dirty[0][~kept] = np.nan
    if dirty[1].dtype.kind == "i":
        dirty[1][~kept] = -7
    clean = [a[kept] for a in operands]
    for reduction in REDUCTIONS:
        options = {"reduction": reduction}
        if name == "ranking_softmax" and reduction != "sum":
            continue  # a row without entries has the value 0, but is a row
        value, gradient = f.value_and_gradient(*dirty, where=mask, sample_weight=w, **options)
        expected, short = f.value_and_gradient(*clean, sample_weight=w[kept], **options)
        assert value == pytest.approx(expected, rel=1e-12)
        assert f(*dirty, where=mask, sample_weight=w, **options) == value
        for g, part in zip(several(gradient), several(short), strict=True):
            np.testing.assert_allclose(g[kept], part, rtol=1e-12)
            assert (g[~kept] == 0).all()
    if f.facts["per"] != "batch" and name != "ranking_softmax":
        values = f(*dirty, where=mask, reduction="none")
        np.testing.assert_array_equal(values[kept], f(*clean, reduction="none"))
        assert (values[~kept] == 0).all()


CODES = [n for n in NAMES if composite_losses[n].facts["labels"] in ("codes", "codes or rows")]


@pytest.mark.parametrize("name", CODES)
@settings(max_examples=20, deadline=None)
@given(seed=seeds, ignore=st.sampled_from([-100, 0, 2, 99]))
def test_ignore_index_deletes(name, seed, ignore):
    """With sample weights, class weights and smoothing together."""
    rng = np.random.default_rng(seed)
    z, t = batch(name, rng, n=7)
    t[:3] = (1, ignore, 3)
    kept, w = t != ignore, rng.uniform(0.5, 2, 7)
    f = find(name)
    if "label_smoothing" in f.parameters:
        f = f.with_parameters({"label_smoothing": 0.2})
    given = {"class_weight": rng.uniform(0.5, 2, K)}
    for reduction in REDUCTIONS:
        options = {**given, "reduction": reduction}
        value, gradient = f.value_and_gradient(
            z, t, ignore_index=ignore, sample_weight=w, **options
        )
        expected, part = f.value_and_gradient(z[kept], t[kept], sample_weight=w[kept], **options)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient[kept], part, rtol=1e-12)
        assert (gradient[~kept] == 0).all()
    both = np.ones(7, bool)
    both[0] = False
    left = kept & both
    assert f(z, t, ignore_index=ignore, where=both, **given) == pytest.approx(
        f(z[left], t[left], **given), rel=1e-12
    )


@pytest.mark.parametrize("name", CODES)
def test_codes_are_one_hot_rows_and_class_weights_are_row_weights(name):
    rng = np.random.default_rng(0)
    z, t = batch(name, rng)
    f, w = find(name), rng.uniform(0.5, 2, K)
    for rows in (np.eye(K)[t], np.eye(K, dtype=int)[t], np.eye(K, dtype=bool)[t]):
        for options in ({}, {"class_weight": w, "reduction": "weighted_mean"}):
            for a, b in zip(
                f.value_and_gradient(z, t, **options),
                f.value_and_gradient(z, rows, **options),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
    by_class = f.value_and_gradient(z, t, class_weight=dict(enumerate(w)), reduction="sum")
    by_row = f.value_and_gradient(z, t, sample_weight=w[t], reduction="sum")
    assert by_class[0] == pytest.approx(by_row[0], rel=1e-13)
    np.testing.assert_allclose(by_class[1], by_row[1], rtol=1e-13)
    assert f(z, t, class_weight={}) == f(z, t)


@names
@settings(max_examples=10, deadline=None)
@given(seed=seeds, reduction=st.sampled_from(REDUCTIONS))
def test_the_gradient_is_that_of_the_reduced_loss(name, seed, reduction):
    rng = np.random.default_rng(seed)
    operands = batch(name, rng, n=3)
    f, h = find(name), 1e-6
    options = {"sample_weight": rng.uniform(0.5, 2, 3), "reduction": reduction}
    value, gradient = f.value_and_gradient(*operands, **options)
    assert value == f(*operands, **options)
    for which, g in zip(f.facts["differentiable"], several(gradient), strict=True):
        position = f.facts["operands"].index(which)
        for i in np.ndindex(g.shape):
            ends = []
            for step in (h, -h):
                moved = [a.copy() for a in operands]
                moved[position][i] += step
                ends.append(f(*moved, **options))
            numeric = (ends[0] - ends[1]) / (2 * h)
            assert g[i] == pytest.approx(numeric, rel=1e-5, abs=1e-7)


@names
def test_layouts_dtypes_and_leading_axes(name):
    rng = np.random.default_rng(1)
    operands = batch(name, rng, n=6)
    f = find(name)
    value, gradient = f.value_and_gradient(*operands)
    before = copy.deepcopy(operands)
    for a in operands:
        a.flags.writeable = False
    for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]):
        again = f.value_and_gradient(*map(change, operands))
        assert again[0] == pytest.approx(value, rel=1e-14)
        allclose(again[1], gradient)
    single = f.value_and_gradient(
        *(a.astype(np.float32) if a.dtype == float else a for a in operands)
    )
    assert single[0].dtype == np.float32
    assert all(g.dtype == np.float32 for g in several(single[1]))
    assert single[0] == pytest.approx(value, rel=1e-4, abs=1e-5)
    for a, b in zip(operands, before, strict=True):
        np.testing.assert_array_equal(a, b)
    if f.facts["per"] != "batch":
        deep = [a.reshape(2, 3, *a.shape[1:]) for a in operands]
        assert f.value_and_gradient(*deep)[0] == pytest.approx(value, rel=1e-14)
        flat = f(*operands, reduction="none")
        np.testing.assert_array_equal(
            f(*deep, reduction="none"), flat.reshape(2, 3, *flat.shape[1:])
        )
        row = [a[0] for a in operands]
        np.testing.assert_array_equal(f(*row, reduction="none"), flat[0])


@names
def test_nan_in_gives_nan_out(name):
    operands = batch(name, np.random.default_rng(2))
    f = find(name)
    operands[0][1, 2] = np.nan
    if name == "nll":
        operands[1][1] = 2  # reads nothing but the label
    if name == "generalized_cross_entropy":
        operands[1][1] = 2
    if name == "multilabel_margin":
        operands[1][1] = [True, False, True, False]
    if name in ("zlpr", "two_way"):
        operands[1][1] = [1, 0, 1, 0]
    if name in ("categorical_cross_entropy", "categorical_focal"):
        operands[1] = np.full((5, K), 1 / K)
    value, gradient = f.value_and_gradient(*operands, reduction="sum")
    assert np.isnan(value)
    if name != "nll":
        assert np.isnan(several(gradient)[0][1]).any()
    if f.facts["per"] == "row":
        values = f(*operands, reduction="none")
        np.testing.assert_array_equal(np.isnan(values), np.arange(5) == 1)


@dtypes
def test_wide_rows_keep_their_digits(dtype):
    """Sums over 1000 entries, single precision against double."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((20, 1000)).astype(np.float32)
    t = rng.dirichlet(np.ones(1000), 20).astype(np.float32)
    for name in ("zlpr", "categorical_cross_entropy", "poly_cross_entropy", "js_divergence"):
        f, x = find(name), z
        if f.facts["operands"][0] == "p":
            x = np.abs(z) / np.abs(z).sum(axis=1, keepdims=True)
        y = (t > 1e-3).astype(np.float32) if name == "zlpr" else t
        got = f(x.astype(dtype), y.astype(dtype), reduction="none")
        exact = f(x.astype(float), y.astype(float), reduction="none")
        np.testing.assert_allclose(got, exact, rtol=8 * np.finfo(np.float32).eps)
