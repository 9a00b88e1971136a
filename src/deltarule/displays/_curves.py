"""Curves of one number: computed on a grid, drawn in panels, told as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from deltarule._catalogue import Function as Named
from deltarule.displays import style
from deltarule.displays.text import draw, side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Function = Callable[[Floats], Any]

_HALVINGS = 60  # of a cell in which a function may jump
_SEEN = 1e-3  # of the range of the values: a smaller jump is not seen
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))


# ---- numbers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A function on a grid.

    Attributes
    ----------
    x, y : ndarray of float64, shape (n,)
        x rises; y is NaN where the function has no finite value.
    jumps : ndarray of float64, shape (n_jumps, 3)
        Where it jumps, and the values that it has just before and just behind.
    before : ndarray of int, shape (n_jumps,)
        The last point of the grid before each jump.
    kinks : ndarray of float64, shape (n_kinks, 2)
        The kinks of its curve in the range of x, and the values that it takes there.
    """

    x: Floats
    y: Floats
    jumps: Floats
    before: NDArray[np.intp]
    kinks: Floats

    def broken(self) -> tuple[Floats, Floats]:
        """The same points with both sides of every jump, and a gap (NaN) between them."""
        at, left, right = self.jumps.T
        sides = np.column_stack([left, np.full(len(at), np.nan), right])
        place = np.repeat(self.before + 1, 3)
        return np.insert(self.x, place, np.repeat(at, 3)), np.insert(self.y, place, sides.ravel())


@dataclass(frozen=True)
class Curve:
    """A function with its derivatives.

    Attributes
    ----------
    name : str
    lines : mapping of int to Line
        By order: 0 is the function, 1 its slope, 2 its second derivative.
    notes : tuple of str
        What else is known of it, in sentences.
    saturation : tuple of float
        It saturates below the first and above the second of these inputs.
    """

    name: str
    lines: Mapping[int, Line]
    notes: tuple[str, ...] = ()
    saturation: tuple[float, float] = (-math.inf, math.inf)


def grid(low: float, high: float, points: int) -> Floats:
    """So many inputs from low to high, evenly.

    Raises
    ------
    ValueError
        If this is no range, or there are fewer than two points.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            f"A curve is drawn from low to high, two finite numbers that rise; met "
            f"low={low!r} and high={high!r}."
        )
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or points < 2:
        raise ValueError(f"A curve is drawn through points, an integer >= 2; met {points!r}.")
    return np.linspace(low, high, int(points))


def line(f: Function, x: Floats, kinks: Sequence[float] = ()) -> Line:
    """A function on a grid, with its jumps."""

    def finite(at: Floats) -> Floats:
        with np.errstate(all="ignore"):
            y = np.array(f(at), dtype=np.float64)
        y[~np.isfinite(y)] = np.nan
        return y

    y = finite(x)
    within = np.array([k for k in kinks if x[0] <= k <= x[-1]], dtype=np.float64)
    at_kinks = np.column_stack([within, finite(within)]) if within.size else np.empty((0, 2))
    return Line(x, y, *_jumps(finite, x, y), at_kinks)


def _jumps(f: Function, x: Floats, y: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Jumps and the points before them: values stay apart however close their inputs are."""
    steps = np.abs(np.diff(y))
    seen = _SEEN * (np.nanmax(y) - np.nanmin(y)) if np.isfinite(y).any() else math.inf
    cells = np.flatnonzero(steps > seen)
    ends = np.array([x[cells], x[cells + 1]])
    values = np.array([y[cells], y[cells + 1]])
    for _ in range(_HALVINGS):
        if not cells.size:
            break
        middle = ends.mean(axis=0)
        value = f(middle)
        first = np.abs(value - values[0]) >= np.abs(values[1] - value)
        side, column = first.astype(int), np.arange(len(cells))  # the end that moves
        ends[side, column], values[side, column] = middle, value
        apart = np.abs(values[1] - values[0]) > seen
        cells, ends, values = cells[apart], ends[:, apart], values[:, apart]
    at = np.array([min(pair, key=_digits) for pair in ends.T.tolist()], dtype=np.float64)
    return np.column_stack([at, *values]), cells


