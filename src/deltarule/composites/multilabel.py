"""Losses of rows that may belong to several classes.

Axes: n rows, K classes.  Targets are 1 for the classes of a row and 0 for the others.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from deltarule._reduction import times
from deltarule.composites._primitives import (
    hinge,
    log_sum_exp,
    one_hot,
    sigmoid,
    softmax,
    softplus,
)
from deltarule.composites._record import Array, Composite, Pullback

_BLOCK = 1 << 20
"""Pairs of classes held at a time."""


def _hard(loss: str, t: Array) -> Array:
    if not ((t == 0) | (t == 1)).all():
        soft = float(t[(t != 0) & (t != 1)].flat[0])
        raise ValueError(f"{loss} needs targets of 0 and 1; met {soft!r}.")
    return np.asarray(t == 1)


def _softplus_of_sum(x: Array) -> tuple[Array, Array]:
    """log(1 + sum_k e^x_k) of rows, and its gradient."""
    row = np.concatenate([np.zeros_like(x[..., :1]), x], axis=-1)
    return log_sum_exp(row), softmax(row)[..., 1:]


def _zlpr(z: Array, t: Array) -> tuple[Array, Pullback]:
    positive = _hard("zlpr", t)
    absent = z.dtype.type(-np.inf)
    above, rise = _softplus_of_sum(np.where(positive, absent, z))
    below, fall = _softplus_of_sum(np.where(positive, -z, absent))
    return above + below, lambda g: (g[..., None] * (rise - fall),)


def _directed(s: Array, positive: Array, w: Array, tp: float, tn: float) -> tuple[Array, Array]:
    """The two-way loss along the last axis: values (n,), gradient (n, K); w (n, K) >= 0.

    The hardest negative above the hardest positive, both by a smooth maximum; 0 for a row without
    a positive or without a negative class.
    """
    absent, tp, tn = s.dtype.type(-np.inf), s.dtype.type(tp), s.dtype.type(tn)
    log_w = np.log(w)
    low = np.where(positive, log_w - s / tp, absent)
    high = np.where(positive, absent, log_w + s / tn)
    both = (low.max(axis=-1) > absent) & (high.max(axis=-1) > absent)
    both |= np.isnan(s).any(axis=-1)
    gap = np.where(both, tn * log_sum_exp(high) + tp * log_sum_exp(low), absent)
    slope = np.where(both, sigmoid(gap), 0)[:, None]
    rise, fall = np.where(positive, 0, softmax(high)), np.where(positive, softmax(low), 0)
    return softplus(gap), times(slope, rise - fall)


def _two_way(
    z: Array, t: Array, *, tp: float, tn: float, sample_weight: Array | None
) -> tuple[Array, Pullback]:
    """Weights act as repeated rows: within the sums over rows, and in the mean over rows."""
    if z.ndim != 2:
        raise ValueError(f"two_way needs z of the shape (n, K); met {z.shape}.")
    w = np.ones(len(z), z.dtype) if sample_weight is None else sample_weight
    positive = _hard("two_way", t)
    classes, of_classes = _directed(z.T, positive.T, np.broadcast_to(w, z.T.shape), tp, tn)
    rows, of_rows = _directed(z, positive, np.ones_like(z), tp, tn)
    present = (positive & (w > 0)[:, None]).any(axis=0).astype(z.dtype)
    labelled = w * positive.any(axis=1)
    one = z.dtype.type(1)
    present /= present.sum() or one
    labelled /= labelled.sum() or one
    gradient = of_classes.T * present + of_rows * labelled[:, None]
    value = times(present, classes).sum() + times(labelled, rows).sum()
    return np.asarray(value), lambda g: (g * gradient,)


def _focal(u: Array, gamma: float) -> tuple[Array, Array]:
    """softplus(u) sigmoid(u)^gamma and its slope, a sum of positive terms."""
    s, factor = softplus(u), sigmoid(u) ** u.dtype.type(gamma)
    return times(factor, s), times(factor, sigmoid(u) + gamma * times(sigmoid(-u), s))


def _distribution_balanced(
    z: Array, t: Array, *, class_counts: Any, n_samples: Any, **p: Any
) -> tuple[Array, Pullback]:
    dtype = z.dtype.type
    counts = _class_counts(class_counts, n_samples, z.shape[-1])
    rarity = (1 / counts).astype(z.dtype)
    of_row = t @ rarity
    share = rarity / of_row[..., None]  # inf in a row without a class: weight 1 + alpha
    weight = dtype(p["alpha"]) + sigmoid(dtype(p["beta"]) * (share - dtype(p["mu"])))
    neg_scale = dtype(p["neg_scale"])
    prior = -np.log(n_samples / counts - 1) * p["bias"] / p["neg_scale"]
    shifted = z + prior.astype(z.dtype)
    pull, pull_slope = _focal(-shifted, p["gamma"])
    push, push_slope = _focal(neg_scale * shifted, p["gamma"])
    weight *= dtype(p["balance"] / z.shape[-1])
    values = (weight * (times(t, pull) + times(1 - t, push / neg_scale))).sum(axis=-1)
    slope = weight * ((1 - t) * push_slope - t * pull_slope)
    return values, lambda g: (g[..., None] * slope,)


def _check_counts(class_counts: Any, n_samples: Any) -> None:
    if class_counts is not None and np.asarray(class_counts).dtype.kind not in "iuf":
        raise ValueError(
            "The class_counts of distribution_balanced must be numbers, one per class; met "
            f"{class_counts!r}."
        )
    if n_samples is not None and np.asarray(n_samples).dtype.kind not in "iuf":
        raise ValueError(
            "The n_samples of distribution_balanced must be the number of training rows; met "
            f"{n_samples!r}."
        )


def _class_counts(class_counts: Any, n_samples: Any, classes: int) -> Array:
    if class_counts is None or n_samples is None:
        raise ValueError(
            "distribution_balanced needs class_counts, the number of training rows of each class, "
            "and n_samples, the number of training rows: loss('distribution_balanced', "
            "class_counts=Y.sum(axis=0), n_samples=len(Y))."
        )
    counts = np.asarray(class_counts, np.float64)
    if counts.shape != (classes,):
        raise ValueError(
            f"class_counts has the shape {counts.shape}; the {classes} classes need {(classes,)}."
        )
    if n_samples < 2 or not ((counts >= 0) & (counts <= n_samples)).all():
        raise ValueError(
            f"class_counts must lie in 0 ... n_samples and n_samples be at least 2; met "
            f"{counts.tolist()} and {n_samples!r}."
        )
    return np.clip(counts, 1, n_samples - 1)


def _multilabel_soft_margin(
    z: Array, t: Array, *, class_weight: Array | None
) -> tuple[Array, Pullback]:
    """Terms of one sign, so that a confident right answer keeps its digits."""
    each = z.dtype.type(1 / z.shape[-1])
    weight = each if class_weight is None else each * class_weight
    values = weight * (times(1 - t, softplus(z)) + times(t, softplus(-z)))
    slope = weight * ((1 - t) * sigmoid(z) - t * sigmoid(-z))
    return values.sum(axis=-1), lambda g: (g[..., None] * slope,)


def _multilabel_margin(z: Array, t: Array) -> tuple[Array, Pullback]:
    """Pairs (class of the row, other class), a block of rows at a time."""
    positive = _listed_classes(z, t).reshape(-1, z.shape[-1])
    rows = z.reshape(positive.shape)
    n, classes = positive.shape
    values, slope = np.empty(n, z.dtype), np.empty_like(rows)
    step = max(1, _BLOCK // classes**2)
    for start in range(0, n, step):
        x, p = rows[start : start + step], positive[start : start + step]
        pairs = p[:, :, None] & ~p[:, None, :]
        h, active = hinge(np.where(pairs, 1 - (x[:, :, None] - x[:, None, :]), -1))
        values[start : start + step] = h.sum(axis=(1, 2))
        slope[start : start + step] = active.sum(axis=1) - active.sum(axis=2)
    values /= classes
    slope /= classes
    shape = z.shape
    return values.reshape(shape[:-1]), lambda g: (g[..., None] * slope.reshape(shape),)


def _listed_classes(z: Array, t: Array) -> Array:
    """Which classes a row has, from booleans or from lists of codes that end with -1."""
    classes = z.shape[-1]
    if t.dtype.kind == "b" and t.shape == z.shape:
        return t
    if t.dtype.kind == "b" or t.ndim != z.ndim or t.shape[:-1] != z.shape[:-1]:
        raise ValueError(
            f"multilabel_margin needs as t lists of class codes, filled up with -1, of the shape "
            f"{(*z.shape[:-1], 'L')}, or booleans of the shape {z.shape}; met {t.dtype} of the "
            f"shape {t.shape}."
        )
    t = np.where(np.logical_or.accumulate(t == -1, axis=-1), -1, t)
    outside = (t < -1) | (t >= classes)
    if outside.any():
        raise ValueError(
            f"multilabel_margin has {classes} classes, so codes must be 0 ... {classes - 1}, or -1 "
            f"at the end of a list; met {t[outside].flat[0]}."
        )
    count = one_hot(np.where(t < 0, classes, t), classes + 1, np.int64)[..., :-1].sum(axis=-2)
    if (count > 1).any():
        raise ValueError(
            f"multilabel_margin met the class {np.argwhere(count > 1)[0, -1]} twice in one list of "
            "codes. Rows of 0 and 1 have to be booleans: t.astype(bool)."
        )
    return np.asarray(count > 0)


_COUNTS = MappingProxyType({"class_counts": None, "n_samples": None})

ROWS = (
    Composite(
        name="zlpr",
        group="multilabel",
        formula="log(1 + sum((1 - t) * exp(z))) + log(1 + sum(t * exp(-z)))",
        latex=(
            r"\log\left(1 + \sum_k (1 - t_k) e^{z_k}\right) + \log\left(1 + \sum_k t_k "
            r"e^{-z_k}\right)"
        ),
        gradient="(1 - t) * exp(z) / (1 + sum((1 - t) * exp(z)))"
        " - t * exp(-z) / (1 + sum(t * exp(-z)))",
        source="Su et al. (2022), ZLPR: a novel loss for multi-label classification",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_zlpr,
        labels="multi-hot",
        tolerance=(4, 4),
        scale="the value; each entry of the gradient",
    ),
    Composite(
        name="two_way",
        group="multilabel",
        formula="mean over rows with a class of softplus(tn * logsumexp of z / tn over t == 0"
        " + tp * logsumexp of -z / tp over t == 1) + the same over the columns",
        latex=(
            r"\frac{1}{n} \sum_i \operatorname{softplus}\left(\tau_n \log \sum_{k: t_{ik} = 0}"
            r" e^{z_{ik} / \tau_n} + \tau_p \log \sum_{k: t_{ik} = 1} e^{-z_{ik} / "
            r"\tau_p}\right) + \text{the same over columns}"
        ),
        gradient="sigmoid(that argument) * (softmax of z / tn over t == 0 - softmax of -z / tp"
        " over t == 1) / count, summed over both directions",
        source="Kobayashi (2023), Two-way multi-label loss",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_two_way,
        per="batch",
        parameters=(("tp", 4.0, "positive"), ("tn", 1.0, "positive")),
        labels="multi-hot",
        takes=("sample_weight",),
        tolerance=(4, 4),
        scale="(1 + the largest |z|) times the value; the same times the largest entry of"
        " the gradient",
    ),
    Composite(
        name="distribution_balanced",
        group="multilabel",
        formula="balance * mean(w * (t * softplus(-u) * sigmoid(-u)**gamma"
        " + (1 - t) * softplus(s * u) * sigmoid(s * u)**gamma / s)),"
        " s = neg_scale, u = z - bias * log(n_samples / class_counts - 1) / s,"
        " w = alpha + sigmoid(beta * (r - mu)), r = (1 / class_counts) / sum(t / class_counts)",
        latex=(
            r"\frac{\mathrm{balance}}{K} \sum_k w_k \left(t_k \operatorname{softplus}(-u_k) "
            r"\sigma(-u_k)^{\gamma} + \frac{1 - t_k}{s} \operatorname{softplus}(s u_k) "
            r"\sigma(s u_k)^{\gamma}\right),\; u_k = z_k - \frac{\mathrm{bias}}{s} "
            r"\log\left(\frac{N}{n_k} - 1\right),\; w_k = \alpha + \sigma\left(\beta (r_k - "
            r"\mu)\right),\; r_k = \frac{1 / n_k}{\sum_j t_j / n_j}"
        ),
        gradient="balance / K * w * ((1 - t) * f(s * u) - t * f(-u)),"
        " f(x) = sigmoid(x)**gamma * (sigmoid(x) + gamma * sigmoid(-x) * softplus(x))",
        source="Wu et al. (2020), Distribution-balanced loss for multi-label classification in"
        " long-tailed datasets",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_distribution_balanced,
        parameters=(
            ("alpha", 0.1, "non_negative"),
            ("beta", 10.0, "real"),
            ("mu", 0.2, "real"),
            ("neg_scale", 2.0, "positive"),
            ("bias", 0.05, "real"),
            ("gamma", 2.0, "non_negative"),
            ("balance", 2.0, "positive"),
        ),
        options=_COUNTS,
        check=_check_counts,
        labels="multi-hot",
        tolerance=(4, 4),
        scale="(1 + gamma) (1 + neg_scale * the largest |z|) times the value; the same"
        " times the largest entry of the gradient",
    ),
    Composite(
        name="multilabel_soft_margin",
        group="multilabel",
        formula="mean(w * (t * softplus(-z) + (1 - t) * softplus(z)))",
        latex=(
            r"\frac{1}{K} \sum_k w_k \left(t_k \operatorname{softplus}(-z_k) + (1 - t_k) "
            r"\operatorname{softplus}(z_k)\right)"
        ),
        gradient="w * ((1 - t) * sigmoid(z) - t * sigmoid(-z)) / K",
        source="one binary cross-entropy per class; w: class_weight",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_multilabel_soft_margin,
        labels="multi-hot",
        takes=("class_weight",),
        tolerance=(4, 4),
        scale="the value; each entry of the gradient where t is 0 or 1, else w / K",
    ),
    Composite(
        name="multilabel_margin",
        group="multilabel",
        formula="sum over classes j of the row and i not of the row of max(0, 1 - (z_j - z_i)) / K;"
        " t lists the classes j of the row, filled up with -1, or is a mask (boolean)",
        latex=r"\frac{1}{K} \sum_{j \in t} \sum_{i \notin t} \max\left(0, 1 - (z_j - z_i)\right)",
        gradient="(number of active pairs that i is in - number that j is in) / K; a pair at its"
        " kink is not active",
        source="Crammer and Singer (2003), A family of additive online algorithms for category"
        " ranking",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_multilabel_margin,
        integers=("t",),
        tolerance=(2, 2),
        scale="the value + the sum of |z| times |gradient|; the largest entry of the gradient",
    ),
)
