"""Losses of pairs, embeddings, boxes, many classes and sequences against slow references."""

from __future__ import annotations

import itertools

import composite_reference_metric as slow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from deltarule._composite import composite_losses
from deltarule.composites import _parts, adaptive, boxes, metric, sampled, sequence
from deltarule.composites._sampler import Sampler

LOSSES = {
    row.name: composite_losses[row.name]
    for module in (metric, boxes, sampled, sequence)
    for row in module.ROWS
}
DTYPES = [np.float32, np.float64]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
COUPLED = {"npairs", "lifted_structure", "ntxent", "circle"}
"""The rows of these losses meet each other."""


def loss(name, **settings):
    return LOSSES[name].with_parameters(settings)


# ---- points -------------------------------------------------------------------------------------
# A case is (operands, settings of the loss, settings of the reference); the scales say, per value
# and per differentiable operand, what the errors are relative to.


def signs(rng, n):
    return np.where(rng.random(n) < 0.5, -1, 1)


def margin_ranking_cases(rng):
    for size, margin in ((1, 0.0), (1, 0.7), (1e6, 0.5), (1e-6, 0.25), (1e30, 2.0)):
        yield (
            (size * rng.normal(size=8), size * rng.normal(size=8), signs(rng, 8)),
            {"margin": margin},
        )


def cosine_embedding_cases(rng):
    for scale_1, scale_2, margin in ((1, 1, 0.0), (1e-18, 1e18, 0.1), (1e18, 3e18, -0.5)):
        x, y = rng.normal(size=(2, 6, 4))
        yield (scale_1 * x, scale_2 * y, signs(rng, 6)), {"margin": margin}
    x = rng.normal(size=(6, 4))
    for apart in (1e-2, 1e-5):
        yield (x, x + apart * rng.normal(size=x.shape), np.ones(6)), {}
    yield (x, -x + 1e-3 * rng.normal(size=x.shape), -np.ones(6)), {"margin": -1.0}


def triplet_margin_cases(rng):
    for p, swap in itertools.product((1, 2, 3, 1.5, np.inf), (False, True)):
        for size in (1, 1e-3, 1e9):
            yield tuple(size * rng.normal(size=(3, 4, 3))), {"p": p, "swap": swap, "margin": 0.5}
    anchor = rng.normal(size=(4, 3))
    near = anchor + 1e-3 * rng.normal(size=anchor.shape)
    yield (anchor, near, rng.normal(size=anchor.shape)), {"eps": 0.0, "margin": 3.0}


GROUPS = np.array([0, 1, 0, 2, 1, 1, 3])


def npairs_cases(rng):
    for size in (1, 10, 300):
        s = size * rng.normal(size=(7, 7))
        yield (s, GROUPS), {}
        yield (s, np.arange(7)), {}
        yield (s + 20 * size * np.eye(7), np.arange(7)), {}
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0], [1, 0, 1]])
    yield (rng.normal(size=(7, 7)), sets), {}


