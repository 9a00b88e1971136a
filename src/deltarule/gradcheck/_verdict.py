"""Claims against numerical derivatives: agreed, refuted, undecided, or not comparable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from deltarule.gradcheck._differences import CENTRAL, COMPLEX, Estimate
from deltarule.gradcheck._problem import Problem
from deltarule.gradcheck._report import Element, Layer, Skipped
from deltarule.gradcheck._structure import Array

KEPT = 100  # offenders in a report


class Verdict(IntEnum):
    """Of one derivative."""

    AGREES = 0
    FAILED = 1
    UNDECIDED = 2
    KINK = 3
    JUMP = 4
    EDGE = 5
    UNDEFINED = 6


@dataclass(frozen=True)
class Judged:
    """Some lanes of a problem with estimate, verdict and error of each derivative: (k, m)."""

    problem: Problem
    lanes: Array
    estimate: Estimate
    verdicts: Array
    errors: Array
    sharp: Array  # known to the tolerance

    def where(self, *verdicts: Verdict) -> Array:
        """Give the pairs (row, value) with one of some verdicts, the largest error first.

        What is known to less than the tolerance comes after what is known better.
        """
        found = np.argwhere(np.isin(self.verdicts, verdicts))
        at = tuple(found.T)
        errors = np.nan_to_num(self.errors[at], nan=np.inf)
        ordered: Array = found[np.lexsort((-errors, ~self.sharp[at]))]
        return ordered

    def element(self, row: int, value: int) -> Element:
        """Describe one derivative."""
        lane, at, estimate = int(self.lanes[row]), (row, value), self.estimate
        layer, index = self.problem.place(lane, value)
        return Element(
            layer=layer,
            index=index,
            at=float(self.problem.x[lane]),
            analytic=float(self.problem.claimed[lane, value]),
            numeric=float(estimate.value[at]),
            uncertainty=float(estimate.uncertainty[at]),
            error=float(self.errors[at]),
            method=COMPLEX if estimate.exact[at] else CENTRAL,
        )

    def skipped(self) -> Iterator[Skipped]:
        """Describe the places without a derivative, in order."""
        for row, value in np.argwhere(self.verdicts >= Verdict.KINK):
            verdict, lane = Verdict(self.verdicts[row, value]), int(self.lanes[row])
            layer, index = self.problem.place(lane, value)
            x = float(self.problem.x[lane])
            slopes = {}
            if verdict == Verdict.KINK:
                middle = self.estimate.value[row, value]
                bend = self.estimate.bend[row, value]
                slopes = {"left": float(middle - bend / 2), "right": float(middle + bend / 2)}
            yield Skipped(layer, index, x, verdict.name.lower(), **slopes)

    def counts(self) -> Iterator[Layer]:
        """Count the verdicts by layer."""
        seen: dict[str, Counter[Verdict]] = {}
        for (row, value), verdict in np.ndenumerate(self.verdicts):
            layer = self.problem.place(int(self.lanes[row]), value)[0]
            seen.setdefault(layer, Counter())[Verdict(verdict)] += 1
        for name, count in seen.items():
            failed, undecided = count[Verdict.FAILED], count[Verdict.UNDECIDED]
            skipped = sum(n for verdict, n in count.items() if verdict >= Verdict.KINK)
            yield Layer(name, count[Verdict.AGREES] + failed, failed, undecided, skipped)


def tolerance_of(problem: Problem, numeric: Array | None, rtol: float, lanes: Array) -> Array:
    """Give the difference that matters for the derivatives of some lanes, shape (k, m)."""
    floor = problem.floor(rtol)
    size = np.fmax(np.abs(problem.claimed[lanes]), floor)
    if numeric is not None:
        size = np.fmax(size, np.abs(numeric))
    tolerance: Array = rtol * np.where(np.isfinite(size), size, floor)
    return tolerance


def judge(problem: Problem, estimate: Estimate, rtol: float, lanes: Array | None = None) -> Judged:
    """Compare the claims of a problem with numerical derivatives, of some lanes or of all.

    A claim is refuted where it differs from the numerical derivative by more than the tolerance
    and the uncertainty together.  At a kink the uncertainty is half the difference of the slopes,
    so that a claim outside of them is refuted there, too.
    """
    lanes = np.arange(len(problem.x)) if lanes is None else lanes
    claimed, numeric, u = problem.claimed[lanes], estimate.value, estimate.uncertainty
    tolerance = tolerance_of(problem, numeric, rtol, lanes)
    with np.errstate(all="ignore"):
        difference = np.abs(claimed - numeric)
        errors = difference / (tolerance / rtol)
    claim_lost = ~np.isfinite(claimed)
    errors = np.where(claim_lost, np.inf, errors)
    vague = ~(u <= tolerance)
    jump, kink = vague & estimate.is_jump(), vague & estimate.is_kink()
    lost = ~np.isfinite(u)
    undefined = ~np.isfinite(problem.base[lanes])
    verdicts = np.select(
        [
            undefined,
            lost,
            jump,
            kink & claim_lost,
            claim_lost | (difference > tolerance + u),
            kink,
            difference <= tolerance,
        ],
        [
            Verdict.UNDEFINED,
            Verdict.EDGE,
            Verdict.JUMP,
            Verdict.KINK,
            Verdict.FAILED,
            Verdict.KINK,
            Verdict.AGREES,
        ],
        Verdict.UNDECIDED,
    )
    return Judged(problem, lanes, estimate, verdicts, errors, ~vague)


def merged(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Add the counts of layers with one name."""
    sums: dict[str, Layer] = {}
    for new in layers:
        old = sums.get(new.name, Layer(new.name))
        sums[new.name] = Layer(
            new.name,
            old.checked + new.checked,
            old.failed + new.failed,
            old.undecided + new.undecided,
            old.skipped + new.skipped,
        )
    return tuple(sums.values())
