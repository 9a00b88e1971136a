"""Losses of a batch of embeddings whose labels say which of them belong together.

Axes: n rows of the batch, d components.  Each loss compares every row with every other.
"""

from __future__ import annotations

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._parts import (
    masked_softmax,
    pairwise_distances,
    pairwise_distances_pullback,
    unit_rows,
    unit_rows_pullback,
)
from deltarule.composites._primitives import complement, log_softmax, sigmoid, softmax, softplus
from deltarule.composites._record import Composite, Pullback


def _npairs(s: Array, t: Array) -> tuple[Array, Pullback]:
    """Cross-entropy of the rows of s (n, n); t codes (n,), or label sets (n, k) of 0 and 1."""
    if s.ndim != 2 or s.shape[0] != s.shape[1]:
        raise ValueError(
            f"npairs needs a square matrix of similarities, anchors in rows; met the shape "
            f"{s.shape}. For embeddings pass anchors @ positives.T."
        )
    if len(t) != len(s):
        raise ValueError(f"npairs needs {len(s)} labels, one per row; met {len(t)}.")
    if t.ndim == 2:
        common = t.astype(s.dtype) @ t.T.astype(s.dtype)
    else:
        common = (t[:, None] == t[None, :]).astype(s.dtype)
    total = common.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise ValueError("npairs needs at least one label in every row of t; met an empty row.")
    q = common / total
    log_p = log_softmax(s)
    values = -np.where(q > 0, q * log_p, np.where(np.isnan(log_p), log_p, 0)).sum(axis=1)

    def pullback(g: Array) -> tuple[Array, ...]:
        p = softmax(s)
        return (g[:, None] * (p * complement(q) - q * complement(p)),)

    return values, pullback


def _lifted_structure(x: Array, t: Array, *, margin: float) -> tuple[Array, Pullback]:
    """One value of the batch (0 without positive pairs); coincident points have the gradient 0."""
    same, other = _pairs("lifted_structure", x, t)
    pairs = max(1.0, same.sum() / 2)
    distance = pairwise_distances(x)
    log_sum, share = masked_softmax(x.dtype.type(margin) - distance, other)
    first, second = log_sum, log_sum.T
    loss = np.where(same, distance + np.logaddexp(first, second), 0)
    active = np.maximum(loss, 0)
    value = np.asarray((active * active).sum() / (4 * pairs), dtype=x.dtype)

    def pullback(g: Array) -> tuple[Array, ...]:
        weight = active * x.dtype.type(g / (2 * pairs))
        gap = np.where(active > 0, first - second, 0)
        negative = 2 * (weight * sigmoid(gap)).sum(axis=1, keepdims=True)
        return (pairwise_distances_pullback(x, distance, weight - negative * share),)

    return value, pullback


def _ntxent(x: Array, t: Array, *, temperature: float) -> tuple[Array, Pullback]:
    """Rows (n,): the row's positive pairs, scaled so that the mean is that of all such pairs."""
    same, other = _pairs("ntxent", x, t)
    unit, length = unit_rows(x)
    s = unit @ unit.T / x.dtype.type(temperature)
    log_sum, share = masked_softmax(s, other)
    scale = x.dtype.type(len(x) / max(1, int(same.sum())))
    gap = np.where(same, log_sum - s, -np.inf)
    values = scale * softplus(gap).sum(axis=1)

    def pullback(g: Array) -> tuple[Array, ...]:
        pull = g[:, None] * scale * sigmoid(gap)
        slope = pull.sum(axis=1, keepdims=True) * share - pull
        on_unit = (slope + slope.T) @ unit / x.dtype.type(temperature)
        return (unit_rows_pullback(unit, length, on_unit),)

    return values, pullback


def _circle(
    x: Array, t: Array, *, gamma: float, margin: float, remove_diagonal: bool
) -> tuple[Array, Pullback]:
    """Rows (n,); 0 for a row without a positive or without a negative.  x is used as given."""
    same, other = _pairs("circle", x, t, keep_diagonal=not remove_diagonal)
    s = x @ x.T
    m, scale = x.dtype.type(margin), x.dtype.type(gamma)
    far = 1 - s
    near_weight, far_weight = np.maximum(s + m, 0), np.maximum(far + m, 0)
    positive, positive_share = masked_softmax(scale * far_weight * (far - m), same)
    negative, negative_share = masked_softmax(scale * near_weight * (s - m), other)
    exponent = (positive + negative)[:, 0]

    def pullback(g: Array) -> tuple[Array, ...]:
        pull = (g * sigmoid(exponent))[:, None] * (2 * scale)
        slope = pull * (
            negative_share * np.where(near_weight > 0, s, 0)
            - positive_share * np.where(far_weight > 0, far, 0)
        )
        return ((slope + slope.T) @ x,)

    return softplus(exponent), pullback


