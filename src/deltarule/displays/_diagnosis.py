"""What the doctor found, beside the numbers in which it was seen."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deltarule.displays import style, text
from deltarule.displays._evidence import BEGIN, END, Evidence, evidence_of
from deltarule.displays._panels import (
    Entry,
    add_key,
    epoch_axis,
    line_entry,
    log_axis,
    mark_entries,
    series,
)
from deltarule.doctor import Diagnosis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS, _COLUMNS = 4, 2
_HEALTHY = style.COLOURS[2]
_TITLE = 44  # characters in a line of the title of a panel
_DOTTED = 16  # layers that are dots on a line
# The look of each series: what is worse or later is orange.
_LOOKS: dict[str, dict[str, Any]] = {
    BEGIN: {"color": style.COLOURS[0]},
    END: {"color": style.COLOURS[1], "ls": "--"},
    "middle layer": {"color": style.COLOURS[0]},
    "largest layer": {"color": style.COLOURS[1], "ls": "--"},
    "training": {"color": style.COLOURS[0]},
    "validation": {"color": style.COLOURS[1], "ls": "--"},
    "this network": {"color": style.COLOURS[0]},
    "plain models": {"color": style.COLOURS[1]},
    "": {"color": style.COLOURS[0]},
}


@dataclass(eq=False)
class DiagnosisDisplay:
    """The evidence of each finding: which layer, which epoch, against what is healthy.

    Of the first four findings; of a healthy network the scores.  Make it with `from_diagnosis`.

    Attributes
    ----------
    evidence : tuple of Evidence
        A panel each: its ``title`` is the finding, ``series`` are the numbers, ``at`` says what
        they are of, ``healthy`` between which they should lie.
    others : int
        Findings beyond those that are shown.
    ax_ : ndarray of matplotlib Axes, shape (n_panels,)
        After `plot`.
    figure_ : matplotlib Figure
        After `plot`.

    Examples
    --------
    >>> import deltarule as dr
    >>> from deltarule.displays import DiagnosisDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = dr.MLPClassifier((10,), max_iter=20, solver="sgd", learning_rate_init=1e-6)
    >>> display = DiagnosisDisplay.from_diagnosis(dr.examine(model, X, y))
    >>> display.evidence[0].title
    'The learning rate is too low'
    """

    evidence: tuple[Evidence, ...]
    others: int = 0
    ax_: Any = field(init=False, repr=False)
    figure_: Any = field(init=False, repr=False)

    @classmethod
    def from_diagnosis(cls, diagnosis: Diagnosis) -> Self:
        """Of what `deltarule.examine` returned.

        Raises
        ------
        TypeError
            If it is no diagnosis.
        """
        if not isinstance(diagnosis, Diagnosis):
            raise TypeError(
                "from_diagnosis takes what deltarule.examine returns, a Diagnosis; met "
                f"{type(diagnosis).__name__}."
            )
        others = max(len(diagnosis.findings) - _PANELS, 0)
        return cls(evidence_of(diagnosis, _PANELS), others)

    # ---- in words

    def as_text(self) -> str:
        """Each finding with a table of its numbers, for a terminal."""
        parts = [self._told(i, one) for i, one in enumerate(self.evidence, 1)]
        more = f"({self.others} more finding{'s' * (self.others > 1)})"
        return "\n\n".join([*parts, *[more] * bool(self.others)])

    def __str__(self) -> str:
        return self.as_text()

    def _told(self, number: int, one: Evidence) -> str:
        heading = f"{number}. {one.title}: {one.shown}"
        if one.healthy is not None:
            heading += f" (healthy: {one.healthy[0]:.3g} to {one.healthy[1]:.3g})"
        if one.axis == "epoch":
            return f"{heading}\n\n{_courses(one)}"
        listed = text.thinned(np.arange(len(one.at)), text.ROWS)
        columns: dict[str, list[Any]] = {one.axis: [one.at[i] for i in listed]}
        columns |= {
            name or one.shown: [text.number(values[i]) for i in listed]
            for name, values in one.series.items()
        }
        if one.accused is not None:
            columns[" "] = ["<-" if i == one.accused else "" for i in listed]
        return f"{heading}\n\n{text.table(columns)}" + text.of_how_many(listed, len(one.at))

    # ---- as a picture

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it: a small panel for each finding, with a band of what is healthy.

        The layer that a finding names has a ring.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The panels take its place.
        theme : {"light", "dark"}, default="light"

        Returns
        -------
        self

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such theme.
        """
        count = len(self.evidence)
        columns = min(count, _COLUMNS)
        rows = -(-count // _COLUMNS)
        with style.drawing(theme):
            ax = style.axes_for(ax, (1.2 + 3.9 * columns, 0.5 + 2.9 * rows))
            figure = self.figure_ = ax.figure
            key, panels = style.rows_in_place_of(ax, [0.01, float(rows)])
            cells = panels.subgridspec(rows, columns)
            axes = [figure.add_subplot(cells[i]) for i in range(count)]
            for number, (panel, one) in enumerate(zip(axes, self.evidence, strict=True), 1):
                (_draw_lines if one.axis in ("layer", "epoch") else _draw_bars)(panel, one, theme)
                title = f"{number}. {one.title}" if count > 1 else one.title
                panel.set_title("\n".join(textwrap.wrap(title, _TITLE)), fontsize=9.5, pad=5)
            add_key(figure, key, self._key(theme))
            # Ticks that come with the first layout want a second one.
            figure.canvas.figure.draw_without_rendering()
        self.ax_ = np.array(axes)
        return self

    def _key(self, theme: style.Theme) -> list[Entry]:
        from matplotlib.patches import Patch

        ink = style.greys(theme)["ink"]
        named = {name for one in self.evidence for name in one.series if name}
        entries = [line_entry(name, **look) for name, look in _LOOKS.items() if name in named]
        if any(one.healthy is not None for one in self.evidence):
            entries.append((Patch(color=_HEALTHY, alpha=0.2, lw=0), "healthy"))
        lines = [one for one in self.evidence if one.logarithmic and one.axis in ("layer", "epoch")]
        values = np.concatenate([np.zeros(0), *(v for one in lines for v in one.series.values())])
        return entries + mark_entries(values, ink, upright=True)


def _draw_lines(ax: Any, one: Evidence, theme: style.Theme) -> None:
    """Numbers down the layers, or over the epochs."""
    upright = one.axis == "layer"
    everything = np.concatenate([*one.series.values(), np.array(one.healthy or ())])
    axis = ax.xaxis if upright else ax.yaxis
    if one.logarithmic:
        log_axis(axis, everything)
    _band(ax, one, upright)
    at = np.arange(len(one.at)) if upright else np.array([int(e) for e in one.at])
    for name, values in one.series.items():
        line = series(ax, at, values, upright=upright, **_LOOKS[name])
        if upright and len(at) <= _DOTTED:
            ax.plot(values, at, "o", ms=4, color=line.get_color())
        if one.accused is not None:
            ring = (values[one.accused], one.accused)
            look = {"marker": "o", "ms": 9, "mfc": "none", "mew": 1.5}
            ax.plot(*ring, color=line.get_color(), **look)
    if upright:
        _layers(ax, one)
        ax.set_xlabel(one.shown)
        if not one.logarithmic:
            low, high = _limits(everything)
            ax.set_xlim(low, high)
    else:
        epoch_axis(ax, at)
        ax.set_ylabel(one.shown)


def _layers(ax: Any, one: Evidence) -> None:
    """The layers from top to bottom: at most seven are named, the accused among them."""
    places = set(text.thinned(np.arange(len(one.at)), 6).tolist())
    if one.accused is not None:
        places = {p for p in places if abs(p - one.accused) > len(one.at) / 12} | {one.accused}
    ax.set_ylim(len(one.at) - 0.5, -0.5)
    ax.set_yticks(sorted(places), [_short(one.at[p]) for p in sorted(places)])
    ax.tick_params(axis="y", length=0)


def _draw_bars(ax: Any, one: Evidence, theme: style.Theme) -> None:
    """A bar for each name, from top to bottom, its number beside it."""
    from matplotlib.ticker import MaxNLocator

    everything = np.concatenate([*one.series.values(), np.array(one.healthy or ())])
    if one.logarithmic:
        log_axis(ax.xaxis, everything)
    else:
        low, high = _limits(np.append(everything, 0.0))
        ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(min(low, 0.0), high)
        ax.set_xlim(
            low if low < -0.1 * high else 0.0,
            high + (0.16 if one.axis == "score" else 0.0) * (high - low),
        )
        ax.set_xticks([tick for tick in ticks if ax.get_xlim()[0] <= tick <= high])
    _band(ax, one, upright=True)
    height, width = 0.7 / len(one.series), np.diff(ax.get_xlim())[0]
    for i, (name, values) in enumerate(one.series.items()):
        at = np.arange(len(values)) + (i - (len(one.series) - 1) / 2) * height
        shown = np.where(np.isfinite(values), values, np.nan)
        ax.barh(at, shown, height=0.9 * height, color=_LOOKS[name]["color"])
        if one.axis == "score":
            for place, value in zip(at, shown, strict=True):
                edge = max(float(value), 0.0) + 0.015 * width
                ax.text(edge, place, _counted(value), va="center", fontsize=8.5)
    ax.set_ylim(len(one.at) - 0.5, -0.5)
    ax.set_yticks(np.arange(len(one.at)), [_short(name) for name in one.at])
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    ax.set_xlabel(one.shown)
    if one.axis != "score":
        ax.set_ylabel(one.axis)


def _band(ax: Any, one: Evidence, upright: bool) -> None:
    if one.healthy is not None:
        span = ax.axvspan if upright else ax.axhspan
        span(*one.healthy, color=_HEALTHY, alpha=0.2, lw=0, zorder=0.5)


def _limits(values: Any) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


def _counted(value: float) -> str:
    """Three digits that count; large numbers without a power of ten."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.3g}"


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:8]}…{name[-8:]}"


def _courses(one: Evidence) -> str:
    rows: dict[str, list[Any]] = {"": list(one.series)}
    for label, place in (("first", 0), ("last", -1)):
        rows[label] = [text.number(v[place]) for v in one.series.values()]
    shown = [text.log10(v) if one.logarithmic else v for v in one.series.values()]
    rows["course"] = [text.sparkline(text.thinned(v)) for v in shown]
    count = len(one.at)
    return f"{count} epoch{'s' * (count != 1)}\n{text.table(rows)}"
