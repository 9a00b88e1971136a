"""Losses of a last layer with many classes: all of them in tiles, a sample, or clusters.

Axes: n rows, d features, C classes, m sampled classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._linear import (
    Targets,
    check_layer,
    class_codes,
    linear_cross_entropy,
)
from deltarule.composites._parts import masked_softmax
from deltarule.composites._primitives import sigmoid, softplus
from deltarule.composites._record import Composite, Pullback
from deltarule.composites._sampler import Sampler
from deltarule.composites.adaptive import ROWS as _ADAPTIVE

_SUM_SLACK = 1e-3
"""Rows that are distributions may miss the sum 1 by this much."""


def _linear_cross_entropy(
    h: Array,
    W: Array,
    b: Array,
    t: Array,
    *,
    label_smoothing: float,
    class_weight: Array | None = None,
) -> tuple[Array, Pullback]:
    """Features (n, d), layer (C, d) and (C,); t codes (n,) or distributions (n, C)."""
    check_layer("linear_cross_entropy", h, W, b)
    weights = np.ones(len(W), h.dtype) if class_weight is None else class_weight
    if t.shape == (len(h), len(W)):
        sums = t.sum(axis=1, dtype=np.float64)
        if not ((t >= 0).all() and (np.abs(sums - 1) <= _SUM_SLACK).all()):
            raise ValueError(
                "linear_cross_entropy needs rows of t that are distributions: numbers >= 0 with "
                "the sum 1. Divide each row by its sum."
            )
        rows = t.astype(h.dtype, copy=False)
        targets = Targets(rows.argmax(axis=1), rows, label_smoothing, weights)
    else:
        codes = class_codes("linear_cross_entropy", "t", t, len(h), len(W))
        targets = Targets(codes, None, label_smoothing, weights)
    return linear_cross_entropy(h, W, b, targets)


class _Candidates(NamedTuple):
    """The true class of each row and the sampled ones, their logits corrected and masked."""

    true: Array  # (n,)
    sampled: Array  # (n, m), -inf where a sampled class is the row's own
    classes: Array  # (m,)


def _candidates(
    name: str, h: Array, W: Array, b: Array, codes: Array, options: dict[str, Any]
) -> _Candidates:
    classes, of_sampled, of_true = _sampled_classes(name, codes, len(W), options)
    true = (h * W[codes]).sum(axis=1) + (b[codes] - np.log(of_true).astype(h.dtype))
    sampled = h @ W[classes].T + (b[classes] - np.log(of_sampled).astype(h.dtype))
    if options["remove_accidental_hits"]:
        sampled[codes[:, None] == classes] = -np.inf
    return _Candidates(true, sampled, classes)


def _sampled_classes(
    name: str, codes: Array, C: int, options: dict[str, Any]
) -> tuple[Array, Array, Array]:
    """Sampled classes (m,), their expected counts (m,) and those of the true classes (n,)."""
    given, rng, number = options["sampled"], options["rng"], options["num_sampled"]
    if given is not None:
        classes = np.asarray(given)
        classes = class_codes(name, "sampled", classes, classes.size, C)
        draws, unique = len(classes), False
        if options["expected_counts"] is not None:
            counts = np.asarray(options["expected_counts"], dtype=np.float64)
            if counts.shape != (C,) or not (counts > 0).all():
                raise ValueError(
                    f"expected_counts of {name} must be {C} numbers > 0, one per class."
                )
            return classes, counts[classes], counts[codes]
    elif number is None or rng is None:
        raise ValueError(
            f"{name} draws classes at random: give num_sampled= and rng= (a seed, or a "
            "numpy.random.Generator that goes on from call to call), or the classes as sampled=."
        )
    sampler = Sampler(name, C, options["distribution"])
    if given is None:
        unique = bool(options["unique"])
        classes, draws = sampler.sample(number, rng, unique)
    return (
        classes,
        sampler.expected_counts(classes, draws, unique),
        sampler.expected_counts(codes, draws, unique),
    )


def _sampled_softmax(
    h: Array, W: Array, b: Array, t: Array, **options: Any
) -> tuple[Array, Pullback]:
    """Features (n, d), layer (C, d) and (C,), codes (n,)."""
    check_layer("sampled_softmax", h, W, b)
    codes = class_codes("sampled_softmax", "t", t, len(h), len(W))
    case = _candidates("sampled_softmax", h, W, b, codes, options)
    others, share = masked_softmax(case.sampled, ~np.isneginf(case.sampled))
    gap = others[:, 0] - case.true

    def pullback(g: Array) -> tuple[Array, ...]:
        pull = g * sigmoid(gap)
        return _layer_gradients(h, W, codes, case.classes, -pull, pull[:, None] * share)

    return softplus(gap), pullback


def _nce(h: Array, W: Array, b: Array, t: Array, **options: Any) -> tuple[Array, Pullback]:
    """Features (n, d), layer (C, d) and (C,), codes (n,)."""
    check_layer("nce", h, W, b)
    codes = class_codes("nce", "t", t, len(h), len(W))
    case = _candidates("nce", h, W, b, codes, options)

    def pullback(g: Array) -> tuple[Array, ...]:
        noise = g[:, None] * sigmoid(case.sampled)
        return _layer_gradients(h, W, codes, case.classes, -g * sigmoid(-case.true), noise)

    return softplus(-case.true) + softplus(case.sampled).sum(axis=1), pullback


def _layer_gradients(
    h: Array, W: Array, codes: Array, classes: Array, true: Array, sampled: Array
) -> tuple[Array, ...]:
    """Gradients of h, W and b from those of the true (n,) and the sampled logits (n, m)."""
    gh = true[:, None] * W[codes] + sampled @ W[classes]
    gW, gb = np.zeros_like(W), np.zeros(len(W), W.dtype)
    _add_rows(gW, gb, classes, sampled.T @ h, sampled.sum(axis=0))
    _add_rows(gW, gb, codes, true[:, None] * h, true)
    return gh, gW, gb


def _add_rows(gW: Array, gb: Array, codes: Array, rows: Array, sums: Array) -> None:
    """gW[codes] += rows, gb[codes] += sums, where a code may come up more than once."""
    if not len(codes):
        return
    order = np.argsort(codes, kind="stable")
    unique, starts = np.unique(codes[order], return_index=True)
    gW[unique] += np.add.reduceat(rows[order], starts, axis=0)
    gb[unique] += np.add.reduceat(sums[order], starts)


_SAMPLING = {
    "num_sampled": None,
    "rng": None,
    "sampled": None,
    "expected_counts": None,
    "distribution": "log_uniform",
}

_SCALE = (
    "1 + the largest |h| . |W| + |b|; the gradient: that times the largest |W| for h, the sum of "
    "|h| for W, n for b"
)

ROWS = (
    Composite(
        name="linear_cross_entropy",
        group="sampled",
        formula="logsumexp(z) - z[t] or -sum(t * log_softmax(z)), z = W h + b",
        latex=r"-\sum_k t_k \log \operatorname{softmax}(W h + b)_k",
        gradient="W.T @ (p - q), outer(p - q, h) and p - q, p = softmax(z), q the smoothed targets",
        source="Bridle 1990; PyTorch 2.13 LinearCrossEntropyLoss",
        operands=("h", "W", "b", "t"),
        differentiable=("h", "W", "b"),
        compute=_linear_cross_entropy,
        parameters=(("label_smoothing", 0.0, "unit_interval"),),
        labels="codes or rows",
        classes="W",
        takes=("class_weight",),
        rows=("h", "t"),
        tolerance=(4, 2),
        scale=_SCALE,
    ),
    Composite(
        name="sampled_softmax",
        group="sampled",
        formula=(
            "log(1 + sum_s(exp(z_s - z[t]))), z = W h + b - log(expected count), s the sampled "
            "classes other than t"
        ),
        latex=(
            r"\log\left(1 + \sum_{s \neq t} e^{z_s - z_t}\right),\; z = W h + b - \log "
            r"\mathbb{E}[\mathrm{count}]"
        ),
        gradient="as linear_cross_entropy over t and the sampled classes; 0 for the others",
        source="Jean et al. 2015; TensorFlow nn.sampled_softmax_loss",
        operands=("h", "W", "b", "t"),
        differentiable=("h", "W", "b"),
        compute=_sampled_softmax,
        parameters=(("unique", True, "flag"), ("remove_accidental_hits", True, "flag")),
        options=_SAMPLING,
        labels="codes",
        classes="W",
        aliases=("sampled_softmax_loss",),
        rows=("h", "t"),
        tolerance=(4, 2),
        scale=_SCALE,
    ),
    Composite(
        name="nce",
        group="sampled",
        formula=(
            "softplus(-z[t]) + sum_s(softplus(z_s)), z = W h + b - log(expected count), s the "
            "sampled classes"
        ),
        latex=(
            r"\operatorname{softplus}(-z_t) + \sum_s \operatorname{softplus}(z_s),\; z = W h +"
            r" b - \log \mathbb{E}[\mathrm{count}]"
        ),
        gradient="-sigmoid(-z[t]) and sigmoid(z_s) in the logits, then through the layer",
        source="Gutmann and Hyvarinen 2010; Mnih and Teh 2012; TensorFlow nn.nce_loss",
        operands=("h", "W", "b", "t"),
        differentiable=("h", "W", "b"),
        compute=_nce,
        parameters=(("unique", True, "flag"), ("remove_accidental_hits", False, "flag")),
        options=_SAMPLING,
        labels="codes",
        classes="W",
        aliases=("nce_loss", "noise_contrastive_estimation"),
        rows=("h", "t"),
        tolerance=(2, 1),
        scale=f"the number of classes looked at, times: {_SCALE}",
    ),
    *_ADAPTIVE,
)
