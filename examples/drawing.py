"""What the pictures of the examples share: the option ``--plot FILE``, a size and a style."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which the colour-blind tell apart too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
FONTS = {"font.size": 15, "axes.titlesize": 17, "axes.titlelocation": "left", "axes.titlepad": 14}


def add_plot_option(parser: argparse.ArgumentParser) -> None:
    """Let a program take ``--plot FILE``."""
    parser.add_argument(
        "--plot", metavar="FILE", type=_picture, help="write a picture (.png, .svg or .pdf)"
    )


def _picture(path: str) -> Path:
    """The path; refused before anything is trained where it could not be drawn."""
    if find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError(
            "pictures are drawn with matplotlib: pip install 'deltarule[plot]'"
        )
    if Path(path).suffix not in (".png", ".svg", ".pdf"):
        raise argparse.ArgumentTypeError(f"{path} must end with .png, .svg or .pdf")
    return Path(path)


def figure(height: int) -> Figure:
    """An empty picture, 1200 pixels wide."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(FONTS)
    return Figure(figsize=(12, height / 100), dpi=100, layout="constrained")


def save(picture: Figure, path: Path) -> None:
    """Write the picture; a PNG with 64 colours, which are enough for lines and half the bytes."""
    picture.savefig(path)
    if path.suffix == ".png":
        from PIL import Image  # comes with matplotlib

        with Image.open(path) as full:
            small = full.convert("RGB").quantize(64, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


def plain(axes: Axes) -> None:
    """Only the two axes that are read, and a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)


def legend_beside(axes: Axes, title: str | None = None) -> None:
    """A legend to the right of the data."""
    axes.legend(
        title=title, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, alignment="left"
    )
