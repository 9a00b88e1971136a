"""Where an activation saturates: its slope is small there, and goes to 0 beyond."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deltarule._activation_kinds import ElementwiseActivation
from deltarule._statistics import normal_statistics

Floats = NDArray[np.float64]
Size = Callable[[Floats], Floats]  # of the slope, at inputs

_NEAR, _PER_UNIT = 64.0, 64  # up to there, so many samples in 1
_OCTAVES, _PER_OCTAVE = 994, 4  # beyond
_PARTS = 64  # into which a cell between samples is divided
_REFINED = 6  # times, where the samples are too few
_ZOOMS, _RESOLVED = (
    24,
    1e-13,
)  # towards the largest slope: times, until it gains less (relative)
_SINGULAR = 100.0  # a zoom that gains that factor
_VANISHED = 1e-9  # of the largest slope, over the last four octaves
_HALVINGS = 64


@lru_cache(maxsize=256)
def saturation_interval(f: ElementwiseActivation, level: float = 0.05) -> tuple[float, float]:
    """The inputs between which an activation does not saturate.

    It saturates for ``x < low`` and for ``x > high``: from there to infinity the slope is smaller
    than ``level`` times its largest on the whole line, and goes to 0.

    Parameters
    ----------
    f : ElementwiseActivation
        Of the catalogue, or an own one.
    level : float, default=0.05
        Between 0 and 1.

    Returns
    -------
    low, high : float
        Infinite on a side on which it does not saturate: ``(0.0, inf)`` for relu, ``(-inf, inf)``
        for leaky_relu.  ``(inf, -inf)`` where the slope is 0 everywhere, as that of step.

    Raises
    ------
    TypeError
        If the activation maps whole rows, which have no slope for each number.
    ValueError
        If the level is not between 0 and 1.

    Notes
    -----
    Where the slope has no largest value (exponential, relu2), its root mean square for a standard
    normal input stands for it; without that either, no side is said to saturate.

    The slope is sampled 64 times in 1 for abs(x) < 64 and 4 times an octave beyond, more densely
    where the function changes by more than the samples explain; the ends are found from there by
    bisection, to the last digits.  A slope that comes back to the level between two samples is
    missed.
    """
    if not isinstance(f, ElementwiseActivation):
        raise TypeError(
            f"{f!r} maps whole rows and has no slope for each number, so no interval outside of "
            "which it saturates: ask for an element-wise activation."
        )
    if not 0 < level < 1:
        raise ValueError(f"The level of saturation must be between 0 and 1; met {level!r}.")

    def size(x: Floats) -> Floats:
        return np.abs(np.asarray(f.derivative(x), dtype=np.float64))

    with np.errstate(all="ignore"):
        x = _samples(f, size)
        at, largest = _steepest(size, x)
        if not math.isfinite(largest):
            largest = 1 / normal_statistics(f).gain_backward
        if largest == 0:
            return math.inf, -math.inf
        if not math.isfinite(largest):
            return -math.inf, math.inf
        x = np.union1d(x, at)
        low = -_end(lambda v: size(-v), -x[::-1], level * largest)
        high = _end(size, x, level * largest)
    return low + 0.0, high + 0.0  # no -0.0


def _samples(f: ElementwiseActivation, size: Size) -> Floats:
    """Rising inputs, denser where f changes by more than the slopes at the samples explain."""
    near = np.linspace(-_NEAR, _NEAR, round(2 * _NEAR * _PER_UNIT) + 1)
    far = _NEAR * 2.0 ** (np.arange(1, _OCTAVES * _PER_OCTAVE + 1) / _PER_OCTAVE)
    x = np.concatenate([-far[::-1], near, far])
    for _ in range(_REFINED):
        inner = x[np.abs(x) <= _NEAR]
        sizes = size(inner)
        mean = np.abs(np.diff(f(inner)) / np.diff(inner))
        notable = mean > np.max(sizes, initial=0.0, where=np.isfinite(sizes)) / _PARTS
        unexplained = np.flatnonzero(notable & (mean > 2 * np.fmax(sizes[:-1], sizes[1:])))[:_PARTS]
        if not unexplained.size:
            break
        x = np.union1d(x, np.linspace(inner[unexplained], inner[unexplained + 1], _PARTS))
    return x


def _steepest(size: Size, x: Floats) -> tuple[float, float]:
    """Where the slope is largest, and its size there; infinite where there is no largest one."""
    known = ~np.isnan(size(x))
    x = x[known]
    sizes = size(x)
    if not x.size:
        return 0.0, math.inf
    best = int(np.argmax(sizes))
    inside = np.abs(x) <= math.sqrt(float(np.abs(x).max()))
    first = top = float(sizes[best])
    if not math.isfinite(top) or top > 1.5 * np.max(sizes[inside], initial=0.0):
        return 0.0, math.inf  # it grows as far out as it is known
    around = x[max(best - 1, 0) : best + 2]
    for _ in range(_ZOOMS):
        around = np.linspace(around[0], around[-1], 2 * _PARTS + 1)
        sizes = np.nan_to_num(size(around), nan=-1.0, posinf=math.inf)
        best, before = int(np.argmax(sizes)), top
        top = max(top, float(sizes[best]))
        if top > _SINGULAR * first:
            break
        if top - before <= _RESOLVED * top:
            return float(around[best]), top
        around = around[max(best - 1, 0) : best + 2]
    return 0.0, math.inf


def _end(size: Size, x: Floats, least: float) -> float:
    """From where on the slope stays below a size and vanishes; infinite where it does not."""
    sizes = size(x)
    far = sizes[(x > _NEAR) & ~np.isnan(sizes)][-4 * _PER_OCTAVE :]
    if len(far) < _PER_OCTAVE or far.max() > _VANISHED * least:
        return math.inf
    active = np.flatnonzero(sizes >= least)
    if not active.size:  # what stands for the largest slope is above all of them
        return math.inf
    last = int(active[-1])
    inner, outer = x[last], x[last + 1]
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        if size(middle) >= least:
            inner = middle
        else:
            outer = middle
    return float(inner if inner == x[last] else outer)
