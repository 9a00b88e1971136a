"""What the composed losses do at edges, with other systems' numbers, and with bad arguments."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from deltarule._composite import composite_losses
from deltarule._losses import losses

inf, nan = np.inf, np.nan


def find(name, **parameters):
    return composite_losses[name].with_parameters(parameters)


def at(f, *operands, **options):
    return f.value_and_gradient(*operands, reduction="sum", **options)


# ---- ends of domains ----------------------------------------------------------------------------


def test_probabilities_of_0_and_1():
    ce = find("categorical_cross_entropy")
    value, gradient = at(ce, [0.0, 1.0], [0.0, 1.0])
    assert value == 0
    np.testing.assert_array_equal(gradient, [0, -1])
    value, gradient = at(ce, [0.0, 1.0], [1.0, 0.0])
    assert value == inf
    np.testing.assert_array_equal(gradient, [-inf, 0])
    assert at(find("categorical_cross_entropy", label_smoothing=0.1), [0.0, 1.0], 1)[0] == inf
    for gamma, slope in ((0.0, -1.0), (0.5, 0.0), (2.0, 0.0)):
        focal = find("categorical_focal", gamma=gamma, alpha=1.0)
        value, gradient = at(focal, [1.0, 0.0], [1.0, 0.0])
        assert value == 0
        np.testing.assert_array_equal(gradient, [slope, 0])
        value, gradient = at(focal, [0.0, 0.5], [1.0, 0.0])
        assert value == inf
        np.testing.assert_array_equal(gradient, [-inf, 0])
    for q, value, slope in ((0.5, 2, -inf), (1.0, 1, -1), (0.0, inf, -inf)):
        met = at(find("generalized_cross_entropy", q=q), [0.0, 1.0], 0)
        assert met[0] == value
        np.testing.assert_array_equal(met[1], [slope, 0])
    above = np.array([np.nextafter(np.float32(1), np.float32(2)), 0], np.float32)
    for name in ("categorical_cross_entropy", "categorical_focal", "generalized_cross_entropy"):
        assert at(find(name), above, 0)[0] == 0


def test_infinite_scores():
    row, far = np.array([inf, 0.0, -inf]), np.array([-inf, 0.0, 1.0])
    for name, right in (("poly_cross_entropy", 0), ("sparsemax_loss", 0), ("fenchel_young", 0)):
        value, gradient = at(find(name), row, 0)
        assert value == right
        np.testing.assert_array_equal(gradient, [0, 0, 0])
        value, gradient = at(find(name), row, 2)
        assert value == inf
        np.testing.assert_array_equal(gradient, [1, 0, -1])
        assert np.isfinite(at(find(name), far, 2)[0])
    value, gradient = at(find("zlpr"), row, [0.0, 1.0, 0.0])
    assert value == inf
    np.testing.assert_array_equal(gradient, [1, -0.5, 0])
    asymmetric = find("asymmetric_single_label", eps=0.0)
    assert at(asymmetric, row, 0)[0] == 0
    value, gradient = at(asymmetric, row, 2)
    assert value == inf
    np.testing.assert_array_equal(gradient, [1, 0, -1])
    flat = find("asymmetric_single_label", gamma_neg=0.0)
    assert at(flat, row, 0)[0] == inf
    for name in ("multi_margin", "categorical_hinge", "multiclass_perceptron"):
        assert at(find(name), row, 0)[0] == 0
        assert at(find(name), far, 0)[0] == inf


def test_large_scores_do_not_overflow():
    z = np.array([[3e38, -3e38, 0]], np.float32)
    for name in ("zlpr", "two_way", "multilabel_soft_margin"):
        value, gradient = at(find(name), z, [[1.0, 0, 0]])
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("gap", [40.0, 300.0, 700.0])
def test_a_confident_right_answer_is_not_rounded_away(gap):
    z = np.array([gap, 0.0])
    for name, factor in (("poly_cross_entropy", 3), ("fenchel_young", 1)):
        value, gradient = at(find(name), z, 0)
        np.testing.assert_allclose(
            [value, *gradient], factor * np.exp(-gap) * np.array([1, -1, 1]), rtol=1e-14
        )
    value, gradient = at(find("zlpr"), [gap, -gap], [1.0, 0.0])
    np.testing.assert_allclose([value, *gradient], np.exp(-gap) * np.array([2, -1, 1]), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_last_step_before_a_sparse_row(dtype):
    last = np.finfo(dtype).epsneg
    value, gradient = at(find("sparsemax_loss"), np.array([1 - last, 0], dtype), 0)
    assert value == (last / 2) ** 2
    np.testing.assert_array_equal(gradient, [-last / 2, last / 2])


def test_kinks():
    value, gradient = at(find("multi_margin"), [2.0, 1.0, 0.0], 0)
    assert value == 0
    np.testing.assert_array_equal(gradient, [0, 0, 0])
    np.testing.assert_array_equal(at(find("categorical_hinge"), [2.0, 1.0], 0)[1], [0, 0])
    value, gradient = at(find("categorical_hinge"), [1.0, 1.0, 0.5], 2)
    assert value == 1.5
    np.testing.assert_array_equal(gradient, [1, 0, -1])
    np.testing.assert_array_equal(at(find("multiclass_perceptron"), [1.0, 1.0], 1)[1], [0, 0])
    np.testing.assert_array_equal(
        at(find("multiclass_perceptron"), [1.0, 1.0, 0.0], 2)[1], [1, 0, -1]
    )
    np.testing.assert_array_equal(at(find("multilabel_margin"), [1.0, 0.0], [0, -1])[1], [0, 0])
    value, gradient = at(find("sparsemax_loss"), [2.0, 1.0], 0)
    assert value == 0
    np.testing.assert_array_equal(gradient, [0, 0])


def test_the_best_wrong_class_may_have_a_negative_score():
    assert find("categorical_hinge")([[0.2, -3, -2]], [0]) == 0
    assert find("categorical_hinge")([[-0.2, -3, -1]], [0]) == pytest.approx(0.2)
    assert find("categorical_hinge")([[0.5]], [0]) == 0


# ---- groups -------------------------------------------------------------------------------------


def test_multilabel_conventions():
    z = np.array([[1.0, -2.0, 0.5], [0.3, 0.2, -1.0]])
    none = np.zeros_like(z)
    assert find("two_way")(z, none) == 0
    assert (find("two_way").gradient(z, none) == 0).all()
    assert find("two_way")(z, none + 1) == 0
    assert at(find("two_way"), [[-inf, 0.0]], [[1.0, 1.0]])[0] == 0
    counts = {"class_counts": [0, 50, 100], "n_samples": 100}
    balanced = find("distribution_balanced", **counts)
    clipped = find("distribution_balanced", class_counts=[1, 50, 99], n_samples=100)
    assert balanced(z, none) == clipped(z, none)
    plain = {"gamma": 0.0, "balance": 1.0, "neg_scale": 1.0, "bias": 0.0}
    no_class = find("distribution_balanced", **counts, **plain)(z, none)
    assert no_class == pytest.approx(1.1 * np.log1p(np.exp(z)).mean())
    listed = find("multilabel_margin")(z, [[0, 2, -1], [1, -1, 0]])
    assert listed == find("multilabel_margin")(
        z, np.array([[True, False, True], [False, True, False]])
    )
    w = np.array([2.0, 0.0, 1.0])
    soft = find("multilabel_soft_margin")(z, none, class_weight=w, reduction="none")
    np.testing.assert_allclose(soft, (w * np.log1p(np.exp(z))).mean(axis=1))


def test_soft_labels_weigh_their_terms():
    p, t = np.array([[0.2, 0.3, 0.5]]), np.array([[0.5, 0.25, 0.25]])
    w = np.array([1.0, 2.0, 4.0])
    ce, poly = find("categorical_cross_entropy"), find("poly_cross_entropy")
    assert ce(p, t, class_weight=w) == pytest.approx(-(w * t * np.log(p)).sum())
    log_p = np.log(np.exp(p) / np.exp(p).sum())
    terms = w * t * (2 * (1 - np.exp(log_p)) - log_p)
    value, gradient = poly.value_and_gradient(p, t, class_weight=w)
    assert value == pytest.approx(terms.sum())
    h = 1e-6 * np.eye(3)
    slopes = [(poly(p + s, t, class_weight=w) - poly(p - s, t, class_weight=w)) / 2e-6 for s in h]
    np.testing.assert_allclose(gradient[0], slopes, rtol=1e-8)
    plain, weighing = find("poly_cross_entropy", epsilon=0), {"class_weight": [1, 3]}
    for soft in ([[0.9, 0.1]], [[0.0, 1.0]], [1]):
        ours = plain.value_and_gradient([[1.0, 2.0]], soft, **weighing)
        theirs = losses.softmax_cross_entropy.value_and_gradient([[1.0, 2.0]], soft, **weighing)
        assert ours[0] == pytest.approx(theirs[0])
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)
    js = find("js_divergence")  # no sum over classes of terms that a class weight could weigh
    with pytest.raises(TypeError, match="class_weight means nothing to it"):
        js(p, t, class_weight=w)
    smooth = find("categorical_cross_entropy", label_smoothing=0.3)
    q = 0.7 * np.eye(3)[1] + 0.1
    assert smooth(p, [1], class_weight=w) == pytest.approx(-(w * q * np.log(p)).sum())


def test_fenchel_young_takes_a_function():
    def half_square(z):
        return (z * z).sum(axis=-1) / 2, z

    rng = np.random.default_rng(0)
    z, t = rng.standard_normal((3, 4)), rng.dirichlet(np.ones(4), 3)
    value, gradient = find("fenchel_young", max_fun=half_square).value_and_gradient(z, t)
    assert value == pytest.approx(((z * z).sum(axis=1) / 2 - (t * z).sum(axis=1)).mean())
    np.testing.assert_allclose(gradient, (z - t) / 3)
    with pytest.raises(ValueError, match=r"returned the shapes \(3, 4\) and \(3, 4\)"):
        find("fenchel_young", max_fun=lambda z: (z, z))(z, t)
    with pytest.raises(ValueError, match=r"max_fun of fenchel_young must be .* met 'softmax'"):
        find("fenchel_young", max_fun="softmax")(z, t)


def test_ranking_conventions():
    z, t = np.array([[3.0, 1.0, nan], [0.0, 1.0, 2.0]]), np.array([[2.0, 0.0, 5.0], [1.0, 0, 0]])
    mask = np.array([[True, True, False], [False, False, False]])
    rank = find("ranking_softmax")
    value, gradient = rank.value_and_gradient(z, t, where=mask, reduction="none")
    np.testing.assert_allclose(value, [2 * np.log1p(np.exp(-2.0)), 0])
    rest = 2 / (1 + np.exp(2.0))
    np.testing.assert_allclose(gradient, [[-rest, rest, 0], [0, 0, 0]])
    weighted = find("ranking_softmax", weights=[1.0, 2.0, 0.0])
    assert weighted(z[1:], t[1:] + 1) == pytest.approx(rank(z[1:], [[2.0, 2.0, 0.0]]))
    with pytest.raises(ValueError, match="relevances t >= 0"):
        rank(z, -t)


@pytest.mark.parametrize("dirt", [nan, -1.0, inf])
def test_ranking_reads_nothing_that_where_leaves_out(dirt):
    z, t, mask = np.array([[3.0, 1.0, dirt]]), np.array([[2.0, 1.0, dirt]]), [[True, True, False]]
    rank = find("ranking_softmax", weights=[1.0, 2.0, dirt])
    value, gradient = rank.value_and_gradient(z, t, where=mask)
    clean = find("ranking_softmax", weights=[1.0, 2.0])
    expected, slope = clean.value_and_gradient(z[:, :2], t[:, :2])
    assert value == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(gradient, [[*slope[0], 0]], rtol=1e-15)
    with pytest.raises(ValueError, match=r"weights of ranking_softmax have the shape \(2,\); it"):
        clean(z, t, where=mask)


def test_divergence_conventions():
    kl = find("generalized_kl")
    value, gradient = at(kl, [-inf, 0.0, -inf], [0.0, 0.0, 1.0])
    assert value == inf
    np.testing.assert_array_equal(gradient, [0, 1, -1])
    assert at(kl, [-inf, np.log(2.0)], [0.0, 2.0])[0] == 0
    js = find("js_divergence")
    value, gradient = at(js, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    assert value == pytest.approx(np.log(2), rel=1e-15)
    np.testing.assert_allclose(gradient, [-inf, np.log(2) / 2, 0])
    tiny = np.array([5e-324, 1.0])
    assert at(js, tiny, tiny)[0] == 0
    p, q = np.array([0.36, 0.48, 0.16]), np.full(3, 1 / 3)
    m = (p + q) / 2
    known = (np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m))) / 2
    assert js(p, q) == pytest.approx(known, rel=1e-14) == js(q, p)


def test_regression_conventions():
    pairs = find("mean_pairwise_squared_error")
    assert at(pairs, [3.0], [1.0])[0] == 0
    z = np.array([1.0, 2.0, 4.0])
    assert pairs(z + 1e8, z + 1) == 0
    constant = np.full(7, 0.1, np.float32)  # whose mean is not 0.1
    assert pairs(constant, np.zeros_like(constant)) == 0
    cosine = find("cosine_distance")
    for z, t in (([0.0, 0.0], [1.0, 2.0]), ([1.0, 2.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, 0.0])):
        value, gradient = at(cosine, z, t)
        assert value == 1
        np.testing.assert_array_equal(gradient, [0, 0])
    assert cosine([1e200, 0.0], [1e-200, 0.0]) == 1  # shorter than eps
    assert find("cosine_distance", eps=0.0)([1e200, 0.0], [1e-200, 0.0]) == 0
    columns = find("cosine_distance", axis=0)
    z, t = np.random.default_rng(0).standard_normal((2, 4, 3))
    mask = np.array([True, False, True])
    for options in ({}, {"where": mask}, {"sample_weight": [1.0, 2.0, 3.0]}):
        value, gradient = columns.value_and_gradient(z, t, **options)
        expected = cosine.value_and_gradient(z.T, t.T, **options)
        assert value == expected[0]
        np.testing.assert_array_equal(gradient, expected[1].T)


def test_a_variance_below_eps_can_grow():
    nll = find("gaussian_nll")
    low, at_eps = at(nll, 1.0, 0.0, 1e-9), at(nll, 1.0, 0.0, 1e-6)
    assert low[0] == at_eps[0]
    assert low[1][1] == at_eps[1][1] < 0
    sharp = find("gaussian_nll", eps=0.0)
    value, (slope, curve) = at(sharp, 1.0, 0.0, 0.0)
    assert value == inf
    assert (slope, curve) == (inf, -inf)
    full = find("gaussian_nll", full=True)
    assert full(1.0, 1.0, 1.0) == pytest.approx(math.log(2 * math.pi) / 2)


def test_region_conventions():
    p, t = np.array([[0.8, 0.1], [0.3, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    dice = find("dice", smooth=0.0)
    zero = np.zeros((2, 2))
    assert at(dice, zero, zero)[0] == 0
    assert (at(dice, zero, zero)[1] == 0).all()
    assert at(find("dice"), t, t)[0] == 0
    # one false positive of 0.1, false negatives of 0.2 + 0.7, a hit of 1.1
    tversky = find("tversky", alpha=0.3, beta=0.6, smooth=0.0)
    assert tversky(p, t) == pytest.approx(1 - 1.1 / (1.1 + 0.3 * 0.1 + 0.6 * 0.9))
    rows, w = find("dice", axis=-1), np.array([1.0, 3.0])
    per_row = [find("dice")(p[i], t[i]) for i in range(2)]
    np.testing.assert_allclose(rows(p, t, reduction="none"), per_row)
    for reduction in ("sum", "mean", "weighted_mean"):
        value, gradient = rows.value_and_gradient(p, t, sample_weight=w, reduction=reduction)
        total = {"sum": 1, "mean": 2, "weighted_mean": 4}[reduction]
        assert value == pytest.approx(np.dot(w, per_row) / total)
        for i in range(2):
            part = find("dice").gradient(p[i], t[i]) * w[i] / total
            np.testing.assert_allclose(gradient[i], part, rtol=1e-14)
    weighted = find("dice")(p, t, sample_weight=np.array([[1.0, 2.0], [0.0, 1.0]]))
    assert weighted == pytest.approx(1 - (2 * 0.8 + 1) / (0.8 + 0.2 + 1 + 1))
    columns = find("dice", axis=-2)(p, t, sample_weight=w, reduction="none")
    np.testing.assert_allclose(columns[0], 1 - (2 * 1.7 + 1) / (1.7 + 4 + 1))


def test_weighted_kappa_conventions():
    kappa = find("weighted_kappa")
    perfect = np.eye(3)
    assert kappa(perfect, [0, 1, 2]) == pytest.approx(np.log(1e-6))
    one_class = np.array([[1.0, 0.0], [1.0, 0.0]])
    value, gradient = at(kappa, one_class, [0, 0])
    assert value == pytest.approx(np.log(1e-6))
    assert (gradient == 0).all()
    chance = np.full((3, 3), 1 / 3)
    assert kappa(chance, [0, 1, 2]) == pytest.approx(np.log(1 + 1e-6))
    w = np.array([1.0, 2.0, 0.5])
    weighted = kappa(chance + 0.1 * perfect, [0, 1, 1], class_weight=w)
    assert weighted == kappa(chance + 0.1 * perfect, [0, 1, 1], sample_weight=w[[0, 1, 1]])
    with pytest.raises(ValueError, match="must be 'linear' or 'quadratic'; met 'cubic'"):
        find("weighted_kappa", weightage="cubic")(perfect, [0, 1, 2])


# ---- PyTorch ------------------------------------------------------------------------------------


def _against_torch(torch, theirs, inputs, ours):
    tensors = [torch.tensor(a, requires_grad=True) for a in inputs]
    value = theirs(*tensors)
    slopes = torch.autograd.grad(value, tensors)
    got, gradients = ours
    assert got == pytest.approx(value.item(), rel=1e-13)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for g, s in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(g, s.numpy(), rtol=1e-12, atol=1e-15)


def test_numbers_of_pytorch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    rng = np.random.default_rng(4)
    z, t = rng.standard_normal((2, 6, 4))
    codes, w = rng.integers(0, 4, 6), rng.uniform(0.5, 2, 4)
    y, tw = torch.tensor(codes), torch.tensor(w)
    codes[2] = y[2] = -100
    _against_torch(
        torch,
        lambda x: F.nll_loss(x, y, weight=tw),
        [z],
        find("nll").value_and_gradient(
            z, codes, class_weight=w, ignore_index=-100, reduction="weighted_mean"
        ),
    )
    codes[2] = y[2] = 1
    for p in (1, 2):
        _against_torch(
            torch,
            lambda x, p=p: F.multi_margin_loss(x, y, p=p, margin=0.7, weight=tw),
            [z],
            find("multi_margin", p=p, margin=0.7).value_and_gradient(z, codes, class_weight=w),
        )
    hot = (t > 0).astype(float)
    _against_torch(
        torch,
        lambda x: F.multilabel_soft_margin_loss(x, torch.tensor(hot), weight=tw),
        [z],
        find("multilabel_soft_margin").value_and_gradient(z, hot, class_weight=w),
    )
    listed = np.array([[0, 2, -1, 1], [3, -1, -1, -1], [0, 1, 2, 3], [-1, 0, 0, 0]])
    _against_torch(
        torch,
        lambda x: F.multilabel_margin_loss(x, torch.tensor(listed)),
        [z[:4]],
        find("multilabel_margin").value_and_gradient(z[:4], listed),
    )
    v = rng.uniform(0.1, 2, (6, 4))
    v[0, 0] = 1e-9
    for full in (False, True):
        _against_torch(
            torch,
            lambda x, v, full=full: F.gaussian_nll_loss(x, torch.tensor(t), v, full=full),
            [z, v],
            find("gaussian_nll", full=full).value_and_gradient(z, t, v),
        )
    _against_torch(
        torch,
        lambda x: (1 - F.cosine_similarity(x, torch.tensor(t), dim=1)).mean(),
        [z],
        find("cosine_distance").value_and_gradient(z, t),
    )


# ---- arguments ----------------------------------------------------------------------------------

Z = np.zeros((2, 3))
MISTAKES = [
    ("nll", (Z, [0, 3]), {}, ValueError, r"has 3 classes, so codes must be 0 ... 2; met 3"),
    ("nll", (Z, [0]), {}, ValueError, r"needs as t integer codes of the shape \(2,\) or one-hot"),
    ("nll", (Z, [0.0, 1.0]), {}, ValueError, "met float64 of the shape"),
    ("nll", (Z, Z + 0.5), {}, ValueError, "one class per row"),
    ("nll", (Z, Z - 1), {}, ValueError, r"numbers in \[0, 1\]; met -1"),
    ("nll", (Z,), {}, TypeError, r"takes 2 arrays \(z, t\); met 1"),
    ("nll", (np.zeros((2, 0)), [0, 0]), {}, ValueError, "at least one entry along the last axis"),
    ("nll", (Z.astype(complex), [0, 0]), {}, TypeError, "z is complex128, which has no safe"),
    ("nll", (Z, ["a", "b"]), {}, TypeError, "t is <U1, which has no safe conversion"),
    ("nll", (Z, [0, 1]), {"reduction": "average"}, ValueError, "reduction must be one of"),
    ("nll", (Z, [0, 1]), {"sample_weight": [1, -1]}, ValueError, "weights must be numbers >= 0"),
    ("nll", (Z, [0, 1]), {"sample_weight": [1]}, ValueError, r"has the shape \(1,\)"),
    ("nll", (Z, [0, 1]), {"class_weight": [1, 2]}, ValueError, r"per class would be \(3,\)"),
    ("nll", (Z, [0, 1]), {"class_weight": {5: 2}}, ValueError, "names the class 5"),
    ("nll", (Z, [0, 1]), {"class_weight": [1, 2, -1]}, ValueError, "Class weights must be"),
    ("nll", (Z, np.eye(3)[:2]), {"ignore_index": 1}, TypeError, "needs integer class codes"),
    ("nll", (Z, [0, 0]), {"ignore_index": 0}, ValueError, "over no values is undefined"),
    ("nll", (Z, [0, 1]), {"where": [1, 0]}, TypeError, "where must be an array of booleans"),
    ("nll", (Z, [0, 1]), {"where": [True]}, ValueError, r"where has the shape \(1,\)"),
    ("nll", (Z, [0]), {"where": [True, True]}, ValueError, r"t has the shape \(1,\)"),
    ("zlpr", (Z, Z + 0.5), {}, ValueError, "needs targets of 0 and 1; met 0.5"),
    ("zlpr", (Z, Z), {"class_weight": [1, 1, 1]}, TypeError, "class_weight means nothing"),
    ("zlpr", (Z, Z), {"ignore_index": 1}, TypeError, "ignore_index means nothing"),
    ("zlpr", (Z, Z[0]), {}, ValueError, r"numbers in \[0, 1\] of the shape \(2, 3\)"),
    ("two_way", (Z[0], Z[0]), {}, ValueError, r"of the shape \(n, K\)"),
    ("two_way", (Z, Z), {"where": [False, False]}, ValueError, "empty batch"),
    ("distribution_balanced", (Z, Z), {}, ValueError, "needs class_counts"),
    ("multilabel_margin", (Z, [[0, 3], [1, 2]]), {}, ValueError, "has 3 classes"),
    ("multilabel_margin", (Z, [[0, 1, 0], [1, 0, 0]]), {}, ValueError, "class 0 twice"),
    ("multilabel_margin", (Z, [0, 1]), {}, ValueError, "lists of class codes"),
    ("multilabel_margin", (Z, Z), {}, TypeError, "needs integers as t; met float64"),
    ("categorical_cross_entropy", (Z + 2, [0, 1]), {}, ValueError, "raw scores have to go through"),
    ("categorical_cross_entropy", (Z - 1, [0, 1]), {}, ValueError, r"p in \[0, 1\]; met -1"),
    ("poly_cross_entropy", (Z, Z), {}, ValueError, "distributions; met a row with the sum 0"),
    ("generalized_kl", (Z, Z - 1), {}, ValueError, "targets t >= 0"),
    ("js_divergence", (Z, Z - 1), {}, ValueError, "needs t >= 0; met -1"),
    ("gaussian_nll", (Z, Z, Z - 1), {}, ValueError, "needs v >= 0"),
    ("gaussian_nll", (Z, Z, 1.0), {}, ValueError, "operands of one shape; met z"),
    ("dice", (Z, Z + 2), {}, ValueError, r"targets in \[0, 1\]"),
    ("dice", (Z, Z), {"where": [True, True]}, ValueError, "one per element"),
    ("dice", (Z, Z), {"sample_weight": [1, 2, 3]}, ValueError, "sample_weight has the shape"),
]


@pytest.mark.parametrize(("name", "operands", "options", "error", "words"), MISTAKES)
def test_mistakes_are_named(name, operands, options, error, words):
    with pytest.raises(error, match=words):
        find(name).value_and_gradient(*operands, **options)


def test_settings_are_checked():
    with pytest.raises(
        TypeError, match=r"tversky has no parameter named 'alhpa'. Did you mean 'al"
    ):
        find("tversky", alhpa=1)
    with pytest.raises(TypeError, match="It has: smooth, axis"):
        find("dice", weights=1)
    with pytest.raises(ValueError, match="margin of multi_margin must be a finite number"):
        find("multi_margin", margin=inf)
    with pytest.raises(ValueError, match="p of multi_margin must be a number >= 1"):
        find("multi_margin", p=0.5)
    with pytest.raises(ValueError, match=r"class_counts has the shape \(2,\); the 3 classes"):
        find("distribution_balanced", class_counts=[1, 2], n_samples=9)(Z, Z)
    with pytest.raises(ValueError, match=r"must lie in 0 ... n_samples"):
        find("distribution_balanced", class_counts=[1, 2, 10], n_samples=9)(Z, Z)


OPTIONS = [
    ("gaussian_nll", {"full": "no"}, "full of gaussian_nll must be True or False; met 'no'"),
    ("gaussian_nll", {"log_variance": 2}, "log_variance of gaussian_nll must be True or False"),
    ("cosine_distance", {"axis": None}, "axis of cosine_distance must be an integer; met None"),
    ("cosine_distance", {"axis": 1.0}, "axis of cosine_distance must be an integer; met 1.0"),
    ("dice", {"axis": "x"}, "must be None, an integer or a tuple of integers; met 'x'"),
    ("tversky", {"axis": (0, 0.5)}, r"or a tuple of integers; met \(0, 0.5\)"),
    ("dice", {"axis": True}, "or a tuple of integers; met True"),
    ("weighted_kappa", {"weightage": "cubic"}, "'linear' or 'quadratic'; met 'cubic'"),
    ("fenchel_young", {"max_fun": 3}, "max_fun of fenchel_young must be .*; met 3"),
    ("ctc", {"blank": -1}, "blank of ctc must be a class code >= 0; met -1"),
    ("ctc", {"blank": 0.0}, "blank of ctc must be a class code >= 0; met 0.0"),
    ("adaptive_log_softmax", {"cutoffs": (3, 2)}, "must be rising class codes"),
    ("distribution_balanced", {"n_samples": "many"}, "must be the number of training rows"),
    ("distribution_balanced", {"class_counts": "few"}, "must be numbers, one per class"),
]


@pytest.mark.parametrize(("name", "options", "words"), OPTIONS)
def test_options_are_checked_when_they_are_set(name, options, words):
    with pytest.raises(ValueError, match=words):
        find(name, **options)


def test_options_that_fit_are_accepted():
    assert find("gaussian_nll", full=1).parameters["full"] is True
    for axis in (None, 0, np.int64(-1), (0, 1)):
        find("dice", axis=axis)
    find("cosine_distance", axis=np.int32(0))(Z, Z)
    find("adaptive_log_softmax", cutoffs=None)


@pytest.mark.parametrize("name", ["ctc", "npairs"])
def test_a_loss_without_where_does_not_advise_it(name):
    arrays = {
        "ctc": (np.zeros((1, 2, 3)), [[1]], [2], [1]),
        "npairs": (np.zeros((2, 2)), [0, 1]),
    }[name]
    with pytest.raises(TypeError, match="no class codes, so ignore_index") as caught:
        find(name)(*arrays, ignore_index=0)
    assert "where=" not in str(caught.value)
    with pytest.raises(TypeError, match=f"{name} has no where=. (Index|It compares)"):
        find(name)(*arrays, where=[True])
    assert find(name)(*arrays, reduction="none").shape == (len(arrays[0]),)


# ---- one surface --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["multi_margin", "gaussian_nll"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_is_written_where_it_is_asked_for(name, dtype):
    z = np.array([[0.5, -1.0], [2.0, 0.25]], dtype)
    arrays = (z, [0, 1]) if name == "multi_margin" else (z, z + 1, z * z)
    f = find(name)
    value, gradient = f.value_and_gradient(*arrays)
    several = isinstance(gradient, tuple)
    out = tuple(np.full_like(z, nan) for _ in gradient) if several else np.full_like(z, nan)
    met, written = f.value_and_gradient(*arrays, out=out, where=None)
    assert met == value
    pairs = (
        list(zip(written, out, gradient, strict=True)) if several else [(written, out, gradient)]
    )
    for w, o, g in pairs:
        assert w is o
        np.testing.assert_array_equal(o, g)
    first = out[0] if several else out
    first[...] = 7
    wrong = np.empty(3, dtype), np.empty_like(z, np.float16)
    for bad in wrong:
        with pytest.raises(ValueError, match="out has the shape .* with respect to . needs"):
            f.value_and_gradient(*arrays, out=(first, bad) if several else bad)
    locked = np.zeros_like(z)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="is read-only"):
        f.value_and_gradient(*arrays, out=(first, locked) if several else locked)
    for bad in ([first], (first,) * 3, "here"):
        with pytest.raises(TypeError, match="out (of .* )?must be an? "):
            f.value_and_gradient(*arrays, out=bad)
    assert (first == 7).all()


@pytest.mark.parametrize("name", sorted(composite_losses))
def test_a_composed_loss_says_that_it_has_no_further_derivatives(name):
    f = composite_losses[name]
    with pytest.raises(TypeError, match=f"{name} has no derivative of the second order element"):
        f.second_derivative([1.0], [1.0], reduction="sum")
    with pytest.raises(TypeError, match=f"{name} has no derivative with respect to its targets"):
        f.target_gradient([1.0], [1.0])


def test_losses_are_values():
    f = find("tversky", alpha=0.3, axis=(0, 1))
    assert pickle.loads(pickle.dumps(f)) == f != find("tversky", alpha=0.3)
    assert repr(f) == "tversky(alpha=0.3, beta=0.5, smooth=1.0, axis=(0, 1))"
    assert hash(f) == hash(find("tversky", alpha=0.3, axis=(0, 1)))
    a, b = (find("distribution_balanced", class_counts=np.array(c)) for c in ([1, 2], [1, 3]))
    assert a != b
    assert a == find("distribution_balanced", class_counts=np.array([1, 2]))
    assert composite_losses.crammer_singer is composite_losses["categorical_hinge"]
    assert composite_losses.log_likelihood.facts["per"] == "row"
    assert composite_losses.gaussian_nll.elementwise
    assert f.formula.startswith("1 - (tp + smooth)")
    assert f.gradient_formula == f.facts["gradient"]


def test_numbers_of_other_kinds():
    f = find("poly_cross_entropy")
    assert f([[1, 2, 3]], [2]).dtype == np.float64
    assert f(np.array([[1, 2, 3]], np.float16), [2]).dtype == np.float32
    assert f(np.array([[1, 2, 3]], np.float32), np.eye(3)[2:]).dtype == np.float32
    value, (slope, curve) = find("gaussian_nll").value_and_gradient(
        np.float32(1), [0.0][0], np.float64(2)
    )
    assert value.dtype == slope.dtype == curve.dtype == np.float64
    assert f(Z[:0], np.zeros(0, int), reduction="sum") == 0
    assert f.gradient(Z[:0], np.zeros(0, int), reduction="sum").shape == (0, 3)
