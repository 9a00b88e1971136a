"""What pictures of training share: panels in the place of axes, lines with gaps, colours, keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.displays import style
from deltarule.displays.text import thinned

ZERO, INFINITE = style.COLOURS[1], style.COLOURS[3]  # in maps, whose other colours are SEQUENTIAL
_LABELS = 10  # layers named along an axis
# Below so many decades an axis has ticks at these multiples of each, else so many of them: labels
# are wider than high.
_TICKS = {"x": (1.5, (1, 3), 4), "y": (2.2, (1, 2, 5), 6)}

Entry = tuple[Any, str]  # of a key: what is drawn, several things as a tuple, and its label


def add_key(figure: Any, spec: Any, entries: Sequence[Entry]) -> None:
    """A legend in a row of its own, in as many lines as its width asks for."""
    axes = figure.add_subplot(spec)
    axes.set_axis_off()
    if not entries:
        return
    points = 72 * figure.get_figwidth() * spec.get_position(figure).width
    longest = max(len(label) for _, label in entries)
    size = 9 * (0.6 * longest + 5)  # of an entry, in points: letters, the handle, blanks
    lines = -(-len(entries) // max(int(points / size), 1))
    place = {"loc": "lower left", "bbox_to_anchor": (0, 0), "borderpad": 0}
    _legend(axes, entries, ncols=-(-len(entries) // lines), **place)


def key_beside(ax: Any, entries: Sequence[Entry]) -> None:
    """A legend to the right of the axes, where it covers no line."""
    _legend(ax, entries, loc="upper left", bbox_to_anchor=(1, 1))


def _legend(ax: Any, entries: Sequence[Entry], **place: Any) -> None:
    from matplotlib.legend_handler import HandlerTuple

    handles, labels = zip(*entries, strict=True)
    beside = {tuple: HandlerTuple(None)}
    ax.legend(handles, labels, handler_map=beside, borderaxespad=0, **place)


# ---- colours ------------------------------------------------------------------------------------


def ramp(n: int, theme: style.Theme) -> list[Any]:
    """Colours from first to last, each seen on the background of the theme."""
    import matplotlib

    if n == 1:
        return [style.COLOURS[0]]
    low, high = (0.0, 0.85) if theme == "light" else (0.4, 1.0)
    return [matplotlib.colormaps[style.SEQUENTIAL](p) for p in np.linspace(low, high, n)]


def colours_of(n: int, theme: style.Theme) -> list[Any]:
    """A colour for each of n: told apart where they are few, else by their order."""
    return list(style.COLOURS[:n]) if n <= len(style.COLOURS) else ramp(n, theme)


def line_entry(label: str, **look: Any) -> Entry:
    """An entry of a key: a line, or a marker where ``ls`` is ""."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **look), label


def line_entries(names: Sequence[str], colours: Sequence[Any]) -> list[Entry]:
    """Lines of at most six of the names, the first and the last among them."""
    places = thinned(np.arange(len(names)), len(style.COLOURS))
    return [line_entry(names[i], color=colours[i]) for i in places]


def mark_entries(values: Any, colour: str, upright: bool = False) -> list[Entry]:
    """What `series` marks at the edges, where it is among the values."""
    met = (("exactly 0", values == 0, "v<"), ("infinite", np.isinf(values), "^>"))
    return [
        line_entry(label, ls="", marker=markers[upright], color=colour)
        for label, found, markers in met
        if np.any(found)
    ]


# ---- axes ---------------------------------------------------------------------------------------


def epoch_axis(ax: Any, epochs: Any) -> None:
    """The horizontal axis counts epochs in whole numbers."""
    from matplotlib.ticker import MaxNLocator

    margin = 0.5 if len(epochs) == 1 else 0.02 * (epochs[-1] - epochs[0])
    ax.set_xlim(epochs[0] - min(margin, 0.5), epochs[-1] + margin)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.set_xlabel("epoch")


