"""Derivatives from values alone: central differences, Richardson extrapolation, complex steps.

With steps h and h/2 and D(h) = (f(x + h) - f(x - h)) / 2h the extrapolated derivative is
R = D(h/2) + (D(h/2) - D(h)) / 3 with an error of O(h^4) where f is smooth [1]_.  Its uncertainty

    u = |2 g(h/2) - g(h)| / 2 + 7/3 |D(h/2) - D(h)| + rounding,   g(h) = (f+ - 2 f(x) + f-) / h,

needs no smoothness: if the slope of a piecewise linear f changes by J at one point within the
step, or f jumps there, then the derivative on either side is within u of R.  At a kink at x itself
R is the middle of the two slopes and u half their difference, for any h: this is how kinks
are recognised, and why a claim beyond both slopes is still refuted.  A jump makes u grow as 1/h.

.. [1] L. F. Richardson 1911; C. Ridders, Adv. Eng. Software 4 (1982), 75-76.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields

import numpy as np

from deltarule.gradcheck._problem import Directions, Lines, Problem
from deltarule.gradcheck._structure import Array

SHRINK = 8.0  # from one pair of steps to the next
SMALLER, LARGER = 8, 2  # pairs of steps below and above the first
OFF_BEAT = 0.85  # of the larger steps: a step of a whole period would see a flat function
RELATIVE = 3  # pairs of steps below them that are shares of x
LEAST = 64.0  # ulp of x in the smallest step
ROUNDING = 12.0  # ulp of the largest value, over h: error of R where each value is within 4 ulp
NOISE = 32.0  # the same for what u is computed from
ROUGH = 1e-3  # relative uncertainty that is worth another pair of steps
COMPLEX = "complex step"
CENTRAL = "central+richardson"


@dataclass
class Estimate:
    """Numerical derivatives, shape (lines, m) throughout.

    Attributes
    ----------
    value, uncertainty : ndarray
        The derivative, and how far from it a true one may lie; infinite where values are not.
    bend : ndarray
        Right slope minus left slope, as far as the steps show.
    rough, previous, before : ndarray
        What is not smooth in u at the smallest steps that rounding did not drown, and at the two
        pairs of steps before.
    noise : ndarray
        The part of `rough` that rounding explains.
    blind : ndarray of bool
        Smaller steps were tried, and rounding drowned what had been seen.
    exact : ndarray of bool
        From a complex step.
    """

    value: Array
    uncertainty: Array
    bend: Array
    rough: Array
    previous: Array
    before: Array
    noise: Array
    blind: Array
    exact: Array

    def is_kink(self) -> Array:
        """Slopes that differ at three pairs of steps alike: u does not shrink with h."""
        return self._scales(0.5, 4.0)

    def is_jump(self) -> Array:
        """Values that differ at any step: u grows as 1/h, exactly, as rounding would not."""
        return self._scales(0.9 * SHRINK, 1.1 * SHRINK)

    def _scales(self, low: float, high: float) -> Array:
        seen = np.isfinite(self.uncertainty) & np.isfinite(self.before)
        seen &= self.rough > 4 * self.noise
        for new, old in ((self.rough, self.previous), (self.previous, self.before)):
            seen &= (new > low * old) & (new < high * old)
        return seen

    def put(self, lines: Array, new: Estimate, better: Array) -> None:
        """Take what is better from an estimate of some of the lines."""
        for name in ("value", "uncertainty", "bend", "exact"):
            mine = getattr(self, name)
            mine[lines] = np.where(better, getattr(new, name), mine[lines])

    def of(self, lines: Array) -> Estimate:
        """Give the estimate of some of the lines."""
        return Estimate(*(getattr(self, f.name)[lines] for f in fields(self)))

    def replace(self, lines: Array, new: Estimate) -> None:
        """Take everything from an estimate of some of the lines."""
        for f in fields(self):
            getattr(self, f.name)[lines] = getattr(new, f.name)

    def remember(self, lines: Array, new: Estimate, too_fine: Array) -> None:
        """Keep what smaller steps showed, unless they show nothing."""
        with np.errstate(invalid="ignore"):
            drowned = too_fine | (new.noise > self.rough[lines] / 4)
        self.blind[lines] |= drowned
        shifted = (
            ("before", self.previous[lines]),
            ("previous", self.rough[lines]),
            ("rough", new.rough),
            ("noise", new.noise),
        )
        for name, now in shifted:
            mine = getattr(self, name)
            mine[lines] = np.where(drowned, mine[lines], now)


def first_step(eps: float) -> float:
    """The larger of the first two steps, for |x| <= 1: a power of two near eps^(1/5).

    There the truncation error h^4 of the extrapolated derivative is as large as the rounding
    error eps / h.
    """
    return float(2.0 ** np.floor(np.log2(eps) / 5))


def central(lines: Lines, claimed: Array, tolerance: Array, h: float | None) -> Estimate:
    """Differentiate along lines, with more steps where the first ones do not decide.

    Parameters
    ----------
    lines : Lines
    claimed : ndarray, shape (lines, m)
        What the derivative is said to be; it settles where more steps are worth their cost.
    tolerance : ndarray, shape (lines, m)
        The difference to it that matters.
    h : float, optional
        The first step; by default `first_step` times the power of two below max(1, abs(x)).

    Returns
    -------
    Estimate
    """
    size = np.maximum(1.0, np.where(np.isfinite(lines.location), lines.location, 1.0))
    steps = np.full(len(size), h) if h else first_step(lines.eps) * 2.0 ** np.floor(np.log2(size))
    every = np.arange(len(size))
    best = _pair(lines, every, steps)
    quiet = _is_noise(best)  # nothing but rounding to be seen, so that larger steps are safe
    defined = np.isfinite(lines.base).all(axis=1)
    for k in range(1, SMALLER + 1):
        fine = steps / SHRINK**k >= LEAST * lines.eps * lines.location
        wanted = (_open(best, claimed, tolerance) & ~_is_noise(best)).any(axis=1)
        chosen = every[defined & fine & wanted]
        _smaller(lines, best, chosen, steps[chosen] / SHRINK**k)
    least = steps / SHRINK**SMALLER
    with np.errstate(divide="ignore"):
        near = 2.0 ** np.floor(np.log2(lines.location)) / 16  # a step that does not reach 0
    small = defined & (near > 0) & (near < least)
    for k in range(RELATIVE):
        wanted = (_open(best, claimed, tolerance) & ~_is_noise(best)).any(axis=1)
        chosen = every[small & wanted]
        _smaller(lines, best, chosen, near[chosen] / SHRINK**k)
    for k in range(1, LARGER + 1 if h is None else 0):
        chosen = every[defined & (_open(best, claimed, tolerance) & quiet).any(axis=1)]
        _larger(lines, best, chosen, OFF_BEAT * steps[chosen] * SHRINK**k)
    return best


def _smaller(lines: Lines, best: Estimate, chosen: Array, steps: Array) -> None:
    """Add smaller steps; where they contradict larger ones, those were too large.

    Unless nothing moves at smaller steps: then they are finer than the function's own digits.
    """
    if not len(chosen):
        return
    new = _pair(lines, chosen, steps)
    with np.errstate(invalid="ignore"):
        apart = np.abs(new.value - best.value[chosen])
        contradiction = apart > new.uncertainty + best.uncertainty[chosen]
    too_fine = contradiction & (new.value == 0) & (new.rough == 0)
    better = (new.uncertainty < best.uncertainty[chosen]) | contradiction
    best.put(chosen, new, better & ~too_fine)
    best.remember(chosen, new, too_fine)


def _larger(lines: Lines, best: Estimate, chosen: Array, steps: Array) -> None:
    """Add larger steps, which rounding disturbs less, where they agree with smaller ones."""
    if not len(chosen):
        return
    new = _pair(lines, chosen, steps)
    with np.errstate(invalid="ignore"):
        apart = np.abs(new.value - best.value[chosen])
        agree = apart <= new.uncertainty + best.uncertainty[chosen]
    best.put(chosen, new, (new.uncertainty < best.uncertainty[chosen]) & agree)


def _open(best: Estimate, claimed: Array, tolerance: Array) -> Array:
    """Where more steps may still change the verdict."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(claimed - best.value)
        size = np.maximum(np.abs(claimed), np.abs(best.value))
        agrees = (difference <= tolerance) & (best.rough <= ROUGH * size + best.noise)
        # Of a wave shorter than the steps they see small slopes that are no better than their u.
        trusted = (best.uncertainty <= ROUGH * np.abs(best.value)) | (best.rough <= best.noise)
        refuted = trusted & (difference > tolerance + 10 * best.uncertainty)
    undecided: Array = ~(agrees | refuted)
    return undecided


