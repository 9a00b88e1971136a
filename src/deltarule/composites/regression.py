"""Losses of numbers that are more than a sum over elements of one prediction."""

from __future__ import annotations

import math
from types import MappingProxyType

import numpy as np

from deltarule._reduction import times
from deltarule.composites._parts import unit_rows
from deltarule.composites._primitives import is_integer, non_negative, same_shape
from deltarule.composites._record import Array, Composite, Pullback


def _mean_pairwise_squared_error(z: Array, t: Array) -> tuple[Array, Pullback]:
    """Deviations from the mean, twice, so that an offset of z - t leaves no rounding error."""
    same_shape("mean_pairwise_squared_error", z=z, t=t)
    factor = z.dtype.type(2 / max(z.shape[-1] - 1, 1))
    e = z - t
    e = e - e.mean(axis=-1, keepdims=True)
    e = e - e.mean(axis=-1, keepdims=True)
    return factor * (e * e).sum(axis=-1), lambda g: (g[..., None] * (2 * factor * e),)


def _cosine_distance(z: Array, t: Array, *, eps: float) -> tuple[Array, Pullback]:
    """|u - v|^2 / 2 of unit vectors: a small angle keeps its digits, in value and gradient."""
    same_shape("cosine_distance", z=z, t=t)
    (u, length), (v, other) = unit_rows(z), unit_rows(t)
    short = (length <= eps) | (other <= eps)
    apart = u - v
    half = (apart * apart).sum(axis=-1, keepdims=True) / 2  # 1 - cosine
    slope = np.where(short, z.dtype.type(0), (apart - half * u) / length)
    values = np.where(short, z.dtype.type(1), half)[..., 0]
    return values, lambda g: (times(g[..., None], slope),)


def _check_axis(axis: object) -> None:
    if not is_integer(axis):
        raise ValueError(f"The axis of cosine_distance must be an integer; met {axis!r}.")


def _gaussian_nll(
    z: Array, t: Array, v: Array, *, eps: float, full: bool, log_variance: bool
) -> tuple[Array, Pullback]:
    same_shape("gaussian_nll", z=z, t=t, v=v)
    e = z - t
    if log_variance:
        log_v, precision = v, np.exp(-v / 2)
        scaled = times(e, precision)
        slope, curve = times(scaled, precision), (1 - scaled * scaled) / 2
    else:
        non_negative("gaussian_nll", "v", v)
        v = np.maximum(v, v.dtype.type(eps))
        log_v = np.log(v)
        scaled = np.where(e == 0, e, e / np.sqrt(v))
        slope, curve = np.where(e == 0, e, e / v), (1 - scaled * scaled) / v / 2
    square = scaled * scaled
    values = np.where(np.isinf(square), square, (log_v + square) / 2)
    if full:
        values = values + z.dtype.type(0.5 * math.log(2 * math.pi))
    return values, lambda g: (times(g, slope), times(g, curve))


ROWS = (
    Composite(
        name="mean_pairwise_squared_error",
        group="regression",
        formula="mean over pairs i < j of ((z[i] - z[j]) - (t[i] - t[j]))**2; 0 for a single entry",
        latex=r"\frac{2}{K (K - 1)} \sum_{i < j} \left((z_i - z_j) - (t_i - t_j)\right)^2",
        gradient="4 / (K - 1) * (e - mean(e)), e = z - t",
        source="Eigen, Puhrsch and Fergus (2014), Depth map prediction from a single image, with"
        " lambda = 1",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_mean_pairwise_squared_error,
        tolerance=(2, 2),
        scale="the value + sum((|z| + |t|) * |gradient|); 4 / (K - 1) times the largest |z - t|",
    ),
    Composite(
        name="cosine_distance",
        group="regression",
        formula="1 - dot(z, t) / (norm(z) * norm(t)); 1 where a norm is at most eps",
        latex=r"1 - \frac{\langle z, t \rangle}{\|z\| \|t\|}",
        gradient="-(t / norm(t) - c * z / norm(z)) / norm(z), c the cosine; 0 where a norm is at"
        " most eps",
        source="Salton, Wong and Yang (1975), A vector space model for automatic indexing",
        operands=("z", "t"),
        differentiable=("z",),
        compute=_cosine_distance,
        parameters=(("eps", 1e-8, "non_negative"),),
        options=MappingProxyType({"axis": -1}),
        check=_check_axis,
        tolerance=(4, 4),
        scale="the value + its square root; 1 / norm(z)",
    ),
    Composite(
        name="gaussian_nll",
        group="regression",
        formula="(log(v) + (z - t)**2 / v) / 2 with max(v, eps) for v, + log(2 * pi) / 2 if full;"
        " (v + (z - t)**2 * exp(-v)) / 2 if log_variance",
        latex=r"\frac{1}{2} \left(\log v + \frac{(z - t)^2}{v}\right)",
        gradient="(z - t) / v, (1 - (z - t)**2 / v) / (2 * v) with max(v, eps) for v, so that a"
        " variance below eps can grow; (z - t) * exp(-v), (1 - (z - t)**2 * exp(-v)) / 2",
        source="Nix and Weigend (1994), Estimating the mean and variance of the target probability"
        " distribution",
        operands=("z", "t", "v"),
        differentiable=("z", "v"),
        compute=_gaussian_nll,
        per="element",
        parameters=(
            ("eps", 1e-6, "non_negative"),
            ("full", False, "flag"),
            ("log_variance", False, "flag"),
        ),
        tolerance=(8, 4),
        scale="1 + the sum of the absolute terms; each entry of the gradient in z, the sum"
        " of the absolute terms in v",
    ),
)
