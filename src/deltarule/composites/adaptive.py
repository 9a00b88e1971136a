"""The adaptive softmax: frequent classes in a head, the others in clusters of smaller features.

Axes: n rows, d features, C classes, in the order of falling frequency.  The cutoffs c_1 < c_2 ...
make a head of the classes 0 ... c_1 - 1, with one more entry per cluster, and clusters of the
classes c_i ... c_(i+1) - 1 with d // div_value**i features.  The layout is PyTorch's: ``head`` is
head.weight, ``b`` head.bias and ``tail`` the parameters of the tail one after the other, as
torch.nn.utils.parameters_to_vector(module.tail.parameters()) gives them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule._catalogue import Array
from deltarule.composites._linear import Targets, check_layer, class_codes, linear_cross_entropy
from deltarule.composites._primitives import log_softmax
from deltarule.composites._record import Composite, Pullback

_NAME = "adaptive_log_softmax"
_Cluster = tuple[Array, Array]


def tail_shapes(
    d: int, C: int, cutoffs: Any, div_value: float = 4.0
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The shapes of the tail of an adaptive softmax.

    Parameters
    ----------
    d, C : int
        Numbers of features and of classes.
    cutoffs : sequence of int
        Rising class codes, between 1 and C - 1.
    div_value : float, default=4.0
        The factor > 0 by which the features of each cluster shrink.

    Returns
    -------
    list of ((features, d), (classes, features))
        Projection and output layer of each cluster.

    Raises
    ------
    ValueError
        If the cutoffs do not rise from 1 to C - 1, or a cluster would have no feature.

    Examples
    --------
    >>> from deltarule.composites.adaptive import tail_shapes
    >>> tail_shapes(16, 100, (10, 40))
    [((4, 16), (30, 4)), ((1, 16), (60, 1))]
    """
    edges = [*_cutoffs(cutoffs), C]
    if edges[-2] >= C:
        raise ValueError(f"The cutoffs of {_NAME} must be below the {C} classes; met {edges[-2]}.")
    widths = [_features(d, i + 1, div_value) for i in range(len(edges) - 1)]
    return [
        ((width, d), (high - low, width))
        for width, (low, high) in zip(widths, pairwise(edges), strict=True)
    ]


def split_tail(d: int, tail: Array, cutoffs: Any, div_value: float = 4.0) -> list[_Cluster]:
    """The layers of a tail vector, as views.

    Parameters
    ----------
    d : int
        The number of features.
    tail : ndarray, shape (parameters,)
    cutoffs, div_value
        As for `tail_shapes`; the number of classes follows from the length of the tail.

    Returns
    -------
    list of (projection (features, d), output (classes, features))

    Raises
    ------
    ValueError
        If no number of classes fits the length.
    """
    edges = _cutoffs(cutoffs)
    widths = [_features(d, i + 1, div_value) for i in range(len(edges))]
    sizes = [high - low for low, high in pairwise(edges)]
    known = sum(w * (d + size) for w, size in zip(widths[:-1], sizes, strict=True))
    last, rest = divmod(tail.size - known - widths[-1] * d, widths[-1])
    if tail.ndim != 1 or rest or last < 1:
        raise ValueError(
            f"The tail of {_NAME} does not fit {d} features, cutoffs {tuple(edges)} and div_value "
            f"{div_value}: its shape is {tail.shape}, and a tail of C classes has "
            f"{known + widths[-1] * (d - edges[-1])} + {widths[-1]} C numbers. Concatenate the "
            "layers as tail_shapes says, each with .ravel()."
        )
    clusters, place = [], 0
    for width, size in zip(widths, [*sizes, last], strict=True):
        middle, end = place + width * d, place + width * (d + size)
        clusters.append(
            (tail[place:middle].reshape(width, d), tail[middle:end].reshape(size, width))
        )
        place = end
    return clusters


