"""Losses of axis-parallel boxes.

Axes: boxes (..., 4) as (x1, y1, x2, y2), corners and sides (..., 2).
"""

from __future__ import annotations

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._record import Composite, Pullback


def _giou(z: Array, t: Array) -> tuple[Array, Pullback]:
    """1 - I/U + (C - U)/C with I, U, C the areas of intersection, union and hull; 0/0 is 0.

    Every area is a sum of positive parts in units of the hull, so that two boxes that differ in
    their last digits keep the digits of their loss, and no coordinate overflows.  A box without
    area has the slopes towards one with an area, two boxes that touch those towards an overlap.
    """
    _check(z, t)
    low_z, high_z, low_t, high_t = z[..., :2], z[..., 2:], t[..., :2], t[..., 2:]
    hull = np.maximum(high_z, high_t) - np.minimum(low_z, low_t)
    unit = np.where(hull == 0, z.dtype.type(1), hull)
    low, high = np.maximum(low_z, low_t), np.minimum(high_z, high_t)
    overlap = np.asarray((high >= low).all(axis=-1, keepdims=True))
    common = np.where(overlap, (high - low) / unit, 0)
    size_z, only_z = _surplus(low_z, high_z, low, high, overlap, unit)
    size_t, only_t = _surplus(low_t, high_t, low, high, overlap, unit)
    inner = common.prod(axis=-1)
    union, whole = inner + only_z + only_t, (hull / unit).prod(axis=-1)
    corners = _corners((low_z - low_t) / unit, (high_z - high_t) / unit)
    empty = np.where(overlap[..., 0], corners, np.maximum(whole - union, 0))
    has_union, has_hull = union != 0, whole != 0
    safe = np.where(has_union, union, z.dtype.type(1))
    values = np.where(has_union, (only_z + only_t) / safe, 1) + np.where(has_hull, empty, 0)

    def pullback(g: Array) -> tuple[Array, ...]:
        of_area = np.where(has_union, inner / safe / safe, 0) - has_hull
        of_inner = -np.where(has_union, 1 / safe, 0) - of_area
        of_hull = np.where(has_hull, union, 0)
        weights = [(g * w)[..., None] for w in (of_inner, of_area, of_hull)]
        sides = common, hull / unit, unit
        return (
            _slopes(weights, (low_z, high_z, size_z), (low_t, high_t), sides),
            _slopes(weights, (low_t, high_t, size_t), (low_z, high_z), sides),
        )

    return values, pullback


def _surplus(
    low: Array, high: Array, inner_low: Array, inner_high: Array, overlap: Array, unit: Array
) -> tuple[Array, Array]:
    """(size (..., 2), area outside the intersection (...)) of a box."""
    size = (high - low) / unit
    beyond = np.where(overlap, ((inner_low - low) + (high - inner_high)) / unit, size)
    common_height = np.where(overlap, (inner_high - inner_low) / unit, 0)[..., 1]
    return size, size[..., 0] * beyond[..., 1] + common_height * beyond[..., 0]


def _corners(low: Array, high: Array) -> Array:
    """The area of the hull that two overlapping boxes leave empty, from the differences of edges.

    It lies in the corners: one is empty where one box reaches further along x, the other along y.
    """
    parts = (
        -low[..., 0] * low[..., 1],
        -high[..., 0] * high[..., 1],
        low[..., 0] * high[..., 1],
        high[..., 0] * low[..., 1],
    )
    return sum((np.maximum(part, 0) for part in parts), np.zeros_like(low[..., 0]))


def _slopes(
    weights: list[Array],
    box: tuple[Array, Array, Array],
    other: tuple[Array, Array],
    sides: tuple[Array, Array, Array],
) -> Array:
    """The gradient in a box (..., 4); two equal edges share the slope evenly."""
    low, high, size = box
    common, hull, unit = sides
    inner, area, outer = (
        weight * side[..., ::-1]  # the slope of an area in one edge is the other side
        for weight, side in zip(weights, (common, size, hull), strict=True)
    )
    slope_low = inner * _larger(low, other[0]) + area + outer * _larger(other[0], low)
    slope_high = inner * _larger(other[1], high) + area + outer * _larger(high, other[1])
    return np.concatenate([-slope_low / unit, slope_high / unit], axis=-1)


def _larger(a: Array, b: Array) -> Array:
    """The slope of max(a, b) in a."""
    return np.where(a == b, 0.5, a > b).astype(a.dtype)


def _check(z: Array, t: Array) -> None:
    for name, box in (("z", z), ("t", t)):
        if box.ndim == 0 or box.shape[-1] != 4 or box.shape != z.shape:
            raise ValueError(
                "giou needs two arrays of boxes of one shape (..., 4) as (x1, y1, x2, y2); met "
                f"{z.shape} and {t.shape}."
            )
        inverted = (box[..., 2:] < box[..., :2]).any(axis=-1)
        if inverted.any():
            raise ValueError(
                f"giou needs boxes with x1 <= x2 and y1 <= y2; {name} holds "
                f"{box[inverted][0].tolist()}. Order the edges, or predict a centre and a positive "
                "size."
            )


ROWS = (
    Composite(
        name="giou",
        group="boxes",
        formula="1 - I/U + (C - U)/C; I, U, C: areas of intersection, union and box around both",
        latex=r"1 - \frac{I}{U} + \frac{C - U}{C}",
        gradient=(
            "-dI/U + I*dU/U**2 - dU/C + U*dC/C**2, each area by the product rule in the edges that "
            "bound it; equal edges share evenly"
        ),
        source="Rezatofighi et al. 2019, Generalized Intersection over Union",
        operands=("z", "t"),
        differentiable=("z", "t"),
        compute=_giou,
        aliases=("generalized_iou", "giou_loss"),
        tolerance=(4, 4),
        scale="the value; the gradient: 1 / the shortest side of the hull",
    ),
)
