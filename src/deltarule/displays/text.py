"""Graphs and tables in the characters of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence, Sized
from numbers import Integral, Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Places = NDArray[np.integer[Any]]

COLUMNS, LINES = 30, 8  # characters of one graph
# The bit of each dot of a braille character, by row from the top and by column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])[:, None, :]
_BLANK = 0x2800
_NOWHERE = -(10**6)  # the row of a point that is left out


def draw(x: Floats, y: Floats, title: str) -> list[str]:
    """Draw y over x as lines of text of one width, the title first.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising.
    y : ndarray, shape (n,)
        What is not finite is left out; a jump between two neighbours is left open.
    title : str
        What is drawn.

    Returns
    -------
    list of str
    """
    known = np.isfinite(y)
    low, high = float(np.min(y[known], initial=np.inf)), float(np.max(y[known], initial=-np.inf))
    if not low < high:
        low, high = (low - 1, high + 1) if known.any() else (0.0, 1.0)
    across = np.rint((x - x[0]) / (x[-1] - x[0]) * (2 * COLUMNS - 1)).astype(int)
    rows = np.rint((high - np.where(known, y, low)) / (high - low) * (4 * LINES - 1)).astype(int)
    down = np.where(known, rows, _NOWHERE)
    cells = (_dots(across, down).reshape(LINES, 4, COLUMNS, 2) * _BITS).sum(axis=(1, 3)) + _BLANK
    labels = [f"{high:.3g}", *[""] * (LINES - 2), f"{low:.3g}"]
    width = max(map(len, labels))
    drawn = ("".join(map(chr, row)) for row in cells)
    body = [f"{label:>{width}} |{row}" for label, row in zip(labels, drawn, strict=True)]
    left, right = f"{x[0]:g}", f"{x[-1]:g}"
    indent = " " * (width + 2)
    return [f"{indent}{title:<{COLUMNS}}", *body, f"{indent}{left}{right:>{COLUMNS - len(left)}}"]


def _dots(across: Places, down: Places) -> NDArray[np.bool_]:
    """Mark the points and what lies between neighbours, except where the function jumps."""
    dots = np.zeros((4 * LINES, 2 * COLUMNS), dtype=bool)
    before = np.concatenate([down[:1], down[:-1]])
    for column, row, previous in zip(across, down, before, strict=True):
        if row == _NOWHERE:
            continue
        start = row if abs(row - previous) > LINES else previous
        dots[min(row, start) : max(row, start) + 1, column] = True
    return dots


def side_by_side(*graphs: list[str]) -> str:
    """Join graphs of the same height."""
    return "\n".join("   ".join(row).rstrip() for row in zip(*graphs, strict=True))


# ---- maps ----------------------------------------------------------------------------------------

MAP_COLUMNS, MAP_LINES = 56, 20  # characters of one map
SHADES = " .:-=+*#%@"  # from low to high


def shaded(values: Any, levels: Any) -> NDArray[np.str_]:
    """A character per value, denser above more of the levels; "?" for what is not a number.

    Parameters
    ----------
    values : array_like
    levels : array_like, shape (n_levels,)
        Rising.
    """
    v = np.asarray(values, dtype=np.float64)
    step = np.searchsorted(np.asarray(levels), v) * len(SHADES) // (len(levels) + 1)
    return np.where(np.isnan(v), "?", np.array(list(SHADES))[np.clip(step, 0, len(SHADES) - 1)])


def framed(cells: NDArray[np.str_], x: Any, y: Any, names: tuple[str, str]) -> str:
    """A map of characters between its axes.

    Parameters
    ----------
    cells : ndarray of str, shape (n_lines, n_columns)
        The line of the smallest y first; it is drawn at the bottom.
    x, y : array_like
        The numbers along the axes, of which the ends are written.
    names : tuple of str
        Of the axes.
    """
    ends = [f"{y[-1]:.4g}", *[""] * (len(cells) - 2), f"{y[0]:.4g}"]
    width = max(map(width_of, ends))
    body = [
        f"{pad(end, width, right=True)} |{''.join(line)}|"
        for end, line in zip(ends, cells[::-1], strict=True)
    ]
    left, right = f"{x[0]:.4g}", f"{x[-1]:.4g}"
    between = max(cells.shape[1] - len(left) - len(right), 0)
    indent = " " * (width + 2)
    below = f"{indent}{left}{f' {names[0]} ':^{between}}{right}"
    return "\n".join([indent + names[1], *body, below])


# ---- words and numbers ---------------------------------------------------------------------------

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Any, low: float | None = None, high: float | None = None) -> str:
    """One character per value, higher for larger ones; a blank for one that is not finite.

    Parameters
    ----------
    values : array_like, shape (n,)
    low, high : float, optional
        What the lowest and the highest bar stand for; the smallest and the largest value.
    """
    v = np.asarray(values, dtype=np.float64)
    finite = v[np.isfinite(v)]
    if not finite.size:
        return " " * len(v)
    low = float(finite.min()) if low is None else low
    high = float(finite.max()) if high is None else high
    span = high - low if high > low else 1.0
    known = np.isfinite(v)
    place = (np.where(known, v, low) - low) / span * len(_BARS)
    bars = np.clip(place, 0, len(_BARS) - 1).astype(int)
    return "".join(_BARS[b] if k else " " for b, k in zip(bars, known, strict=True))


def thinned(values: Any, columns: int = 40) -> Any:
    """At most so many of the values, evenly chosen along the first axis, the last among them."""
    v = np.asarray(values)
    if len(v) <= columns:
        return v
    return v[np.linspace(0, len(v) - 1, columns).round().astype(int)]


def width_of(text: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    """A text with blanks up to a width, behind it or (``right``) before it."""
    blanks = " " * max(width - width_of(text), 0)
    return blanks + text if right else text + blanks


def table(columns: Mapping[str, Sequence[Any]]) -> str:
    """Columns under their headings; numbers to the right, with at most four digits that count.

    Parameters
    ----------
    columns : mapping of str to sequence
        All of one length; entries are text or numbers, None gives a blank.
    """
    shown = {name: [_cell(v) for v in column] for name, column in columns.items()}
    numeric = {
        name: all(v is None or isinstance(v, Number) for v in column)
        for name, column in columns.items()
    }
    widths = {n: max(map(width_of, [n, *cells])) for n, cells in shown.items()}
    rows = [list(shown), *zip(*shown.values(), strict=True)]
    return "\n".join(
        "  ".join(
            pad(cell, widths[name], right=numeric[name])
            for name, cell in zip(shown, row, strict=True)
        ).rstrip()
        for row in rows
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Number):
        return str(value)
    if isinstance(value, Integral):
        return f"{value:,}"
    return f"{value:.4g}"


# ---- numbers of layers over epochs ---------------------------------------------------------------

ROWS, COURSE = 16, 24  # layers that are listed; characters of a course


def log10(values: Any) -> Floats:
    """Decimal logarithms of what is above 0; NaN for the rest."""
    v = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(v > 0, np.log10(v), np.nan)


def by_layer(
    layers: Sequence[str],
    epochs: Places,
    values: Any,
    chosen: Sequence[int],
    log: bool = True,
) -> str:
    """A table of what layers had in some epochs, with the course over all of them.

    Parameters
    ----------
    layers : sequence of str
        At most sixteen are listed, evenly chosen.
    epochs : ndarray of int, shape (n_epochs,)
    values : array_like, shape (n_epochs, n_layers)
    chosen : sequence of int
        Places of the epochs whose numbers are told.
    log : bool, default=True
        Courses are on a logarithmic scale.  All share one, so they compare.
    """
    v = np.asarray(values, dtype=np.float64)
    listed = thinned(np.arange(len(layers)), ROWS)
    heights = thinned(log10(v) if log else v, COURSE)
    known = heights[np.isfinite(heights)]
    limits = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    columns: dict[str, list[Any]] = {"layer": [layers[i] for i in listed]}
    columns |= {f"epoch {epochs[e]}": [number(v[e, i]) for i in listed] for e in chosen}
    if len(v) > 1:
        columns["course"] = [sparkline(heights[:, i], *limits) for i in listed]
    return table(columns) + of_how_many(listed, len(layers))


def of_how_many(listed: Sized, layers: int) -> str:
    """A line below a table that does not list every layer."""
    return f"\n({len(listed)} of {layers} layers)" if len(listed) < layers else ""


def number(value: float) -> float | None:
    """An entry of a table: blank where it is not a number."""
    return None if np.isnan(value) else float(value)