def _digits(number: float) -> int:
    """Of two neighbouring numbers, the one that is written with fewer is the one that was meant."""
    return len(repr(number))


def label_of(f: Named) -> str:
    """The name of a function with the parameters that are not its defaults."""
    defaults = {name: default for name, default, _ in f.facts["parameters"]}
    changed = {k: v for k, v in f.parameters.items() if v != defaults.get(k)}
    shown = ", ".join(
        f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in changed.items()
    )
    return f"{f.name}({shown})" if shown else f.name


def view(lines: Sequence[Line]) -> tuple[float, float]:
    """What of the values is looked at: all, but for far ends as of 1/x at 0."""
    pooled = np.concatenate([entry.y for entry in lines])
    pooled = pooled[np.isfinite(pooled)]
    if not pooled.size:
        return -1.0, 1.0
    low, high = np.quantile(pooled, [0.02, 0.98])
    room = 1.5 * (high - low)
    if room == 0:
        return float(pooled.min()), float(pooled.max())
    return max(float(pooled.min()), low - room), min(float(pooled.max()), high + room)


# ---- drawn and told ------------------------------------------------------------------------------


class CurvesDisplay:
    """Curves with their derivatives; see the concrete displays.

    Attributes
    ----------
    curves : tuple of Curve
    titles : dict of int to str
        What the lines of each order are called.
    x_label : str
    ax_ : Axes or ndarray of Axes
        Where it was drawn: one for a single curve, else one per order.
    figure_ : Figure
    """

    ax_: Any
    figure_: Figure

    def __init__(
        self, curves: Sequence[Curve], titles: Mapping[int, str], x_label: str = "x"
    ) -> None:
        self.curves = tuple(curves)
        self.titles = dict(titles)
        self.x_label = x_label

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it: one curve with its derivatives in one panel, several in a panel per order.

        Jumps are gaps, kinks dots at the value that is taken there, inputs at which a curve
        saturates are shaded.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Several panels take its place.  A new figure by default.
        theme : {"light", "dark"}, default="light"

        Returns
        -------
        self
            With the attributes ``ax_`` and ``figure_``.

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such theme, or several panels cannot take the place of ``ax``.
        """
        with style.drawing(theme):
            panels = list(self._panels())
            axes, key = _places(ax, len(panels))
            for one, (title, entries) in zip(axes, panels, strict=True):
                _draw_panel(one, entries, theme)
                one.set_title(title)
                one.set_xlabel(self.x_label)
            everything = [entry for _, entries in panels for entry in entries]
            _add_key(key or axes[0], key is None, everything, theme)
        self.ax_ = axes[0] if len(axes) == 1 else np.array(axes)
        self.figure_ = axes[0].figure
        return self

    def _panels(self) -> Iterator[tuple[str, list[_Entry]]]:
        """The title of each panel, and what is in it."""
        if len(self.curves) == 1:
            (curve,) = self.curves
            lines = enumerate(curve.lines.items())
            yield curve.name, [_Entry(i, self.titles[o], x, curve) for i, (o, x) in lines]
            return
        for order, title in self.titles.items():
            drawn = [(i, c) for i, c in enumerate(self.curves) if order in c.lines]
            yield title, [_Entry(i, c.name, c.lines[order], c) for i, c in drawn]

    def as_text(self) -> str:
        """The same in the characters of a terminal."""
        return "\n\n".join("\n".join(self._told(curve)) for curve in self.curves)

    def __str__(self) -> str:
        return self.as_text()

    def _told(self, curve: Curve) -> Iterator[str]:
        yield curve.name
        graphs = [_graph(entry, self.titles[order]) for order, entry in curve.lines.items()]
        for i in range(0, len(graphs), 2):
            yield side_by_side(*graphs[i : i + 2])
        yield from curve.notes


@dataclass(frozen=True)
class _Entry:
    """A line of a panel: its place among its like, which gives its look, and whose it is."""

    place: int
    label: str
    line: Line
    curve: Curve

    @property
    def saturates(self) -> bool:
        """Whether it does in the range that is drawn."""
        low, high = self.curve.saturation
        return bool(low > self.line.x[0] or high < self.line.x[-1])

    @property
    def look(self) -> dict[str, Any]:
        colours = len(style.COLOURS)
        dashes = _DASHES[(self.place + self.place // colours) % len(_DASHES)]
        return {"color": style.COLOURS[self.place % colours], "linestyle": dashes}


def _graph(entry: Line, title: str) -> list[str]:
    low, high = view([entry])
    x, y = entry.broken()
    return draw(x, np.where((y >= low) & (y <= high), y, np.nan), title)


def _places(ax: Axes | None, panels: int) -> tuple[list[Any], Any]:
    """Axes beside each other, in the place of those given or in a new figure, and one for a key."""
    import matplotlib.pyplot as plt

    if panels == 1:
        return [style.axes_for(ax)], None
    if ax is None:
        size = (0.6 + 2.6 * panels, 3.6)
        ax = plt.figure(figsize=size, layout="constrained").add_subplot()
    above, below = style.rows_in_place_of(ax, (1, 0.05))
    key = ax.figure.add_subplot(below)
    key.set_axis_off()
    columns = above.subgridspec(1, panels)
    return [ax.figure.add_subplot(columns[i]) for i in range(panels)], key


def _draw_panel(ax: Any, entries: Sequence[_Entry], theme: style.Theme) -> None:
    ink = style.greys(theme)
    low, high = view([entry.line for entry in entries])
    for entry in entries:
        ax.plot(*entry.line.broken(), zorder=3 + 0.01 * entry.place, **entry.look)
        dots = {"mfc": ink["paper"], "mec": entry.look["color"]}
        ax.plot(*entry.line.kinks.T, "o", ms=5, zorder=4, **dots)
    curves = {entry.curve.name: entry for entry in entries}
    if len(curves) == 1:
        _shade(ax, entries[0], 0.0, 1.0, color=ink["soft"], alpha=0.15)
    else:
        for i, entry in enumerate(curves.values()):
            _shade(ax, entry, 0.03 * i, 0.03 * i + 0.02, color=entry.look["color"], alpha=0.8)
    ax.axhline(0, color=ink["soft"], lw=0.8, zorder=1)
    x, room = entries[0].line.x, 0.06 * (high - low) or 1.0
    strips = any(entry.saturates for entry in entries) and len(curves) > 1
    ax.set_ylim(low - room - strips * 0.5 * room * len(curves), high + room)
    ax.set_xlim(x[0], x[-1])
    ax.locator_params(nbins=6)


def _shade(ax: Any, entry: _Entry, bottom: float, top: float, **look: Any) -> None:
    """Shade where the curve saturates, between two heights of the panel."""
    x, (low, high) = entry.line.x, entry.curve.saturation
    low, high = min(low, x[-1]), max(high, min(low, x[-1]))
    for left, right in ((x[0], low), (high, x[-1])):
        if left < right:
            ax.axvspan(left, right, bottom, top, lw=0, zorder=1, **look)


def _add_key(axes: Any, below: bool, entries: Sequence[_Entry], theme: style.Theme) -> None:
    """What the lines, dots and shades are, in axes of their own or below others."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ink = style.greys(theme)
    handles: list[Any] = [
        Line2D([], [], label=label, **look)
        for label, look in {entry.label: entry.look for entry in entries}.items()
    ]
    if any(len(entry.line.kinks) for entry in entries):
        dot: dict[str, Any] = {"marker": "o", "ms": 5, "mfc": ink["paper"], "mec": ink["ink"]}
        handles.append(Line2D([], [], ls="", label="kink", **dot))
    if any(entry.saturates for entry in entries):
        handles.append(Patch(color=ink["soft"], alpha=0.4, lw=0, label="saturated"))
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, -0.16 if below else 1)}
    if len(handles) > 1:
        inches = axes.get_window_extent().width / axes.figure.dpi
        widest = max(len(handle.get_label()) for handle in handles)
        columns = max(1, int(inches / (0.5 + 0.064 * widest)))
        axes.legend(handles=handles, ncols=columns, borderaxespad=0.5, **place)
