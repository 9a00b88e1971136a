"""Small graphs in the characters of a terminal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Places = NDArray[np.integer[Any]]

COLUMNS, LINES = 30, 8  # characters of one graph
# The bit of each dot of a braille character, by row from the top and by column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])[:, None, :]
_BLANK = 0x2800


def draw(x: Floats, y: Floats, title: str) -> list[str]:
    """Draw y over x as lines of text of one width, the title first.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising.
    y : ndarray, shape (n,)
        Finite; a jump between two neighbours is left open.
    title : str
        What is drawn.

    Returns
    -------
    list of str
    """
    low, high = float(y.min()), float(y.max())
    if low == high:
        low, high = low - 1, high + 1
    across = np.rint((x - x[0]) / (x[-1] - x[0]) * (2 * COLUMNS - 1)).astype(int)
    down = np.rint((high - y) / (high - low) * (4 * LINES - 1)).astype(int)
    cells = (_dots(across, down).reshape(LINES, 4, COLUMNS, 2) * _BITS).sum(axis=(1, 3)) + _BLANK
    labels = [f"{high:.3g}", *[""] * (LINES - 2), f"{low:.3g}"]
    width = max(map(len, labels))
    rows = ("".join(map(chr, row)) for row in cells)
    body = [f"{label:>{width}} |{row}" for label, row in zip(labels, rows, strict=True)]
    left, right = f"{x[0]:g}", f"{x[-1]:g}"
    indent = " " * (width + 2)
    return [f"{indent}{title:<{COLUMNS}}", *body, f"{indent}{left}{right:>{COLUMNS - len(left)}}"]


def _dots(across: Places, down: Places) -> NDArray[np.bool_]:
    """Mark the points and what lies between neighbours, except where the function jumps."""
    dots = np.zeros((4 * LINES, 2 * COLUMNS), dtype=bool)
    before = np.concatenate([down[:1], down[:-1]])
    for column, row, previous in zip(across, down, before, strict=True):
        start = row if abs(row - previous) > LINES else previous
        dots[min(row, start) : max(row, start) + 1, column] = True
    return dots


def side_by_side(left: list[str], right: list[str]) -> str:
    """Join two graphs of the same height."""
    return "\n".join(f"{a}   {b}".rstrip() for a, b in zip(left, right, strict=True))