def _is_noise(best: Estimate) -> Array:
    """Where rounding explains all that is rough, so that smaller steps would be worse."""
    return np.isfinite(best.uncertainty) & (best.blind | (best.rough <= best.noise))


def _pair(lines: Lines, chosen: Array, steps: Array) -> Estimate:
    """Differentiate with the steps h and h/2."""
    middle = lines.base[chosen]
    samples = [lines.move(chosen, factor * steps) for factor in (1.0, -1.0, 0.5, -0.5)]
    (f_up, up), (f_down, down), (f_near_up, near_up), (f_near_down, near_down) = samples

    def differences(above: Array, below: Array, t: Array, s: Array) -> tuple[Array, Array]:
        slope = (above - below) / (t - s)[:, None]
        bend = (above - middle) / t[:, None] - (middle - below) / -s[:, None]
        return slope, bend

    with np.errstate(all="ignore"):
        d1, g1 = differences(f_up, f_down, up, down)
        d2, g2 = differences(f_near_up, f_near_down, near_up, near_down)
        largest = np.max([np.abs(v) for v in (middle, f_up, f_down, f_near_up, f_near_down)], 0)
        # Below the smallest normal number the rounding unit is absolute.
        normal = np.finfo(np.float32 if lines.eps > 1e-10 else np.float64).tiny
        ulp = lines.eps * np.maximum(largest, normal) / steps[:, None]
        bend = 2 * g2 - g1
        rough = np.abs(bend) / 2 + 7 / 3 * np.abs(d2 - d1)
        # The fourth difference of smooth values is rounding, however large that is.
        fourth = np.abs(f_up - 4 * f_near_up + 6 * middle - 4 * f_near_down + f_down)
        scatter = 3 * fourth / np.sqrt(70) / steps[:, None]
        uncertainty = np.maximum(rough + ROUNDING * ulp, scatter)
        value = d2 + (d2 - d1) / 3
    lost = ~np.isfinite(value + uncertainty)
    value, uncertainty, rough = (
        np.where(lost, other, a)
        for a, other in ((value, np.nan), (uncertainty, np.inf), (rough, np.inf))
    )
    return Estimate(value, uncertainty, bend, rough, *_unseen(value.shape, NOISE * ulp))


