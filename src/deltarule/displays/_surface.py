"""The loss of one neuron over two of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule._activation_kinds import Activation, ElementwiseActivation
from deltarule._activations import activation as activation_named
from deltarule._losses import Loss
from deltarule._losses import loss as loss_named
from deltarule.displays import style
from deltarule.displays._curves import grid as points_between
from deltarule.displays._curves import label_of
from deltarule.displays.text import MAP_COLUMNS, MAP_LINES, framed, shaded, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_LEVELS = 18


class LossSurfaceDisplay:
    """The mean loss of one neuron a = f(X w + b) over two of its weights.

    Made by `from_neuron`.

    Attributes
    ----------
    first, second : ndarray of float64, shape (grid,)
        The weights along the two axes.
    loss : ndarray of float64, shape (grid, grid)
        ``loss[i, j]`` is the mean loss at ``second[i]`` and ``first[j]``.
    names : tuple of str
        Of the two weights: ("w", "b") or ("w1", "w2").
    paths : tuple of ndarray of float64, shape (n_steps, 2)
        Ways over the surface, such as those of gradient descent.
    path_losses : tuple of ndarray of float64, shape (n_steps,)
        The loss along them.
    title : str
    ax_ : Axes
        Where it was drawn.
    figure_ : Figure
    """

    ax_: Any
    figure_: Figure

    def __init__(
        self,
        first: Floats,
        second: Floats,
        loss: Floats,
        *,
        names: tuple[str, str] = ("w1", "w2"),
        paths: Sequence[Floats] = (),
        path_losses: Sequence[Floats] = (),
        title: str = "loss",
    ) -> None:
        self.first, self.second, self.loss = first, second, loss
        self.names, self.title = names, title
        self.paths, self.path_losses = tuple(paths), tuple(path_losses)

    @classmethod
    def from_neuron(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        activation: str | Activation = "identity",
        loss: str | Loss = "squared_error",
        low: float | tuple[float, float] = -4.0,
        high: float | tuple[float, float] = 4.0,
        bias: float = 0.0,
        grid: int = 101,
        paths: Sequence[ArrayLike] = (),
    ) -> Self:
        """Compute the loss on a grid of weights.

        Parameters
        ----------
        X : array_like, shape (n_samples, 1) or (n_samples, 2)
            With one feature the weights are w and the bias b; with two, w1 and w2.
        y : array_like, shape (n_samples,)
            Targets, as the loss takes them.
        activation : str or Activation, default="identity"
            Element-wise.
        loss : str or Loss, default="squared_error"
            Of what the neuron computes: with ``"bce_with_logits"`` the activation is
            ``"identity"``, as the sigmoid is part of that loss.
        low, high : float or tuple of two, default=-4, 4
            The range of both weights, or of each.
        bias : float, default=0
            That of a neuron with two features.
        grid : int, default=101
            Points along each axis.
        paths : sequence of array_like, shape (n_steps, 2), optional
            Weights step by step, in the order of ``names``.

        Returns
        -------
        LossSurfaceDisplay

        Raises
        ------
        TypeError
            If the activation maps whole rows, or the loss is not one of single numbers.
        ValueError
            If a shape or a range does not fit, or the targets are outside the loss's domain.
        """
        neuron = _Neuron.of(X, y, activation_named(activation), loss_named(loss), bias)
        first, second = (
            points_between(float(a), float(b), grid)
            for a, b in zip(np.broadcast_to(low, 2), np.broadcast_to(high, 2), strict=True)
        )
        rows = [neuron.losses(np.column_stack([first, np.full_like(first, w)])) for w in second]
        ways = [_path(path) for path in paths]
        return cls(
            first,
            second,
            np.array(rows),
            names=neuron.names,
            paths=ways,
            path_losses=[neuron.losses(way) for way in ways],
            title=f"{label_of(neuron.loss)} of {label_of(neuron.activation)}",
        )

    @property
    def lowest(self) -> tuple[float, float, float]:
        """The two weights of the lowest loss on the grid, and that loss."""
        i, j = np.unravel_index(int(np.nanargmin(self.loss)), self.loss.shape)
        return float(self.first[j]), float(self.second[i]), float(self.loss[i, j])

    @property
    def levels(self) -> Floats:
        """Losses at which lines are drawn: closer to each other near the lowest."""
        known = self.loss[np.isfinite(self.loss)]
        low, high = float(known.min()), float(known.max())
        if low == high:
            high = low + 1.0
        return low + (high - low) * np.linspace(0, 1, _LEVELS) ** 2.5

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw lines of equal loss, darker where it is lower, with the paths on them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            A new figure by default.
        theme : {"light", "dark"}, default="light"

        Returns
        -------
        self
            With the attributes ``ax_`` and ``figure_``.

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such theme.
        """
        with style.drawing(theme):
            axes: Any = style.axes_for(ax, (6.0, 4.6))
            axes.grid(visible=False)
            self._draw(axes)
            axes.set_xlim(self.first[0], self.first[-1])
            axes.set_ylim(self.second[0], self.second[-1])
            axes.set_xlabel(self.names[0])
            axes.set_ylabel(self.names[1])
            axes.set_title(f"{self.title}; + lowest, {self.lowest[2]:.3g}")
        self.ax_, self.figure_ = axes, axes.figure
        return self

    def _draw(self, axes: Any) -> None:
        filled = axes.contourf(
            self.first, self.second, self.loss, self.levels, cmap=style.SEQUENTIAL
        )
        axes.contour(
            self.first,
            self.second,
            self.loss,
            self.levels,
            colors="white",
            linewidths=0.4,
            linestyles="solid",
        )
        bar = axes.figure.colorbar(filled, ax=axes, format="%.2g")
        bar.set_label("mean loss")
        bar.outline.set_visible(False)
        for i, way in enumerate(self.paths):
            _draw_path(axes, way, i)
        w1, w2, _ = self.lowest
        axes.plot(w1, w2, "+", ms=11, mew=2, color="white", zorder=5, clip_on=False)

    def as_text(self) -> str:
        """The same in characters: denser ones where the loss is higher, paths from S to E."""
        rows = thinned(self.loss, MAP_LINES)
        cells = shaded(thinned(rows.T, MAP_COLUMNS).T, self.levels[1:-1])
        for way in self.paths:
            _mark(cells, way, self.first, self.second)
        w1, w2, least = self.lowest
        told = [
            f"{self.title}, the mean over the samples",
            framed(cells, self.first, self.second, self.names),
            f"Lowest on the grid: {least:.4g} at {self.names[0]} = {w1:.4g}, "
            f"{self.names[1]} = {w2:.4g}.",
        ]
        told += [
            f"Path of {len(losses) - 1} steps: from {losses[0]:.4g} to {losses[-1]:.4g}."
            for losses in self.path_losses
        ]
        return "\n".join(told)

    def __str__(self) -> str:
        return self.as_text()