def lifted_structure_cases(rng):
    for size, margin in ((1, 1.0), (0.1, 0.5), (30, 100.0)):
        yield (size * rng.normal(size=(7, 3)), GROUPS), {"margin": margin}
    yield (5 + rng.normal(size=(7, 3)), np.arange(7) // 2), {}
    yield (rng.normal(size=(4, 3)), np.arange(4)), {}


def ntxent_cases(rng):
    for temperature, size in ((0.07, 1), (1.0, 1e-12), (0.5, 1e15)):
        x = size * rng.normal(size=(7, 4))
        yield (x, GROUPS), {"temperature": temperature}
        yield (x, np.arange(7) // 2), {"temperature": temperature}
    yield (rng.normal(size=(5, 3)), np.zeros(5, int)), {}


def circle_cases(rng):
    x = rng.normal(size=(7, 4))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for options in ({}, {"gamma": 256.0, "margin": 0.25}, {"remove_diagonal": False}):
        yield (x, GROUPS), options
    yield (np.eye(6, 4) + 0.1 * x[:6], np.array([0, 1, 2, 3, 0, 1])), {"gamma": 4.0}


def giou_cases(rng):
    def some(n, size=1.0, shift=0.0):
        return (shift + size * np.sort(rng.random((n, 2, 2)), axis=1)).reshape(n, 4)

    yield (some(30), some(30)), {}
    yield (some(5, 1e15), some(5, 1e15)), {}
    yield (some(5, 1e-15), some(5, 1e-15)), {}
    near = some(8, 4.0)
    yield (near, near + 1e-3 * rng.normal(size=near.shape)), {}
    yield (np.array([[0.0, 0, 2, 2]]), np.array([[0.5, 0.75, 1, 1]])), {}


def layers(rng, size=1.0, classes=5):
    return rng.normal(size=(4, 3)), size * rng.normal(size=(classes, 3)), rng.normal(size=classes)


def linear_cross_entropy_cases(rng):
    codes = np.array([0, 3, 1, 4])
    for size in (1, 30, 200):
        for smoothing in (0.0, 0.1):
            yield (*layers(rng, size), codes), {"label_smoothing": smoothing}
        yield (*layers(rng, size), rng.dirichlet(np.ones(5), 4)), {"label_smoothing": 0.2}
    yield (*layers(rng, 5.0), np.eye(5)[codes]), {}
    h, W, b = layers(rng, classes=1)
    yield (h, W, b, np.zeros(4, int)), {}


def sampling_cases(rng, name):
    codes, drawn = np.array([0, 3, 1, 3]), np.array([4, 3, 0, 6, 3])
    counts = rng.uniform(0.1, 2, 8)
    for size in (1, 30):
        for hits in (True, False):
            options = {"sampled": drawn, "remove_accidental_hits": hits}
            operands = (*layers(rng, size, 8), codes)
            yield operands, options, {"counts": [5 * slow.log_uniform(k, 8) for k in range(8)]}
            yield operands, options | {"expected_counts": counts}, {"counts": counts}


def adaptive_log_softmax_cases(rng):
    d, codes = 8, np.array([0, 3, 5, 7, 11, 2, 8])
    for size in (1.0, 8.0):
        tail = np.concatenate(
            [
                size * rng.normal(size=shape).ravel()
                for pair in adaptive.tail_shapes(d, 12, (3, 7), 2.0)
                for shape in pair
            ]
        )
        h, head, b = rng.normal(size=(7, d)), size * rng.normal(size=(5, d)), rng.normal(size=5)
        yield (h, head, b, tail, codes), {"cutoffs": (3, 7), "div_value": 2.0}


def ctc_cases(rng):
    t = np.array([[1, 2], [1, 1], [2, 0], [0, 0]])
    lengths = np.array([4, 5, 3, 2]), np.array([2, 2, 1, 0])
    for size in (1, 8, 60):
        yield (size * rng.normal(size=(4, 5, 3)), t, *lengths), {}
    sure = np.full((1, 5, 3), -30.0)
    sure[0, np.arange(5), [0, 1, 0, 0, 2]] = 0
    yield (sure, t[:1], [5], [2]), {}
    yield (rng.normal(size=(1, 4, 3)), np.array([[0, 2]]), [4], [2]), {"blank": 1}


def cases(name, dtype):
    """(operands in dtype, settings, settings of the reference) of a loss."""
    rng = np.random.default_rng(11)
    make = sampling_cases(rng, name) if name in ("nce", "sampled_softmax") else None
    for case in make or globals()[f"{name}_cases"](rng):
        operands, options, *other = case
        arrays = [np.asarray(a) for a in operands]
        arrays = [a if a.dtype.kind == "i" else a.astype(dtype) for a in arrays]
        reference = {
            k: v if k in ("p", "cutoffs", "div_value", "blank") or v in (0, 1) else mpf(float(v))
            for k, v in (LOSSES[name].parameters | options).items()
            if k not in ("sampled", "expected_counts", "unique", "zero_infinity")
        }
        if "sampled" in options:
            reference |= {"sampled": options["sampled"].tolist(), "counts": other[0]["counts"]}
        yield arrays, options, reference


def lengths_of(x):
    return np.linalg.norm(x.astype(np.float64), axis=-1)


def far(*points):
    return max(lengths_of(u - v).max() for u, v in itertools.combinations(points, 2))


def batch_scale(x, settings):
    return 1 + settings["margin"] + lengths_of(x[:, None] - x[None]).max()


def hull(a, b):
    sides = np.maximum(a, b)[:, 2:] - np.minimum(a, b)[:, :2]
    return np.where(sides == 0, np.inf, sides).min(axis=1, keepdims=True)


SCALES = {
    "margin_ranking": lambda a, s: (
        np.maximum(np.maximum(abs(a[0]), abs(a[1])), s["margin"]),
        [1, 1],
    ),
    "cosine_embedding": lambda a, s: (1, [1 / lengths_of(v)[:, None] for v in a[:2]]),
    "triplet_margin": lambda a, s: (max(far(*a), s["margin"]), [1, 1, 1]),
    "npairs": lambda a, s: (abs(a[0]).max(), [1]),
    "lifted_structure": lambda a, s: (batch_scale(a[0], s) ** 2, [batch_scale(a[0], s)]),
    "ntxent": lambda a, s: (
        len(a[0]) / s["temperature"],
        [len(a[0]) / s["temperature"] ** 2 / lengths_of(a[0])[:, None]],
    ),
    "circle": lambda a, s: (s["gamma"], [s["gamma"] ** 2]),
    "giou": lambda a, s: (None, [1 / hull(*a)] * 2),
    "ctc": lambda a, s: (None, [1]),
}


def scales(name, arrays, options):
    """What the row calls `scale`: of the values (None: each its own), and of each gradient."""
    a = [np.asarray(v, dtype=np.float64) for v in arrays]
    settings = LOSSES[name].parameters | options
    return SCALES[name](a, settings) if name in SCALES else many_class_scales(name, a, settings)


def many_class_scales(name, a, settings):
    h = abs(a[0])
    layers = [abs(v) for v in a[1:-1]]
    if name == "adaptive_log_softmax":
        parts = adaptive.split_tail(
            h.shape[1], layers[2], settings["cutoffs"], settings["div_value"]
        )
        logits = [h @ layers[0].T + layers[1], *(h @ p.T @ o.T for p, o in parts)]
        biggest = 1 + max(z.max() for z in logits)
        weights = max(v.max() for v in layers)
        return biggest, [
            biggest * weights * (1 + weights),
            *[biggest * h.sum() * (1 + weights)] * 3,
        ]
    biggest = 1 + (h @ layers[0].T + layers[1]).max()
    terms = len(settings["sampled"]) + 1 if name == "nce" else 1
    gradient = biggest * terms
    return biggest * terms, [gradient * layers[0].max(), gradient * h.sum(), gradient * len(h)]


def reference_of(name, arrays, reference):
    def values(*operands):
        return getattr(slow, name)(*operands, **reference)

    return values


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(slow.DIGITS):
        yield


def worst_errors(name, dtype):
    """The largest errors of value and gradient in eps of their scales."""
    eps, tiny, worst = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny), [0.0, 0.0]
    for arrays, options, reference in cases(name, dtype):
        f = loss(name, **options)
        values = reference_of(name, arrays, reference)
        exact = np.array(values(*map(slow.exactly, arrays)), dtype=object)
        got = np.atleast_1d(f(*arrays, reduction="none"))
        of_value, of_gradient = scales(name, arrays, options)
        size = [max(abs(v), tiny) for v in exact] if of_value is None else of_value
        finite = np.array([mp.isfinite(v) for v in exact])
        assert (np.isposinf(got) == ~finite).all(), (name, got, exact)
        worst[0] = max(worst[0], error(got[finite], exact[finite], np.array(size), eps))
        gradients = f.gradient(*arrays, reduction="sum") if finite.all() else ()
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        for k, gradient in enumerate(gradients):
            which = f.facts["operands"].index(f.facts["differentiable"][k])
            slope = slow.central_differences(values, arrays, which, [1] * len(exact))
            scale = np.broadcast_to(np.asarray(of_gradient[k]), slope.shape)
            assert gradient.dtype == dtype
            worst[1] = max(worst[1], error(gradient, slope, scale, eps))
    return worst


def error(got, exact, scale, eps):
    ratio = [
        abs(mpf(float(g)) - e) / (eps * mpf(float(s)))
        for g, e, s in zip(
            got.ravel(), exact.ravel(), np.broadcast_to(scale, got.shape).ravel(), strict=True
        )
    ]
    return float(max(ratio, default=mpf(0)))


@pytest.mark.parametrize("name", LOSSES)
@dtypes
def test_against_the_slow_reference(name, dtype):
    bound = LOSSES[name].facts["tolerance"]
    errors = worst_errors(name, dtype)
    for met, stated, what in zip(errors, bound, ("value", "gradient"), strict=True):
        assert met <= stated + 1e-9, (
            f"{name} {what}: {met:.1f} eps of the scale; the row states {stated}"
        )


# ---- what keeps its digits ----------------------------------------------------------------------


def confident(dtype):
    """Pairs that nearly agree, boxes that nearly coincide, sure predictions."""
    rng, eps = np.random.default_rng(2), float(np.finfo(dtype).eps)
    x = rng.normal(size=(20, 8)).astype(dtype)
    box = np.abs(x[:, :4])
    box[:, 2:] += box[:, :2]
    one = np.eye(3, dtype=dtype)
    layer = one, 40 * one, np.zeros(3), np.arange(3)
    sample, counts = {"sampled": [0, 1, 2]}, np.ones(3)
    moved = (x + 20 * eps * rng.normal(size=x.shape)).astype(dtype)
    grown = (box * (1 + 8 * eps * rng.random(box.shape))).astype(dtype)
    return {
        "cosine_embedding": ((x, moved, np.ones(20)), {}, {}),
        "giou": ((box, grown), {}, {}),
        "linear_cross_entropy": (layer, {}, {}),
        "sampled_softmax": (
            layer,
            {**sample, "expected_counts": counts},
            {**sample, "counts": counts},
        ),
        "npairs": ((40 * one, np.arange(3)), {}, {}),
    }


@pytest.mark.parametrize("name", confident(np.float64))
@dtypes
def test_small_losses_keep_their_digits(name, dtype):
    operands, options, reference = confident(dtype)[name]
    exact = getattr(slow, name)(*map(slow.exactly, operands), **reference)
    # A cosine of vectors of different length has the rounding of x / |x| in it.
    slack = 0.01 if name == "cosine_embedding" else 100 * float(np.finfo(dtype).eps)
    for got, e in zip(loss(name, **options)(*operands, reduction="none"), exact, strict=True):
        assert abs(mpf(float(got)) - e) <= slack * e < mpf("1e-6")


def test_a_sure_alignment_keeps_the_digits_of_its_loss_and_gradient():
    z = np.full((1, 5, 3), -60.0)
    z[0, np.arange(5), [0, 1, 0, 0, 2]] = 0
    t, lengths = np.array([[1, 2]]), ([5], [2])
    value, gradient = loss("ctc").value_and_gradient(z, t, *lengths)
    exact = slow.ctc(slow.exactly(z), t.tolist(), *lengths)[0]
    assert abs(value - exact) < 1e-12 * exact < 1e-30
    slope = slow.central_differences(lambda a: slow.ctc(a, t.tolist(), *lengths), [z], 0, [1])
    slope = slope.astype(float)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-12 * np.abs(slope).max())


