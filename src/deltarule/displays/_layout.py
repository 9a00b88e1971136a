"""Where the layers of a network, their units and their weights lie in a diagram."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltarule.displays._diagram import Diagram, Point, Shape, Stroke, Words
from deltarule.displays.text import width_of

Array = NDArray[np.floating]

_SHOWN = 12  # units of a layer; of more, the first 6 and the last 5 around dots
_PITCH, _RADIUS = 26.0, 8.0  # pixels, as all lengths here
_BOX_WIDTH = 92.0
_NARROWEST, _WIDEST = 124.0, 190.0  # from layer to layer
_MARGIN, _LINE = 24.0, 16.0
_THEN = 4  # lines of what follows a layer
_LETTER = 0.56  # of the size of the words, on the average
_NAME = 11.0  # the size of the names of units


@dataclass(frozen=True)
class DrawnLayer:
    """A layer of the diagram.

    Attributes
    ----------
    name : str
    kind : str
        What it is: ``"input"``, ``"dense"``, ``"lstm"`` ...
    shape : tuple of int
        Of what it computes for a row.
    reads : tuple of int
        Places of the layers that it reads, among those of the diagram.
    then : tuple of str
        What follows it number by number: activation, dropout, normalisation, and the link of the
        loss behind the last one.
    weights : ndarray, shape (n_inputs, n_units), or None
        Of a dense layer over one row of numbers.
    learned : int
        How many numbers it learns, with what follows it.
    units : tuple of str
        The names of its numbers where they have some: features, classes.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    reads: tuple[int, ...] = ()
    then: tuple[str, ...] = ()
    weights: Array | None = None
    learned: int = 0
    units: tuple[str, ...] = ()

    @property
    def has_units(self) -> bool:
        """Whether its numbers are drawn as circles; else it is a box."""
        return self.kind in ("input", "dense") and len(self.shape) == 1


@dataclass(frozen=True)
class _Place:
    """Where a layer lies: its middle, half of its width and height, and the units shown."""

    x: float
    y: float
    half_width: float
    half_height: float
    units: dict[int, float]  # unit -> y


def laid_out(layers: Sequence[DrawnLayer]) -> Diagram:
    """The diagram of layers."""
    captions = [_caption(layer) for layer in layers]
    widest = max(_width(text) for caption in captions for text in caption)
    step = min(max(widest + 14, _NARROWEST), _WIDEST)
    before, behind = (
        max((_width(name, _NAME) for name in layer.units), default=0.0) + 3 * _RADIUS
        for layer in (layers[0], layers[-1])
    )
    arcs = [(r, i) for i, layer in enumerate(layers) for r in layer.reads if r != i - 1]
    highest = max((_lift(b - a) for a, b in arcs), default=0.0)
    tallest = max(_height(layer) for layer in layers)
    middle = _MARGIN + highest + tallest / 2
    left = _MARGIN + max(step / 2, before)
    places = [_place(layer, left + i * step, middle) for i, layer in enumerate(layers)]
    width = places[-1].x + max(step / 2, behind) + _MARGIN
    base = middle + tallest / 2 + 22
    end = base + _LINE * max(map(len, captions))
    key_strokes, key_words = _key(layers, _MARGIN, end + 8)
    needed = max((word.at[0] + _width(word.text) for word in key_words), default=0.0)
    return Diagram(
        width=float(math.ceil(max(width, needed + _MARGIN))),
        height=float(math.ceil(end + (_LINE + 8 if key_words else 0) + _MARGIN / 2)),
        strokes=(
            *_connections(layers, places),
            *(s for a, b in arcs for s in _arc(places[a], places[b], middle - tallest / 2, b - a)),
            *key_strokes,
        ),
        shapes=tuple(_shapes(layers, places)),
        words=(*_words(layers, places), *_captions(captions, places, base, step), *key_words),
        told="A network: " + ", ".join(" ".join(caption) for caption in captions),
    )


# ---- sizes ---------------------------------------------------------------------------------------


def shape_in_words(shape: Sequence[int]) -> str:
    """Such as ``28 x 28 x 1``."""
    return " x ".join(map(str, shape))


def _width(text: str, size: float = 12.0) -> float:
    """Pixels that a text takes, about."""
    return _LETTER * size * width_of(text)


def _cut(text: str, width: float) -> str:
    """As much of a text as a width holds."""
    most = max(int(width / _width("x")), 2)
    return text if width_of(text) <= most else text[: most - 1] + "…"


def _height(layer: DrawnLayer) -> float:
    shown = min(math.prod(layer.shape), _SHOWN) * _PITCH
    return shown if layer.has_units else max(0.45 * shown, 2.5 * _PITCH)


def _lift(span: int) -> float:
    """How high an arc over so many layers rises."""
    return min(14.0 + 9.0 * span, 70.0)


def _place(layer: DrawnLayer, x: float, y: float) -> _Place:
    count, height = math.prod(layer.shape), _height(layer)
    slots = min(count, _SHOWN)
    pitch = height / slots * (1.0 if layer.has_units else 0.85)
    first = count if count <= _SHOWN else _SHOWN // 2
    shown = [*range(first), *range(max(count - (slots - 1 - first), first), count)]
    taken = [s for s in range(slots) if count <= _SHOWN or s != first]  # dots take one
    units = {u: y + (s - (slots - 1) / 2) * pitch for u, s in zip(shown, taken, strict=True)}
    return _Place(x, y, _RADIUS if layer.has_units else _BOX_WIDTH / 2, height / 2, units)


