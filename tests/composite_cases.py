"""Points at which the composed losses are compared with their definitions, and error scales."""

from __future__ import annotations

import composite_reference as reference
import numpy as np
from mpmath import mp, mpf

GAPS = {np.float32: (17, 80), np.float64: (37, 700)}


def score_rows(dtype, widths=(2, 4)):
    rng = np.random.default_rng(5)
    for k in widths:
        for scale in (1, 10, 60):
            yield (scale * rng.standard_normal(k)).astype(dtype)
    yield np.array([1e8, 1e8 + 8, 1e8 - 16], dtype)
    for gap in GAPS[dtype]:
        yield np.array([gap, 0, -gap / 2], dtype)
        yield np.array([-gap, 0.5, 0.25], dtype)


def narrow(dtype):
    """Rows whose supports can all be tried."""
    return score_rows(dtype, (2, 4, 6))


def probability_rows(dtype):
    rng = np.random.default_rng(6)
    tiny = {np.float32: 1e-37, np.float64: 1e-300}[dtype]
    for concentration in (1, 0.1):
        for k in (2, 4):
            yield rng.dirichlet(np.full(k, concentration)).astype(dtype) + dtype(tiny)
    last = np.finfo(dtype).epsneg
    yield np.array([1 - last, last, tiny], dtype)
    yield np.array([1 - 1e-4, 1e-4, tiny * 1e-3], dtype)
    yield np.array([1, tiny, 0.5], dtype)


def multi_hot(k):
    yield np.zeros(k)
    yield np.ones(k)
    yield (np.arange(k) == 0) * 1.0
    yield (np.arange(k) % 2) * 1.0


def distributions(k):
    yield np.eye(k)[0]
    yield np.eye(k)[k - 1]
    yield np.random.default_rng(k).dirichlet(np.ones(k))


def rows(dtype, inputs, targets, *settings):
    """Every row with every target and setting."""
    for z in inputs(dtype):
        for t in targets(len(z)):
            for parameters in settings or ({},):
                yield (z, t if t.dtype.kind == "i" else t.astype(dtype)), parameters


def codes(k):
    return [np.array(0), np.array(k - 1)]


def soft_and_hard(k):
    yield from multi_hot(k)
    yield np.linspace(0.1, 0.9, k)


def batches(dtype, scale=3):
    rng = np.random.default_rng(7)
    for n, k in ((1, 2), (3, 4), (5, 3)):
        yield (scale * rng.standard_normal((n, k))).astype(dtype), rng


def probability_batches(dtype):
    for z, rng in batches(dtype, 4):
        yield (1 / (1 + np.exp(-z))).astype(dtype), rng
    yield np.zeros((2, 2), dtype), np.random.default_rng(8)


def _two_way(dtype):
    for scale in (3, 40):
        for z, rng in batches(dtype, scale):
            t = (rng.random(z.shape) < 0.5).astype(dtype)
            yield (z, t.copy()), {}
            yield (z, t.copy()), {"tp": 0.5, "tn": 2.0}
            t[0] = 0
            t[:, 0] = 0
            yield (z, t), {}


def _distribution_balanced(dtype):
    for k in (2, 4):
        counts = {"class_counts": list(range(3, 3 + k)), "n_samples": 50}
        given = {"gamma": 0.5, "bias": 0.5, "neg_scale": 1.0, "alpha": 0.25}
        yield from rows(
            dtype,
            lambda dtype, k=k: (z for z in score_rows(dtype, (k,)) if len(z) == k),
            soft_and_hard,
            counts,
            {**counts, **given},
        )


def _multilabel_margin(dtype):
    for z in score_rows(dtype):
        for t in ([0, -1], [1, 0, -1], [-1, 0]):
            yield (z, np.array(t)), {}


def _relevances(k):
    yield np.eye(k)[0]
    yield np.arange(k) * 0.5
    yield np.zeros(k)


def _measures(k):
    yield np.linspace(0, 2, k)
    yield np.geomspace(1e-30, 1e-3, k)


def _generalized_kl(dtype):
    yield from rows(dtype, score_rows, _measures)
    t = np.array([0.3, 2.0, 1e-20], dtype)
    for factor in (1, 1 + 1e-6, 1.001, 1.4, 0.6, 0.4):
        yield (np.log(t * dtype(factor)), t), {}


def _js_divergence(dtype):
    yield from rows(dtype, probability_rows, distributions)
    for p in probability_rows(dtype):
        for factor in (1, 1 + 1e-6, 1.1, 2.9, 3.1):
            yield (p, p * dtype(factor)), {}


