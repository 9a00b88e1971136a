"""What a check found, as one record, and as sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deltarule.gradcheck._structure import Index

SHOWN, LAYERS = 5, 12  # places and layers that the sentences name
REASONS = {
    "kink": "at kinks, where the slopes on the two sides differ",
    "jump": "where the function jumps",
    "edge": "where the function is not finite on one side",
    "undefined": "where the function is not finite",
}


@dataclass(frozen=True)
class Element:
    """One derivative: what was claimed and what was measured.

    Attributes
    ----------
    layer : str
        The array it belongs to: a parameter of a network, or what was checked, such as
        ``"derivative"`` or ``"vjp"``.
    index : tuple of int
        Its index there; None for a whole layer along a random direction.
    at : float
        The number that was varied; NaN for a direction.
    analytic, numeric : float
        The claim, and the derivative from values alone.
    uncertainty : float
        How far from `numeric` the true derivative may lie.
    error : float
        ``|analytic - numeric| / max(|analytic|, |numeric|, floor)``.
    method : str
        ``"central+richardson"`` or ``"complex step"``.
    """

    layer: str
    index: Index | None
    at: float
    analytic: float
    numeric: float
    uncertainty: float
    error: float
    method: str

    @property
    def place(self) -> str:
        """Layer and index as one would write them in Python."""
        return self.layer + _subscript(self.index)


@dataclass(frozen=True)
class Skipped:
    """A place where there is no derivative to compare with.

    Attributes
    ----------
    layer, index, at
        As for `Element`.
    reason : {"kink", "jump", "edge", "undefined"}
    left, right : float
        The slopes on the two sides of a kink, otherwise NaN.
    """

    layer: str
    index: Index
    at: float
    reason: str
    left: float = math.nan
    right: float = math.nan

    @property
    def place(self) -> str:
        """Layer and index as one would write them in Python."""
        return self.layer + _subscript(self.index)


@dataclass(frozen=True)
class Layer:
    """How many derivatives of one layer were compared, and with what result."""

    name: str
    checked: int = 0
    failed: int = 0
    undecided: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Projection:
    """What a check along random directions is worth.

    Attributes
    ----------
    directions : int
    parameters : int
    length : float
        Of the gradient.
    unseen : float
        An error of the gradient longer than this escapes all directions with a probability below
        1 %.
    """

    directions: int
    parameters: int
    length: float
    unseen: float


@dataclass(frozen=True)
class GradientReport:
    """The result of `check_gradient`; ``print`` it to read it.

    Attributes
    ----------
    subject : str
        What was checked.
    rtol : float
        The relative error that was allowed, beside the uncertainty of the numerical derivative.
    worst : Element or None
        The largest relative error: among the refuted derivatives, if any, else among those that
        agree.  None if nothing could be compared.
    offenders : tuple of Element
        The refuted derivatives, the worst first, at most 100.
    layers : tuple of Layer
        Counts by layer.
    vague : Element or None
        Of those that are too uncertain to be decided, the one that is uncertain by most.
    skipped : tuple of Skipped
        The places without a derivative.
    evaluations, backward_passes : int
        The cost: calls of the function and of its gradient.
    parameters : int
        How many numbers were varied.
    at_once : bool
        Whether one evaluation varied many of them.
    methods : Mapping[str, int]
        How many derivatives were measured by each method.
    projection : Projection or None
        For a check along random directions.
    """

    subject: str
    rtol: float
    worst: Element | None
    offenders: tuple[Element, ...]
    layers: tuple[Layer, ...]
    vague: Element | None
    skipped: tuple[Skipped, ...]
    evaluations: int
    backward_passes: int
    parameters: int
    at_once: bool
    methods: Mapping[str, int]
    projection: Projection | None = None

    @property
    def checked(self) -> int:
        """Derivatives (or directions) that were compared and decided."""
        return sum(layer.checked for layer in self.layers)

    @property
    def failed(self) -> int:
        """Those that the numerical derivative refutes."""
        return sum(layer.failed for layer in self.layers)

    @property
    def undecided(self) -> int:
        """Those that agree only within an uncertainty larger than the tolerance."""
        return sum(layer.undecided for layer in self.layers)

    @property
    def passed(self) -> bool:
        """Whether something was decided, and nothing refuted."""
        return self.checked > 0 and self.failed == 0

    @property
    def verdict(self) -> str:
        """``"PASSED"``, ``"FAILED"``, or ``"UNDECIDED"`` if nothing could be compared."""
        if self.checked == 0:
            return "UNDECIDED"
        return "FAILED" if self.failed else "PASSED"

    @property
    def worst_error(self) -> float:
        """The relative error of `worst`; NaN if nothing could be compared."""
        return math.nan if self.worst is None else self.worst.error

    def __str__(self) -> str:
        return "\n  ".join(
            [
                f"{self.verdict}  {self.subject}",
                *_verdict(self),
                *_undecided(self),
                *_skipped(self),
                *_projection(self),
                *_cost(self),
            ]
        )


def _verdict(report: GradientReport) -> Iterator[str]:
    worst, failed, checked = report.worst, report.failed, report.checked
    if worst is None:
        yield (
            "Nothing could be decided: a larger rtol, a function with more digits or another x "
            "may help."
            if report.undecided
            else "There was nothing to compare with: choose another x."
        )
        return
    if failed:
        if report.projection:
            yield f"The slope is wrong along {failed:,} of {checked:,} random directions."
        else:
            yield f"{failed:,} of {checked:,} derivatives {'is' if failed == 1 else 'are'} wrong."
        yield f"The worst is {_comparison(worst)}: the relative error is {worst.error:.2g}."
        others = [e.place for e in report.offenders[1:SHOWN]]
        if others:
            yield f"Also wrong: {', '.join(others)}{' ...' * (len(report.offenders) > SHOWN)}"
        return
    if report.projection:
        yield f"The slope agrees along all {checked:,} random directions."
    else:
        counts = [f"{layer.checked:,} of {layer.name}" for layer in report.layers[:LAYERS]]
        more = len(report.layers) - LAYERS
        rest = f" and {more:,} more layer{_s(more)}" if more > 0 else ""
        of = f": {', '.join(counts)}{rest}" if len(report.layers) > 1 else ""
        yield f"All {checked:,} derivatives agree within {report.rtol:g}{of}."
    yield f"The largest relative error is {worst.error:.2g}, of {_comparison(worst)}."


def _comparison(element: Element) -> str:
    at = "" if math.isnan(element.at) else f" at {element.at:.6g}"
    known = 0 < element.uncertainty < math.inf
    within = "" if not known else f" to within {element.uncertainty:.1g}"
    digits = _digits(element)
    return (
        f"{element.place}{at}, stated as {element.analytic:.{digits}g} and measured as "
        f"{element.numeric:.{digits}g}{within} by {_METHODS[element.method]}"
    )


_METHODS = {"central+richardson": "central differences", "complex step": "a complex step"}


def _digits(element: Element) -> int:
    """Enough digits to tell the two numbers apart, 5 to 15."""
    error = element.error
    return 5 if not 0 < error < 1 else min(15, max(5, 2 - math.floor(math.log10(error))))


def _undecided(report: GradientReport) -> Iterator[str]:
    if report.vague is None:
        return
    n = report.undecided
    yield (
        f"{n:,} {'is' if n == 1 else 'are'} undecided: the claim lies within the uncertainty of "
        f"the numerical derivative, but that exceeds the tolerance; most at {report.vague.place}, "
        f"stated as {report.vague.analytic:.3g} and measured as {report.vague.numeric:.3g} within "
        f"{report.vague.uncertainty:.1g}."
    )


def _skipped(report: GradientReport) -> Iterator[str]:
    for reason, why in REASONS.items():
        places = [s for s in report.skipped if s.reason == reason]
        if not places:
            continue
        shown = ", ".join(_place(s) for s in places[:SHOWN])
        more = f" and {len(places) - SHOWN:,} more" if len(places) > SHOWN else ""
        yield f"{len(places):,} skipped {why}: {shown}{more}."


def _place(skipped: Skipped) -> str:
    slopes = f" (slopes {skipped.left:.4g} and {skipped.right:.4g})"
    return f"{skipped.place} at {skipped.at:.6g}{slopes if skipped.reason == 'kink' else ''}"


def _projection(report: GradientReport) -> Iterator[str]:
    p = report.projection
    if p is None:
        return
    yield (
        f"{p.directions} direction{_s(p.directions)} through the space of {p.parameters:,} "
        f"parameter{_s(p.parameters)} cannot show everything: an error of the gradient longer than "
        f"{p.unseen:.2g} (the gradient's length is {p.length:.3g}) escapes all of them with a "
        'probability below 1 %; a smaller one may escape.  method="central" looks at every '
        "parameter."
    )


def _cost(report: GradientReport) -> Iterator[str]:
    n, passes = report.evaluations, report.backward_passes
    backward = f"{passes} evaluation{_s(passes)} of the gradient"
    if report.at_once:
        yield (
            f"Cost: {n:,} evaluations of the function, each at many points at once, and {backward}."
        )
        return
    yield (
        f"Cost: {n:,} evaluations of the function for {report.parameters:,} "
        f"parameter{_s(report.parameters)}, where one backward pass gives the whole gradient."
    )
    if not report.projection:
        yield (
            "A central difference takes two evaluations for each parameter and step size, a "
            'complex step one; method="projection" takes four for each direction.'
        )


def _subscript(index: Index | None) -> str:
    return "" if not index else f"[{', '.join(map(str, index))}]"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