# ---- parts ---------------------------------------------------------------------------------------


def _caption(layer: DrawnLayer) -> list[str]:
    """What is written under a layer: its name, its size, what follows."""
    size = shape_in_words(layer.shape)
    if layer.has_units:
        size += " features" if layer.kind == "input" else " units"
        size = size.removesuffix("s") if layer.shape == (1,) else size
    then = [*layer.then[:_THEN], "…"] if len(layer.then) > _THEN else layer.then
    return [layer.name, size, *then]


def _captions(
    captions: Sequence[Sequence[str]], places: Sequence[_Place], base: float, step: float
) -> Iterator[Words]:
    for place, caption in zip(places, captions, strict=True):
        for i, text in enumerate(caption):
            colour = "soft" if i == 1 else "ink"
            yield Words((place.x, base + i * _LINE), _cut(text, step - 8), colour=colour)


def _shapes(layers: Sequence[DrawnLayer], places: Sequence[_Place]) -> Iterator[Shape]:
    for layer, place in zip(layers, places, strict=True):
        if not layer.has_units:
            size = (2 * place.half_width, 2 * place.half_height)
            yield Shape((place.x, place.y), *size, round=False)
            continue
        for y in place.units.values():
            yield Shape((place.x, y), 2 * _RADIUS, 2 * _RADIUS, round=True)


def _words(layers: Sequence[DrawnLayer], places: Sequence[_Place]) -> Iterator[Words]:
    """What boxes are, what units are named, dots for units that are not shown."""
    for i, (layer, place) in enumerate(zip(layers, places, strict=True)):
        if not layer.has_units:
            yield Words((place.x, place.y + 4), _cut(layer.kind, _BOX_WIDTH - 6))
            continue
        if len(place.units) < math.prod(layer.shape):
            ys = sorted(place.units.values())
            gap = max(range(len(ys) - 1), key=lambda k: ys[k + 1] - ys[k])
            middle = (ys[gap] + ys[gap + 1]) / 2
            yield Words((place.x, middle + 5), "⋮", colour="soft", size=16)
        side, anchor = (-1, "end") if i == 0 else (1, "start")
        for unit, y in place.units.items() if layer.units else ():
            at = (place.x + side * 2 * _RADIUS, y + 4)
            yield Words(at, layer.units[unit], anchor, size=_NAME)


def _connections(layers: Sequence[DrawnLayer], places: Sequence[_Place]) -> Iterator[Stroke]:
    """From each layer to the next one that reads it: its weights, or an arrow."""
    for i, layer in enumerate(layers):
        if i - 1 not in layer.reads:
            continue
        source, target = places[i - 1], places[i]
        if layer.weights is not None:
            yield from _weights(layer.weights, source, target)
        else:
            end = (target.x - target.half_width - 3, target.y)
            yield Stroke(((source.x + source.half_width + 5, source.y), end))
            yield _head(end, (1.0, 0.0))


def _weights(w: Array, source: _Place, target: _Place) -> Iterator[Stroke]:
    """The weights between units that are shown, small ones first."""
    size = np.where(np.isfinite(w), np.abs(w), 0.0)
    largest = float(size.max(initial=0.0)) or 1.0
    pairs = [(u, v) for u in source.units for v in target.units]
    for u, v in sorted(pairs, key=lambda pair: float(size[pair])):
        share = float(size[u, v]) / largest
        start = (source.x + source.half_width, source.units[u])
        end = (target.x - target.half_width, target.units[v])
        colour = "plus" if w[u, v] > 0 else "minus"
        yield Stroke((start, end), colour, 0.3 + 2.7 * share, 0.1 + 0.85 * share)


def _head(tip: Point, towards: Point) -> Stroke:
    """The head of an arrow."""
    (x, y), (dx, dy) = tip, towards
    back = (x - 7 * dx, y - 7 * dy)
    sides = (back[0] + 3.5 * dy, back[1] + 3.5 * dx), (back[0] - 3.5 * dy, back[1] - 3.5 * dx)
    return Stroke(((x, y), *sides), width=0.5, closed=True)


def _arc(source: _Place, target: _Place, top: float, span: int) -> Iterator[Stroke]:
    """An arrow past the layers between, above them."""
    start = (source.x, source.y - source.half_height - 2)
    end = (target.x, target.y - target.half_height - 3)
    high = top - _lift(span)
    yield Stroke((start, (source.x, high), (target.x, high), end))
    yield _head(end, (0.0, 1.0))


def _key(layers: Sequence[DrawnLayer], x: float, y: float) -> tuple[list[Stroke], list[Words]]:
    """What the lines between units are."""
    if all(layer.weights is None for layer in layers):
        return [], []
    strokes, words = [], []
    for colour, text in (("plus", "positive"), ("minus", "negative")):
        strokes.append(Stroke(((x, y + 8), (x + 22, y + 8)), colour, 3.0))
        words.append(Words((x + 28, y + 12), text, "start"))
        x += 40 + _width(text)
    text = "weights; wide: large in their layer"
    return strokes, [*words, Words((x, y + 12), text, "start", "soft")]
