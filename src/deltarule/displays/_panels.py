"""What pictures of training share: panels in the place of axes, lines with gaps, colours, keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.displays import style
from deltarule.displays.text import thinned

ZERO, INFINITE = style.COLOURS[1], style.COLOURS[3]  # in maps, whose other colours are SEQUENTIAL
_LABELS, _IN_A_LINE = 10, 5  # layers named along an axis; entries of a key

Entry = tuple[Any, str]  # of a key: what is drawn, several things as a tuple, and its label


def rows_of(ax: Any, heights: Sequence[float]) -> list[Any]:
    """The rows of a grid that takes the place of axes, as subplot specifications.

    Raises
    ------
    ValueError
        If the axes have no place in a grid.
    """
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError(
            "Several panels take the place of the axes given, which have none in a grid: make them "
            "with plt.subplots(), or leave ax out."
        )
    ax.set_axis_off()
    return list(spec.subgridspec(len(heights), 1, height_ratios=heights))


def add_key(figure: Any, spec: Any, entries: Sequence[Entry]) -> None:
    """A legend in a row of its own, which is as high as the legend."""
    lines = -(-len(entries) // _IN_A_LINE)
    columns = -(-len(entries) // lines) if lines else 1
    axes = figure.add_subplot(spec)
    axes.set_axis_off()
    if entries:
        place = {"loc": "lower left", "bbox_to_anchor": (0, 0), "ncols": columns, "borderpad": 0}
        _legend(axes, entries, **place)


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

    low, high = (0.0, 0.85) if theme == "light" else (0.3, 1.0)
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
    low, high = float(v.min()), float(v.max())
    if high / low < 10:
        return 10 ** np.floor(np.log10(low) - 1e-9), 10 ** np.ceil(np.log10(high) + 1e-9)
    room = (high / low) ** 0.05
    return low / room, high * room


def log_axis(axis: Any, values: Any) -> None:
    """A logarithmic axis with room for the values, labelled at whole decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    getattr(axis.axes, f"set_{axis.axis_name}lim")(*log_limits(values))
    axis.set_major_locator(LogLocator(numticks=6))
    axis.set_minor_formatter(NullFormatter())


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
        ax.plot(*pair, ls="", marker=markers[upright], ms=5, color=line.get_color(), transform=edge)
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
    from matplotlib.ticker import LogLocator, NullFormatter

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
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=30, ticks=LogLocator(numticks=6))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.minorticks_off()
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
