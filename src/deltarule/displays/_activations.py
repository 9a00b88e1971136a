"""How the values of layers are distributed, and which units have stopped working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deltarule.displays import style, text
from deltarule.displays._panels import (
    Entry,
    add_key,
    colours_of,
    epoch_axis,
    isolated,
    line_entries,
    line_entry,
    series,
)
from deltarule.displays._source import (
    Counts,
    Floats,
    epochs_of,
    places_of,
    require_network,
    trained,
    vitals_of,
)
from deltarule.vitals import QUANTILES, History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = ("saturated", "dying", "dead")
_PANELS, _COLUMNS = 8, 4  # distributions that are drawn; at most in a row
# The bands of a fan: from this quantile of 17 to the same from the top, its opacity, its name.
_BANDS = ((0, 0.18, "extremes"), (1, 0.3, "1/16 to 15/16"), (4, 0.55, "quartiles"))


@dataclass(frozen=True)
class Histogram:
    """Of the values of a layer in one forward pass.

    Attributes
    ----------
    edges : ndarray, shape (n_bins + 1,)
    density : ndarray, shape (n_bins,)
        Of the finite values other than 0; its integral is 1, or 0 where there are none.
    zeros, not_finite : float
        Shares of the values that are exactly 0, and infinite or not a number.
    """

    edges: Floats
    density: Floats
    zeros: float
    not_finite: float

    @classmethod
    def of(cls, values: Any, bins: int) -> Histogram:
        """The histogram of an array."""
        flat = np.ravel(values).astype(np.float64)
        finite = np.isfinite(flat)
        counted, edges = np.histogram(flat[finite & (flat != 0)], bins)
        density = counted / max(counted.sum(), 1) / np.diff(edges)
        return cls(edges, density, float(np.mean(flat == 0)), float(np.mean(~finite)))


@dataclass(eq=False)
class ActivationDisplay:
    """Distributions of what layers compute, and the shares of saturated, dying and dead units.

    Make it with `from_history`, `from_estimator` or `from_network`.

    Attributes
    ----------
    layers : tuple of str
    epochs : ndarray of int, shape (n_epochs,), or None
        Counted from 1.  None: of one forward pass.
    quantiles : ndarray, shape (n_epochs, n_layers, 17)
        Of the values, from the smallest to the largest in equal steps: 0 and 16 are the extremes,
        4 and 12 the quartiles, 8 the median.
    shares : dict of str to ndarray, shape (n_epochs, n_layers)
        ``"saturated"``, ``"dying"`` and ``"dead"`` as in `deltarule.vitals.Vitals`, between 0 and
        1; NaN for a layer that is no activation.  Empty for one pass.
    histograms : tuple of Histogram
        One per layer for one forward pass; else empty.
    drawn : list of int
        Places of the layers whose distribution is drawn.
    ax_ : ndarray of matplotlib Axes, shape (n_panels,)
        After `plot`: the distributions, then the shares.
    figure_ : matplotlib Figure
        After `plot`.
    """

    layers: tuple[str, ...]
    epochs: Counts | None
    quantiles: Floats
    shares: dict[str, Floats]
    histograms: tuple[Histogram, ...]
    drawn: list[int]
    ax_: Any = field(init=False, repr=False)
    figure_: Any = field(init=False, repr=False)

    @classmethod
    def from_history(cls, history: History, *, layers: Sequence[str] | None = None) -> Self:
        """Of a training whose layers were watched.

        Parameters
        ----------
        history : History
        layers : sequence of str, optional
            Names of those to show; by default all activations (all layers where none is one), of
            which the distributions of up to eight, evenly chosen, are drawn.

        Raises
        ------
        TypeError, ValueError
            If it is no history, has no vitals, or there is no such layer.
        """
        vitals = vitals_of(history)
        active = sorted({place for name in SHARES for place in vitals.having(name)})
        default = active or vitals.having("value_mean")
        places = places_of(vitals.layers, layers, default, "values")
        return cls(
            layers=tuple(vitals.layers[i] for i in places),
            epochs=epochs_of(vitals),
            quantiles=vitals.quantiles[:, places].astype(np.float64),
            shares={name: vitals[name][:, places].astype(np.float64) for name in SHARES},
            histograms=(),
            drawn=_drawn(len(places), layers),
        )

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
        cls, network: Any, X: Any, *, layers: Sequence[str] | None = None, bins: int = 40
    ) -> Self:
        """Of one forward pass of rows through a network, trained or not.

        Parameters
        ----------
        network : deltarule.Network
        X : array_like, shape (n_rows, ...)
        layers : sequence of str, optional
            As in `from_history`.
        bins : int, default=40
            Of the histograms.

        Raises
        ------
        TypeError
            If it is no network.
        ValueError
            If there is no such layer, or the network refuses the rows.
        """
        trace = require_network(network).forward(X, keep=True)
        active = [i for i, node in enumerate(network.plan.nodes) if "activation" in node.kind]
        places = places_of(trace.names, layers, active or range(len(trace.names)), "values")
        names = tuple(trace.names[i] for i in places)
        values = [np.ravel(trace.values[name]).astype(np.float64) for name in names]
        return cls(
            layers=names,
            epochs=None,
            quantiles=np.array([[_quantiles(v) for v in values]]),
            shares={},
            histograms=tuple(Histogram.of(v, bins) for v in values),
            drawn=_drawn(len(places), layers),
        )

    # ---- in words

    def as_text(self) -> str:
        """Quantiles and shares of the last epoch with values, and their course, for a terminal."""
        known = np.flatnonzero(~np.isnan(self.quantiles).all(axis=(1, 2)))
        last = int(known[-1]) if known.size else 0
        listed = text.thinned(np.arange(len(self.layers)), text.ROWS)
        columns: dict[str, list[Any]] = {"layer": [self.layers[i] for i in listed]}
        for name, place in _TOLD.items():
            columns[name] = [text.number(self.quantiles[last, i, place]) for i in listed]
        if self.histograms:
            columns["exactly 0"] = [f"{self.histograms[i].zeros:.0%}" for i in listed]
            densities = [text.thinned(self.histograms[i].density) for i in listed]
            columns["histogram"] = [text.sparkline(density, 0.0) for density in densities]
        for name, share in self.shares.items():
            columns[name] = [_percent(share[last, i]) for i in listed]
        if self.epochs is not None and len(self.epochs) > 1:
            width = text.thinned(self.quantiles[:, :, -2] - self.quantiles[:, :, 1], text.COURSE)
            columns["course of the width"] = [text.sparkline(width[:, i], 0.0) for i in listed]
        when = "one forward pass" if self.epochs is None else f"epoch {self.epochs[last]}"
        heading = f"values of layers in {when}"
        heading += "; width: from 1/16 to 15/16" if "course of the width" in columns else ""
        return f"{heading}\n\n{text.table(columns)}" + text.of_how_many(listed, len(self.layers))

    def __str__(self) -> str:
        return self.as_text()

    # ---- as a picture

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it: the distribution of each layer over the epochs, and below it the shares.

        A distribution is a fan of quantiles over the epochs, or the histogram of a forward pass,
        which leaves out values that are exactly 0 and tells their share.  Every panel has a scale
        of its own.

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
        shares = [name for name, share in self.shares.items() if np.isfinite(share).any()]
        rows = -(-len(self.drawn) // _COLUMNS)
        columns = -(-len(self.drawn) // rows)
        with style.drawing(theme):
            ax = style.axes_for(ax, (9.0, 0.7 + 1.9 * rows + 2.3 * bool(shares)))
            self.figure_ = ax.figure
            key, fans, *below = style.rows_in_place_of(
                ax, [0.01, 1.9 * rows, *[2.1] * bool(shares)]
            )
            colours = colours_of(len(self.layers), theme)
            cells = fans.subgridspec(rows, columns)
            axes = [self.figure_.add_subplot(cells[i]) for i in range(len(self.drawn))]
            for panel, layer in zip(axes, self.drawn, strict=True):
                self._draw(panel, layer, colours[layer])
            for panel in axes[:-columns]:
                panel.set_xlabel("")
            cells = below[0].subgridspec(1, len(shares)) if shares else ()
            for cell, name in zip(cells, shares, strict=True):
                axes.append(self.figure_.add_subplot(cell))
                self._draw_share(axes[-1], name, colours)
            add_key(self.figure_, key, self._key(bool(shares), colours, theme))
        self.ax_ = np.array(axes)
        return self

    def _draw(self, ax: Any, layer: int, colour: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        ax.set_title(self.layers[layer], fontsize=9, pad=4)
        if self.epochs is None:
            return _draw_histogram(ax, self.histograms[layer], colour)
        fan = self.quantiles[:, layer]
        fan = np.where(np.isfinite(fan), fan, np.nan)
        alone = isolated(fan[:, QUANTILES // 2])
        for place, opacity, _ in _BANDS:
            low, high = fan[:, place], fan[:, -1 - place]
            ax.fill_between(self.epochs, low, high, color=colour, alpha=opacity, lw=0)
            ax.vlines(self.epochs[alone], low[alone], high[alone], colour, lw=9, alpha=opacity)
        series(ax, self.epochs, fan[:, QUANTILES // 2], color=colour)
        epoch_axis(ax, self.epochs)
        ax.yaxis.set_major_locator(MaxNLocator(4))
        return None

    def _draw_share(self, ax: Any, name: str, colours: Sequence[Any]) -> None:
        from matplotlib.ticker import PercentFormatter

        assert self.epochs is not None
        for layer, colour in enumerate(colours):
            series(ax, self.epochs, self.shares[name][:, layer], color=colour, lw=1.4)
        ax.set_ylim(-0.03, 1.03)
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_title(f"{name} units" if name != "saturated" else "saturated inputs")
        epoch_axis(ax, self.epochs)

    def _key(self, shares: bool, colours: Sequence[Any], theme: style.Theme) -> list[Entry]:
        from matplotlib.patches import Patch

        if self.epochs is None:
            return []
        ink = style.greys(theme)["ink"]
        entries: list[Entry] = [
            (Patch(facecolor=ink, alpha=opacity, lw=0), name) for _, opacity, name in _BANDS
        ]
        entries.append(line_entry("median", color=ink))
        return entries + (line_entries(self.layers, colours) if shares else [])


_TOLD = {"smallest": 0, "25 %": 4, "median": 8, "75 %": 12, "largest": 16}


def _drawn(layers: int, wanted: Sequence[str] | None) -> list[int]:
    """Places of the layers with a panel: all that were asked for, else up to eight."""
    places = np.arange(layers)
    return [int(i) for i in (places if wanted is not None else text.thinned(places, _PANELS))]


def _draw_histogram(ax: Any, histogram: Histogram, colour: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.stairs(histogram.density, histogram.edges, fill=True, color=colour)
    shares = {"are 0": histogram.zeros, "not finite": histogram.not_finite}
    noted = [f"{share:.0%} {name}" for name, share in shares.items() if share]
    ax.text(0.97, 0.95, "\n".join(noted), transform=ax.transAxes, ha="right", va="top", fontsize=9)
    ax.set_xlabel("value")
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(4))


def _quantiles(values: Floats) -> Floats:
    """Of the finite values; NaN where there are none."""
    finite = values[np.isfinite(values)]
    shares = np.linspace(0, 1, QUANTILES)
    return np.quantile(finite, shares) if finite.size else np.full(QUANTILES, np.nan)


def _percent(share: float) -> str | None:
    return None if np.isnan(share) else f"{share:.0%}"
