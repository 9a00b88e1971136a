"""The check itself: differentiate, judge, report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from deltarule.gradcheck._differences import (
    CENTRAL,
    COMPLEX,
    Estimate,
    central,
    complex_step,
    is_analytic,
)
from deltarule.gradcheck._probes import probes
from deltarule.gradcheck._problem import Problem, Some
from deltarule.gradcheck._projection import Projected, project
from deltarule.gradcheck._reading import Subject, read
from deltarule.gradcheck._report import Element, GradientReport
from deltarule.gradcheck._structure import Array
from deltarule.gradcheck._verdict import KEPT, Judged, Verdict, judge, merged, tolerance_of

METHODS = ("auto", "central", "complex", "projection")
MANY = 10_000  # parameters beyond which "auto" looks along random directions


def check_gradient(
    f: Any,
    x: Any = None,
    *operands: Any,
    rtol: float | None = None,
    method: str = "auto",
    h: float | None = None,
    directions: int = 8,
    seed: int = 0,
    second: bool | None = None,
    dtype: Any = np.float64,
    **options: Any,
) -> GradientReport:
    """Compare a gradient with numerical derivatives, which come from values of the function alone.

    Parameters
    ----------
    f : object
        * an activation: ``check_gradient(f, x)`` checks derivative, vector-Jacobian product,
          Jacobian, second derivative and the derivatives by parameters that can be learned,
          as far as f has them;
        * a loss: ``check_gradient(loss, z, y)`` checks the gradient of each value, that of their
          mean, and the second derivative;
        * a pair of callables ``(function, gradient)``, where ``gradient(x)`` is the gradient of a
          single value, the derivative element by element (of the shape of x), or the Jacobian (of
          the shape ``function(x).shape + x.shape``);
        * a callable that gives ``(value, gradient)``;
        * a network: an object with ``parameters()``, a dictionary of arrays by name, and
          ``loss_and_gradient(parameters)``, the loss and a dictionary of gradients; if it has
          ``loss(parameters)``, the differences cost less;
        * a fitted estimator: ``check_gradient(estimator, X, y)`` checks the gradient of the loss
          (without the penalty) by its weights, in float64.
    x : array_like, list of arrays or dict of arrays, optional
        Where.  Activations and losses of the catalogue have default places: both sides of 0 and
        of every kink, and the tails.
    *operands : array_like
        The further arguments of a loss; y for an estimator.
    rtol : float, optional
        The relative error to allow, beside the uncertainty of the numerical derivative; by default
        1e-6 in float64 and 1e-3 in float32.
    method : {"auto", "central", "complex", "projection"}, default="auto"
        ``"central"``: central differences with Richardson extrapolation, from steps near
        eps^(1/5) max(1, abs(x)), with more steps where these do not decide.
        ``"complex"``: the imaginary part at x + ih, exact to rounding, for functions that take
        complex numbers; disagreements are settled by central differences.
        ``"projection"``: the slope along random directions, four evaluations each, for a single
        value of many parameters.
        ``"auto"``: complex steps where the function allows and central differences confirm them,
        otherwise central differences; random directions beyond 10,000 parameters.
    h : float, optional
        The first step, in units of x.
    directions : int, default=8
        How many random directions.
    seed : int, default=0
        Of directions and cotangents.
    second : bool, optional
        Whether to check second derivatives; by default, where there are some.
    dtype : dtype, default=numpy.float64
        Of the default x.
    **options
        Keyword arguments that f is called with, such as ``sample_weight`` or ``reduction`` of a
        loss, or ``rng`` of a random activation (by default the seed).

    Returns
    -------
    GradientReport
        ``report.passed``, ``report.worst``, ...; ``print(report)`` says it in sentences.

    Raises
    ------
    TypeError
        If f claims no gradient, or takes other operands.
    ValueError
        If shapes do not fit, f gives different values at the same x, or the method is unknown or
        does not suit f.

    Notes
    -----
    A derivative is refuted where it differs from the numerical one by more than the tolerance and
    the uncertainty of the numerical one together.  Kinks are recognised by one-sided slopes that
    differ at all steps alike: there is no derivative to compare with, so they are skipped and
    counted, unless the claim lies outside of both slopes.  A point near a kink is not skipped: the
    steps shrink until they stay on its side.

    The check costs two evaluations of f for each parameter and step size, where one backward pass
    gives the whole gradient.

    Examples
    --------
    >>> import numpy as np
    >>> import deltarule as dr
    >>> report = dr.check_gradient((np.sin, np.cos), np.linspace(-3.0, 3.0, 50))
    >>> report.passed, report.checked
    (True, 50)
    >>> wrong = dr.check_gradient((np.sin, lambda x: np.cos(x) * [1.0, 1.0001]), [0.5, 1.0])
    >>> wrong.passed, wrong.worst.place
    (False, 'derivative[1]')
    """
    if method not in METHODS:
        raise ValueError(f"The method must be one of {', '.join(METHODS)}; met {method!r}.")
    for name, value in (("rtol", rtol), ("h", h)):
        if value is not None and not (isinstance(value, Real) and 0 < value < np.inf):
            raise ValueError(f"{name} must be a finite number > 0; met {value!r}.")
    if not (isinstance(directions, Integral) and directions >= 1):
        raise ValueError(f"directions must be an integer >= 1; met {directions!r}.")
    operands = (*(() if x is None else (x,)), *operands)
    with np.errstate(all="ignore"):  # the steps lead to places where nobody meant f to be called
        by_default = not operands and hasattr(f, "facts")
        subjects = probes(f, np.dtype(dtype)) if by_default else [operands]
        parts = [read(f, each, options, second, seed) for each in subjects]
        problems = [p for part in parts for p in part.problems]
        allowed = rtol or (1e-6 if max(p.eps for p in problems) < 1e-10 else 1e-3)
        settings = _Settings(allowed, method, h, int(directions), seed)
        return _report(parts, settings, *_results(problems, settings))


@dataclass(frozen=True)
class _Settings:
    """How to differentiate."""

    rtol: float
    method: str
    h: float | None
    directions: int
    seed: int


def _results(problems: list[Problem], settings: _Settings) -> tuple[list[Judged], list[Projected]]:
    judged, projected = [], []
    for problem in problems:
        many = settings.method == "auto" and len(problem.x) > MANY
        if problem.is_scalar and (many or settings.method == "projection"):
            projected.append(
                project(problem, settings.directions, settings.seed, settings.rtol, settings.h)
            )
        elif settings.method != "projection":
            judged.append(judge(problem, _differentiate(problem, settings), settings.rtol))
    if not judged and not projected:
        raise ValueError(
            'method="projection" is for a single value of many parameters; this function has many '
            'values. Use method="central".'
        )
    return judged, projected


def _differentiate(problem: Problem, settings: _Settings) -> Estimate:
    lanes = np.arange(len(problem.x))
    tolerance = tolerance_of(problem, None, settings.rtol, lanes)
    if settings.method == "central":
        return central(problem, problem.claimed, tolerance, settings.h)
    steps = complex_step(problem)
    if settings.method == "complex" and steps is None:
        raise ValueError(
            "The function does not take complex numbers, or gives real values of them. Use "
            'method="central".'
        )
    if problem.is_scalar and steps is not None:
        if is_analytic(problem, steps, settings.seed):
            return _settle(problem, steps, tolerance, settings)
        if settings.method == "complex":
            raise ValueError(
                "The complex steps contradict real differences: somewhere the function drops the "
                'imaginary part, as abs does. Use method="central".'
            )
    real = central(problem, problem.claimed, tolerance, settings.h)
    if steps is not None and not problem.is_scalar:
        _sharpen(real, steps)
    return real


def _settle(problem: Problem, steps: Estimate, tolerance: Array, settings: _Settings) -> Estimate:
    """Let central differences settle where complex steps contradict the claim."""
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(steps.value - problem.claimed) <= tolerance + steps.uncertainty)
    lanes = np.flatnonzero(off.any(axis=1))
    if len(lanes):
        some = Some(problem, lanes)
        real = central(some, problem.claimed[lanes], tolerance[lanes], settings.h)
        _sharpen(real, steps.of(lanes))
        steps.replace(lanes, real)
    return steps


def _sharpen(real: Estimate, steps: Estimate) -> None:
    """Take the complex steps where real differences confirm them, but at no kink."""
    with np.errstate(invalid="ignore"):
        confirmed = np.abs(steps.value - real.value) <= real.uncertainty + steps.uncertainty
    real.put(np.arange(len(real.value)), steps, confirmed & ~real.is_kink() & ~real.is_jump())


def _report(
    parts: list[Subject], settings: _Settings, judged: list[Judged], projected: list[Projected]
) -> GradientReport:
    problems = [p for part in parts for p in part.problems]
    offenders = [e for p in projected for e in p.offenders]
    offenders += _elements(judged, KEPT, Verdict.FAILED)
    agreeing = _elements(judged, 1, Verdict.AGREES)
    agreeing += [p.worst for p in projected if p.worst is not None]
    if judged:
        offenders.sort(key=lambda e: -e.error)
    worst = offenders[:1] or sorted(agreeing, key=_sharp_and_large)[:1]
    vague = _elements(judged, 1, Verdict.UNDECIDED)
    layers = [c for j in judged for c in j.counts()] + [p.layer for p in projected]
    skipped = [s for j in judged for s in j.skipped()] + [s for p in projected for s in p.skipped]
    return GradientReport(
        subject=parts[0].name,
        rtol=settings.rtol,
        worst=worst[0] if worst else None,
        offenders=tuple(offenders[:KEPT]),
        layers=merged(layers),
        vague=max(vague, key=lambda e: e.uncertainty, default=None),
        skipped=tuple(skipped),
        evaluations=sum(problem.value.evaluations for problem in problems),
        backward_passes=sum(part.backward_passes for part in parts),
        parameters=sum(len(problem.x) for problem in problems),
        at_once=all(p.at_once for p in problems),
        methods=_methods(judged, projected),
        projection=projected[0].projection if projected else None,
    )


def _elements(judged: list[Judged], most: int, verdict: Verdict) -> list[Element]:
    return [j.element(*map(int, place)) for j in judged for place in j.where(verdict)[:most]]


def _sharp_and_large(element: Element) -> tuple[bool, float]:
    """Sort what is known well first, and there the largest error."""
    size = max(abs(element.analytic), abs(element.numeric))
    return element.uncertainty > 1e-6 * size, -element.error


def _methods(judged: list[Judged], projected: list[Projected]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for j in judged:
        compared = j.verdicts < Verdict.KINK
        counts[COMPLEX] += int((compared & j.estimate.exact).sum())
        counts[CENTRAL] += int((compared & ~j.estimate.exact).sum())
    counts[CENTRAL] += sum(p.layer.checked for p in projected)
    return {name: count for name, count in counts.items() if count}