def _pairs(name: str, x: Array, t: Array, keep_diagonal: bool = False) -> tuple[Array, Array]:
    """(n, n) masks: rows of one label, rows of different labels."""
    if x.ndim != 2 or t.shape != x.shape[:1]:
        raise ValueError(
            f"{name} needs embeddings (n, d) and one label per row (n,); met the shapes {x.shape} "
            f"and {t.shape}."
        )
    equal = t[:, None] == t[None, :]
    same = equal.copy()
    if not keep_diagonal:
        np.fill_diagonal(same, False)
    return same, ~equal


ROWS = (
    Composite(
        name="npairs",
        group="metric",
        formula="-sum(q * log_softmax(s)), q the rows of the equal labels divided by their sum",
        latex=(
            r"-\sum_j q_{ij} \log \operatorname{softmax}(s_i)_j,\; q_{ij} = \frac{[y_i = "
            r"y_j]}{\sum_k [y_i = y_k]}"
        ),
        gradient="softmax(s) - q",
        source="Sohn 2016",
        operands=("s", "t"),
        differentiable=("s",),
        compute=_npairs,
        per="batch",
        aliases=("n_pairs", "npair"),
        integers=("t",),
        without_where=(
            "It compares all rows with all columns: leave some out with s[mask][:, mask] and "
            "t[mask]."
        ),
        tolerance=(4, 2),
        scale="the largest |s|; the gradient: 1",
    ),
    Composite(
        name="lifted_structure",
        group="metric",
        formula=(
            "sum over positive pairs of max(0, J_ij)**2 / (2 * pairs), J_ij = d_ij + "
            "log(sum_k(exp(margin - d_ik)) + sum_k(exp(margin - d_jk))), k over the negatives"
        ),
        latex=(
            r"\frac{1}{2 |P|} \sum_{(i, j) \in P} \max\left(0, d_{ij} + \log\left(\sum_{k \in "
            r"N_i} e^{\mathrm{margin} - d_{ik}} + \sum_{k \in N_j} e^{\mathrm{margin} - "
            r"d_{jk}}\right)\right)^2"
        ),
        gradient="by the chain rule through J and the distances; d_ij = 0 has the slope 0",
        source="Oh Song et al. 2016",
        operands=("x", "t"),
        differentiable=("x",),
        compute=_lifted_structure,
        per="batch",
        parameters=(("margin", 1.0, "real"),),
        aliases=("lifted_struct",),
        labels="groups",
        tolerance=(2, 2),
        scale="(1 + margin + the largest distance)**2; the gradient: its root",
    ),
    Composite(
        name="ntxent",
        group="metric",
        formula=(
            "n / pairs * sum over the row's positives j of log(1 + sum_k(exp(s_ik - s_ij))), k "
            "over the negatives, s = cosine / temperature"
        ),
        latex=(
            r"\frac{n}{|P|} \sum_{j \in P_i} \log\left(1 + \sum_{k \in N_i} e^{s_{ik} - "
            r"s_{ij}}\right),\; s_{ij} = \frac{\cos(x_i, x_j)}{\tau}"
        ),
        gradient="softmax over the negatives and the pair - e_j in s_i, then through the cosines",
        source="Chen et al. 2020",
        operands=("x", "t"),
        differentiable=("x",),
        compute=_ntxent,
        parameters=(("temperature", 0.07, "positive"),),
        aliases=("info_nce", "nt_xent"),
        labels="groups",
        tolerance=(2, 2),
        scale="n / temperature; the gradient: n / temperature**2 / the length of the row",
    ),
    Composite(
        name="circle",
        group="metric",
        formula=(
            "softplus(logsumexp_n(gamma * max(s + margin, 0) * (s - margin)) + logsumexp_p(gamma * "
            "max(1 - s + margin, 0) * (1 - s - margin))), s = x_i . x_j, n: other label, p: same"
        ),
        latex=(
            r"\operatorname{softplus}\left(\log \sum_{n} e^{\gamma \max(s_n + m, 0) (s_n - m)}"
            r" + \log \sum_{p} e^{\gamma \max(1 - s_p + m, 0) (1 - s_p - m)}\right)"
        ),
        gradient="sigmoid(exponent) * the softmax weights * 2 gamma s_n and -2 gamma (1 - s_p)",
        source="Sun et al. 2020",
        operands=("x", "t"),
        differentiable=("x",),
        compute=_circle,
        parameters=(
            ("gamma", 80.0, "positive"),
            ("margin", 0.4, "real"),
            ("remove_diagonal", True, "flag"),
        ),
        aliases=("circle_loss",),
        labels="groups",
        tolerance=(4, 4),
        scale="gamma; the gradient: gamma**2",
    ),
)
