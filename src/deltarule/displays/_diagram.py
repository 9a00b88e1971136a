"""A diagram as strokes, circles, boxes and words, written as SVG or drawn by matplotlib."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from deltarule.displays import style

PIXELS = 100  # of an inch in which matplotlib draws
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
_FONT = "system-ui, 'Helvetica Neue', Arial, sans-serif"

# Names of colours, which a theme gives; plus and minus are the signs of weights.
_SIGNS = {
    "light": {"plus": style.COLOURS[0], "minus": style.COLOURS[1]},
    "dark": {"plus": style.COLOURS[5], "minus": style.COLOURS[4]},
}

_CORNER, _EDGE = 6, 1.2  # pixels

Point = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A straight line, or a curve with two control points; a filled shape if it is closed."""

    points: tuple[Point, ...]
    colour: str = "soft"
    width: float = 1.0
    opacity: float = 1.0
    closed: bool = False

    @property
    def curved(self) -> bool:
        return len(self.points) == 4 and not self.closed


@dataclass(frozen=True)
class Shape:
    """A circle, or a box with round corners, around a point."""

    centre: Point
    width: float
    height: float
    round: bool


@dataclass(frozen=True)
class Words:
    """A line of text; its anchor is "start", "middle" or "end"."""

    at: Point
    text: str
    anchor: str = "middle"
    colour: str = "ink"
    size: float = 12.0


@dataclass(frozen=True)
class Diagram:
    """What is drawn, in pixels from the upper left corner; earlier parts lie below later ones.

    Attributes
    ----------
    width, height : float
    strokes : tuple of Stroke
    shapes : tuple of Shape
    words : tuple of Words
    told : str
        What it shows, for those who do not see it.
    """

    width: float
    height: float
    strokes: tuple[Stroke, ...]
    shapes: tuple[Shape, ...]
    words: tuple[Words, ...]
    told: str

    def to_svg(self, theme: style.Theme) -> str:
        """The diagram as an SVG document, on the background of the theme."""
        colours = _colours(theme)
        size = f'width="{self.width:g}" height="{self.height:g}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f"aria-label={quoteattr(_legal(self.told))}>",
            f'<rect width="100%" height="100%" fill="{colours["paper"]}"/>',
            *_stroke_elements(self.strokes, colours),
            *_shape_elements(self.shapes, colours),
            *_word_elements(self.words, colours),
            "</svg>\n",
        ]
        return "\n".join(parts)

    def draw(self, ax: Any, theme: style.Theme) -> None:
        """Draw it into axes of matplotlib, as large as they are."""
        colours = _colours(theme)
        ax.set_axis_off()
        ax.set(xlim=(0, self.width), ylim=(self.height, 0), aspect="equal")
        extent, dpi = ax.get_window_extent(), ax.figure.dpi
        points = 72 / dpi * min(extent.width / self.width, extent.height / self.height)  # a pixel
        _draw_strokes(ax, self.strokes, colours, points)
        _draw_shapes(ax, self.shapes, colours, points)
        sides = {"start": "left", "middle": "center", "end": "right"}
        for word in self.words:
            look = {"size": word.size * points, "color": colours[word.colour], "zorder": 4}
            text = word.text.replace("$", r"\$")  # no mathematics
            ax.text(*word.at, text, ha=sides[word.anchor], va="baseline", **look)


# ---- by matplotlib -------------------------------------------------------------------------------


def _draw_strokes(
    ax: Any, strokes: Sequence[Stroke], colours: Mapping[str, str], points: float
) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    straight = [s for s in strokes if len(s.points) == 2]
    look: dict[str, Any] = {
        "colors": [(colours[s.colour], s.opacity) for s in straight],
        "linewidths": [s.width * points for s in straight],
    }
    ax.add_collection(LineCollection([s.points for s in straight], **look))
    curve = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    for s in strokes:
        if len(s.points) == 2:
            continue
        outline = Path(s.points, curve) if s.curved else Path([*s.points, s.points[0]])
        fill = colours[s.colour] if s.closed else "none"
        ax.add_patch(PathPatch(outline, fc=fill, ec=colours[s.colour], lw=s.width * points))


def _draw_shapes(
    ax: Any, shapes: Sequence[Shape], colours: Mapping[str, str], points: float
) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    for shape in shapes:
        x, y = shape.centre
        if shape.round:
            patch: Any = Circle((x, y), shape.width / 2)
        else:
            corner = (x - shape.width / 2, y - shape.height / 2)
            rounded = f"round,pad=0,rounding_size={_CORNER}"
            patch = FancyBboxPatch(corner, shape.width, shape.height, boxstyle=rounded)
        patch.set(fc=colours["paper"], ec=colours["ink"], lw=_EDGE * points, zorder=3)
        ax.add_patch(patch)


# ---- as SVG --------------------------------------------------------------------------------------


def _colours(theme: style.Theme) -> Mapping[str, str]:
    return {**style.greys(theme), **_SIGNS[theme]}


def _legal(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def _stroke_elements(strokes: Sequence[Stroke], colours: Mapping[str, str]) -> Iterator[str]:
    for s in strokes:
        start, *rest = (f"{x:.1f},{y:.1f}" for x, y in s.points)
        path = f"M{start}{'C' if s.curved else 'L'}{' '.join(rest)}{'Z' if s.closed else ''}"
        fill = colours[s.colour] if s.closed else "none"
        opacity = f' stroke-opacity="{s.opacity:.2f}"' if s.opacity < 1 else ""
        yield (
            f'<path d="{path}" fill="{fill}" stroke="{colours[s.colour]}" '
            f'stroke-width="{s.width:.2f}"{opacity}/>'
        )


def _shape_elements(shapes: Sequence[Shape], colours: Mapping[str, str]) -> Iterator[str]:
    look = f'fill="{colours["paper"]}" stroke="{colours["ink"]}" stroke-width="{_EDGE}"'
    for s in shapes:
        x, y = s.centre
        if s.round:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s.width / 2:g}" {look}/>'
        else:
            left, top = x - s.width / 2, y - s.height / 2
            size = f'width="{s.width:g}" height="{s.height:g}" rx="{_CORNER}"'
            yield f'<rect x="{left:.1f}" y="{top:.1f}" {size} {look}/>'


def _word_elements(words: Sequence[Words], colours: Mapping[str, str]) -> Iterator[str]:
    for w in words:
        x, y = w.at
        yield (
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{w.anchor}" font-size="{w.size:g}" '
            f'font-family="{_FONT}" fill="{colours[w.colour]}">{escape(_legal(w.text))}</text>'
        )