# ---- against other packages ---------------------------------------------------------------------


def same_as_torch(name, theirs, operands, rtol=1e-12, **given):
    """Values, and gradients of their sum, where torch takes the operands in our order."""
    import torch

    f = loss(name, **given)
    inputs = [
        torch.tensor(a, requires_grad=o in f.facts["differentiable"])
        for o, a in zip(f.facts["operands"], operands, strict=True)
    ]
    values = theirs(*inputs)
    np.testing.assert_allclose(
        f(*operands, reduction="none"), values.detach().numpy(), rtol=rtol, atol=1e-11
    )
    slopes = torch.autograd.grad(values.sum(), [a for a in inputs if a.requires_grad])
    ours = f.gradient(*operands, reduction="sum")
    for mine, other in zip(ours if isinstance(ours, tuple) else (ours,), slopes, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-9, atol=1e-10)


def test_two_equal_scores_still_part():
    # PyTorch's slope there is that of the pair too up to 2.13, and 0 in 2.15.
    scores, t = np.zeros(2), np.array([1.0, -1.0])
    first, second = loss("margin_ranking").gradient(scores, scores, t, reduction="sum")
    np.testing.assert_array_equal(first, -t)
    np.testing.assert_array_equal(second, t)


def test_pairs_and_triplets_are_those_of_torch():
    functional = pytest.importorskip("torch.nn.functional")
    rng = np.random.default_rng(0)
    t = signs(rng, 9).astype(float)
    ranked = *rng.normal(size=(2, 9)), t
    same_as_torch(
        "margin_ranking", lambda *a: functional.margin_ranking_loss(*a, reduction="none"), ranked
    )
    vectors = rng.normal(size=(3, 9, 5))

    def embedding(*a):
        return functional.cosine_embedding_loss(*a, margin=0.2, reduction="none")

    same_as_torch("cosine_embedding", embedding, (*vectors[:2], t), margin=0.2)
    for p, swap in itertools.product((1.0, 2.0, 3.0, np.inf), (False, True)):

        def triplet(*a, p=p, swap=swap):
            return functional.triplet_margin_loss(*a, p=p, swap=swap, reduction="none")

        same_as_torch("triplet_margin", triplet, tuple(vectors), p=p, swap=swap)


