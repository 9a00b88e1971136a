"""How large the steps of training are beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deltarule.displays import style, text
from deltarule.displays._panels import (
    colours_of,
    epoch_axis,
    key_beside,
    line_entries,
    log_axis,
    mark_entries,
    series,
)
from deltarule.displays._source import (
    Counts,
    Floats,
    epochs_of,
    milestones,
    places_of,
    trained,
    vitals_of,
)
from deltarule.vitals import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = (3e-4, 3e-3)  # half a decade to either side of 1e-3


@dataclass(eq=False)
class UpdateRatioDisplay:
    """Size of a step over the size of the weights, by layer and epoch.

    A rule of thumb of practitioners, and no more, wants it near 1e-3 (Karpathy, CS231n, "Neural
    networks part 3"): far below, the learning rate is likely too small for the layer, far above
    too large.  The rate of a step falls on purpose at the end of a schedule, and biases, gains of
    normalisations and weights that begin at 0 do not obey the rule.

    Make it with `from_history` or `from_estimator`.

    Attributes
    ----------
    layers : tuple of str
    epochs : ndarray of int, shape (n_epochs,)
        Counted from 1.
    ratio : ndarray, shape (n_epochs, n_layers)
        Root mean square of the change of the weights in a step over that of the weights.
    band : tuple of float
        The numbers near 1e-3: half a decade to either side.
    told : list of int
        Places of the epochs that `as_text` tells: up to five, evenly chosen.
    ax_ : matplotlib Axes
        After `plot`.
    figure_ : matplotlib Figure
        After `plot`.
    """

    layers: tuple[str, ...]
    epochs: Counts
    ratio: Floats
    band: tuple[float, float] = BAND
    told: list[int] = field(init=False)
    ax_: Any = field(init=False, repr=False)
    figure_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.told = milestones(self.ratio)

    @classmethod
    def from_history(cls, history: History, *, layers: Sequence[str] | None = None) -> Self:
        """Of a training whose layers were watched.

        Parameters
        ----------
        history : History
        layers : sequence of str, optional
            Names of those to show; by default all that have weights or other parameters.

        Raises
        ------
        TypeError, ValueError
            If it is no history, has no vitals, or there is no such layer.
        """
        vitals = vitals_of(history)
        default = vitals.having("update_rms")
        places = places_of(vitals.layers, layers, default, "an update of weights")
        ratio = vitals.update_ratio[:, places].astype(np.float64)
        return cls(tuple(vitals.layers[i] for i in places), epochs_of(vitals), ratio)

    @classmethod
    def from_estimator(cls, fitted: Any, *, layers: Sequence[str] | None = None) -> Self:
        """Of a fitted estimator or network whose layers were watched; `from_history` says more.

        Raises
        ------
        ValueError
            If it is not fitted, has no vitals, or there is no such layer.
        """
        return cls.from_history(trained(fitted).history_, layers=layers)

    def as_text(self) -> str:
        """Layers with their ratios in up to five epochs and their course, for a terminal."""
        heading = "update / weights (courses on a log scale); a rule of thumb: near 0.001"
        return f"{heading}\n\n" + text.by_layer(self.layers, self.epochs, self.ratio, self.told)

    def __str__(self) -> str:
        return self.as_text()

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it: a line per layer on a log scale, and the band around 1e-3.

        A ratio of exactly 0 (nothing was learned) is a triangle at the lower edge, an infinite one
        (the weights were 0) at the upper edge.

        Parameters
        ----------
        ax : matplotlib Axes, optional
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
        with style.drawing(theme):
            ax = style.axes_for(ax, (7.0, 4.0))
            log_axis(ax.yaxis, np.append(self.ratio, self.band))
            near = ax.axhspan(*self.band, color=style.COLOURS[2], alpha=0.16, lw=0)
            colours = colours_of(len(self.layers), theme)
            width = 1.8 if len(self.layers) <= len(style.COLOURS) else 1.0
            for layer, colour in enumerate(colours):
                series(ax, self.epochs, self.ratio[:, layer], color=colour, lw=width)
            epoch_axis(ax, self.epochs)
            ax.set_ylabel("update / weights")
            marks = mark_entries(self.ratio, style.greys(theme)["ink"])
            key_beside(ax, [*line_entries(self.layers, colours), (near, "near 1e-3"), *marks])
        self.ax_, self.figure_ = ax, ax.figure
        return self
