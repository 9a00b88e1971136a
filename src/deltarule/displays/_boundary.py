"""What an estimator predicts over two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.displays import style
from deltarule.displays._columns import Columns, Others
from deltarule.displays.text import MAP_COLUMNS, MAP_LINES, framed, shaded, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Array = NDArray[Any]

_HELD = 6  # features of which the text tells the value
_STRENGTH = 0.5  # of the colours behind the data
_MARGIN = 0.06  # of the range of a feature, beside the data
_LEVELS = 15
_SURE = 0.75  # a class of that probability has a capital letter
_MARKERS = "osD^vP"


class DecisionBoundaryDisplay:
    """What an estimator predicts over two features, the others held fixed.

    Made by `from_estimator`.

    Attributes
    ----------
    first, second : ndarray of float64, shape (grid,)
        The values of the two features along the axes.
    response : ndarray of float64, shape (grid, grid, n_classes) or (grid, grid)
        Of a classifier the probability of each class (1 for the class that is predicted, where it
        has no probabilities), of a regressor the prediction, at ``second[i]`` and ``first[j]``.
    classes : ndarray, shape (n_classes,), or None
        None for a regressor.
    names : tuple of str
        Of the two features.
    fixed : dict
        The values of the other features, by name.
    points : ndarray of float64, shape (n_samples, 2)
        The two features of the data.
    y : ndarray, shape (n_samples,), or None
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
        response: Floats,
        *,
        classes: Array | None = None,
        names: tuple[str, str] = ("feature 0", "feature 1"),
        fixed: dict[str, Any] | None = None,
        points: Floats | None = None,
        y: Array | None = None,
        title: str = "",
    ) -> None:
        self.first, self.second, self.response = first, second, response
        self.classes, self.names, self.fixed = classes, names, dict(fixed or {})
        self.points = np.empty((0, 2)) if points is None else points
        self.y, self.title = y, title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        features: Sequence[int | str] = (0, 1),
        y: ArrayLike | None = None,
        grid: int = 100,
        others: Others = "median",
    ) -> Self:
        """Predict on a grid over two features.

        Parameters
        ----------
        estimator : fitted estimator
            With the methods of scikit-learn's; a pipeline or a search too.
        X : array_like or data frame, shape (n_samples, n_features)
            Data to draw, which also gives the range and the other features.
        features : sequence of two int or str, default=(0, 1)
            The columns along the axes, by number or by name.
        y : array_like, shape (n_samples,), optional
            The targets of X, drawn as colours.
        grid : int, default=100
            Points along each axis.
        others : {"median", "mean"} or array_like of shape (n_features,), default="median"
            What the other features are held at: their median or mean (their most frequent value
            where they are no numbers), or the row given.

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        TypeError
            If it is no estimator: a `deltarule.Network` has no classes.
        ValueError
            If the columns, the row or the shapes do not fit, or an estimator predicts several
            targets.
        """
        if not hasattr(estimator, "get_params") or not hasattr(estimator, "predict"):
            raise TypeError(
                "A decision boundary is drawn of a fitted estimator; met "
                f"{type(estimator).__name__}. NetworkClassifier and NetworkRegressor are such, of "
                "the layers of a Network."
            )
        columns = Columns.of(X)
        pair = columns.two(features)
        points = np.column_stack([columns.values[i] for i in pair]).astype(np.float64)
        first, second = (_axis(column, grid) for column in points.T)
        fixed = columns.fixed(others, pair)
        held = [fixed.get(name) for name in columns.names]
        classes, response = _predicted(estimator, columns.over(pair, first, second, held))
        last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        how = f", others at their {others}" if isinstance(others, str) else ", others held fixed"
        return cls(
            first,
            second,
            response.reshape(grid, grid, *response.shape[1:]),
            classes=classes,
            names=(columns.shown(pair[0]), columns.shown(pair[1])),
            fixed={columns.shown(columns.names.index(name)): v for name, v in fixed.items()},
            points=points,
            y=_targets(y, len(points)),
            title=type(last).__name__ + (how if fixed else ""),
        )

    # ---- drawn

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it: colours of the classes mixed by probability, or levels of a regressor.

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
            if self.classes is None:
                self._draw_levels(axes, theme)
            else:
                self._draw_classes(axes, theme)
            axes.set_xlim(self.first[0], self.first[-1])
            axes.set_ylim(self.second[0], self.second[-1])
            axes.set_xlabel(self.names[0])
            axes.set_ylabel(self.names[1])
            axes.set_title(self.title)
        self.ax_, self.figure_ = axes, axes.figure
        return self

    def _draw_levels(self, axes: Any, theme: style.Theme) -> None:
        colours = style.greys(theme)
        levels = self._levels()
        field = (self.first, self.second, self.response)
        look = {"cmap": style.SEQUENTIAL, "vmin": levels[0], "vmax": levels[-1]}
        filled = axes.contourf(*field, levels, **look)
        axes.contour(*field, levels, colors="white", linewidths=0.4, linestyles="solid")
        bar = axes.figure.colorbar(filled, ax=axes, format="%.3g")
        bar.set_label("prediction")
        bar.outline.set_visible(False)
        fill = {"color": colours["paper"]} if self.y is None else {"c": self.y, **look}
        axes.scatter(*self.points.T, s=22, lw=0.7, edgecolors="white", zorder=3, **fill)

    def _draw_classes(self, axes: Any, theme: style.Theme) -> None:
        from matplotlib.colors import to_rgb

        assert self.classes is not None
        greys = style.greys(theme)
        colours = np.array([to_rgb(c) for c in _colours(len(self.classes))])
        paper = np.array(to_rgb(greys["paper"]))
        image = paper + _STRENGTH * (self.response @ colours - paper)
        ends = (self.first[0], self.first[-1], self.second[0], self.second[-1])
        look: dict[str, Any] = {"interpolation": "bilinear", "aspect": "auto", "zorder": 0}
        axes.imshow(np.clip(image, 0, 1), origin="lower", extent=ends, **look)
        for margin in self._margins():
            line = {"colors": greys["ink"], "linewidths": 1.2}
            axes.contour(self.first, self.second, margin, [0.0], **line)
        for k, name in enumerate(self.classes):
            chosen = np.zeros(len(self.points), bool) if self.y is None else self.y == name
            marker = {"marker": _MARKERS[k % len(_MARKERS)], "label": str(name)}
            look = {"color": colours[k], "edgecolors": "white", "lw": 0.6, "zorder": 3}
            axes.scatter(*self.points[chosen].T, s=26, **marker, **look)
        if self.y is None:
            axes.scatter(*self.points.T, s=14, color=greys["ink"], lw=0, alpha=0.7, zorder=3)
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=5, markerscale=1.2)

    def _margins(self) -> list[Floats]:
        """By class, how much more probable it is than the next one; two classes share a line."""
        response = self.response
        rest = [np.delete(response, k, axis=2).max(axis=2) for k in range(response.shape[2])]
        margins = [response[:, :, k] - other for k, other in enumerate(rest)]
        crossed = [m for m in margins if m.min() < 0 < m.max()]
        return crossed[:1] if response.shape[2] == 2 else crossed

    def _levels(self) -> Floats:
        seen = self.response if self.y is None else np.append(self.response, self.y)
        low, high = float(np.min(seen)), float(np.max(seen))
        return np.linspace(low, high if high > low else low + 1.0, _LEVELS)

    # ---- told

    def as_text(self) -> str:
        """The same in characters: letters of the classes, or denser ones for higher predictions."""
        rows = thinned(self.response, MAP_LINES)
        shown = thinned(rows.swapaxes(0, 1), MAP_COLUMNS).swapaxes(0, 1)
        if self.classes is None:
            levels = self._levels()
            cells = shaded(shown, levels[1:-1])
            key = [f"From {levels[0]:.4g} (blank) to {levels[-1]:.4g} (@)."]
        else:
            letters = [_letter(k) for k in range(len(self.classes))]
            best = shown.argmax(axis=2)
            cells = np.array(letters)[best]
            cells = np.where(shown.max(axis=2) < _SURE, np.char.lower(cells), cells)
            named = ", ".join(f"{a} is {c}" for a, c in zip(letters, self.classes, strict=True))
            key = [f"{named}; a small letter is less probable than {_SURE:.0%}."]
        held = [f"{name} = {_said(value)}" for name, value in self.fixed.items()]
        more = [f"{len(held) - _HELD} more"] if len(held) > _HELD else []
        fixed = [f"Held fixed: {', '.join(held[:_HELD] + more)}."] if held else []
        map_ = framed(cells, self.first, self.second, self.names)
        return "\n".join([self.title, map_, *key, *fixed])

    def __str__(self) -> str:
        return self.as_text()


