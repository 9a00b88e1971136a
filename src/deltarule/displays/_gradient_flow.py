"""How deltas and gradients pass through the layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from deltarule.displays import style, text
from deltarule.displays._panels import (
    Entry,
    add_key,
    heat_map,
    layer_axis,
    line_entry,
    log_axis,
    map_entries,
    mark_entries,
    ramp,
    series,
)
from deltarule.displays._source import (
    Counts,
    Floats,
    epochs_of,
    milestones,
    places_of,
    require_network,
    trained,
    vitals_of,
)
from deltarule.vitals import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["both", "heatmap", "lines"]


@dataclass(eq=False)
class GradientFlowDisplay:
    """Root mean squares of deltas and of weight gradients, by layer and epoch.

    Where they shrink towards the first layer, it learns slowly or not at all (vanishing
    gradients); where they grow, steps become wild (exploding ones).  Make it with `from_history`,
    `from_estimator` or `from_network`.

    Attributes
    ----------
    layers : tuple of str
        Those shown, in the order of the network.
    epochs : ndarray of int, shape (n_epochs,), or None
        Counted from 1.  None: of one backward pass.
    delta_rms : ndarray, shape (n_epochs, n_layers)
        Of dL/dvalue, L being the mean loss of a batch; the value of a dense layer is its
        pre-activation.  One row for a backward pass; NaN where there is none.
    gradient_rms : ndarray, shape (n_epochs, n_layers)
        Of dL/dw, w being the weights, or all parameters of a layer without weights; NaN for a
        layer without parameters.
    told : list of int
        Places of the epochs drawn as lines: up to five, evenly chosen.
    ax_ : ndarray of matplotlib Axes
        After `plot`, by row and column of the picture.
    figure_ : matplotlib Figure
        After `plot`.
    """

    layers: tuple[str, ...]
    epochs: Counts | None
    delta_rms: Floats
    gradient_rms: Floats
    told: list[int] = field(init=False)
    ax_: Any = field(init=False, repr=False)
    figure_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.told = milestones(np.hstack([self.delta_rms, self.gradient_rms]))

    @classmethod
    def from_history(cls, history: History, *, layers: Sequence[str] | None = None) -> Self:
        """Of a training whose layers were watched.

        Parameters
        ----------
        history : History
        layers : sequence of str, optional
            Names of those to show; by default all that have a gradient.

        Raises
        ------
        TypeError, ValueError
            If it is no history, has no vitals, or there is no such layer.
        """
        vitals = vitals_of(history)
        default = vitals.having("gradient_rms")
        places = places_of(vitals.layers, layers, default, "a gradient")
        deltas, gradients = (
            vitals[name][:, places].astype(np.float64) for name in ("delta_rms", "gradient_rms")
        )
        names = tuple(vitals.layers[i] for i in places)
        return cls(names, epochs_of(vitals), deltas, gradients)

    @classmethod
    def from_estimator(cls, fitted: Any, *, layers: Sequence[str] | None = None) -> Self:
        """Of a fitted estimator or network whose layers were watched; `from_history` says more.

        Raises
        ------
        ValueError
            If it is not fitted, has no vitals, or there is no such layer.
        """
        return cls.from_history(trained(fitted).history_, layers=layers)

    @classmethod
    def from_network(
        cls, network: Any, X: Any, y: Any, *, layers: Sequence[str] | None = None
    ) -> Self:
        """Of one backward pass through a network, trained or not; nothing is learned.

        Parameters
        ----------
        network : deltarule.Network
        X : array_like, shape (n_rows, ...)
        y : array_like
            As for `deltarule.Network.backward`.
        layers : sequence of str, optional
            Names of those to show; by default all that have a gradient.

        Raises
        ------
        TypeError
            If it is no network.
        ValueError
            If there is no such layer, or the network refuses the rows.
        """
        trace = require_network(network).backward(X, y)
        gradients = [_gradient(trace.gradients, name) for name in trace.names]
        default = [i for i, arrays in enumerate(gradients) if arrays]
        places = places_of(trace.names, layers, default, "a gradient")
        names = tuple(trace.names[i] for i in places)
        delta_rms = [_rms([trace.deltas[n]] if n in trace.deltas else []) for n in names]
        gradient_rms = [_rms(gradients[i]) for i in places]
        return cls(names, None, np.array([delta_rms]), np.array([gradient_rms]))

    # ---- in words

    def as_text(self) -> str:
        """Layers with their numbers in up to five epochs and their course, for a terminal."""
        titled = {_TITLES[0]: self.delta_rms, _TITLES[1]: self.gradient_rms}
        if self.epochs is None:
            listed = text.thinned(np.arange(len(self.layers)), text.ROWS)
            columns: dict[str, Any] = {"layer": [self.layers[i] for i in listed]}
            columns |= {
                title: [text.number(v[0, i]) for i in listed] for title, v in titled.items()
            }
            return text.table(columns) + text.of_how_many(listed, len(self.layers))
        return "\n\n".join(
            f"{title} (courses on a log scale)\n\n"
            + text.by_layer(self.layers, self.epochs, values, self.told)
            for title, values in titled.items()
        )

    def __str__(self) -> str:
        return self.as_text()

    # ---- as a picture

    def plot(
        self, ax: Axes | None = None, *, theme: style.Theme = "light", kind: Kind = "both"
    ) -> Self:
        """Draw it: maps of layer by epoch, and lines over the layers at up to five epochs.

        Colours and lines are on a log scale, the first layer is on top.  Numbers that have no
        logarithm have a look of their own, which the key names where they occur: exactly 0 is
        orange in the map and a triangle at the left edge of the lines, an infinite number is pink
        and a triangle at the right edge, what is not a number is grey and a gap.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The panels take its place.
        theme : {"light", "dark"}, default="light"
        kind : {"both", "heatmap", "lines"}, default="both"
            A backward pass has lines alone.

        Returns
        -------
        self

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such kind or theme, or a map of a single pass is asked for.
        """
        kinds = self._kinds(kind)
        pairs = [(i, k) for i in range(2) for k in kinds]  # delta before gradient
        rows = len(kinds)
        with style.drawing(theme):
            ax = style.axes_for(ax, (9.0, 0.9 + 2.6 * rows))
            figure = self.figure_ = ax.figure
            key, panels = style.rows_in_place_of(ax, [0.01, float(rows)])
            widths = [1.9, 1.0] if rows == 2 else [1.0, 1.0]
            grid = panels.subgridspec(rows, 2, width_ratios=widths)
            axes = []
            for place, (spec, (quantity, k)) in enumerate(zip(grid, pairs, strict=True)):
                axes.append(figure.add_subplot(spec))
                draw = self._draw_map if k == "heatmap" else self._draw_lines
                draw(axes[-1], quantity, theme)
                layer_axis(axes[-1], self.layers, named=place % 2 == 0)
            add_key(figure, key, self._key(kinds, theme))
        self.ax_ = np.array(axes).reshape(rows, 2)
        return self

    def _kinds(self, kind: Kind) -> tuple[str, ...]:
        known = {"both": ("heatmap", "lines"), "heatmap": ("heatmap",), "lines": ("lines",)}
        if kind not in known:
            raise ValueError(f"kind must be 'both', 'heatmap' or 'lines'; met {kind!r}.")
        if self.epochs is None:
            if kind == "heatmap":
                raise ValueError(
                    "One backward pass has no epochs to draw a map over: use kind='lines'."
                )
            return known["lines"]
        return known[kind]

    def _draw_map(self, ax: Any, quantity: int, theme: style.Theme) -> None:
        values = (self.delta_rms, self.gradient_rms)[quantity]
        heat_map(ax, self.epochs, values, theme)
        ax.set_title(_TITLES[quantity])

    def _draw_lines(self, ax: Any, quantity: int, theme: style.Theme) -> None:
        values = (self.delta_rms, self.gradient_rms)[quantity]
        log_axis(ax.xaxis, values[self.told])
        colours = ramp(len(self.told), theme)
        for epoch, colour in zip(self.told, colours, strict=True):
            at = np.arange(len(self.layers))
            series(ax, at, values[epoch], upright=True, color=colour)
        ax.set_xlabel(_TITLES[quantity])

    def _key(self, kinds: tuple[str, ...], theme: style.Theme) -> list[Entry]:
        values = np.hstack([self.delta_rms, self.gradient_rms])
        entries: list[Entry] = []
        if "lines" in kinds and self.epochs is not None:
            entries += [
                line_entry(f"epoch {self.epochs[e]}", color=colour)
                for e, colour in zip(self.told, ramp(len(self.told), theme), strict=True)
            ]
        if "heatmap" in kinds:
            return entries + map_entries(values, theme, marked="lines" in kinds)
        return entries + mark_entries(values, style.greys(theme)["ink"], upright=True)


_WEIGHTS = ("weight", "recurrent")
_TITLES = ("rms of delta", "rms of weight gradient")


def _gradient(gradients: Any, layer: str) -> list[Any]:
    """The gradients of the weights of a layer, or of all its parameters."""
    own = {k: g for k, g in gradients.items() if k.rpartition(".")[0] == layer}
    weights = [g for k, g in own.items() if k.rpartition(".")[2] in _WEIGHTS]
    return weights or list(own.values())


def _rms(arrays: Sequence[Any]) -> float:
    """Of the numbers of arrays; NaN where there are none."""
    flat = np.concatenate([np.zeros(0), *(np.ravel(a) for a in arrays)]).astype(np.float64)
    return float(np.sqrt(np.mean(np.square(flat)))) if flat.size else np.nan