@pytest.mark.parametrize("smoothing", [0.0, 0.15])
def test_the_fused_layer_is_that_of_torch(smoothing):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    h, W, b = rng.normal(size=(1500, 6)), rng.normal(size=(2500, 6)), rng.normal(size=2500)

    def fused(h, W, b, t):
        return torch.nn.functional.cross_entropy(
            h @ W.T + b, t, label_smoothing=smoothing, reduction="none"
        )

    codes = rng.integers(0, 2500, 1500)
    same_as_torch("linear_cross_entropy", fused, (h, W, b, codes), label_smoothing=smoothing)
    rows = rng.dirichlet(np.ones(2500), 1500)
    same_as_torch("linear_cross_entropy", fused, (h, W, b, rows), label_smoothing=smoothing)


def test_the_adaptive_softmax_is_that_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(
        20, 300, [30, 90], div_value=2.0, head_bias=True, dtype=torch.float64
    )
    h, t = rng.normal(size=(50, 20)), rng.integers(0, 300, 50)
    x = torch.tensor(h, requires_grad=True)
    values = module(x, torch.tensor(t)).output
    parameters = [x, module.head.weight, module.head.bias, *module.tail.parameters()]
    gh, g_head, g_bias, *g_tail = torch.autograd.grad(-values.sum(), parameters)
    tail = torch.nn.utils.parameters_to_vector(module.tail.parameters()).detach().numpy()
    layers = module.head.weight.detach().numpy(), module.head.bias.detach().numpy(), tail
    f = loss("adaptive_log_softmax", cutoffs=(30, 90), div_value=2.0)
    np.testing.assert_allclose(f(h, *layers, t, reduction="none"), -values.detach().numpy())
    ours = f.gradient(h, *layers, t, reduction="sum")
    theirs = [gh, g_head, g_bias, torch.nn.utils.parameters_to_vector(g_tail)]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-9, atol=1e-11)
    log_p = adaptive.adaptive_log_prob(h, *layers, (30, 90), 2.0)
    np.testing.assert_allclose(log_p, module.log_prob(x).detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-13)
    assert [w.shape for pair in adaptive.split_tail(20, tail, (30, 90), 2.0) for w in pair] == [
        tuple(w.shape) for w in module.tail.parameters()
    ]


