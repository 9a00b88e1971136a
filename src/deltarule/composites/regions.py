"""Losses of a whole region or batch: overlap of masks, agreement of ordered classes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule._reduction import times, weights_of
from deltarule.composites._primitives import (
    is_integer,
    one_hot,
    probabilities,
    same_shape,
)
from deltarule.composites._record import Array, Composite, Pullback

Axis = int | tuple[int, ...] | None


def _element_weights(loss: str, p: Array, sample_weight: Any, where: Any) -> Array:
    """Weights of the elements; 0 for those that `where` leaves out."""
    w = np.ones_like(p)
    if sample_weight is not None:
        w = weights_of(sample_weight, p.shape, p.dtype)
    if where is None:
        return w
    mask = np.asarray(where)
    if mask.dtype != np.bool_ or mask.shape != p.shape:
        raise ValueError(
            f"where of {loss} must be booleans of the shape {p.shape}, one per element; met "
            f"{mask.dtype} of the shape {mask.shape}."
        )
    return np.where(mask, w, p.dtype.type(0))


def _tversky(
    p: Array,
    t: Array,
    *,
    alpha: float,
    beta: float,
    smooth: float,
    axis: Axis = None,
    sample_weight: ArrayLike | None = None,
    where: ArrayLike | None = None,
    name: str = "tversky",
) -> tuple[Array, Pullback]:
    """(alpha fp + beta fn) / (tp + smooth + alpha fp + beta fn): no term is negative.

    An empty region (all sums and smooth 0) is a perfect match: value and gradient 0.
    """
    same_shape(name, p=p, t=t)
    w = _element_weights(name, p, sample_weight, where)
    dtype, out = p.dtype.type, w == 0
    p = probabilities(name, "p", np.where(out, dtype(0), p))
    t = np.where(out, dtype(0), t)
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError(f"{name} needs targets in [0, 1].")
    a, b = dtype(alpha), dtype(beta)

    def total(x: Array) -> Array:
        return np.asarray((w * x).sum(axis=axis, keepdims=True))

    hit = total(p * t) + dtype(smooth)
    miss = a * total(p * (1 - t)) + b * total((1 - p) * t)
    size = hit + miss
    empty = size == 0
    values = np.where(empty, dtype(0), miss / size)
    slope = w * ((1 - t) * (a * hit) - t * (b * hit + miss)) / size / size
    slope = np.where(empty | out, dtype(0), slope)
    rest = np.squeeze(values, axis=axis)

    def pullback(g: Array) -> tuple[Array, ...]:
        return (times(np.asarray(g).reshape(values.shape), slope),)

    return rest, pullback


def _check_axis(axis: object) -> None:
    axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
    if not all(map(is_integer, axes)):
        raise ValueError(
            f"The axis of a loss of regions must be None, an integer or a tuple of integers; met "
            f"{axis!r}."
        )


def _dice(p: Array, t: Array, *, smooth: float, **options: Any) -> tuple[Array, Pullback]:
    return _tversky(p, t, alpha=0.5, beta=0.5, smooth=smooth / 2, name="dice", **options)


def _check_weightage(weightage: object) -> None:
    if weightage not in ("linear", "quadratic"):
        raise ValueError(
            f"The weightage of weighted_kappa must be 'linear' or 'quadratic'; met {weightage!r}."
        )


def _weighted_kappa(
    p: Array, t: Array, *, eps: float, weightage: str, sample_weight: Array | None
) -> tuple[Array, Pullback]:
    """log(r + eps), r the disagreement over that expected by chance; r = 0 where none is."""
    p = probabilities("weighted_kappa", "p", p)
    dtype, classes = p.dtype.type, p.shape[-1]
    w = np.ones(t.shape, p.dtype) if sample_weight is None else sample_weight
    code = np.arange(classes)
    cost = np.abs(code[:, None] - code).astype(p.dtype)
    if weightage == "quadratic":
        cost *= cost
    rows = one_hot(t, classes, p.dtype).reshape(-1, classes)
    share = w.reshape(-1) @ rows / (w.sum() or dtype(1))
    of_row, by_chance = w[..., None] * cost[t], w[..., None] * (share @ cost)
    met, expected = (of_row * p).sum(), (by_chance * p).sum()
    if expected == 0:
        return np.asarray(dtype(np.log(eps))), lambda g: (g * np.zeros_like(p),)
    ratio = met / expected
    slope = (of_row - ratio * by_chance) / expected / (ratio + dtype(eps))
    return np.asarray(np.log(ratio + dtype(eps))), lambda g: (g * slope,)


_AXIS = MappingProxyType({"axis": None})

ROWS = (
    Composite(
        name="dice",
        group="regions",
        formula="1 - (2 * sum(p * t) + smooth) / (sum(p) + sum(t) + smooth), over the axes `axis`;"
        " 0 where that is 0 / 0",
        latex=r"1 - \frac{2 \sum p t + \mathrm{smooth}}{\sum p + \sum t + \mathrm{smooth}}",
        gradient="((1 - t) * (2 * sum(p * t) + smooth) / d - t * (1 + value)) / d,"
        " d = sum(p) + sum(t) + smooth",
        source="Milletari, Navab and Ahmadi (2016), V-Net, without the squares",
        operands=("p", "t"),
        differentiable=("p",),
        compute=_dice,
        per="batch",
        parameters=(("smooth", 1.0, "non_negative"),),
        options=_AXIS,
        check=_check_axis,
        takes=("sample_weight", "where"),
        tolerance=(4, 4),
        scale="the value; each entry of the gradient where t is 0 or 1",
    ),
    Composite(
        name="tversky",
        group="regions",
        formula="1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth), tp = sum(p * t),"
        " fp = sum(p * (1 - t)), fn = sum((1 - p) * t), over the axes `axis`; 0 if that is 0 / 0",
        latex=(
            r"1 - \frac{P + \mathrm{smooth}}{P + \alpha \sum p (1 - t) + \beta \sum (1 - p) t "
            r"+ \mathrm{smooth}},\; P = \sum p t"
        ),
        gradient="((1 - t) * alpha * (tp + smooth) - t * (beta * (tp + smooth) + m)) / d**2,"
        " m = alpha * fp + beta * fn, d = tp + smooth + m",
        source="Salehi, Erdogmus and Gholipour (2017), Tversky loss function for image"
        " segmentation; alpha weighs false positives, beta false negatives",
        operands=("p", "t"),
        differentiable=("p",),
        compute=_tversky,
        per="batch",
        parameters=(
            ("alpha", 0.5, "non_negative"),
            ("beta", 0.5, "non_negative"),
            ("smooth", 1.0, "non_negative"),
        ),
        options=_AXIS,
        check=_check_axis,
        takes=("sample_weight", "where"),
        tolerance=(4, 4),
        scale="the value; each entry of the gradient where t is 0 or 1",
    ),
    Composite(
        name="weighted_kappa",
        group="regions",
        formula="log(r + eps), r = sum_i c[t_i] . p_i / sum_j m . p_j, m = mean_i c[t_i],"
        " c[j, k] = (j - k)**2, or |j - k| with weightage='linear'; r = 0 where that is 0 / 0",
        latex=(
            r"\log(r + \epsilon),\; r = \frac{\sum_i \langle c_{t_i}, p_i \rangle}{\sum_j "
            r"\langle m, p_j \rangle},\; m = \frac{1}{n} \sum_i c_{t_i},\; c_{jk} = (j - k)^2"
        ),
        gradient="(c[t_i] - r * m) / (sum_j m . p_j) / (r + eps)",
        source="de la Torre, Puig and Valls (2018), Weighted kappa loss function for multi-class"
        " classification of ordinal data in deep learning",
        operands=("p", "t"),
        differentiable=("p",),
        compute=_weighted_kappa,
        per="batch",
        parameters=(("eps", 1e-6, "positive"),),
        options=MappingProxyType({"weightage": "quadratic"}),
        check=_check_weightage,
        labels="codes",
        takes=("sample_weight",),
        tolerance=(8, 4),
        scale="1 + |value|; the largest c[t_i] / (sum_j m . p_j) / (r + eps)",
    ),
)