def _unseen(shape: tuple[int, ...], noise: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Previous, before, noise, blind and exact of a first estimate."""
    nowhere = np.full(shape, np.inf)
    no = np.zeros(shape, bool)
    return nowhere, nowhere.copy(), noise, no, no.copy()


# ---- complex steps ------------------------------------------------------------------------------


def complex_step(problem: Problem) -> Estimate | None:
    """Im f(x + ih) / h, free of cancellation; None if f does not take complex numbers.

    Squire and Trapp, SIAM Review 40 (1998), 110-112.
    """
    h = 2.0**-66 if problem.structure.coarsest == np.float32 else 2.0**-332
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            problem.move_aside(np.arange(1), h)
            values = problem.move_aside(np.arange(len(problem.x)), h)
        except Exception:  # whatever a function says that was not made for complex numbers
            return None
    slopes = values.imag / h
    lost = ~np.isfinite(values)
    uncertainty = np.where(lost, np.inf, 16 * problem.eps * np.abs(slopes))
    zero = np.zeros_like(slopes)
    estimate = Estimate(
        np.where(lost, np.nan, slopes),
        uncertainty,
        zero,
        zero.copy(),
        *_unseen(zero.shape, zero.copy()),
    )
    estimate.exact = ~lost
    return estimate


def is_analytic(problem: Problem, steps: Estimate, seed: int) -> bool:
    """Whether complex steps agree with real differences along one random direction.

    They do not if the function drops imaginary parts on the way, as ``abs`` does.
    """
    vector = np.random.default_rng(seed).standard_normal(len(problem.x))
    vector /= np.linalg.norm(vector)
    slope = vector @ steps.value
    line = Directions(problem, vector[None])
    size = np.abs(vector * steps.value[:, 0]).max(initial=0.0)
    real = central(line, slope[None], np.full((1, 1), 1e-3 * size), None)
    return bool(np.abs(real.value - slope)[0, 0] <= real.uncertainty[0, 0] + 1e-3 * size)
