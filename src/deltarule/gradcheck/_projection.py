"""Random directions: a whole gradient for the price of a few derivatives.

An error e of the gradient shows along a direction v of length 1 as e . v, so a direction that is
nearly perpendicular to e misses it.  For v uniform on the sphere of n dimensions

    P(|e . v| < c |e|) <= c sqrt(2 n / pi),

and directions are independent of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deltarule.gradcheck._differences import CENTRAL, central
from deltarule.gradcheck._problem import Directions, Problem, Some
from deltarule.gradcheck._report import Element, Layer, Projection, Skipped
from deltarule.gradcheck._structure import Array
from deltarule.gradcheck._verdict import Verdict, judge, tolerance_of

ESCAPES = 0.01  # the probability that the report speaks of
LAYER = "random direction"


@dataclass(frozen=True)
class Projected:
    """The result of a check along random directions."""

    worst: Element | None
    offenders: tuple[Element, ...]
    layer: Layer
    skipped: tuple[Skipped, ...]
    projection: Projection


@dataclass(frozen=True)
class _Slopes:
    """Slopes along directions, shape (directions,)."""

    analytic: Array
    numeric: Array
    uncertainty: Array
    tolerance: Array

    @property
    def excess(self) -> Array:
        """How far beyond all doubt claim and measurement differ; NaN where nothing was measured."""
        with np.errstate(invalid="ignore"):
            off: Array = np.abs(self.analytic - self.numeric) - self.uncertainty - self.tolerance
        return np.where(np.isfinite(self.uncertainty), off, np.nan)

    def element(self, k: int, layer: str, index: tuple[int, ...] | None) -> Element:
        a, n = float(self.analytic[k]), float(self.numeric[k])
        size = max(abs(a), abs(n))
        error = abs(a - n) / size if size > 0 else 0.0
        return Element(layer, index, math.nan, a, n, float(self.uncertainty[k]), error, CENTRAL)


def project(
    problem: Problem, directions: int, seed: int, rtol: float, h: float | None
) -> Projected:
    """Check a gradient along random directions; where it is wrong, find out where.

    Two slopes agree if they differ by less than `rtol` of the largest of the n terms that the
    slope is the sum of, so that a relative error of `rtol` in the largest entry can be seen.
    """
    random = np.random.default_rng(seed)
    claimed = problem.claimed[:, 0]
    vectors = _unit(random.standard_normal((directions, len(claimed))))
    length = float(np.linalg.norm(claimed))
    if not math.isfinite(length):
        return _not_finite(problem, directions, rtol)
    slopes = _slopes(problem, vectors, rtol, h)
    seen, failed = ~np.isnan(slopes.excess), slopes.excess > 0
    projection = Projection(directions, len(claimed), length, _unseen(slopes, len(claimed)))
    bad = [int(k) for k in np.flatnonzero(failed)]
    found = [_locate(problem, random, rtol, h)] if bad else []
    found += [slopes.element(k, LAYER, (k,)) for k in bad]
    agreeing = [slopes.element(int(k), LAYER, (int(k),)) for k in np.flatnonzero(seen)]
    offenders = tuple(e for e in found if e is not None)
    worst = offenders[:1] or sorted(agreeing, key=lambda e: -e.error)[:1]
    skipped = tuple(
        Skipped(LAYER, (int(k),), math.nan, "edge") for k in np.flatnonzero(~seen & ~failed)
    )
    layer = Layer(LAYER + "s", int(seen.sum()), len(bad), 0, len(skipped))
    return Projected(worst[0] if worst else None, offenders, layer, skipped, projection)


def _unit(vectors: Array) -> Array:
    with np.errstate(invalid="ignore"):
        unit: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _slopes(problem: Problem, vectors: Array, rtol: float, h: float | None) -> _Slopes:
    claimed = problem.claimed[:, 0]
    slopes = (vectors @ claimed)[:, None]
    largest = np.array([np.abs(v * claimed).max() for v in vectors])
    least = np.finfo(np.float64).tiny
    tolerance = np.maximum(rtol * largest, least)[:, None]
    estimate = central(Directions(problem, vectors), slopes, tolerance, h)
    value, uncertainty = estimate.value[:, 0], estimate.uncertainty[:, 0]
    return _Slopes(slopes[:, 0], value, uncertainty, tolerance[:, 0])


def _unseen(slopes: _Slopes, n: int) -> float:
    """The length of error that all directions miss with the probability `ESCAPES`."""
    width = (slopes.uncertainty + slopes.tolerance)[np.isfinite(slopes.uncertainty)]
    if not len(width):
        return math.inf
    mean = math.exp(float(np.log(width).mean()))
    return math.sqrt(2 * n / math.pi) * mean / math.pow(ESCAPES, 1 / len(width))


def _not_finite(problem: Problem, directions: int, rtol: float) -> Projected:
    """The first entry of the gradient that is no number."""
    lane = int(np.flatnonzero(~np.isfinite(problem.claimed[:, 0]))[0])
    element = _single(problem, lane, rtol, None)
    projection = Projection(directions, len(problem.x), math.nan, math.inf)
    layer = Layer(LAYER + "s", directions, directions)
    return Projected(element, (element,) if element else (), layer, (), projection)


def _locate(
    problem: Problem, random: np.random.Generator, rtol: float, h: float | None
) -> Element | None:
    """Find the layer with the largest error, and in it one wrong entry by halving."""
    bounds = problem.structure.offsets
    parts = [np.arange(a, b) for a, b in pairwise(bounds) if b > a]
    slopes, k = _worst_part(problem, parts, random, rtol, h)
    if k is None:
        return None
    lanes = parts[k]
    element = slopes.element(k, problem.place(int(lanes[0]), 0)[0], None)
    while len(lanes) > 1:
        halves = np.array_split(lanes, 2)
        _, k = _worst_part(problem, halves, random, rtol, h)
        if k is None:
            return element
        lanes = halves[k]
    return _single(problem, int(lanes[0]), rtol, h) or element


def _worst_part(
    problem: Problem, parts: list[Array], random: np.random.Generator, rtol: float, h: float | None
) -> tuple[_Slopes, int | None]:
    """Look along one random direction through each part of the parameters."""
    vectors = np.zeros((len(parts), len(problem.x)))
    for vector, lanes in zip(vectors, parts, strict=True):
        vector[lanes] = random.standard_normal(len(lanes))
    slopes = _slopes(problem, _unit(vectors), rtol, h)
    excess = np.nan_to_num(slopes.excess, nan=-np.inf)
    k = int(excess.argmax())
    return slopes, k if excess[k] > 0 else None


def _single(problem: Problem, lane: int, rtol: float, h: float | None) -> Element | None:
    """Check one entry by itself; None if it is not wrong."""
    one = np.array([lane])
    tolerance = tolerance_of(problem, None, rtol, one)
    estimate = central(Some(problem, one), problem.claimed[one], tolerance, h)
    judged = judge(problem, estimate, rtol, one)
    wrong = judged.verdicts[0, 0] == Verdict.FAILED
    return judged.element(0, 0) if wrong else None
