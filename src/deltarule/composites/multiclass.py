"""Losses of rows that belong to one class, by probability.

Axes: n rows, K classes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from deltarule._reduction import mask_of, times
from deltarule.composites._primitives import (
    at_label,
    complement,
    log_softmax,
    log_softmax_pullback,
    non_negative,
    one_hot,
    probabilities,
    same_shape,
    smoothed,
    softmax,
    sparsemax,
    sum_of_others,
    surprise,
)
from deltarule.composites._record import Array, Composite, Pullback


def _rows(slope: Array) -> Pullback:
    """The pullback of values whose gradient in their row is `slope`."""
    return lambda g: (times(g[..., None], slope),)


def _categorical_cross_entropy(
    p: Array, t: Array, *, label_smoothing: float, class_weight: Array | None
) -> tuple[Array, Pullback]:
    p = probabilities("categorical_cross_entropy", "p", p)
    q = smoothed(t, label_smoothing)
    q = q if class_weight is None else q * class_weight
    return times(q, surprise(p)).sum(axis=-1), _rows(times(q, -1 / p))


def _nll(z: Array, t: Array) -> tuple[Array, Pullback]:
    return 0 - at_label(z, t), _rows(-one_hot(t, z.shape[-1], z.dtype))


def _categorical_focal(
    p: Array,
    t: Array,
    *,
    alpha: float,
    gamma: float,
    label_smoothing: float,
    class_weight: Array | None,
) -> tuple[Array, Pullback]:
    """-log(p) / (1 - p) is 1 at p = 1, so that gamma < 1 has its limit there."""
    p = probabilities("categorical_focal", "p", p)
    q = smoothed(t, label_smoothing) * p.dtype.type(alpha)
    q = q if class_weight is None else q * class_weight
    focus = (1 - p) ** p.dtype.type(gamma)
    ratio = np.where(p == 1, p, surprise(p) / (1 - p))
    slope = times(q, -times(focus, 1 / p + times(p.dtype.type(gamma), ratio)))
    return times(q, times(focus, surprise(p))).sum(axis=-1), _rows(slope)


def _asymmetric_single_label(
    z: Array, t: Array, *, gamma_pos: float, gamma_neg: float, eps: float
) -> tuple[Array, Pullback]:
    """With the gradient c in log_softmax(z), taken to z by c_k (1 - p_k) - p_k sum_{j != k} c_j."""
    label = one_hot(t, z.shape[-1], z.dtype)
    q, log_p, p = smoothed(label, eps), log_softmax(z), softmax(z)
    rest = complement(p)
    pos, neg = z.dtype.type(gamma_pos), z.dtype.type(gamma_neg)
    focus = np.where(label == 1, rest**pos, p**neg)
    ratio = np.where(rest == 0, z.dtype.type(1), times(p, -log_p) / rest)
    right, wrong = 1 + pos * ratio, 1 + times(neg, log_p)
    c = -times(q, times(focus, np.where(label == 1, right, wrong)))
    values = times(q, times(focus, -log_p)).sum(axis=-1)
    return values, _rows(c * rest - p * sum_of_others(c))


def _poly_cross_entropy(
    z: Array, t: Array, *, epsilon: float, class_weight: Array | None
) -> tuple[Array, Pullback]:
    log_p, p = log_softmax(z), softmax(z)
    t = t if class_weight is None else t * class_weight
    factor = z.dtype.type(epsilon)
    values = times(t, factor * complement(p) - log_p).sum(axis=-1)
    c = -t * (1 + factor * p)
    return values, lambda g: (log_softmax_pullback(z, g[..., None] * c),)


def _generalized_cross_entropy(p: Array, t: Array, *, q: float) -> tuple[Array, Pullback]:
    p = probabilities("generalized_cross_entropy", "p", p)
    at, power = at_label(p, t), p.dtype.type(q)
    values = surprise(at) if q == 0 else -np.expm1(power * np.log(at)) / power
    slope = -(at ** (power - 1))
    label = one_hot(t, p.shape[-1], p.dtype)
    return values, lambda g: (times(label, times(g, slope)[..., None]),)


def _sparsemax_loss(z: Array, t: Array) -> tuple[Array, Pullback]:
    """|t - p|^2 / 2 + what the labels outside the support miss: terms of one sign."""
    p, threshold = sparsemax(z)
    missing = np.where(t == 1, complement(p), t - p)
    top = z.max(axis=-1, keepdims=True)
    below = np.maximum(threshold - np.where(z == top, z.dtype.type(0), z - top), 0)
    outside = times(np.where(p == 0, t, z.dtype.type(0)), below)
    values = (missing * missing / 2 + outside).sum(axis=-1)
    return values, _rows(-missing)


def _of_sparsemax(z: Array, t: Array) -> tuple[Array, Array]:
    p = sparsemax(z)[0]
    top = z.max(axis=-1, keepdims=True)
    d = np.where(z == top, z.dtype.type(0), z - top)
    return (times(p - t, d) - p * p / 2).sum(axis=-1), p - t


def _of_max(z: Array, t: Array) -> tuple[Array, Array]:
    top = z.max(axis=-1, keepdims=True)
    best = one_hot(z.argmax(axis=-1), z.shape[-1], z.dtype)
    slope = np.where(np.isnan(top), top, best - t)
    return times(t, np.where(z == top, z.dtype.type(0), top - z)).sum(axis=-1), slope


def _fenchel_young(z: Array, t: Array, *, max_fun: Any) -> tuple[Array, Pullback]:
    """By name, the product with t is taken from max_fun, term by term, as rows of t sum to 1."""
    if max_fun == "logsumexp":
        values = times(t, -log_softmax(z)).sum(axis=-1)
        return values, lambda g: (log_softmax_pullback(z, -g[..., None] * t),)
    if max_fun in ("sparsemax", "max"):
        values, slope = (_of_sparsemax if max_fun == "sparsemax" else _of_max)(z, t)
        return values, _rows(slope)
    values, slope = (np.asarray(a, dtype=z.dtype) for a in max_fun(z))
    if values.shape != z.shape[:-1] or slope.shape != z.shape:
        raise ValueError(
            f"The max_fun of fenchel_young returned the shapes {values.shape} and {slope.shape}; "
            f"for z of the shape {z.shape} it has to return {z.shape[:-1]} and {z.shape}."
        )
    return values - times(t, z).sum(axis=-1), _rows(slope - t)


def _check_max_fun(max_fun: object) -> None:
    if not callable(max_fun) and max_fun not in ("logsumexp", "sparsemax", "max"):
        raise ValueError(
            "The max_fun of fenchel_young must be 'logsumexp', 'sparsemax', 'max' or a function "
            f"z -> (values, gradient in z); met {max_fun!r}."
        )


def _ranking_softmax(z: Array, t: Array, *, weights: Any, where: Any) -> tuple[Array, Pullback]:
    same_shape("ranking_softmax", z=z, t=t)
    factor = np.ones_like(t) if weights is None else _factors(weights, t)
    if where is not None:
        mask, zero = mask_of(where, z.shape), z.dtype.type(0)
        z = np.where(mask, z, z.dtype.type(-np.inf))
        t, factor = np.where(mask, t, zero), np.where(mask, factor, zero)
    if not (t >= 0).all():
        raise ValueError("ranking_softmax needs relevances t >= 0.")
    non_negative("ranking_softmax", "weights", factor)
    t = t * factor
    values = times(t, -log_softmax(z)).sum(axis=-1)
    return values, lambda g: (log_softmax_pullback(z, -g[..., None] * t),)


def _factors(weights: Any, t: Array) -> Array:
    factor = np.asarray(weights, dtype=t.dtype)
    try:
        return np.broadcast_to(factor, t.shape)
    except ValueError as error:
        raise ValueError(
            f"The weights of ranking_softmax have the shape {factor.shape}; it must broadcast to "
            f"that of t, {t.shape}."
        ) from error


def _softmax_loss(name: str, **facts: Any) -> Composite:
    return Composite(
        name=name, group="multiclass", operands=("z", "t"), differentiable=("z",), **facts
    )


def _probability_loss(name: str, **facts: Any) -> Composite:
    return Composite(
        name=name, group="multiclass", operands=("p", "t"), differentiable=("p",), **facts
    )


_SMOOTHING = ("label_smoothing", 0.0, "unit_interval")

ROWS = (
    _probability_loss(
        "categorical_cross_entropy",
        formula="-sum(q * log(p)), q = (1 - label_smoothing) * t + label_smoothing / K; a term"
        " with q = 0 is 0, one with p = 0 infinite",
        latex=r"-\sum_k q_k \log p_k,\; q_k = (1 - \varepsilon) t_k + \frac{\varepsilon}{K}",
        gradient="-q / p; 0 where q = 0, -inf where p = 0",
        source="Goodfellow, Bengio and Courville (2016), Deep learning, section 6.2; p is taken as"
        " it is, neither clipped nor divided by its sum",
        compute=_categorical_cross_entropy,
        parameters=(_SMOOTHING,),
        labels="codes or rows",
        takes=("class_weight",),
        tolerance=(8, 4),
        scale="the value; each entry of the gradient",
    ),
    _softmax_loss(
        "nll",
        formula="-z[t], z a log-probability",
        latex=r"-z_t",
        gradient="-1 at the label, 0 elsewhere",
        source="Bishop (2006), Pattern recognition and machine learning, section 4.3.4",
        compute=_nll,
        aliases=("log_likelihood",),
        labels="codes",
        tolerance=(0, 0),
        scale="the value; each entry of the gradient",
    ),
    _probability_loss(
        "categorical_focal",
        formula="-alpha * sum(q * (1 - p)**gamma * log(p)),"
        " q = (1 - label_smoothing) * t + label_smoothing / K; a term with q = 0 is 0, one with"
        " p = 0 infinite",
        latex=(
            r"-\alpha \sum_k q_k (1 - p_k)^{\gamma} \log p_k,\; q_k = (1 - \varepsilon) t_k + "
            r"\frac{\varepsilon}{K}"
        ),
        gradient="-alpha * q * (1 - p)**gamma * (1 / p - gamma * log(p) / (1 - p)); 0 where q = 0,"
        " -inf where p = 0",
        source="Lin et al. (2017), Focal loss for dense object detection",
        compute=_categorical_focal,
        parameters=(("alpha", 0.25, "non_negative"), ("gamma", 2.0, "non_negative"), _SMOOTHING),
        labels="codes or rows",
        takes=("class_weight",),
        tolerance=(8, 8),
        scale="the value; each entry of the gradient",
    ),
    _softmax_loss(
        "asymmetric_single_label",
        formula="-sum(q * w * log(p)), p = softmax(z), q = (1 - eps) * one_hot(t) + eps / K,"
        " w = (1 - p)**gamma_pos at the label, p**gamma_neg elsewhere",
        latex=(
            r"-\sum_k q_k w_k \log p_k,\; p = \operatorname{softmax}(z),\; q_k = (1 - "
            r"\varepsilon) [k = t] + \frac{\varepsilon}{K},\; w_k = \begin{cases} (1 - "
            r"p_k)^{\gamma_{+}} & \text{if } k = t \\ p_k^{\gamma_{-}} & \text{otherwise} "
            r"\end{cases}"
        ),
        gradient="c - p * sum(c), c = -q * w * (1 - gamma_pos * p * log(p) / (1 - p)) at the label,"
        " -q * w * (1 + gamma_neg * log(p)) elsewhere",
        source="Ridnik et al. (2021), Asymmetric loss for multi-label classification",
        compute=_asymmetric_single_label,
        parameters=(
            ("gamma_pos", 1.0, "non_negative"),
            ("gamma_neg", 4.0, "non_negative"),
            ("eps", 0.1, "unit_interval"),
        ),
        labels="codes",
        tolerance=(8, 8),
        scale="the value; the sum over the classes of |gradient of its term|",
    ),
    _softmax_loss(
        "poly_cross_entropy",
        formula="sum(t * (-log(p) + epsilon * (1 - p))), p = softmax(z)",
        latex=(
            r"\sum_k t_k \left(-\log p_k + \epsilon (1 - p_k)\right),\; p = "
            r"\operatorname{softmax}(z)"
        ),
        gradient="p - t - epsilon * p * (t - sum(t * p))",
        source="Leng et al. (2022), PolyLoss",
        compute=_poly_cross_entropy,
        parameters=(("epsilon", 2.0, "real"),),
        labels="codes or rows",
        takes=("class_weight",),
        tolerance=(4, 4),
        scale="the value, for epsilon >= 0; each entry of the gradient for hard labels,"
        " else 1 + |epsilon|",
    ),
    _probability_loss(
        "generalized_cross_entropy",
        formula="(1 - p[t]**q) / q, its limit -log(p[t]) for q = 0",
        latex=r"\frac{1 - p_t^q}{q}",
        gradient="-p[t]**(q - 1) at the label, -inf where p[t] = 0 and q < 1; 0 elsewhere",
        source="Zhang and Sabuncu (2018), Generalized cross entropy loss for training deep neural"
        " networks with noisy labels",
        compute=_generalized_cross_entropy,
        parameters=(("q", 0.5, "unit_interval"),),
        labels="codes",
        tolerance=(8, 8),
        scale="the value; each entry of the gradient",
    ),
    _softmax_loss(
        "sparsemax_loss",
        formula="(sum((t - z)**2) - sum((p - z)**2)) / 2, p = sparsemax(z)",
        latex=r"\frac{\|t - z\|^2 - \|p - z\|^2}{2},\; p = \operatorname{sparsemax}(z)",
        gradient="p - t",
        source="Martins and Astudillo (2016), From softmax to sparsemax",
        compute=_sparsemax_loss,
        labels="codes or rows",
        tolerance=(2, 2),
        scale="the value + the sum of |z| times |gradient|; 1 + the largest |z|",
    ),
    _softmax_loss(
        "fenchel_young",
        formula="max_fun(z) - dot(t, z); max_fun is 'logsumexp', 'sparsemax', 'max' or a function"
        " z -> (values, gradient in z)",
        latex=r"\Omega^{\ast}(z) - \langle t, z \rangle",
        gradient="gradient of max_fun - t; of 'max', 1 at the first largest entry",
        source="Blondel, Martins and Niculae (2020), Learning with Fenchel-Young losses",
        compute=_fenchel_young,
        options=MappingProxyType({"max_fun": "logsumexp"}),
        check=_check_max_fun,
        labels="codes or rows",
        tolerance=(4, 4),
        scale="1 + the value + the sum of |z| times |gradient|; 1 + the largest |z|",
    ),
    _softmax_loss(
        "ranking_softmax",
        formula="-sum(t * weights * log_softmax(z)) over the entries that `where` keeps; t >= 0",
        latex=r"-\sum_k w_k t_k \log \operatorname{softmax}(z)_k",
        gradient="sum(t * weights) * softmax(z) - t * weights",
        source="Cao et al. (2007), Learning to rank: from pairwise approach to listwise approach",
        compute=_ranking_softmax,
        options=MappingProxyType({"weights": None}),
        takes=("where",),
        tolerance=(4, 4),
        scale="the value; sum(t * weights)",
    ),
)