def adaptive_log_prob(
    h: ArrayLike,
    head: ArrayLike,
    b: ArrayLike,
    tail: ArrayLike,
    cutoffs: Any,
    div_value: float = 4.0,
) -> Array:
    """Log-probabilities of all classes under an adaptive softmax.

    Parameters
    ----------
    h : array_like, shape (n, d)
    head : array_like, shape (cutoffs[0] + clusters, d)
    b : array_like, shape (cutoffs[0] + clusters,)
    tail : array_like, shape (parameters,)
        The layers of the clusters one after the other: see `tail_shapes`.
    cutoffs, div_value
        As for `tail_shapes`.

    Returns
    -------
    ndarray, shape (n, C)
        Their exponentials sum to 1 in each row.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    arrays = [np.asarray(a) for a in (h, head, b, tail)]
    dtype = np.result_type(np.float32, *arrays)
    h, head, b, tail = (a.astype(dtype, copy=False) for a in arrays)
    edges, clusters = _layers(h, head, b, tail, cutoffs, div_value)
    top = log_softmax(h @ head.T + b)
    below = [
        log_softmax(h @ projection.T @ output.T) + top[:, edges[0] + i, None]
        for i, (projection, output) in enumerate(clusters)
    ]
    return np.concatenate([top[:, : edges[0]], *below], axis=1)


def _adaptive_log_softmax(
    h: Array, head: Array, b: Array, tail: Array, t: Array, *, cutoffs: Any, div_value: Any
) -> tuple[Array, Pullback]:
    """Features (n, d), layers as the module says, codes (n,)."""
    edges, clusters = _layers(h, head, b, tail, cutoffs, div_value)
    sizes = [len(output) for _, output in clusters]
    codes = class_codes(_NAME, "t", t, len(h), edges[0] + sum(sizes))
    bounds = np.array([*edges, edges[0] + sum(sizes)])
    cluster = np.searchsorted(bounds, codes, side="right") - 1  # -1: in the head
    in_head = np.where(cluster < 0, codes, edges[0] + cluster)
    values, head_pullback = linear_cross_entropy(h, head, b, _hard(in_head, b))
    parts = []
    for i, (projection, output) in enumerate(clusters):
        rows = np.flatnonzero(cluster == i)
        hidden = h[rows] @ projection.T
        no_bias = np.zeros(len(output), h.dtype)
        targets = _hard(codes[rows] - bounds[i], no_bias)
        below, pullback_below = linear_cross_entropy(hidden, output, no_bias, targets)
        values[rows] += below
        parts.append((rows, projection, pullback_below))

    def pullback(g: Array) -> tuple[Array, ...]:
        gh, g_head, g_b = head_pullback(g)
        g_tail = []
        for rows, projection, pullback_below in parts:
            g_hidden, g_output, _ = pullback_below(g[rows])
            gh[rows] += g_hidden @ projection
            g_tail += [(g_hidden.T @ h[rows]).ravel(), g_output.ravel()]
        return gh, g_head, g_b, np.concatenate(g_tail)

    return values, pullback


def _hard(codes: Array, b: Array) -> Targets:
    return Targets(codes, None, 0.0, np.ones_like(b))


def _layers(
    h: Array, head: Array, b: Array, tail: Array, cutoffs: Any, div_value: Any
) -> tuple[list[int], list[_Cluster]]:
    edges = _cutoffs(cutoffs)
    check_layer(_NAME, h, head, b)
    if len(head) != edges[0] + len(edges):
        raise ValueError(
            f"The head of {_NAME} has one row for each of the {edges[0]} frequent classes and each "
            f"of the {len(edges)} clusters, {edges[0] + len(edges)} in all; met {len(head)}."
        )
    return edges, split_tail(h.shape[1], tail, edges, div_value)


def _cutoffs(cutoffs: Any) -> list[int]:
    edges = [] if cutoffs is None else list(np.atleast_1d(np.asarray(cutoffs)))
    whole = all(isinstance(c, np.integer) for c in edges)
    if not edges or not whole or edges[0] < 1 or any(np.diff(edges) <= 0):
        raise ValueError(
            f"The cutoffs of {_NAME} must be rising class codes >= 1, such as (2000, 10000); met "
            f"{cutoffs!r}."
        )
    return [int(c) for c in edges]


def _check_cutoffs(cutoffs: Any, **_: Any) -> None:
    if cutoffs is not None:  # without them only a call is refused
        _cutoffs(cutoffs)


def _features(d: int, power: int, div_value: Any) -> int:
    try:
        features = int(d // float(div_value) ** power)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        features = 0
    if features < 1:
        raise ValueError(
            f"The div_value {div_value!r} of {_NAME} leaves cluster {power} no feature of the {d} "
            "there are. Use a smaller number > 0, or fewer cutoffs."
        )
    return features


ROWS = (
    Composite(
        name=_NAME,
        group="sampled",
        formula="-log_softmax(head h + b)[head entry of t] - log_softmax(cluster of t)[t]",
        latex=r"-\log \operatorname{softmax}(\mathrm{head})_{c(t)}"
        r" - \log \operatorname{softmax}(\mathrm{cluster}_{c(t)})_t",
        gradient="as linear_cross_entropy in the head and in the cluster of each row",
        source="Grave et al. 2017",
        operands=("h", "head", "b", "tail", "t"),
        differentiable=("h", "head", "b", "tail"),
        compute=_adaptive_log_softmax,
        options={"cutoffs": None, "div_value": 4.0},
        check=_check_cutoffs,
        aliases=("adaptive_softmax",),
        rows=("h", "t"),
        tolerance=(2, 1),
        scale=(
            "1 + the largest sum of absolute terms of a logit; the gradient: that times (1 + w) w "
            "for h, times (1 + w) and the sum of |h| for the layers, w their largest entry"
        ),
    ),
)
