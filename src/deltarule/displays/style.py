"""How pictures look: one palette, a light and a dark theme, and matplotlib where it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Theme = Literal["light", "dark"]

# Okabe and Ito's colours, which the colour-blind tell apart too; the first are told apart in grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SEQUENTIAL = "cividis"  # of numbers from small to large; DIVERGING: around a middle
DIVERGING = "PuOr"

_GREYS = {
    "light": {"ink": "#222222", "soft": "#767676", "line": "#dddddd", "paper": "#ffffff"},
    "dark": {"ink": "#e8e8e8", "soft": "#9a9a9a", "line": "#3c3c3c", "paper": "#181818"},
}


def require_matplotlib() -> None:
    """Raise a sentence where matplotlib is not installed.

    Raises
    ------
    ModuleNotFoundError
    """
    if find_spec("matplotlib") is None:
        raise ModuleNotFoundError(
            "Pictures are drawn with matplotlib: pip install 'deltarule[plot]'; as_text() does "
            "without."
        )


def greys(theme: Theme) -> dict[str, str]:
    """The colours of text (ink), of notes (soft), of grids (line) and of the background (paper).

    Raises
    ------
    ValueError
        If there is no such theme.
    """
    if theme not in _GREYS:
        raise ValueError(f"The theme of a picture is 'light' or 'dark'; met {theme!r}.")
    return _GREYS[theme]


@contextmanager
def drawing(theme: Theme = "light") -> Iterator[None]:
    """Within it, matplotlib makes new artists in the theme."""
    colours = greys(theme)
    require_matplotlib()
    import matplotlib
    from cycler import cycler

    ink, soft, line, paper = (colours[name] for name in ("ink", "soft", "line", "paper"))
    style: dict[str, Any] = {
        "figure.facecolor": paper,
        "savefig.facecolor": paper,
        "axes.facecolor": paper,
        "axes.edgecolor": soft,
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": line,
        "grid.linewidth": 0.8,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
        "axes.titlepad": 8,
        "font.size": 10,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.8,
        "axes.prop_cycle": cycler(color=COLOURS),
        "svg.hashsalt": "deltarule",  # the same picture has the same bytes
    }
    with matplotlib.rc_context(style):
        yield


def axes_for(ax: Axes | None, size: tuple[float, float] = (6.0, 3.8)) -> Axes:
    """The axes to draw in: those given, or those of a new figure of so many inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    new: Axes = plt.subplots(figsize=size, layout="constrained")[1]
    return new


def rows_in_place_of(ax: Any, heights: Sequence[float]) -> list[Any]:
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


def axes_grid(
    figure: Figure | None, rows: int, columns: int, size: tuple[float, float], **given: Any
) -> Any:
    """Axes in rows and columns, in a figure given or in a new one; an array of so many rows."""
    if figure is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=size, layout="constrained")
    return figure.subplots(rows, columns, squeeze=False, **given)
