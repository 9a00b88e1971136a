"""Activations with their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import numpy as np

from deltarule._activation_kinds import Activation, ElementwiseActivation
from deltarule._activations import activation
from deltarule._catalogue import Function
from deltarule._saturation import saturation_interval
from deltarule.displays._curves import Curve, CurvesDisplay, Floats, Line, grid, label_of, line

_TITLES = {0: "f(x)", 1: "f'(x)", 2: "f''(x)"}


class FunctionDisplay(CurvesDisplay):
    """Activations and their derivatives, as curves.

    Made by `from_activation`.

    Attributes
    ----------
    curves : tuple of Curve
        One per activation: ``display.curves[0].lines[1].y`` is the slope of the first one at
        ``lines[1].x``, ``lines[1].jumps`` are the places where it jumps, ``saturation`` is the
        interval outside of which it saturates.
    titles : dict of int to str
        What the lines of each order are called.
    x_label : str
    ax_ : Axes or ndarray of Axes
        Where it was drawn: one for a single activation, else one per order.
    figure_ : Figure
    """

    @classmethod
    def from_activation(
        cls,
        activations: str | Activation | Sequence[str | Activation],
        *,
        low: float = -4.0,
        high: float = 4.0,
        orders: Sequence[int] = (0, 1, 2),
        points: int = 513,
        level: float = 0.05,
    ) -> Self:
        """Compute value, slope and second derivative.

        A row-wise activation (softmax) is shown by the first entry of ``f([x, 0])`` and its slope
        in x; one that halves its row (glu) by ``f([x, 1])``.

        Parameters
        ----------
        activations : str or Activation, or several of them
        low, high : float, default=-4, 4
        orders : sequence of int, default=(0, 1, 2)
            0 is the value, 1 the slope, 2 the second derivative, which a row-wise one has not.
        points : int, default=513
            Of the grid.
        level : float, default=0.05
            An activation saturates where its slope stays below that share of its largest.

        Returns
        -------
        FunctionDisplay

        Raises
        ------
        ValueError
            If a name is unknown, an activation draws random numbers, an order does not exist, or
            the range is none.

        Examples
        --------
        >>> from deltarule.displays import FunctionDisplay
        >>> display = FunctionDisplay.from_activation("tanh")
        >>> [round(end, 3) for end in display.curves[0].saturation]
        [-2.178, 2.178]
        """
        several = [activations] if isinstance(activations, str | Function) else activations
        chosen = [activation(f) for f in several]
        if not chosen:
            raise ValueError("There is no activation to show: give one, or several in a list.")
        wanted = sorted(set(orders))
        if not wanted or not set(wanted) <= set(_TITLES):
            raise ValueError(
                f"The orders of a derivative are 0 (the value), 1 and 2; met {list(orders)!r}."
            )
        x = grid(low, high, points)
        curves = [_curve(f, x, wanted, level) for f in chosen]
        titles = {o: _TITLES[o] for o in wanted if any(o in c.lines for c in curves)}
        return cls(curves, titles)


def _curve(f: Activation, x: Floats, orders: list[int], level: float) -> Curve:
    if f.name == "gumbel_softmax":
        raise ValueError(
            f"{f.name} draws new noise in every call, so it has no curve; 'softmax' is what it is "
            "without noise."
        )
    if not isinstance(f, ElementwiseActivation):
        return _rowwise(f, x, orders)
    derivatives = (f, f.derivative, f.second_derivative)
    kinks = sorted({at for at, _ in f.kinks})
    lines = {o: line(derivatives[o], x, kinks) for o in orders}
    ends = saturation_interval(f, level)
    notes = (*_kinks(f, x), *_jumps(lines), _saturated(ends, level))
    return Curve(label_of(f), lines, notes, ends)


def _rowwise(f: Activation, x: Floats, orders: list[int]) -> Curve:
    other = 1.0 if f.facts["width"] == "half" else 0.0  # half of the row multiplies the other

    def rows(at: Floats) -> Floats:
        return np.column_stack([at, np.full_like(at, other)])

    derivatives = {
        0: lambda at: f(rows(at), axis=-1).reshape(len(at), -1)[:, 0],
        1: lambda at: f.jacobian(rows(at))[:, 0, 0],
    }
    lines = {o: line(derivatives[o], x) for o in orders if o in derivatives}
    if not lines:
        raise ValueError(
            f"{f.name} maps whole rows and has no second derivative element by element: ask for "
            "the orders 0 and 1."
        )
    return Curve(f"{label_of(f)}, first entry of f([x, {other:g}])", lines, _jumps(lines))


# ---- in words ------------------------------------------------------------------------------------


def _kinks(f: Activation, x: Floats) -> tuple[str, ...]:
    return tuple(
        f"Kink at x = {at:.4g}, where the slope is taken as {slope:.4g}."
        for at, slope in f.kinks
        if x[0] <= at <= x[-1]
    )


def _jumps(lines: dict[int, Line]) -> tuple[str, ...]:
    if 0 not in lines:
        return ()
    leaps = lines[0].jumps
    return tuple(f"Jump at x = {at:.4g} from {a:.4g} to {b:.4g}." for at, a, b in leaps)


def _saturated(ends: tuple[float, float], level: float) -> str:
    low, high = ends
    if low > high:
        return "The slope is 0 wherever it is defined."
    sides = [f"x < {low:.4g}"] if low > -math.inf else []
    sides += [f"x > {high:.4g}"] if high < math.inf else []
    if not sides:
        return "It saturates nowhere."
    return f"It saturates for {' and '.join(sides)} (at the level of {100 * level:g} %)."