@dataclass(frozen=True)
class _Neuron:
    """One neuron on some samples, by two of its weights."""

    activation: ElementwiseActivation
    loss: Loss
    x: Floats  # (n_samples, 2); the second column is 1 where the second weight is the bias
    y: Floats
    offset: float
    names: tuple[str, str]

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike, f: Activation, loss: Loss, bias: float) -> Self:
        if not isinstance(f, ElementwiseActivation) or not getattr(loss, "elementwise", False):
            raise TypeError(
                "A neuron has one output: its activation and its loss work element by element; met "
                f"{f.name} and {loss.name}."
            )
        x, targets = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] not in (1, 2) or not len(x):
            raise ValueError(
                f"X has the shape {x.shape}; the surface of a neuron is drawn for rows of one or "
                "two features, (n_samples, 1) or (n_samples, 2)."
            )
        if targets.shape != (len(x),):
            raise ValueError(
                f"y has the shape {targets.shape}; {len(x)} samples have one target each, the "
                f"shape ({len(x)},)."
            )
        if x.shape[1] == 2:
            return cls(f, loss, x, targets, float(bias), ("w1", "w2"))
        return cls(f, loss, np.column_stack([x, np.ones(len(x))]), targets, 0.0, ("w", "b"))

    def losses(self, weights: Floats) -> Floats:
        """The mean loss for each row of weights; NaN where it is not finite."""
        outputs = np.asarray(self.activation(weights @ self.x.T + self.offset))
        means = np.array([float(self.loss(a, self.y)) for a in outputs])
        return np.where(np.isfinite(means), means, np.nan)


def _path(path: ArrayLike) -> Floats:
    way = np.asarray(path, dtype=np.float64)
    if way.ndim != 2 or way.shape[1] != 2 or not len(way):
        raise ValueError(
            f"A path holds two weights per step, the shape (n_steps, 2); met {way.shape}."
        )
    return way


def _draw_path(axes: Any, way: Floats, place: int) -> None:
    colour = (style.COLOURS[1], style.COLOURS[3], style.COLOURS[5])[place % 3]
    axes.plot(*way.T, "-o", color=colour, ms=2.5, lw=1.4, zorder=4)
    axes.plot(*way[0], "o", ms=7, mfc="white", mec=colour, mew=1.6, zorder=5)
    axes.plot(*way[-1], "s", ms=6, mfc=colour, mec="white", zorder=5)


def _mark(cells: Any, way: Floats, x: Floats, y: Floats) -> None:
    """Write a path into the characters of a map."""
    lines, columns = cells.shape
    i = np.rint((way[:, 1] - y[0]) / (y[-1] - y[0]) * (lines - 1))
    j = np.rint((way[:, 0] - x[0]) / (x[-1] - x[0]) * (columns - 1))
    seen = (i >= 0) & (i < lines) & (j >= 0) & (j < columns)
    letters = np.full(len(way), "o")
    letters[0], letters[-1] = "S", "E"
    cells[i[seen].astype(int), j[seen].astype(int)] = letters[seen]
