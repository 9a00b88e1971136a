"""What a worked example returns: tables, a story in two languages, a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deltarule.displays import style
from deltarule.displays.text import table
from deltarule.examples._contents import CONTENTS
from deltarule.examples._text import wrapped
from deltarule.language import Language, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Columns under a title; what names a row is text or a `Text`."""

    title: Text
    columns: tuple[tuple[Text, Sequence[Any] | NDArray[Any]], ...]

    def said(self, lang: Language) -> dict[str, list[Any]]:
        """The columns by their headings in a language."""
        return {
            heading.said(lang): [v.said(lang) if isinstance(v, Text) else v for v in values]
            for heading, values in self.columns
        }

    def as_text(self, lang: Language = "en") -> str:
        """The title, and under it the columns."""
        return f"{wrapped(self.title.said(lang))}\n\n{table(self.said(lang))}"


@dataclass(frozen=True)
class Example:
    """A worked example, computed.

    Attributes
    ----------
    name : str
        Of the function that made it; its title stands in the table of contents.
    story : Text
        Why, with the numbers that were found.
    tables : tuple of Table
    figures : dict of str to float
        The numbers that the story tells, by name.
    series : dict of str to ndarray
        What the picture is drawn from.
    draw : callable
        Draws it into an empty matplotlib figure: ``draw(example, figure)``.
    size : tuple of float
        Of the picture, in inches.
    """

    name: str
    story: Text
    tables: tuple[Table, ...]
    figures: Mapping[str, float]
    series: Mapping[str, NDArray[np.float64]] = field(repr=False)
    draw: Callable[[Example, Figure], None] = field(repr=False)
    size: tuple[float, float] = (8.0, 4.0)

    @property
    def title(self) -> Text:
        """What it shows."""
        return CONTENTS[self.name].title

    def as_text(self, lang: Language = "en") -> str:
        """Title, tables and story, for a terminal.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"

        Raises
        ------
        ValueError
            If there is no such language.
        """
        parts = [self.title.said(lang), *(t.as_text(lang) for t in self.tables)]
        return "\n\n".join([*parts, wrapped(self.story.said(lang))])

    def as_record(self, lang: Language = "en") -> dict[str, Any]:
        """Everything as plain data, for JSON: name, title, story, tables, figures, series.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"

        Raises
        ------
        ValueError
            If there is no such language.
        """
        return {
            "name": self.name,
            "title": self.title.said(lang),
            "story": self.story.said(lang),
            "tables": [{"title": t.title.said(lang), "columns": t.said(lang)} for t in self.tables],
            "figures": dict(self.figures),
            "series": dict(self.series),
        }

    def __str__(self) -> str:
        return self.as_text()

    def plot(self, figure: Figure | None = None, *, theme: style.Theme = "light") -> Figure:
        """Draw it.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            Empty; a new one by default.
        theme : {"light", "dark"}, default="light"

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        """
        with style.drawing(theme):
            if figure is None:
                import matplotlib.pyplot as plt

                figure = plt.figure(figsize=self.size, layout="constrained")
            self.draw(self, figure)
        return figure
