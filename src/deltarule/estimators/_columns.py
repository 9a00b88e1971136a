"""Columns of numbers and categories as the float32 matrix that a tabular network reads.

The preparation of RealMLP (Holzmüller, Grinsztajn and Steinwart, Better by default, NeurIPS 2024):
robust scaling, a smooth clip, one column per category where there are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule.estimators._frame import Array, Column, Columns, Floats, Value, require_finite

MAX_ONE_HOT = 8  # categories; more are codes for a learned embedding
_LARGEST = 1e300  # numbers beyond count as this, so that differences do not overflow
_BLOCK = 1 << 15  # numbers of a matrix that are scaled at a time


class Categories(NamedTuple):
    """The categories of one column of X, sorted: numbers, then text."""

    column: int
    values: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class ColumnEncoder:
    """How the columns of X become the columns of a float32 matrix.

    From left to right, the matrix has

    1. every column of numbers, a missing value counting as the median,
    2. an indicator, 1 where a number is missing, of every column of numbers with missing values,
    3. the categories of every column with up to 8 of them: one column per category, 1 in its rows
       and 0 elsewhere; of two categories one column, -1 and 1.  A category that is missing or was
       not seen when fitting is 0 in all of them,
    4. the codes of every column with more categories: 1, 2 ... in sorted order, 0 for a category
       that is missing or was not seen.

    The first three kinds are scaled and clipped: the median is subtracted, the result z divided by
    the distance of the quartiles (where that is 0, by half the distance of the extremes; where that
    is 0 too, z is 0), and z / sqrt(1 + (z / 3)^2), between -3 and 3, is what the network reads.

    A column that has no value at all when fitting, or a single category and no missing value, says
    nothing and is left out.

    Attributes
    ----------
    numbers : tuple of int
        The columns of X that are numbers.
    indicators : tuple of int
        Those of them with missing values when fitting.
    one_hot, coded : tuple of Categories
        The columns of X with up to 8, and with more categories.
    centers, scales : ndarray of float64, shape (continuous + flat,)
        What is subtracted and divided by; a scale of 0 gives zeros.
    """

    numbers: tuple[int, ...]
    indicators: tuple[int, ...]
    one_hot: tuple[Categories, ...]
    coded: tuple[Categories, ...]
    centers: Floats
    scales: Floats

    @property
    def continuous(self) -> int:
        """How many of the first columns of the matrix are numbers."""
        return len(self.numbers)

    @property
    def flat(self) -> int:
        """How many columns after them are indicators or categories."""
        return len(self.indicators) + sum(_width(len(known.values)) for known in self.one_hot)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each of the last columns has, 0 included."""
        return tuple(len(known.values) + 1 for known in self.coded)

    @property
    def width(self) -> int:
        """How many columns the matrix has."""
        return self.continuous + self.flat + len(self.coded)

    @classmethod
    def fit(cls, columns: Columns, categorical_features: ArrayLike | None = None) -> Self:
        """Learn medians, scales and categories.

        Parameters
        ----------
        columns : Columns
            The training rows.
        categorical_features : array_like, optional
            Names or indices of columns, or a bool for each: these are categories, whatever their
            dtype says.

        Returns
        -------
        ColumnEncoder

        Raises
        ------
        ValueError
            If `categorical_features` does not fit X, a number is infinite, or no column says
            anything.
        TypeError
            If a value is neither text nor a number.
        """
        chosen = chosen_columns(categorical_features, columns)
        numbers, indicators, one_hot, coded = [], [], [], []
        scalings: list[list[tuple[float, float]]] = [[], [], []]
        for j in range(len(columns)):
            column = columns[j]
            if chosen[j] or column.is_category():
                known, scaling = _learn_categories(j, column)
                if scaling:
                    one_hot.append(known)
                    scalings[2] += scaling
                elif len(known.values) > MAX_ONE_HOT:
                    coded.append(known)
                continue
            values = column.numbers()
            missing = np.isnan(values)
            if missing.all():
                continue
            numbers.append(j)
            scalings[0].append(_robust(values[~missing] if missing.any() else values))
            if missing.any():
                indicators.append(j)
                scalings[1].append(_robust(missing.astype(np.float64)))
        if not numbers and not one_hot and not coded:
            raise ValueError(
                "X says nothing about its rows: no column has a number or two different categories."
            )
        centers, scales = np.array([*scalings[0], *scalings[1], *scalings[2]]).reshape(-1, 2).T
        return cls(tuple(numbers), tuple(indicators), tuple(one_hot), tuple(coded), centers, scales)

    def transform(self, columns: Columns, spare: int = 0) -> NDArray[np.float32]:
        """Make the matrix.

        Parameters
        ----------
        columns : Columns
            Rows with as many columns as there were when fitting, in the same order.
        spare : int, default=0
            Columns of zeros on the right.

        Returns
        -------
        ndarray of float32, shape (rows, width), C-contiguous

        Raises
        ------
        ValueError
            If a number is infinite, a column holds text where it was numbers, or numbers where its
            categories are text.
        TypeError
            If a value is neither text nor a number.
        """
        out = np.empty((columns.rows, self.width + spare), np.float32)
        out[:, self.width :] = 0
        if columns.matrix is not None:
            self._write_matrix(columns, columns.matrix, out)
        else:
            self._write_numbers(columns, out)
        first = self.continuous + len(self.indicators)
        for known in self.one_hot:
            last = first + _width(len(known.values))
            table = self._scaled(_levels(len(known.values)), slice(first, last))
            out[:, first:last] = table[_codes(known, columns[known.column])]
            first = last
        for known in self.coded:
            out[:, first] = _codes(known, columns[known.column])
            first += 1
        return out

    def to_record(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Give what is needed to make the same matrix again: plain values, and arrays."""
        record: dict[str, Any] = {
            "numbers": list(self.numbers),
            "indicators": list(self.indicators),
        }
        for name in ("one_hot", "coded"):
            record[name] = [
                {"column": known.column, "values": list(known.values)}
                for known in getattr(self, name)
            ]
        return record, {"centers": self.centers, "scales": self.scales}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """Rebuild what `to_record` described; raise a ValueError if it does not fit together."""
        one_hot, coded = (
            tuple(Categories(known["column"], tuple(known["values"])) for known in record[name])
            for name in ("one_hot", "coded")
        )
        numbers, indicators = tuple(record["numbers"]), tuple(record["indicators"])
        made = cls(numbers, indicators, one_hot, coded, arrays["centers"], arrays["scales"])
        places = [*numbers, *indicators, *(known.column for known in one_hot + coded)]
        values = [value for known in one_hot + coded for value in known.values]
        fits = (
            all(type(place) is int and place >= 0 for place in places)
            and set(indicators) <= set(numbers)
            and all(1 <= len(known.values) <= MAX_ONE_HOT for known in one_hot)
            and all(len(known.values) > MAX_ONE_HOT for known in coded)
            and all(isinstance(value, Value) for value in values)
            and all(
                array.shape == (made.continuous + made.flat,)
                and array.dtype == np.float64
                and np.isfinite(array).all()
                for array in (made.centers, made.scales)
            )
        )
        if not fits:
            raise ValueError("The record of the columns is inconsistent: train the model anew.")
        return made

    def _scaled(self, values: Floats, where: slice) -> NDArray[np.float32]:
        """Scale and clip float64 numbers, those of the output columns `where`."""
        return _squash(values, self.centers[where], self.scales[where]).astype(np.float32)

    def _indicator_levels(self) -> NDArray[np.float32]:
        """What an indicator is without and with a number, shape (2, indicators)."""
        levels = np.repeat([[0.0], [1.0]], len(self.indicators), axis=1)
        return self._scaled(levels, slice(self.continuous, self.continuous + len(self.indicators)))

    def _write_numbers(self, columns: Columns, out: NDArray[np.float32]) -> None:
        levels = self._indicator_levels()
        place = {j: i for i, j in enumerate(self.indicators)}
        for i, j in enumerate(self.numbers):
            values = columns[j].numbers()
            if j in place:
                missing = np.isnan(values).astype(np.intp)
                out[:, self.continuous + place[j]] = levels[:, place[j]][missing]
            out[:, i] = _squash(values, self.centers[i], self.scales[i])

    def _write_matrix(self, columns: Columns, matrix: Array, out: NDArray[np.float32]) -> None:
        """The same for an array of numbers, many columns at a time."""
        levels = self._indicator_levels()
        first, last = self.continuous, self.continuous + len(self.indicators)
        places = np.searchsorted(self.numbers, self.indicators)
        which = np.arange(len(self.indicators))
        everything = len(self.numbers) == matrix.shape[1]
        step = max(1, _BLOCK // max(1, matrix.shape[1]))
        for start in range(0, columns.rows, step):
            rows = matrix[start : start + step]
            block = (rows if everything else rows[:, list(self.numbers)]).astype(np.float64)

            def name(where: Any, start: int = start) -> str:
                return f"row {start + where[0]} (counted from 0) of column {self.numbers[where[1]]}"

            require_finite(block, name)
            if which.size:
                missing = np.isnan(block[:, places]).astype(np.intp)
                out[start : start + step, first:last] = levels[missing, which]
            out[start : start + step, :first] = self._scaled(block, slice(0, first))


def chosen_columns(categorical_features: ArrayLike | None, columns: Columns) -> NDArray[np.bool_]:
    """Which columns `categorical_features` names, shape (columns,).

    Raises
    ------
    ValueError
        If it names a column that is not there, or is no list of names, indices or bools.
    """
    chosen = np.zeros(len(columns), dtype=bool)
    if categorical_features is None:
        return chosen
    given = np.asarray(categorical_features)
    if given.dtype == object:
        given = np.array(given.tolist())
    if given.ndim != 1 or (given.size and given.dtype.kind not in "biuUT"):
        raise ValueError(
            "categorical_features must be None or a list: of names of columns, of their indices, "
            f"or of a bool for each; got {categorical_features!r}."
        )
    if given.size == 0:
        return chosen
    if given.dtype.kind == "b":
        if len(given) != len(columns):
            raise ValueError(
                f"categorical_features has {len(given)} bools, but X has {len(columns)} columns: "
                "give one for each."
            )
        return given
    there = range(len(columns)) if given.dtype.kind in "iu" else columns.names
    if there is None:
        raise ValueError(
            "categorical_features names columns, but X does not: pass X as a data frame whose "
            "columns are named by strings, or give indices."
        )
    for column in given.tolist():
        if column not in there:
            raise ValueError(
                f"categorical_features has the column {column!r}, which X lacks: it has "
                + (f"{len(columns)} columns." if columns.names is None else f"{columns.names}.")
            )
        chosen[there.index(column)] = True
    return chosen


def _learn_categories(j: int, column: Column) -> tuple[Categories, list[tuple[float, float]]]:
    """The categories, and center and scale of each of their columns: none if they are codes."""
    values, codes = column.factor()
    known = Categories(j, tuple(sorted(set(values), key=lambda v: (isinstance(v, str), v))))
    count = len(known.values)
    if count > MAX_ONE_HOT or count == 0 or (count == 1 and codes.min() >= 0):
        return known, []
    codes = _codes_of(known, values)[codes]
    return known, [_robust(level[codes]) for level in _levels(count).T]


def _codes(known: Categories, column: Column) -> NDArray[np.intp]:
    """The code of each row: 0 where its category is missing or unknown, else 1, 2 ..."""
    values, codes = column.factor()
    were_texts = [isinstance(value, str) for value in known.values]
    texts = [isinstance(value, str) for value in values]
    if values and all(were_texts) and (column.values.dtype.kind in "iuf" or not any(texts)):
        met, were = "numbers", "text"
    elif values and column.category and not any(were_texts) and all(texts):
        met, were = "text", "numbers"
    else:
        return _codes_of(known, values)[codes]
    raise ValueError(
        f"The {column.place} holds {met}, such as {values[0]!r}, where its categories were {were}, "
        f"such as {known.values[0]!r}, when fitting: pass it as {were}."
    )


def _codes_of(known: Categories, values: list[Value]) -> NDArray[np.intp]:
    """The code of each value; last, at the index -1, that of a missing one."""
    code_of = {value: code for code, value in enumerate(known.values, 1)}
    return np.array([*(code_of.get(value, 0) for value in values), 0], np.intp)


def _width(count: int) -> int:
    """How many columns so many categories take."""
    return 1 if count <= 2 else count


def _levels(count: int) -> Floats:
    """What is written for each code before scaling, shape (count + 1, width)."""
    if count == 2:
        return np.array([[0.0], [-1.0], [1.0]])
    return np.eye(count + 1, count, k=-1)


def _robust(values: Floats) -> tuple[float, float]:
    """Median and scale of numbers without NaN; the scale of a constant is 0."""
    values = np.clip(values, -_LARGEST, _LARGEST)
    low, center, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return center, high - low if high > low else float(values.max() - values.min()) / 2


def _squash(values: Floats, centers: Any, scales: Any) -> Floats:
    """Robust scaling and smooth clip; NaN becomes what the median becomes, 0."""
    with np.errstate(over="ignore"):
        z = np.clip(values, -_LARGEST, _LARGEST) - centers
        z /= np.where(np.equal(scales, 0), np.inf, scales)
    z[np.isnan(z)] = 0.0
    np.clip(z, -1e30, 1e30, out=z)
    clipped: Floats = z / np.sqrt(1 + (z / 3) ** 2)
    return clipped