def _vectors(dtype):
    rng = np.random.default_rng(9)
    for size in (1.0, 1e15, 1e-6):
        z, t = (size * rng.standard_normal((2, 4))).astype(dtype)
        for other in (t, z, -z, z + dtype(1e-3) * t, dtype(-2) * z + dtype(1e-3) * t):
            yield (z, other), {}
    yield (np.zeros(3, dtype), np.ones(3, dtype)), {}
    yield (np.ones(3, dtype), np.zeros(3, dtype)), {}
    yield (np.full(3, 0.25, dtype), np.arange(3, dtype=dtype)), {"eps": 0.5}


def _offsets(dtype):
    for z in score_rows(dtype):
        for t in (np.zeros_like(z), z + dtype(3), z[::-1] * dtype(0.5)):
            yield (z, t), {}


def _gaussian(dtype):
    settings = ({}, {"full": True}, {"eps": 0.0})
    for e in (0, 1e-3, 3, 1e10):
        for v in (1e-4, 1, 1e5):
            operands = tuple(np.array(x, dtype) for x in (1 + e, 1, v))
            yield from ((operands, parameters) for parameters in settings)
            log_v = (*operands[:2], np.log(operands[2]))
            yield log_v, {"log_variance": True}


def _regions(*settings):
    def of(dtype):
        for p, rng in probability_batches(dtype):
            for t in ((rng.random(p.shape) < 0.5), np.zeros(p.shape), np.ones(p.shape)):
                yield from (((p, t.astype(dtype)), s) for s in settings)
        yield (np.zeros((2, 2), dtype), np.zeros((2, 2), dtype)), {"smooth": 0.0}

    return of


def _weighted_kappa(dtype):
    for z, rng in batches(dtype):
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        t = rng.integers(0, z.shape[1], len(z))
        for weightage in ("quadratic", "linear"):
            yield (p.astype(dtype), t), {"weightage": weightage, "eps": 2.0**-20}


CASES = {
    "zlpr": lambda d: rows(d, score_rows, multi_hot),
    "two_way": _two_way,
    "distribution_balanced": _distribution_balanced,
    "multilabel_soft_margin": lambda d: rows(d, score_rows, soft_and_hard),
    "multilabel_margin": _multilabel_margin,
    "categorical_cross_entropy": lambda d: rows(
        d, probability_rows, distributions, {}, {"label_smoothing": 0.25}
    ),
    "nll": lambda d: rows(d, score_rows, codes),
    "categorical_focal": lambda d: rows(
        d,
        lambda d: (p for p in probability_rows(d) if p.max() < 1),  # 1 is an end of the domain
        distributions,
        {},
        {"gamma": 0.0},
        {"gamma": 0.5, "alpha": 1.0, "label_smoothing": 0.25},
    ),
    "asymmetric_single_label": lambda d: rows(
        d, score_rows, codes, {}, {"eps": 0.0}, {"gamma_pos": 0.5, "gamma_neg": 0.0, "eps": 0.25}
    ),
    "poly_cross_entropy": lambda d: rows(d, score_rows, distributions, {}, {"epsilon": 0.5}),
    "generalized_cross_entropy": lambda d: rows(
        d, probability_rows, codes, {}, {"q": 0.0}, {"q": 1.0}, {"q": 2.0**-20}
    ),
    "multi_margin": lambda d: rows(d, score_rows, codes, {}, {"p": 2.0}, {"p": 3.0, "margin": 2.5}),
    "categorical_hinge": lambda d: rows(d, score_rows, codes, {}, {"margin": 2.5}),
    "multiclass_perceptron": lambda d: rows(d, score_rows, codes),
    "sparsemax_loss": lambda d: rows(d, narrow, distributions),
    "fenchel_young": lambda d: rows(
        d, narrow, distributions, *({"max_fun": f} for f in ("logsumexp", "sparsemax", "max"))
    ),
    "ranking_softmax": lambda d: rows(d, score_rows, _relevances),
    "generalized_kl": _generalized_kl,
    "js_divergence": _js_divergence,
    "mean_pairwise_squared_error": _offsets,
    "cosine_distance": _vectors,
    "gaussian_nll": _gaussian,
    "dice": _regions({}, {"smooth": 2.0**-10}),
    "tversky": _regions({}, {"alpha": 0.25, "beta": 0.75}, {"smooth": 0.0, "alpha": 1.0}),
    "weighted_kappa": _weighted_kappa,
}


# ---- what errors are relative to ----------------------------------------------------------------


def the_value(at):
    return abs(at.value)


def each(at, name):
    return [abs(g) for g in at.gradients[name]]


def hard(at):
    return all(x in (0, 1) for x in at.flat("t"))


def largest(at, name):
    return max(each(at, name))


def _asymmetric_terms(at, name):
    """Per entry of z, the sum over the terms of the loss of their |gradient|."""
    z, t, step = at.operands["z"], at.operands["t"], mpf(reference.STEP)
    scales = []
    for i in range(len(z)):
        ends = []
        for sign in (1, -1):
            moved = [x + sign * step * (i == j) for j, x in enumerate(z)]
            ends.append(reference.asymmetric_terms(moved, t, **at.parameters))
        scales.append(sum(abs(a - b) for a, b in zip(*ends, strict=True)) / (2 * step))
    return scales