def layer_axis(ax: Any, layers: Sequence[str], named: bool = True) -> None:
    """The vertical axis has the layers, the first on top; at most ten are named."""
    places = range(0, len(layers), -(-len(layers) // _LABELS))
    ax.set_ylim(len(layers) - 0.5, -0.5)
    ax.set_yticks(places, [layers[i] for i in places] if named else [""] * len(places))
    ax.tick_params(axis="y", length=0)


def log_limits(values: Any) -> tuple[float, float]:
    """Limits of a logarithmic axis on which values above 0 lie, at least a decade apart."""
    v = np.asarray(values, dtype=np.float64)
    v = v[np.isfinite(v) & (v > 0)]
    if not v.size:
        return 0.1, 1.0
    low, high = np.log10(v.min()), np.log10(v.max())
    room = max(0.05 * (high - low), 0.5 * (1 - (high - low)))
    return float(10 ** (low - room)), float(10 ** (high + room))


def log_ticks(axis: Any, limits: tuple[float, float]) -> None:
    """Ticks at whole decades, or at some numbers between where there are few of these."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    few, between, most = _TICKS[axis.axis_name]
    if limits[1] / limits[0] < 10**few:
        axis.set_major_locator(LogLocator(subs=between))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axis.set_major_locator(LogLocator(numticks=most))
    axis.set_minor_formatter(NullFormatter())


def log_axis(axis: Any, values: Any) -> None:
    """A logarithmic axis with room for the values."""
    limits = log_limits(values)
    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    getattr(axis.axes, f"set_{axis.axis_name}lim")(*limits)
    log_ticks(axis, limits)


def isolated(values: Any) -> Any:
    """Places of finite values between others that are not: a line does not show them."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])


def series(ax: Any, at: Any, values: Any, *, upright: bool = False, **look: Any) -> Any:
    """A line of values on a logarithmic (or linear) axis that hides nothing.

    A value between gaps is a dot; exactly 0 (where the axis is logarithmic) is a triangle at the
    lower edge, an infinite value one at the upper edge; what is not a number leaves a gap.

    Parameters
    ----------
    ax : Axes
    at, values : ndarray, shape (n,)
    upright : bool, default=False
        The values run along the horizontal axis, ``at`` down the vertical one.
    **look
        Of the line.

    Returns
    -------
    Line2D
    """
    v = np.asarray(values, dtype=np.float64)
    logarithmic = (ax.get_xscale() if upright else ax.get_yscale()) == "log"
    shown = np.where(np.isfinite(v) & ((v > 0) | (not logarithmic)), v, np.nan)
    pair = (shown, at) if upright else (at, shown)
    (line,) = ax.plot(*pair, marker="o", ms=4, markevery=isolated(shown).tolist(), **look)
    edge = ax.get_yaxis_transform() if upright else ax.get_xaxis_transform()
    marked = [(v == np.inf, 0.98, "^>"), (v == -np.inf, 0.02, "v<")]
    marked += [(v == 0, 0.02, "v<")] if logarithmic else []
    for found, place, markers in marked:
        where = np.asarray(at)[found]
        spots = np.full(len(where), place)
        pair = (spots, where) if upright else (where, spots)
        look = {"marker": markers[upright], "ms": 5, "color": line.get_color()}
        if where.size:
            ax.plot(*pair, ls="", transform=edge, **look)
    return line


# ---- maps of layer by epoch ---------------------------------------------------------------------


def heat_map(ax: Any, epochs: Any, values: Any, theme: style.Theme) -> None:
    """Values by layer (down) and epoch as colours on a log scale, with the bar of the scale.

    Parameters
    ----------
    values : ndarray, shape (n_epochs, n_layers)
        What is exactly 0, infinite or not a number has the colours of `map_entries`.
    """
    import matplotlib
    from matplotlib.colors import LogNorm

    low, high = log_limits(values)
    v = np.asarray(values, dtype=np.float64)
    drawn = np.where(v == 0, low / 2, np.where(np.isinf(v), high * 2, v))
    colours = matplotlib.colormaps[style.SEQUENTIAL].with_extremes(
        under=ZERO, over=INFINITE, bad=style.greys(theme)["line"]
    )
    edges = np.append(epochs - 0.5, epochs[-1] + 0.5), np.arange(v.shape[1] + 1) - 0.5
    mesh = ax.pcolormesh(
        *edges, np.ma.masked_invalid(drawn.T), cmap=colours, norm=LogNorm(low, high)
    )
    ax.grid(False)
    epoch_axis(ax, epochs)
    ax.set_xlim(edges[0][0], edges[0][-1])
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=30)
    log_ticks(bar.ax.yaxis, (low, high))
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)


def map_entries(values: Any, theme: style.Theme, marked: bool = False) -> list[Entry]:
    """What `heat_map` has colours of its own for, where it is among the values.

    With ``marked`` the marks of `series` stand beside the colours.
    """
    from matplotlib.patches import Patch

    greys = style.greys(theme)
    colours = {"exactly 0": ZERO, "infinite": INFINITE}
    entries: list[Entry] = []
    for mark, label in mark_entries(values, greys["ink"], upright=True):
        patch = Patch(facecolor=colours[label])
        entries.append(((patch, mark) if marked else patch, label))
    if np.isnan(values).any():
        entries.append((Patch(facecolor=greys["line"]), "no number"))
    return entries
