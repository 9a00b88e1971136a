"""Losses with their slopes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from deltarule._catalogue import Function
from deltarule._losses import Loss, loss
from deltarule.displays._curves import Curve, CurvesDisplay, Floats, grid, label_of, line

Against = Literal["prediction", "probability"]

# Targets that are shown where none is given, by the loss or by what it takes; else 1.
_TARGETS = {"mape": 1.0, "smape": 1.0, "real": 0.0, "above_minus_one": 0.0, "classes": 0.0}
_TITLES = {0: "loss", 1: "slope in z"}
_LINKS = ("sigmoid", "softmax")  # of which the raw prediction of a probability is known


class LossDisplay(CurvesDisplay):
    """Losses of one prediction and their slopes, as curves.

    Made by `from_loss`.

    Attributes
    ----------
    curves : tuple of Curve
        One per loss: ``display.curves[0].lines[1].y`` is the slope dL/dz of the first one at
        ``lines[1].x``, ``lines[1].jumps`` are the places where it jumps, the kinks of the loss.
    titles : dict of int to str
        What the lines of each order are called.
    x_label : str
        What they are over: ``"prediction z"`` or ``"probability"``.
    ax_ : Axes or ndarray of Axes
        Where it was drawn: one for a single loss, else two.
    figure_ : Figure
    """

    @classmethod
    def from_loss(
        cls,
        losses: str | Loss | Sequence[str | Loss],
        *,
        target: float | None = None,
        low: float | None = None,
        high: float | None = None,
        against: Against = "prediction",
        points: int = 513,
    ) -> Self:
        """Compute the loss of one prediction z, and its slope dL/dz.

        A row-wise loss (softmax_cross_entropy) is shown for two classes with the raw predictions
        [z, 0].

        Parameters
        ----------
        losses : str or Loss, or several of them
            Of single predictions and targets.
        target : float, optional
            The target, of a row-wise loss the class, 0 or 1.  By default 0 for losses of real
            numbers and of classes, else 1.
        low, high : float, optional
            The range, by default from -4 to 4, or from 0 to 1; where the loss is not defined, the
            curve has no points.
        against : {"prediction", "probability"}, default="prediction"
            What the curves are over.  The slope is in z in both cases: over the probability
            p = sigmoid(z), that of the cross-entropy is the straight line p - t.
        points : int, default=513
            Of the grid.

        Returns
        -------
        LossDisplay

        Raises
        ------
        ValueError
            If a name is unknown, a loss takes several arrays or has no probability, the target is
            outside the domain of the loss, or the range is none.

        Examples
        --------
        >>> from deltarule.displays import LossDisplay
        >>> display = LossDisplay.from_loss("hinge")
        >>> [float(at) for at, *_ in display.curves[0].lines[1].jumps]
        [1.0]
        """
        several = [losses] if isinstance(losses, str | Function) else losses
        chosen = [loss(f) for f in several]
        if not chosen:
            raise ValueError("There is no loss to show: give one, or several in a list.")
        if against not in ("prediction", "probability"):
            raise ValueError(
                f"A loss is shown against the 'prediction' or the 'probability'; met {against!r}."
            )
        over = against == "probability"
        cases = [_Case.of(f, target, over) for f in chosen]
        ends = np.array([case.range for case in cases])
        first = float(ends[:, 0].min()) if low is None else low
        last = float(ends[:, 1].max()) if high is None else high
        x = grid(first, last, points)
        letter, x_label = ("p", "probability") if over else ("z", "prediction z")
        return cls([_curve(case, x, letter) for case in cases], _TITLES, x_label)


@dataclass(frozen=True)
class _Case:
    """A loss at a target: over z, or over a probability that is the link of z."""

    loss: Loss
    target: float
    linked: bool
    range: tuple[float, float]

    @classmethod
    def of(cls, f: Any, target: float | None, over: bool) -> Self:
        if "operands" in f.facts:
            raise ValueError(
                f"{f.name} is a loss of several arrays ({', '.join(f.facts['operands'])}), so it "
                "has no curve over one prediction."
            )
        if target is None:
            known = [_TARGETS[k] for k in (f.name, f.facts["targets"]) if k in _TARGETS]
            target = known[0] if known else 1.0
        if not f.elementwise and target not in (0, 1):
            raise ValueError(
                f"{f.name} is shown for two classes, so its target is 0 or 1; met {target!r}."
            )
        if over and f.link not in _LINKS and f.facts["input"] != "probability":
            raise ValueError(
                f"{f.name} is no loss of probabilities (its link is {f.link!r}); show it against "
                "the 'prediction'."
            )
        low, high = f.facts.get("defined", (-math.inf, math.inf))  # not stated of own losses
        ends = (0.0, 1.0) if over else (max(low, -4.0), min(high, 4.0))
        return cls(f, float(target), over and f.link in _LINKS, ends)

    @property
    def name(self) -> str:
        if self.loss.elementwise:
            return f"{label_of(self.loss)}, t = {self.target:g}"
        return f"{label_of(self.loss)}, class {self.target:g} of [z, 0]"

    def both(self, x: Floats) -> tuple[Floats, Floats]:
        """Losses and slopes, each of shape (n,)."""
        z = np.log(x) - np.log1p(-x) if self.linked else x
        if not self.loss.elementwise:
            rows = np.column_stack([z, np.zeros_like(z)])
            codes = np.full(len(z), int(self.target))
            values, slopes = self.loss.value_and_gradient(rows, codes, reduction="none")
            return values, slopes[:, 0]
        t = np.full_like(z, self.target)
        if not self.loss.facts["root_of_mean"]:
            return self.loss.value_and_gradient(z, t, reduction="none")
        pairs = [self.loss.value_and_gradient(z[i : i + 1], t[i : i + 1]) for i in range(len(z))]
        return np.array([v for v, _ in pairs]), np.array([slope[0] for _, slope in pairs])


def _curve(case: _Case, x: Floats, letter: str) -> Curve:
    slope = line(lambda at: case.both(at)[1], x)
    kinks = sorted(set(slope.jumps[:, 0].tolist()))
    lines = {0: line(lambda at: case.both(at)[0], x, kinks)}
    lines[1] = line(lambda at: case.both(at)[1], x, kinks)
    notes = [f"Kink at {letter} = {at:.4g}." for at in kinks]
    notes += [
        f"Jump at {letter} = {at:.4g} from {a:.4g} to {b:.4g}." for at, a, b in lines[0].jumps
    ]
    return Curve(case.name, lines, tuple(notes))
