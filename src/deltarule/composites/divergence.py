"""Divergences of distributions, and of measures that do not sum to 1.

Axes: rows of K numbers.
"""

from __future__ import annotations

import numpy as np

from deltarule._reduction import times
from deltarule.composites._primitives import non_negative, same_shape
from deltarule.composites._record import Array, Composite, Pullback


def _generalized_kl(z: Array, t: Array) -> tuple[Array, Pullback]:
    """Terms e^z - t - t log(1 + u), u = e^z / t - 1; z - log(t) where e^z is tiny."""
    same_shape("generalized_kl", z=z, t=t)
    if not (t >= 0).all():
        raise ValueError("generalized_kl needs targets t >= 0.")
    q, tiny = np.exp(z), np.finfo(z.dtype).tiny
    slope = q - t
    u = slope / t
    log_ratio = np.where(u > -0.5, np.log1p(u), np.log(q / t))
    log_ratio = np.where((q < tiny) | np.isinf(u), z - np.log(t), log_ratio)
    values = slope - np.where(t == 0, t, t * log_ratio)
    return values.sum(axis=-1), lambda g: (times(g[..., None], slope),)


def _js_divergence(p: Array, t: Array) -> tuple[Array, Pullback]:
    """By d = (p - t) / (p + t): m (2 d atanh(d) + log(1 - d^2)) / 2 near p = t, m = (p + t) / 2."""
    same_shape("js_divergence", p=p, t=t)
    for name, a in (("p", p), ("t", t)):
        non_negative("js_divergence", name, a)
    both = p + t
    d = np.where(both == 0, both, (p - t) / both)
    near = np.abs(d) <= 0.5
    inner = np.where(near, d, p.dtype.type(0))
    log_p, log_t = np.log(2 * (p / both)), np.log(2 * (t / both))
    close = both * (2 * inner * np.arctanh(inner) + np.log1p(-inner * inner)) / 4
    values = np.where(near, close, (times(p, log_p) + times(t, log_t)) / 2)
    slope = np.where(both == 0, both, np.where(near, np.log1p(inner), log_p)) / 2
    return values.sum(axis=-1), lambda g: (times(g[..., None], slope),)


ROWS = (
    Composite(
        name="generalized_kl",
        group="divergence",
        formula="sum(t * (log(t) - z) + exp(z) - t), z a log-measure, t >= 0; 0 * log(0) = 0",
        latex=r"\sum_k t_k (\log t_k - z_k) + e^{z_k} - t_k",
        gradient="exp(z) - t",
        source="Csiszar (1975), I-divergence geometry of probability distributions and minimization"
        " problems",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_generalized_kl,
        tolerance=(8, 4),
        scale="the value + the sum of |gradient|; the larger of exp(z) and t",
    ),
    Composite(
        name="js_divergence",
        group="divergence",
        formula="sum(p * log(p / m) + t * log(t / m)) / 2, m = (p + t) / 2; 0 * log(0) = 0",
        latex=(
            r"\frac{1}{2} \sum_k p_k \log\frac{p_k}{m_k} + t_k \log\frac{t_k}{m_k},\; m_k = "
            r"\frac{p_k + t_k}{2}"
        ),
        gradient="log(p / m) / 2; -inf where p = 0 < t, 0 where both are 0; with respect to t:"
        " swap the operands",
        source="Lin (1991), Divergence measures based on the Shannon entropy",
        operands=("p", "t"),
        differentiable=("p",),
        compute=_js_divergence,
        tolerance=(16, 8),
        scale="the value; each entry of the gradient",
    ),
)
