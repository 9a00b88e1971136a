"""Losses of pairs and triplets: two scores, two vectors, three embeddings."""

from __future__ import annotations

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._parts import p_norm, unit_difference
from deltarule.composites._primitives import same_shape
from deltarule.composites._record import Composite, Pullback
from deltarule.composites.similarity import ROWS as _OF_A_BATCH


def _margin_ranking(x1: Array, x2: Array, t: Array, *, margin: float) -> tuple[Array, Pullback]:
    """Elements of any shape; an undecided pair (loss at its kink) counts as active."""
    t = _signs("margin_ranking", t, x1.shape).astype(x1.dtype)
    same_shape("margin_ranking", x1=x1, x2=x2)
    loss = x1.dtype.type(margin) - t * (x1 - x2)
    slope = np.where(loss < 0, x1.dtype.type(0), t)
    slope = np.where(np.isnan(loss), loss, slope)

    def pullback(g: Array) -> tuple[Array, ...]:
        return -g * slope, g * slope

    return np.maximum(loss, 0), pullback


def _cosine_embedding(x1: Array, x2: Array, t: Array, *, margin: float) -> tuple[Array, Pullback]:
    """Rows (..., d); the cosine with a zero vector is 0 and has the gradient 0."""
    same_shape("cosine_embedding", x1=x1, x2=x2)
    similar = _signs("cosine_embedding", t, x1.shape[:-1]) == 1
    if not -1 <= margin <= 1:
        raise ValueError(
            f"The margin of cosine_embedding is a cosine and must be in [-1, 1]; met {margin!r}."
        )
    apart, unit_1, length_1, unit_2, length_2 = unit_difference(x1, x2)
    half = (apart * apart).sum(axis=-1, keepdims=True) / 2  # 1 - cosine
    defined = ((length_1 != 0) & (length_2 != 0))[..., 0]
    cosine = np.where(defined, (unit_1 * unit_2).sum(axis=-1), 0)
    over = cosine - x1.dtype.type(margin)
    distance = np.where(defined, half[..., 0], x1.dtype.type(1))
    values = np.where(similar, distance, np.maximum(over, 0))
    sign = (np.where(similar, 1, np.where(over < 0, 0, -1)) * defined).astype(x1.dtype)

    def pullback(g: Array) -> tuple[Array, ...]:
        factor = (g * sign)[..., None]
        return (
            factor * (apart - half * unit_1) / np.where(length_1 == 0, 1, length_1),
            -factor * (apart + half * unit_2) / np.where(length_2 == 0, 1, length_2),
        )

    return values, pullback


def _distance(a: Array, b: Array, p: float, eps: float) -> tuple[Array, Array]:
    """|a - b + eps|_p and its slope in a, 0 where the points coincide."""
    difference = a - b
    distance, slope = p_norm(difference + a.dtype.type(eps), p)
    return distance, slope * (difference != 0).any(axis=-1, keepdims=True)


def _triplet_margin(
    anchor: Array,
    positive: Array,
    negative: Array,
    *,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
) -> tuple[Array, Pullback]:
    """Rows (..., d); a triplet at its kink counts as active."""
    same_shape("triplet_margin", anchor=anchor, positive=positive, negative=negative)
    near, near_slope = _distance(anchor, positive, p, eps)
    far, far_slope = _distance(anchor, negative, p, eps)
    swapped = np.zeros(near.shape, bool)
    if swap:
        other, other_slope = _distance(positive, negative, p, eps)
        swapped = other < far
        far = np.where(swapped, other, far)
        far_slope = np.where(swapped[..., None], other_slope, far_slope)
    loss = near - far + anchor.dtype.type(margin)

    def pullback(g: Array) -> tuple[Array, ...]:
        active = (g * ~(loss < 0))[..., None]
        nearer, farther = active * near_slope, active * far_slope
        kept = np.where(swapped[..., None], 0, farther)
        return nearer - kept, kept - farther - nearer, farther

    return np.maximum(loss, 0), pullback


def _signs(name: str, t: Array, shape: tuple[int, ...]) -> Array:
    if t.shape != shape:
        raise ValueError(f"{name} needs labels of the shape {shape}; met the shape {t.shape}.")
    wrong = (t != 1) & (t != -1)
    if wrong.any():
        raise ValueError(
            f"{name} needs labels -1 and 1; met {t[wrong].flat[0]}. Encode 0 and 1 as 2 * t - 1."
        )
    return t


ROWS = (
    Composite(
        name="margin_ranking",
        group="metric",
        formula="max(0, margin - t * (x1 - x2))",
        latex=r"\max\left(0, \mathrm{margin} - t (x_1 - x_2)\right)",
        gradient="-t and t where margin - t * (x1 - x2) >= 0",
        source="Herbrich et al. 2000",
        operands=("x1", "x2", "t"),
        differentiable=("x1", "x2"),
        compute=_margin_ranking,
        per="element",
        parameters=(("margin", 0.0, "real"),),
        tolerance=(2, 0),
        scale="the largest of |x1|, |x2| and margin",
    ),
    Composite(
        name="cosine_embedding",
        group="metric",
        formula="1 - c if t == 1 else max(0, c - margin), c = x1 . x2 / (|x1| |x2|), 0 if one is 0",
        latex=(
            r"\begin{cases} 1 - c & \text{if } t = 1 \\ \max(0, c - \mathrm{margin}) & "
            r"\text{otherwise} \end{cases},\; c = \frac{\langle x_1, x_2 \rangle}{\|x_1\| "
            r"\|x_2\|}"
        ),
        gradient="-+ (x2/|x2| - c x1/|x1|) / |x1|, and with x1 and x2 exchanged; 0 if one is 0",
        source="Chopra et al. 2005",
        operands=("x1", "x2", "t"),
        differentiable=("x1", "x2"),
        compute=_cosine_embedding,
        parameters=(("margin", 0.0, "real"),),
        tolerance=(4, 4),
        scale="1; the gradient: 1 / the length of the vector",
    ),
    Composite(
        name="triplet_margin",
        group="metric",
        formula=(
            "max(0, d(anchor, positive) - d(anchor, negative) + margin), d(a, b) = "
            "|a - b + eps|_p; with swap the smaller of d(anchor, negative), d(positive, negative)"
        ),
        latex=(
            r"\max\left(0, d(a, p) - d(a, n) + \mathrm{margin}\right),\; d(a, b) = \|a - b + "
            r"\epsilon\|_p"
        ),
        gradient="unit difference vectors where the sum is >= 0; 0 for points that coincide",
        source="Balntas et al. 2016",
        operands=("anchor", "positive", "negative"),
        differentiable=("anchor", "positive", "negative"),
        compute=_triplet_margin,
        parameters=(
            ("margin", 1.0, "real"),
            ("p", 2.0, "at_least_one"),
            ("eps", 1e-6, "non_negative"),
            ("swap", False, "flag"),
        ),
        aliases=("triplet", "triplet_margin_loss"),
        tolerance=(4, 4),
        scale="the largest distance or margin; the gradient: 1",
    ),
    *_OF_A_BATCH,
)
