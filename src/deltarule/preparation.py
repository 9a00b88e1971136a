"""From a table to the matrix a network reads: missing values, scales and categories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deltarule.tables import TableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deltarule.tables import Table

    Array = NDArray[Any]
    Floats = NDArray[np.float64]

__all__ = ["MAX_CATEGORIES", "Preparation"]

MAX_CATEGORIES = 255


@dataclass(frozen=True)
class Preparation:
    """How the columns of a table become the columns of a float64 matrix.

    A column of numbers becomes one column: missing values are replaced by the median, then the mean
    is subtracted and the result divided by the standard deviation.  A column of text becomes one
    column of zeros and ones per category; a missing value counts as the most frequent category, and
    a category not seen when fitting gives zeros only.  Numbers come first, then the categories.

    A text column of more than 255 categories is refused rather than cut down to its most frequent
    ones: it is nearly always a name, an identifier or a sentence, from which a network can only
    learn the rows by heart, and to leave it out should be the user's decision.

    Attributes
    ----------
    numbers : tuple of str
        The numeric columns.
    texts : tuple of str
        The text columns.
    medians, means, scales : ndarray of float64, shape (len(numbers),)
        What `numbers` are filled with, shifted and divided by.
    categories : tuple of tuple of str
        The categories of each column in `texts`, sorted.
    fills : tuple of str
        The most frequent category of each column in `texts`.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    medians: Floats
    means: Floats
    scales: Floats
    categories: tuple[tuple[str, ...], ...]
    fills: tuple[str, ...]

    @classmethod
    def fit(cls, table: Table, columns: Sequence[str]) -> Self:
        """Learn medians, means, scales and categories, with scikit-learn's own transformers.

        Parameters
        ----------
        table : Table
            The training rows.
        columns : sequence of str
            The columns that the network is to read.

        Returns
        -------
        Preparation

        Raises
        ------
        TableError
            If a column is absent, has no value at all, holds an infinite number or more than 255
            categories, or if there is no column.
        """
        if not columns:
            raise TableError(
                f"There is no column to learn from in {table.source}: add some, or drop fewer."
            )
        table.require(columns)
        empty = [name for name in columns if table.missing(name).all()]
        if empty:
            raise TableError(_all_missing(empty, table))
        numbers = tuple(name for name in columns if table.kinds[name] != "text")
        texts = tuple(name for name in columns if table.kinds[name] == "text")
        _check_categories(table, texts)
        scaling = _fit_numbers(_number_matrix(table, numbers))
        return cls(numbers, texts, *scaling, *_fit_texts(table, texts))

    @classmethod
    def constant(cls, columns: Sequence[str], scale: float) -> Self:
        """Divide every column by the same number, as for pixels; a missing value counts as 0."""
        zeros = np.zeros(len(columns))
        return cls(tuple(columns), (), zeros, zeros, np.full(len(columns), scale), (), ())

    def unscaled(self) -> Self:
        """The same, but numbers stay as large as they are."""
        return replace(self, means=np.zeros(len(self.means)), scales=np.ones(len(self.scales)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return self.numbers + self.texts

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the columns of the matrix are called: ``"city=Rome"`` for a category."""
        pairs = zip(self.texts, self.categories, strict=True)
        return self.numbers + tuple(f"{name}={c}" for name, known in pairs for c in known)

    def transform(self, table: Table) -> Floats:
        """Make the matrix.

        Parameters
        ----------
        table : Table
            A table with at least the columns that were there when fitting, in any order.

        Returns
        -------
        ndarray of float64, shape (rows, inputs)
            One input per column of numbers and per category.

        Raises
        ------
        TableError
            If a column is absent, is text where it was numbers or the reverse, or holds an infinite
            number.
        """
        table.require(self.columns)
        matrix = np.zeros((table.rows, len(self.numbers) + sum(map(len, self.categories))))
        for j, name in enumerate(self.numbers):
            column = _numbers(table, name)
            filled = np.where(np.isnan(column), self.medians[j], column)
            matrix[:, j] = (filled - self.means[j]) / self.scales[j]
        first = len(self.numbers)
        for name, known, fill in zip(self.texts, self.categories, self.fills, strict=True):
            place = {category: first + j for j, category in enumerate(known)}
            place_of_row = [place.get(fill if v is None else v, -1) for v in _texts(table, name)]
            places = np.array(place_of_row, dtype=np.intp)
            rows = np.flatnonzero(places >= 0)
            matrix[rows, places[rows]] = 1.0
            first += len(known)
        return matrix

    def to_record(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Give what is needed to make the same matrix again: plain values, and arrays."""
        record = {
            "numbers": list(self.numbers),
            "texts": list(self.texts),
            "categories": [list(known) for known in self.categories],
            "fills": list(self.fills),
        }
        return record, {"medians": self.medians, "means": self.means, "scales": self.scales}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """Rebuild what `to_record` described; raise a `TableError` if it does not fit together."""
        numbers, texts, fills = (_strings(record[key]) for key in ("numbers", "texts", "fills"))
        categories = tuple(_strings(known) for known in record["categories"])
        medians, means, scales = (arrays[key] for key in ("medians", "means", "scales"))
        fits = len(categories) == len(fills) == len(texts) and all(
            a.shape == (len(numbers),) and a.dtype == np.float64 and np.isfinite(a).all()
            for a in (medians, means, scales)
        )
        if not fits:
            raise TableError("The record of the preparation is inconsistent: train the model anew.")
        return cls(numbers, texts, medians, means, scales, categories, fills)


def _strings(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TableError("The record of the preparation holds no names: train the model anew.")
    return tuple(values)


def _number_matrix(table: Table, names: Sequence[str]) -> Floats:
    matrix = np.empty((table.rows, len(names)))
    for j, name in enumerate(names):
        matrix[:, j] = _numbers(table, name)
    return matrix


def _fit_numbers(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Give medians, means and scales."""
    if matrix.shape[1] == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median")
    scaler = StandardScaler().fit(imputer.fit_transform(matrix))
    return imputer.statistics_, scaler.mean_, scaler.scale_


def _fit_texts(
    table: Table, names: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Give the categories and the most frequent one of each column."""
    if not names:
        return (), ()
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    matrix = np.column_stack([table.columns[name] for name in names])
    imputer = SimpleImputer(missing_values=None, strategy="most_frequent")
    encoder = OneHotEncoder(handle_unknown="ignore").fit(imputer.fit_transform(matrix))
    known = tuple(tuple(str(c) for c in column) for column in encoder.categories_)
    return known, tuple(str(fill) for fill in imputer.statistics_)


def _numbers(table: Table, name: str) -> Floats:
    column = table.columns[name]
    if column.dtype == object:
        words = ((i, v) for i, v in enumerate(column) if not _is_number(v))
        row, value = next(words, (0, column[0]))
        raise TableError(
            f"The column {name!r} of {table.source} holds text, such as {value[:40]!r} in row "
            f"{row + 1}, where the model was trained on numbers: correct or empty those cells."
        )
    infinite = np.flatnonzero(np.isinf(column))
    if infinite.size:
        raise TableError(
            f"The column {name!r} of {table.source} holds an infinite number in row "
            f"{infinite[0] + 1}: correct that cell, or empty it to count as missing."
        )
    return column


def _is_number(value: str | None) -> bool:
    try:
        return value is None or math.isfinite(float(value))
    except ValueError:
        return False


def _texts(table: Table, name: str) -> Array:
    column = table.columns[name]
    if column.dtype == object:
        return column
    if np.isnan(column).all():
        return np.full(table.rows, None, dtype=object)
    raise TableError(
        f"The column {name!r} of {table.source} holds numbers where the model was trained on text: "
        "write its values as text, in the spelling of the training data."
    )


def _all_missing(names: list[str], table: Table) -> str:
    """Word that columns have no values."""
    columns = ", ".join(repr(name) for name in names)
    noun, verb, it = ("column", "has", "it") if len(names) == 1 else ("columns", "have", "them")
    return (
        f"The {noun} {columns} of {table.source} {verb} no value in any of the {table.rows:,} "
        f"training rows, so there is nothing to learn: leave {it} out (--drop {','.join(names)})."
    )


def _check_categories(table: Table, texts: Sequence[str]) -> None:
    counts = {name: len(set(table.columns[name]) - {None}) for name in texts}
    many = {name: count for name, count in counts.items() if count > MAX_CATEGORIES}
    if many:
        columns = ", ".join(f"{name!r} ({count:,})" for name, count in many.items())
        raise TableError(
            f"Text columns may have up to {MAX_CATEGORIES} different values, but more are in "
            f"{columns} of {table.source}: leave out what only identifies a row "
            f"(--drop {','.join(many)}), or group the values."
        )
