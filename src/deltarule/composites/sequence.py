"""Losses of label sequences without an alignment.

Axes: n sequences, T time steps, C classes with the blank, S labels of a target, L = 2 S + 1 states:
the labels with blanks around and between them.  Probabilities are logarithms in float64 for either
dtype: a float32 recursion would lose a digit per factor 10 of the loss.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from deltarule._catalogue import Array
from deltarule.composites._primitives import is_integer, log_softmax
from deltarule.composites._record import Composite, Pullback

_NEVER = -1e300
"""The logarithm of an impossible probability: finite, so that differences are no NaN."""

_BLOCK = 1 << 22
"""Numbers of a temporary array of states."""


class _Targets(NamedTuple):
    """What a batch of targets asks of the recursion in one reading direction."""

    skip: Array  # (n, L) 0 where the state before last may be skipped to, else _NEVER
    padding: Array  # (n, L) _NEVER beyond the states of the sequence, else 0


def _ctc(
    z: Array,
    t: Array,
    input_lengths: Array,
    target_lengths: Array,
    *,
    blank: Any,
    zero_infinity: bool,
) -> tuple[Array, Pullback]:
    """Values (n,) of logits (n, T, C) and labels (n, S); log-probabilities are logits too."""
    steps, sizes = _checked(z, t, input_lengths, target_lengths, blank)
    t = np.where(np.arange(t.shape[1]) < sizes[:, None], t, blank)
    log_p = log_softmax(np.asarray(z, dtype=np.float64))
    values = np.empty(len(z))
    occupancy = np.zeros(z.shape)
    per_sequence = 2 * z.shape[1] * (2 * t.shape[1] + 1)
    rows = max(1, _BLOCK // per_sequence)
    for start in range(0, len(z), rows):
        block = slice(start, start + rows)
        values[block] = _align(
            log_p[block], t[block], steps[block], sizes[block], int(blank), occupancy[block]
        )
    lost = np.isinf(values)
    if zero_infinity:
        values[lost] = 0

    def pullback(g: Array) -> tuple[Array, ...]:
        slope = np.exp(log_p) - occupancy
        top = log_p.argmax(axis=-1)[..., None]
        np.put_along_axis(slope, top, 0, axis=-1)
        np.put_along_axis(slope, top, -slope.sum(axis=-1, keepdims=True), axis=-1)
        slope[np.arange(z.shape[1]) >= steps[:, None]] = 0
        slope[lost] = 0 if zero_infinity else np.nan
        return ((slope * g[:, None, None]).astype(z.dtype),)

    return values.astype(z.dtype), pullback


def _align(
    log_p: Array, t: Array, steps: Array, sizes: Array, blank: int, occupancy: Array
) -> Array:
    """-log P(target) of each sequence (n,); fills the class occupancies (n, T, C).

    Reading time and labels backwards turns the backward recursion into the forward one, so both
    run as one batch.
    """
    n, T, classes = log_p.shape
    time, row, L = np.arange(T)[:, None], np.arange(n), 2 * t.shape[1] + 1
    mirrored_time = np.maximum(steps - 1 - time, 0)  # (T, n)
    mirrored_state = np.maximum(2 * sizes[:, None] - np.arange(L), 0)  # (n, L)
    states = np.full((n, L), blank)
    states[:, 1::2] = t
    there = _targets(states, sizes, blank)
    back = _targets(np.take_along_axis(states, mirrored_state, axis=1), sizes, blank)
    # Places in flattened arrays, (T, n, L): in log_p, and of the mirror image in a half.
    place = ((row * T + time) * classes)[:, :, None] + states
    mirror = ((mirrored_time * n + row) * L)[:, :, None] + mirrored_state
    onward = np.maximum(log_p.ravel()[place], _NEVER)
    both = _Targets(*(np.concatenate(pair) for pair in zip(there, back, strict=True)))
    emission = np.concatenate([onward, onward.ravel()[mirror]], axis=1)
    forward, log_scale = _forward(emission, both, np.tile(steps, 2))
    last = forward[steps - 1, row]
    ends = np.take_along_axis(last, np.stack([2 * sizes, np.maximum(2 * sizes - 1, 0)], 1), axis=1)
    ends[sizes == 0, 1] = _NEVER
    log_total = log_scale[:n] + np.logaddexp(ends[:, 0], ends[:, 1])
    posterior = np.ascontiguousarray(forward[:, n:]).ravel()[mirror]
    posterior += forward[:, :n]
    posterior -= onward
    posterior += there.padding
    posterior -= posterior.max(axis=2, keepdims=True)
    np.exp(posterior, out=posterior)
    posterior /= posterior.sum(axis=2, keepdims=True)
    total = np.bincount(place.ravel(), posterior.ravel(), minlength=n * T * classes)
    occupancy[...] = total.reshape(n, T, classes)
    return np.where(log_total < _NEVER / 2, np.inf, -log_total)


def _targets(states: Array, sizes: Array, blank: int) -> _Targets:
    skip = np.full(states.shape, _NEVER)
    skip[:, 2:][(states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])] = 0
    beyond = np.arange(states.shape[1]) > 2 * sizes[:, None]
    return _Targets(skip, np.where(beyond, _NEVER, 0.0))


def _forward(emission: Array, targets: _Targets, steps: Array) -> tuple[Array, Array]:
    """Logarithms of alpha (T, m, L), each step shifted to the maximum 0, and the sum of shifts.

    Every sum of probabilities is max + log1p(the others), so that a probability near 1 keeps the
    digits of its complement.
    """
    T, m, L = emission.shape
    alpha = np.empty_like(emission)
    state = np.full((m, L + 2), _NEVER)  # two columns that precede the first state
    state[:, 2] = 0
    log_scale = np.zeros(m)
    first_end = int(steps.min()) if m else T
    start = np.full((m, L), _NEVER)
    start[:, :2] = 0
    for time in range(T):
        stay, step, skip = state[:, 2:], state[:, 1:-1], state[:, :-2] + targets.skip
        new = start + emission[0] if time == 0 else _log_add(stay, step, skip) + emission[time]
        new += targets.padding
        top = new.max(axis=1)
        new -= top[:, None]
        np.maximum(new, _NEVER, out=new)
        if time >= first_end:
            over = steps <= time
            new[over], top[over] = stay[over], 0
        log_scale += top
        alpha[time] = new
        state[:, 2:] = new
    return alpha, log_scale


def _log_add(a: Array, b: Array, c: Array) -> Array:
    """log(exp(a) + exp(b) + exp(c))."""
    high, low = np.maximum(a, b), np.minimum(a, b)
    top, middle = np.maximum(high, c), np.minimum(high, c)
    low -= top
    middle -= top
    np.exp(low, out=low)
    np.exp(middle, out=middle)
    low += middle
    np.log1p(low, out=low)
    low += top
    return low


def _checked(
    z: Array, t: Array, input_lengths: Array, target_lengths: Array, blank: Any
) -> tuple[Array, Array]:
    """Lengths of inputs and targets (n,)."""
    if z.ndim != 3 or 0 in z.shape[1:] or t.ndim != 2 or len(t) != len(z):
        raise ValueError(
            "ctc needs logits (n, T, C), batch first, and labels (n, S), padded at the end; met "
            f"the shapes {z.shape} and {t.shape}. Logits (T, n, C) become z.swapaxes(0, 1)."
        )
    n, T, classes = z.shape
    if not blank < classes:
        raise ValueError(
            f"The blank of ctc must be a class code 0 ... {classes - 1}; met {blank!r}."
        )
    steps = _lengths("input_lengths", input_lengths, n, 1, T)
    sizes = _lengths("target_lengths", target_lengths, n, 0, t.shape[1])
    used = t[np.arange(t.shape[1]) < sizes[:, None]]
    wrong = used[(used < 0) | (used >= classes) | (used == blank)]
    if wrong.size:
        raise ValueError(
            f"ctc needs labels 0 ... {classes - 1} other than the blank {blank}; met {wrong[0]}. "
            "Shorter targets are padded with anything and counted by target_lengths."
        )
    return steps, sizes


def _check_blank(blank: Any) -> None:
    if not is_integer(blank) or blank < 0:
        raise ValueError(f"The blank of ctc must be a class code >= 0; met {blank!r}.")


def _lengths(name: str, lengths: Array, n: int, least: int, most: int) -> Array:
    if lengths.shape != (n,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"{name} of ctc must be {n} integers; met {lengths.dtype} of the shape {lengths.shape}."
        )
    if n and not (least <= lengths.min() and lengths.max() <= most):
        raise ValueError(
            f"{name} of ctc must be {least} ... {most}; met {lengths.min()} ... {lengths.max()}."
        )
    return lengths.astype(np.int64)


ROWS = (
    Composite(
        name="ctc",
        group="sequence",
        formula="-log(sum over alignments of t to the steps of prod(softmax(z)[step, label]))",
        latex=r"-\log \sum_{a \in A(t)} \prod_s \operatorname{softmax}(z_s)_{a_s}",
        gradient="softmax(z) - occupancy, the posterior probability of each class at each step",
        source="Graves et al. 2006",
        operands=("z", "t", "input_lengths", "target_lengths"),
        differentiable=("z",),
        compute=_ctc,
        per="batch",
        parameters=(("zero_infinity", False, "flag"),),
        options={"blank": 0},
        check=_check_blank,
        integers=("t", "input_lengths", "target_lengths"),
        without_where="Index the sequences that count, in all four arrays.",
        aliases=("ctc_loss", "connectionist_temporal_classification"),
        tolerance=(4, 4),
        scale="the value; the gradient: 1",
    ),
)