def alignment(n=6, T=30, C=9, S=12, seed=0):
    rng = np.random.default_rng(seed)
    z, t = 3 * rng.normal(size=(n, T, C)), rng.integers(1, C, (n, S))
    return z, t, rng.integers(2 * S, T + 1, n), rng.integers(0, S + 1, n)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_is_that_of_torch(zero_infinity):
    torch = pytest.importorskip("torch")
    z, t, steps, sizes = alignment()
    steps[0], sizes[0], t[0] = 12, 12, 1  # impossible: twelve equal labels take 23 steps
    log_p = torch.tensor(z).swapaxes(0, 1).log_softmax(2).detach().requires_grad_()
    values = torch.nn.functional.ctc_loss(
        log_p,
        *map(torch.tensor, (t, steps, sizes)),
        reduction="none",
        zero_infinity=zero_infinity,
    )
    f = loss("ctc", zero_infinity=zero_infinity)
    got = f(z, t, steps, sizes, reduction="none")
    np.testing.assert_allclose(got, values.detach().numpy(), rtol=1e-12)
    assert got[0] == (0 if zero_infinity else np.inf)
    slope = torch.autograd.grad(values.sum(), log_p)[0].numpy().swapaxes(0, 1)
    gradient = f.gradient(z, t, steps, sizes, reduction="sum")
    np.testing.assert_allclose(gradient[1:], slope[1:], atol=1e-11)
    np.testing.assert_array_equal(gradient[0, :12], 0 if zero_infinity else np.nan)


def test_ntxent_is_that_of_optax():
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    x = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    for groups in (np.arange(6) // 2, np.array([0, 0, 0, 1, 2, 1])):
        value, slope = jax.jit(jax.value_and_grad(optax.ntxent))(x, jax.numpy.array(groups))
        ours = loss("ntxent").value_and_gradient(x, groups)
        np.testing.assert_allclose(ours[0], value, rtol=1e-5)
        np.testing.assert_allclose(ours[1], slope, rtol=1e-3, atol=1e-5)


# ---- weights, masks, reductions -----------------------------------------------------------------


def example(name, n=5):
    """Operands with n rows, and settings."""
    rng = np.random.default_rng(5)
    x, y, z = rng.normal(size=(3, n, 4))
    t, sign = rng.integers(0, 3, n), signs(rng, n)
    layer = rng.normal(size=(6, 4)), rng.normal(size=6)
    tail = np.concatenate([rng.normal(size=s).ravel() for s in ((2, 4), (3, 2))])
    sample = {"sampled": [5, 0, 2]}
    return {
        "margin_ranking": ((x[:, 0], y[:, 0], sign), {"margin": 0.3}),
        "cosine_embedding": ((x, y, sign), {}),
        "triplet_margin": ((x, y, z), {"swap": True}),
        "npairs": ((x @ y.T, t), {}),
        "lifted_structure": ((x, t), {}),
        "ntxent": ((x, t), {}),
        "circle": ((x, t), {"gamma": 2.0}),
        "giou": (tuple(np.sort(rng.random((2, n, 2, 2)), axis=2).reshape(2, n, 4)), {}),
        "linear_cross_entropy": ((x, *layer, t), {}),
        "sampled_softmax": ((x, *layer, t), sample),
        "nce": ((x, *layer, t), sample),
        "adaptive_log_softmax": (
            (x, layer[0][:2], layer[1][:2], tail, t),
            {"cutoffs": 1, "div_value": 2},
        ),
        "ctc": ((rng.normal(size=(n, 7, 4)), rng.integers(1, 4, (n, 3)), np.full(n, 7), t), {}),
    }[name]


def by_row(name):
    """Names of the operands that have one entry per row."""
    facts = LOSSES[name].facts
    return facts["operands"] if facts["rows"] is None else facts["rows"]


def select(name, operands, index):
    names = LOSSES[name].facts["operands"]
    return [a[index] if o in by_row(name) else a for o, a in zip(names, operands, strict=True)]


def as_tuple(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - COUPLED))
@given(weights=st.lists(st.integers(0, 3), min_size=5, max_size=5).filter(any))
@settings(max_examples=15, deadline=None)
def test_a_weight_repeats_its_row(name, weights):
    operands, given_settings = example(name)
    f = loss(name, **given_settings)
    repeated = select(name, operands, np.repeat(np.arange(5), weights))
    kwargs = {"sample_weight": weights, "reduction": "weighted_mean"}
    value, gradient = f.value_and_gradient(*operands, **kwargs)
    expected, slopes = f.value_and_gradient(*repeated)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for o, mine, theirs in zip(
        f.facts["differentiable"], as_tuple(gradient), as_tuple(slopes), strict=True
    ):
        if o in by_row(name):
            starts = np.cumsum(weights) - weights
            counts = np.array(weights).reshape(-1, *[1] * (mine.ndim - 1))
            one = theirs[np.minimum(starts, len(theirs) - 1)]
            np.testing.assert_allclose(mine, counts * one, rtol=1e-9, atol=1e-14)
        else:
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"npairs", "ctc"}))
@given(mask=st.lists(st.booleans(), min_size=5, max_size=5).filter(any))
@settings(max_examples=15, deadline=None)
def test_a_mask_deletes_rows(name, mask):
    operands, given_settings = example(name)
    f, mask = loss(name, **given_settings), np.array(mask)
    value, gradient = f.value_and_gradient(*operands, where=mask)
    expected, slopes = f.value_and_gradient(*select(name, operands, mask))
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for o, mine, theirs in zip(
        f.facts["differentiable"], as_tuple(gradient), as_tuple(slopes), strict=True
    ):
        if o in by_row(name):
            assert not mine[~mask].any()
        kept = mine[mask] if o in by_row(name) else mine
        np.testing.assert_allclose(kept, theirs, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ["lifted_structure", "ntxent", "circle"])