# ---- the data ------------------------------------------------------------------------------------


def _targets(y: ArrayLike | None, rows: int) -> Array | None:
    if y is None:
        return None
    targets = np.asarray(y)
    if targets.shape != (rows,):
        raise ValueError(
            f"y has the shape {targets.shape}; X has {rows} rows, each with one target."
        )
    return targets


def _axis(column: Floats, grid: int) -> Floats:
    if isinstance(grid, bool) or not isinstance(grid, int | np.integer) or grid < 2:
        raise ValueError(f"grid is how many points an axis has, an integer >= 2; met {grid!r}.")
    known = column[np.isfinite(column)]
    if not known.size:
        raise ValueError("A column of an axis holds no finite number, so it has no range.")
    low, high = float(known.min()), float(known.max())
    room = _MARGIN * (high - low) or 1.0
    return np.linspace(low - room, high + room, grid)


def _predicted(estimator: Any, rows: Any) -> tuple[Array | None, Floats]:
    """The classes, and probabilities (n, n_classes) or predictions (n,)."""
    classes = getattr(estimator, "classes_", None)
    predicted = np.asarray(estimator.predict(rows))
    if isinstance(classes, list) or predicted.ndim != 1:
        raise ValueError(
            f"This {type(estimator).__name__} predicts several targets for a row, and a boundary "
            "is drawn of one."
        )
    if classes is None:
        return None, predicted.astype(np.float64)
    if hasattr(estimator, "predict_proba"):
        return classes, np.asarray(estimator.predict_proba(rows), dtype=np.float64)
    return classes, (predicted[:, None] == classes).astype(np.float64)


# ---- looks ---------------------------------------------------------------------------------------


def _colours(n: int) -> list[Any]:
    """A colour per class: told apart where they are few, else from one scale."""
    if n <= len(style.COLOURS):
        return list(style.COLOURS[:n])
    import matplotlib

    return [matplotlib.colormaps["turbo"](p)[:3] for p in np.linspace(0.05, 0.95, n)]


def _letter(k: int) -> str:
    return chr(ord("A") + k % 26)


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
