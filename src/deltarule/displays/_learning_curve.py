"""Loss and score over the epochs of one training or of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from deltarule.displays import style, text
from deltarule.displays._panels import (
    Entry,
    add_key,
    colours_of,
    epoch_axis,
    key_beside,
    line_entry,
    log_axis,
    series,
)
from deltarule.displays._source import Counts, Floats, by_name, require_epochs, trained
from deltarule.vitals import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["auto", "linear", "log"]
Monitor = Literal["score", "loss"]
_RING = {"ls": "", "marker": "o", "ms": 8, "mew": 1.5, "mfc": "none"}
_DECADES = 2.0  # a loss that spans more is drawn on a logarithmic axis


@dataclass(frozen=True)
class LearningCurve:
    """One training.

    Attributes
    ----------
    name : str
    epochs : ndarray of int, shape (n_epochs,)
        Counted from 1.
    loss, validation_loss, validation_score, learning_rate : ndarray, shape (n_epochs,)
        As in `deltarule.History`; NaN where there is none.
    best : int or None
        The epoch with the best validation score, or the lowest validation loss; of equal ones the
        last, as in training.  None: nothing was validated.
    """

    name: str
    epochs: Counts
    loss: Floats
    validation_loss: Floats
    validation_score: Floats
    learning_rate: Floats
    best: int | None

    @classmethod
    def of(cls, name: str, history: History, monitor: str) -> LearningCurve:
        """The curve of a history, which has an epoch."""
        require_epochs(history)
        score, missed = history.validation_score, -history.validation_loss
        judged = score if monitor == "score" and np.isfinite(score).any() else missed
        finite = np.flatnonzero(np.isfinite(judged))
        best = finite[judged[finite] == judged[finite].max()][-1] if finite.size else None
        return cls(
            name=name,
            epochs=np.arange(1, len(history) + 1),
            loss=history.loss,
            validation_loss=history.validation_loss,
            validation_score=score,
            learning_rate=history.learning_rate,
            best=None if best is None else int(best) + 1,
        )

    def columns(self) -> dict[str, Floats]:
        """What was recorded, by its name in words."""
        listed = {
            "loss": self.loss,
            "validation loss": self.validation_loss,
            "validation score": self.validation_score,
            "learning rate": self.learning_rate,
        }
        return {k: v for k, v in listed.items() if k == "loss" or np.isfinite(v).any()}


@dataclass(eq=False)
class LearningCurveDisplay:
    """Training and validation loss, score and learning rate over epochs.

    Make it with `from_history` or `from_estimator`.

    Attributes
    ----------
    curves : tuple of LearningCurve
        One per training.
    scale : {"linear", "log"}
        What ``plot(scale="auto")`` takes for the loss: logarithmic where the losses span more than
        two decades and none is below 0.
    ax_ : ndarray of matplotlib Axes, shape (n_panels,)
        After `plot`: loss, then score and learning rate where they are drawn.
    figure_ : matplotlib Figure
        After `plot`.

    Examples
    --------
    >>> from deltarule.displays import LearningCurveDisplay
    >>> from deltarule.vitals import Epoch, History
    >>> history = History([Epoch(1.0, 1.1), Epoch(0.5, 0.7), Epoch(0.2, 0.8)])
    >>> display = LearningCurveDisplay.from_history(history)
    >>> display.curves[0].best, display.scale
    (2, 'linear')
    """

    curves: tuple[LearningCurve, ...]
    scale: Literal["linear", "log"] = "linear"
    ax_: Any = field(init=False, repr=False)
    figure_: Any = field(init=False, repr=False)

    @classmethod
    def from_history(
        cls, history: History | Mapping[str, History], *, monitor: Monitor = "score"
    ) -> Self:
        """The curves of one history, or of several by name.

        Parameters
        ----------
        history : History or mapping of str to History
        monitor : {"score", "loss"}, default="score"
            What of the validation makes the best epoch; the loss where there is no score.

        Raises
        ------
        TypeError, ValueError
            If it is no history, an empty one, or there is no such monitor.
        """
        return cls._of({name: (h, monitor) for name, h in by_name(history).items()})

    @classmethod
    def from_estimator(
        cls, fitted: Any | Mapping[str, Any], *, monitor: Monitor | None = None
    ) -> Self:
        """The curves of one fitted estimator or network, or of several by name.

        Parameters
        ----------
        fitted : estimator, `deltarule.Network`, pipeline that ends in one, or mapping of such
        monitor : {"score", "loss"}, optional
            As in `from_history`; by default that of the estimator, whose best epoch it kept.

        Raises
        ------
        ValueError
            If one is not fitted, or there is no such monitor.
        """
        models = {name: trained(model) for name, model in by_name(fitted).items()}
        return cls._of(
            {
                name: (model.history_, str(monitor or getattr(model, "monitor", "score")))
                for name, model in models.items()
            }
        )

    @classmethod
    def _of(cls, given: Mapping[str, tuple[History, str]]) -> Self:
        for _, monitor in given.values():
            if monitor not in ("score", "loss"):
                raise ValueError(f"monitor must be 'score' or 'loss'; met {monitor!r}.")
        curves = tuple(LearningCurve.of(name, *one) for name, one in given.items())
        losses = _losses(curves)
        above = losses[losses > 0]
        wide = above.size and np.log10(above.max() / above.min()) > _DECADES
        return cls(curves, "log" if wide and (losses >= 0).all() else "linear")

    # ---- in words

    def as_text(self) -> str:
        """First, best and last numbers of every training, with their course, for a terminal."""
        return "\n\n".join(self._told(curve) for curve in self.curves)

    def __str__(self) -> str:
        return self.as_text()

    def _told(self, curve: LearningCurve) -> str:
        columns, n, best = curve.columns(), len(curve.epochs), curve.best
        logarithmic = [self.scale == "log" and name.endswith("loss") for name in columns]
        rows: dict[str, list[Any]] = {
            "": list(columns),
            "first": [text.number(v[0]) for v in columns.values()],
            "best": [best and text.number(v[best - 1]) for v in columns.values()],
            "last": [text.number(v[-1]) for v in columns.values()],
            "course": [
                text.sparkline(text.log10(v) if log else v)
                for v, log in zip(map(text.thinned, columns.values()), logarithmic, strict=True)
            ],
        }
        heading = f"{n} epoch{'s' if n > 1 else ''}"
        heading += f", the best of them {best}" if best else ""
        heading += ", courses of the loss on a log scale" if any(logarithmic) else ""
        failed = int((~np.isfinite(curve.loss)).sum())
        heading += f"; the loss of {failed} is not finite" if failed else ""
        named = f"{curve.name}: " if curve.name else ""
        shown = {k: v for k, v in rows.items() if k != "best" or best}
        return f"{named}{heading}\n\n{text.table(shown)}"

    # ---- as a picture

    def plot(
        self,
        ax: Axes | None = None,
        *,
        theme: style.Theme = "light",
        scale: Scale = "auto",
        learning_rate: bool = False,
    ) -> Self:
        """Draw it: solid lines are of training, dashed ones of validation, a colour per training.

        A circle marks the best epoch.  An epoch between others without a number is a dot; a
        training loss that is not finite is a triangle at the upper edge, on a log scale a loss of
        exactly 0 one at the lower edge.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where several panels are drawn, they take its place.
        theme : {"light", "dark"}, default="light"
        scale : {"auto", "linear", "log"}, default="auto"
            Of the loss.
        learning_rate : bool, default=False
            Draw the learning rate below, where there is one.

        Returns
        -------
        self

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such scale or theme, or a loss below 0 should be drawn on a log scale.
        """
        chosen = self._scale(scale)
        shown = {"loss": 3.0, "validation score": 2.0, "learning rate": 1.2}
        present = {name for curve in self.curves for name in curve.columns()}
        present -= set() if learning_rate else {"learning rate"}
        heights = {name: height for name, height in shown.items() if name in present}
        with style.drawing(theme):
            ax = style.axes_for(ax, (7.0, 1.4 + 0.8 * sum(heights.values())))
            self.figure_ = ax.figure
            axes, entries = [ax], self._key(theme, chosen)
            if len(heights) > 1:
                key, *specs = style.rows_in_place_of(ax, [0.01, *heights.values()])
                axes = [ax.figure.add_subplot(spec) for spec in specs]
                add_key(ax.figure, key, entries)
            elif len(entries) > 1:
                key_beside(ax, entries)
            for panel, name in zip(axes, heights, strict=True):
                self._draw(panel, name, theme, chosen if name == "loss" else "linear")
                if panel is not axes[-1]:
                    panel.set_xlabel("")
                    panel.tick_params(labelbottom=False)
        self.ax_ = np.array(axes)
        return self

    def _scale(self, scale: Scale) -> str:
        if scale not in ("auto", "linear", "log"):
            raise ValueError(f"scale must be 'auto', 'linear' or 'log'; met {scale!r}.")
        losses = _losses(self.curves)
        if scale == "log" and (losses < 0).any():
            raise ValueError(
                f"A log scale has no place for the loss {losses.min():.4g}, which is below 0: use "
                "scale='linear'."
            )
        return self.scale if scale == "auto" else scale

    def _draw(self, ax: Any, name: str, theme: style.Theme, scale: str) -> None:
        colours = colours_of(len(self.curves), theme)
        if scale == "log":
            log_axis(ax.yaxis, _losses(self.curves))
        for curve, colour in zip(self.curves, colours, strict=True):
            drawn = {
                "loss": {"-": _marked(curve.loss), "--": curve.validation_loss},
                "validation score": {"--": curve.validation_score},
                "learning rate": {"-": curve.learning_rate},
            }[name]
            for dashes, values in drawn.items():
                if not np.isnan(values).all():
                    series(ax, curve.epochs, values, color=colour, ls=dashes)
            if curve.best and "--" in drawn:
                at = curve.best - 1
                ax.plot(curve.epochs[at], drawn["--"][at], color=colour, **_RING)
        if name == "learning rate":
            ax.set_ylim(bottom=0)
        ax.set_ylabel(f"{name} (log)" if scale == "log" else name)
        epoch_axis(ax, max((curve.epochs for curve in self.curves), key=len))

    def _key(self, theme: style.Theme, scale: str) -> list[Entry]:
        ink, several = style.greys(theme)["ink"], len(self.curves) > 1
        colour = ink if several else style.COLOURS[0]
        entries = [line_entry("training", color=colour)]
        if any(np.isfinite(curve.validation_loss).any() for curve in self.curves):
            entries.append(line_entry("validation", color=colour, ls="--"))
        best = [curve.best for curve in self.curves if curve.best]
        if best:
            label = "best epoch" if several else f"best epoch: {best[0]}"
            entries.append(line_entry(label, color=colour, **_RING))
        failed = [
            _marked(c.loss).max() == np.inf or np.isinf(c.validation_loss).any()
            for c in self.curves
        ]
        if any(failed):
            entries.append(line_entry("loss not finite", ls="", marker="^", color=colour))
        if scale == "log" and (_losses(self.curves) == 0).any():
            entries.append(line_entry("loss exactly 0", ls="", marker="v", color=colour))
        if several:
            colours = colours_of(len(self.curves), theme)
            names = [curve.name for curve in self.curves]
            entries += [line_entry(n, color=c) for n, c in zip(names, colours, strict=True)]
        return entries


def _losses(curves: tuple[LearningCurve, ...]) -> Floats:
    """The finite losses of trainings and validations."""
    known = np.concatenate([np.append(c.loss, c.validation_loss) for c in curves])
    return np.asarray(known[np.isfinite(known)])


def _marked(loss: Floats) -> Floats:
    """Losses; infinite where they are not finite, which `series` marks."""
    return np.where(np.isfinite(loss), loss, np.inf)