def test_an_ignored_group_is_deleted(name):
    (x, t), given_settings = example(name, n=9)
    f = loss(name, **given_settings)
    assert f(x, t, ignore_index=1) == f(x[t != 1], t[t != 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_classes_of_a_layer_are_weighed_and_ignored(smoothing):
    functional = pytest.importorskip("torch.nn.functional")
    import torch

    (h, W, b, t), _ = example("linear_cross_entropy", n=9)
    w, t = np.random.default_rng(0).uniform(0.1, 2, 6), np.r_[t[:-2], -100, -100]
    f = loss("linear_cross_entropy", label_smoothing=smoothing)
    z, codes = torch.tensor(h @ W.T + b), torch.tensor(t)
    given = {"label_smoothing": smoothing, "reduction": "sum", "weight": torch.tensor(w)}
    weighed = {"class_weight": w, "reduction": "sum", "ignore_index": -100}
    expected = functional.cross_entropy(z, codes, **given)
    np.testing.assert_allclose(f(h, W, b, t, **weighed), expected, rtol=1e-13)
    rows = np.random.default_rng(1).dirichlet(np.ones(6), 9)
    expected = functional.cross_entropy(z, torch.tensor(rows), **given)
    got = f(h, W, b, rows, class_weight=w, reduction="sum")
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    kept = f.value_and_gradient(h[:-2], W, b, t[:-2])
    ignored = f.value_and_gradient(h, W, b, t, ignore_index=-100)
    assert ignored[0] == kept[0]
    np.testing.assert_array_equal(ignored[1][0], np.r_[kept[1][0], np.zeros((2, 4))])
    np.testing.assert_array_equal(ignored[1][1], kept[1][1])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_gradient_is_that_of_the_reduced_loss(name, reduction):
    operands, given_settings = example(name)
    f = loss(name, **given_settings)
    kwargs = {"reduction": reduction}
    if name != "lifted_structure":
        kwargs["sample_weight"] = np.array([1.0, 0.5, 2.0, 0.0, 3.0])
    for k, gradient in enumerate(as_tuple(f.gradient(*operands, **kwargs))):
        which = f.facts["operands"].index(f.facts["differentiable"][k])
        direction = np.random.default_rng(k).normal(size=gradient.shape)

        def along(step, which=which, direction=direction):
            moved = list(operands)
            moved[which] = moved[which] + step * direction
            return f(*moved, **kwargs)

        slope = (along(1e-6) - along(-1e-6)) / 2e-6
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-6, atol=1e-8)


# ---- special points -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
@dtypes
def test_a_nan_stays_a_nan(name, dtype):
    operands, given_settings = example(name)
    f = loss(name, **given_settings)
    first = operands[0].astype(dtype)
    first[1] = np.nan
    value, gradient = f.value_and_gradient(first, *operands[1:], reduction="sum")
    assert np.isnan(value)
    assert np.isnan(as_tuple(gradient)[0][1]).any()


def test_zero_vectors_have_the_cosine_0_and_no_gradient():
    zero, x = np.zeros((2, 3)), np.ones((2, 3))
    f, t = loss("cosine_embedding", margin=-0.5), np.array([1, -1])
    for operands in ((zero, x, t), (x, zero, t), (zero, zero, t)):
        value, gradient = f.value_and_gradient(*operands, reduction="none")
        np.testing.assert_array_equal(value, [1, 0.5])
        assert not np.any(gradient)
    x = np.random.default_rng(0).normal(size=(4, 3))
    x[0] = 0
    value, gradient = loss("ntxent").value_and_gradient(x, [0, 0, 1, 1])
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert not gradient[0].any()


def test_points_that_coincide_have_no_gradient():
    x = np.ones((3, 4))
    for p in (1, 2, 3, np.inf):
        for eps in (0.0, 1e-6):
            value, gradient = loss("triplet_margin", p=p, eps=eps).value_and_gradient(x, x, x)
            assert value == 1
            assert not np.any(gradient)
    value, gradient = loss("lifted_structure").value_and_gradient(x, [0, 0, 1])
    assert value == pytest.approx((1 + np.log(2)) ** 2 / 2)
    assert not gradient.any()


def test_batches_without_pairs_cost_nothing():
    x = np.random.default_rng(0).normal(size=(4, 3))
    for name in ("lifted_structure", "ntxent", "circle"):
        for groups in (np.arange(4), np.zeros(4, int)):
            value, gradient = loss(name).value_and_gradient(x, groups)
            assert value == 0
            assert not gradient.any()


def test_boxes_without_area():
    point, elsewhere = np.zeros((1, 4)), np.array([[3.0, 4, 3, 4]])
    assert loss("giou")(point, point) == 1  # 0 / 0 is 0
    assert loss("giou")(point, elsewhere) == 2
    assert not np.any(loss("giou").gradient(point, point))
    line, box = np.array([[1.0, 0.5, 1, 1.5]]), np.array([[0.0, 0, 4, 2]])
    thick = line + np.array([-1e-9, 0, 1e-9, 0])
    at, beside = loss("giou").gradient(line, box)[0], loss("giou").gradient(thick, box)[0]
    np.testing.assert_allclose(at, beside, atol=1e-7)
    assert at[0, 0] > 0 > at[0, 2]  # it grows
    assert not np.any(loss("giou").gradient(box, box))
    assert loss("giou")(box, box) == 0


def test_ctc_of_nothing_and_of_the_impossible():
    z = np.random.default_rng(0).normal(size=(1, 4, 3))
    log_p = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    empty = np.zeros((1, 0), int)
    assert loss("ctc")(z, empty, [4], [0]) == pytest.approx(-log_p[0, :, 0].sum())
    masked = z.copy()
    masked[0, :, 2] = -np.inf
    assert loss("ctc")(masked, [[2]], [4], [1]) == np.inf
    assert np.isfinite(loss("ctc")(masked, [[1]], [4], [1]))
    assert np.isfinite(loss("ctc").gradient(masked, [[1]], [4], [1])).all()
    padded = np.concatenate([z, np.full((1, 2, 3), np.nan)], axis=1)
    assert loss("ctc")(padded, [[1, -7]], [4], [1]) == loss("ctc")(z, [[1]], [4], [1])
    assert not loss("ctc").gradient(padded, [[1, -7]], [4], [1])[0, 4:].any()


# ---- samples of classes -------------------------------------------------------------------------


def many(n=4, C=50):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 3)), rng.normal(size=(C, 3)), rng.normal(size=C), np.arange(n)