def _gaussian_value(at):
    z, t, v = (at.operands[k] for k in "ztv")
    if at.parameters["log_variance"]:
        return (abs(v) + (z - t) ** 2 * mp.exp(-v)) / 2 + 1
    return (abs(mp.log(v)) + (z - t) ** 2 / v) / 2 + 1


def _gaussian_gradient(at, name):
    if name == "z":
        return each(at, name)
    z, t, v = (at.operands[k] for k in "ztv")
    if at.parameters["log_variance"]:
        return (1 + (z - t) ** 2 * mp.exp(-v)) / 2
    return (1 + (z - t) ** 2 / v) / (2 * v)


def _kappa_gradient(at, name):
    t, p = at.operands["t"], at.operands["p"]
    k = len(p[0])
    power = 2 if at.parameters["weightage"] == "quadratic" else 1
    chance = sum(
        abs(a - j) ** power * row[j] / mpf(len(t)) for a in t for row in p for j in range(k)
    )
    return (k - 1) ** power / chance / mp.exp(at.value) if chance else mpf(1)


def _entropies(at):
    return abs(at.value) + sum(each(at, "z"))


def _norm(xs):
    return mp.sqrt(sum(x * x for x in xs)) or mpf("inf")


def _widest(at, scale):
    return 1 + scale * at.span("z")


def _factor(at):
    gamma, neg_scale = at.parameters["gamma"], at.parameters["neg_scale"]
    return (1 + gamma) * (1 + neg_scale * at.span("z"))


def _pairwise(at, name):
    z, t = at.flat("z"), at.flat("t")
    return 4 * max(abs(a - b) for a, b in zip(z, t, strict=True)) / (len(z) - 1)


def _margin_terms(at):
    z, t = at.operands["z"], at.operands["t"]
    power, margin = at.parameters["p"], at.parameters["margin"]
    return sum((abs(margin) + abs(x - z[t])) ** power for x in z) / len(z)


def _margin_slopes(at, name):
    z, t = at.operands["z"], at.operands["t"]
    power, margin = at.parameters["p"], at.parameters["margin"]
    return power * sum((abs(margin) + abs(x - z[t])) ** (power - 1) for x in z) / len(z)


def _lever(at):
    return abs(at.value) + at.lever("z")


SCALES = {
    "zlpr": (the_value, each),
    "two_way": (
        lambda at: _widest(at, 1) * at.value,
        lambda at, n: _widest(at, 1) * largest(at, n),
    ),
    "distribution_balanced": (
        lambda at: _factor(at) * at.value,
        lambda at, n: _factor(at) * largest(at, n),
    ),
    "multilabel_soft_margin": (
        the_value,
        lambda at, n: each(at, n) if hard(at) else mpf(1) / len(at.operands["z"]),
    ),
    "multilabel_margin": (_lever, largest),
    "categorical_cross_entropy": (the_value, each),
    "nll": (the_value, each),
    "categorical_focal": (the_value, each),
    "asymmetric_single_label": (the_value, _asymmetric_terms),
    "poly_cross_entropy": (
        the_value,
        lambda at, n: each(at, n) if hard(at) else 1 + abs(at.parameters["epsilon"]),
    ),
    "generalized_cross_entropy": (the_value, each),
    "multi_margin": (_margin_terms, _margin_slopes),
    "categorical_hinge": (lambda at: at.parameters["margin"] + _lever(at), each),
    "multiclass_perceptron": (the_value, each),
    "sparsemax_loss": (_lever, lambda at, n: _widest(at, 1)),
    "fenchel_young": (lambda at: 1 + _lever(at), lambda at, n: _widest(at, 1)),
    "ranking_softmax": (the_value, lambda at, n: sum(at.flat("t"))),
    "generalized_kl": (
        _entropies,
        lambda at, n: [max(mp.exp(x), y) for x, y in zip(at.flat("z"), at.flat("t"), strict=True)],
    ),
    "js_divergence": (the_value, each),
    "mean_pairwise_squared_error": (
        lambda at: (
            at.value
            + sum(
                (abs(x) + abs(y)) * abs(g)
                for x, y, g in zip(at.flat("z"), at.flat("t"), at.gradients["z"], strict=True)
            )
        ),
        _pairwise,
    ),
    "cosine_distance": (
        lambda at: at.value + mp.sqrt(abs(at.value)),
        lambda at, n: 1 / _norm(at.flat("z")),
    ),
    "gaussian_nll": (_gaussian_value, _gaussian_gradient),
    "dice": (the_value, each),
    "tversky": (the_value, each),
    "weighted_kappa": (lambda at: 1 + abs(at.value), _kappa_gradient),
}