@pytest.mark.parametrize("name", ["sampled_softmax", "nce"])
def test_randomness_is_an_argument(name):
    operands = many()
    f = loss(name, num_sampled=10, rng=3)
    assert f(*operands) == f(*operands) != loss(name, num_sampled=10, rng=4)(*operands)
    going_on = loss(name, num_sampled=10, rng=np.random.default_rng(3))
    first = going_on(*operands)
    assert first == f(*operands) != going_on(*operands)
    for options in (
        {"distribution": "uniform"},
        {"unique": False},
        {"distribution": np.arange(1, 51)},
    ):
        assert np.isfinite(f.with_parameters(options)(*operands))


def test_all_classes_sampled_without_hits_are_the_softmax():
    operands = many(C=20)
    whole = loss("linear_cross_entropy").value_and_gradient(*operands)
    part = loss("sampled_softmax", num_sampled=20, rng=0, distribution="uniform")
    counts = part.with_parameters({"sampled": np.arange(20), "expected_counts": np.ones(20)})
    value, gradient = counts.value_and_gradient(*operands)
    assert value == pytest.approx(whole[0], rel=1e-13)
    for mine, theirs in zip(gradient, whole[1], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-14)


@pytest.mark.parametrize("distribution", ["log_uniform", "uniform", np.arange(1.0, 13.0)])
@pytest.mark.parametrize("number", [2, 7])
@pytest.mark.parametrize("unique", [True, False])
def test_expected_counts_are_those_met(distribution, number, unique):
    sampler = Sampler("nce", 12, distribution)
    assert sampler.probability(np.arange(12)).sum() == pytest.approx(1)
    rng, rounds = np.random.default_rng(0), 4000
    met, expected = np.zeros(12), np.zeros(12)
    for _ in range(rounds):
        classes, draws = sampler.sample(number, rng, unique)
        assert len(classes) == number <= draws
        assert not unique or len(set(classes.tolist())) == number
        np.add.at(met, classes, 1)
        expected += sampler.expected_counts(np.arange(12), draws, unique)
    # Given the number of draws, counts of distinct classes are only nearly those stated (Jensen).
    slack = 0.06 if unique else 4 * np.sqrt(number / rounds)
    np.testing.assert_allclose(met / rounds, expected / rounds, atol=slack)


def test_two_ways_to_distinct_classes_agree():
    sampler = Sampler("nce", 9, "log_uniform")
    seen = []
    for draw in (sampler._repeat, sampler._race):
        rng, first, draws = np.random.default_rng(0), np.zeros(9), []
        for _ in range(6000):
            classes, took = draw(rng, 3)
            first[classes[0]] += 1
            draws.append(took)
        np.testing.assert_allclose(first / 6000, sampler.probability(np.arange(9)), atol=0.03)
        seen.append(np.mean(draws))
    assert seen[0] == pytest.approx(seen[1], rel=0.05)


# ---- cost ---------------------------------------------------------------------------------------


def test_the_fused_layer_never_holds_all_logits():
    import tracemalloc

    rng = np.random.default_rng(0)
    n, C = 600, 30000
    h, W, b = (rng.normal(size=s).astype(np.float32) for s in ((n, 4), (C, 4), C))
    t = rng.integers(0, C, n)
    tracemalloc.start()
    loss("linear_cross_entropy").value_and_gradient(h, W, b, t)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * C * 4 / 2


@pytest.mark.parametrize("name", ["ctc", "lifted_structure"])
def test_blocks_change_nothing(name, monkeypatch):
    operands, options = example(name, n=9)
    whole = loss(name, **options).value_and_gradient(*operands)
    monkeypatch.setattr(sequence, "_BLOCK", 250)
    monkeypatch.setattr(_parts, "_BLOCK", 80)
    parts = loss(name, **options).value_and_gradient(*operands)
    assert whole[0] == pytest.approx(parts[0], rel=1e-15)
    np.testing.assert_allclose(whole[1], parts[1], atol=1e-16)


# ---- refusals -----------------------------------------------------------------------------------

X, Z = np.ones((4, 3)), np.zeros(4)
MANY = many()
REFUSED = [
    ("margin_ranking", {}, (Z, Z, [0, 1, 1, 1]), "labels -1 and 1"),
    ("margin_ranking", {}, (Z, Z[:3], np.ones(4)), "one shape"),
    ("cosine_embedding", {"margin": 2.0}, (X, X, np.ones(4)), r"\[-1, 1\]"),
    ("cosine_embedding", {}, (X, X, np.ones(3)), "labels of the shape"),
    ("triplet_margin", {}, (X, X, X[:2]), "one shape"),
    ("npairs", {}, (X, np.arange(4)), "square matrix"),
    ("npairs", {}, (np.eye(4), np.zeros((4, 2), int)), "at least one label"),
    ("npairs", {}, (np.eye(4), np.arange(3)), "4 labels"),
    ("ntxent", {}, (X, np.arange(3)), "integer codes"),
    ("giou", {}, (X, X), r"\(x1, y1, x2, y2\)"),
    ("giou", {}, ([[1.0, 0, 0, 1]], [[0.0, 0, 1, 1]]), "x1 <= x2"),
    ("linear_cross_entropy", {}, (X, X[:, :2], Z, [0, 1, 2, 3]), "layer of weights"),
    ("linear_cross_entropy", {}, (X, X, Z, [0, 1, 2, 4]), r"0 \.\.\. 3"),
    ("linear_cross_entropy", {}, (X, X, Z, [0, 0.5, 1, 1]), "codes"),
    ("linear_cross_entropy", {}, (X, X, Z, np.ones((4, 4))), "distributions"),
    ("linear_cross_entropy", {}, (X, X, Z, [0, 1]), "shape"),
    ("sampled_softmax", {}, MANY, "at random"),
    ("sampled_softmax", {"num_sampled": 60, "rng": 0}, MANY, "at most the 50"),
    ("sampled_softmax", {"num_sampled": 5, "rng": "x"}, MANY, "seed"),
    ("nce", {"num_sampled": 5, "rng": 0, "distribution": "zipf"}, MANY, "log_uniform"),
    ("nce", {"num_sampled": 5, "rng": 0, "distribution": [1, 2]}, MANY, "one per class"),
    ("nce", {"sampled": [50]}, MANY, "codes 0 ... 49"),
    ("nce", {"sampled": [1], "expected_counts": [1]}, MANY, "one per class"),
    ("adaptive_log_softmax", {}, (X, X, Z, Z, [0] * 4), "cutoffs"),
    ("adaptive_log_softmax", {"cutoffs": (3, 2)}, (X, X, Z, Z, [0] * 4), "cutoffs"),
    ("adaptive_log_softmax", {"cutoffs": 3}, (X, X, Z, Z, [0] * 4), "no feature"),
    ("adaptive_log_softmax", {"cutoffs": 2}, (X, X, Z, Z, [0] * 4), "3 in all"),
    ("adaptive_log_softmax", {"cutoffs": 3, "div_value": 1}, (X, X, Z, Z, [0] * 4), "tail"),
    ("ctc", {}, (X, X, Z, Z), "integers"),
    ("ctc", {}, (X, [[1]], [1], [1]), "batch first"),
    ("ctc", {"blank": 9}, (X[None], [[1]], [4], [1]), "blank"),
    ("ctc", {}, (X[None], [[0]], [4], [1]), "other than the blank"),
    ("ctc", {}, (X[None], [[1]], [5], [1]), "1 ... 4"),
    ("ctc", {}, (X[None], [[1]], [4, 4], [1]), "1 integers"),
]


@pytest.mark.parametrize(("name", "given_settings", "operands", "words"), REFUSED)
def test_refusals_say_what_was_met(name, given_settings, operands, words):
    with pytest.raises((ValueError, TypeError), match=words):
        loss(name, **given_settings)(*operands)


def test_what_cannot_be_masked_says_so():
    for name in ("npairs", "ctc"):
        operands, _ = example(name)
        with pytest.raises(TypeError, match="no where="):
            loss(name)(*operands, where=np.ones(5, bool))
    with pytest.raises(ValueError, match="below the 20 classes"):
        adaptive.tail_shapes(8, 20, (5, 20))
