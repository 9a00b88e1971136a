"""What a user passes as X, whatever holds it, as columns of numbers and categories."""

from __future__ import annotations

import itertools
import math
import numbers
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

Array = NDArray[Any]
Floats = NDArray[np.float64]
Value = str | bool | int | float

_TEXT = ("String", "Categorical", "Enum", "Object", "Boolean")
_ADVICE = {
    "Date": "make numbers of it (year, month, days since some date)",
    "Datetime": "make numbers of it (year, month, hour, seconds since some moment)",
    "Time": "make a number of it (seconds since midnight)",
    "Duration": "make a number of it (seconds)",
    "List": "spread it over columns of its own",
    "Array": "spread it over columns of its own",
    "Struct": "spread it over columns of its own",
    "Binary": "decode it to text",
}


class Factor(NamedTuple):
    """Different values, and for each row the index of its value, -1 where it is missing."""

    values: list[Value]
    codes: NDArray[np.intp]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    values : ndarray, shape (rows that are present,)
        Numbers or bools, NaN counting as missing; or objects, among them None, NaN and pandas' NA
        and NaT for missing values.
    category : bool or None
        What its dtype says: categories (True), numbers (False), or nothing (None).
    place : str
        What messages call it.
    present : ndarray of bool, shape (rows,), optional
        The rows that `values` are of; None: all of them.
    """

    values: Array
    category: bool | None
    place: str
    present: NDArray[np.bool_] | None = None

    def is_category(self) -> bool:
        """Whether it holds categories: by its dtype, else if there is text, or bools only."""
        if self.category is not None:
            return self.category
        kinds = self._types(self.values)
        bools = bool(kinds) and all(issubclass(kind, bool | np.bool_) for kind in kinds)
        return bools or any(issubclass(kind, str) for kind in kinds)

    def numbers(self) -> Floats:
        """The values as float64, NaN where they are missing, shape (rows,)."""
        given = self._objects_as_numbers() if self.values.dtype == object else self.values
        found = given.astype(np.float64, copy=False)
        require_finite(found, lambda where: self._row(where[0]))
        return self._spread(found, np.nan)

    def factor(self) -> Factor:
        """The different values, and which of them each row has."""
        if self.values.dtype == object:
            return self._factor_of_objects()
        require_finite(self.values, lambda where: self._row(where[0]))
        different, codes = np.unique(self.values, return_inverse=True)
        if different.dtype.kind == "f" and different.size and np.isnan(different[-1]):
            codes = np.where(codes == len(different) - 1, -1, codes)
            different = different[:-1]
        return Factor(different.tolist(), self._spread(codes, -1))

    def _factor_of_objects(self) -> Factor:
        first_come: dict[Any, int] = defaultdict(itertools.count().__next__)
        try:
            found = map(first_come.__getitem__, self.values)
            codes = np.fromiter(found, np.intp, count=len(self.values))
        except TypeError:  # a value that cannot be hashed is no text and no number
            self._types(self.values)
            raise
        self._types(first_come)
        values = [value for value in first_come if not _is_missing(value)]
        if len(values) < len(first_come):
            kept = np.array([not _is_missing(value) for value in first_come])
            codes = np.where(kept, np.cumsum(kept) - 1, -1)[codes]
        known = [_plain(value) for value in values]
        for code, value in enumerate(known):
            if isinstance(value, float) and np.isinf(value):
                raise _infinity("a float", self._row(np.flatnonzero(codes == code)[0]))
        return Factor(known, self._spread(codes, -1))

    def _spread(self, found: Array, missing: float) -> Array:
        if self.present is None:
            return found
        spread = np.full(len(self.present), missing, found.dtype)
        spread[self.present] = found
        return spread

    def _row(self, index: int) -> str:
        row = index if self.present is None else np.flatnonzero(self.present)[index]
        return f"row {row} (counted from 0) of {self.place}"

    def _types(self, values: Iterable[Any]) -> set[type]:
        """The types of what is there; raise if one is neither text nor a real number."""
        found = set(map(type, values))
        for kind in found:
            if not (_is_missing_type(kind) or issubclass(kind, _ALLOWED)):
                index = next(i for i, value in enumerate(self.values) if type(value) is kind)
                raise _refusal(kind, self._row(index))
        return {kind for kind in found if not _is_missing_type(kind)}

    def _objects_as_numbers(self) -> Floats:
        if any(issubclass(kind, str) for kind in self._types(self.values)):
            index = next(i for i, value in enumerate(self.values) if isinstance(value, str))
            raise ValueError(
                f"{self._row(index)} holds the text {self.values[index][:40]!r} where the column "
                "was numbers when fitting: correct it, or make it NaN to count as missing."
            )
        try:
            return self.values.astype(np.float64)
        except (TypeError, OverflowError):  # pandas' NA, or an integer above all floats
            return np.fromiter(map(_as_float, self.values), np.float64, count=len(self.values))


@dataclass(frozen=True)
class Columns:
    """X as its columns; none is converted before it is asked for.

    Attributes
    ----------
    source : ndarray, shape (rows, columns), or narwhals.DataFrame
        Where they are.
    names : tuple of str, optional
        Their names, if X names them by strings.
    """

    source: Any
    names: tuple[str, ...] | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.source.shape[0])

    def __len__(self) -> int:
        return int(self.source.shape[1])

    def __getitem__(self, j: int) -> Column:
        place = f"column {j}" if self.names is None else f"column {self.names[j]!r}"
        if not isinstance(self.source, np.ndarray):
            return _column_of_series(self.source[:, j], place)
        values = self.source[:, j]
        if values.dtype.kind in "UT":
            return Column(values.astype(object), True, place)
        by_dtype = None if values.dtype == object else values.dtype.kind == "b"
        return Column(values, by_dtype, place)

    @property
    def matrix(self) -> Array | None:
        """X itself if it is one array of numbers."""
        is_matrix = isinstance(self.source, np.ndarray) and self.source.dtype.kind in "biuf"
        return self.source if is_matrix else None


def read_columns(estimator: Any, X: Any, *, reset: bool) -> Columns:
    """Take X apart, and set or check the estimator's number and names of features.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and, where X names its columns, ``feature_names_in_``.
    X : array_like or data frame, shape (n_samples, n_features)
        A data frame of pandas, polars, pyarrow or another library that narwhals knows; an array of
        numbers, of text or of objects; or lists.  Columns of numbers are numbers; columns of text,
        categories and bools are categories.  None, NaN and pandas' NA are missing values.
    reset : bool
        Whether to set the number and names of features (in `fit`) or to check them.

    Returns
    -------
    Columns

    Raises
    ------
    ValueError
        If X is not two-dimensional, has no rows or columns, holds complex numbers, or does not have
        the features that the estimator was fitted on.
    TypeError
        If X is sparse, or holds what is neither text nor a number.
    """
    if not isinstance(X, np.ndarray | list | tuple):
        try:
            import narwhals.stable.v2 as nw
        except ImportError as error:
            raise ImportError(
                "Data frames are read with narwhals, which scikit-learn 1.9 and newer bring: "
                "pip install narwhals, or pass arrays."
            ) from error

        if nw.dependencies.is_into_dataframe(X):
            return _read_frame(estimator, X, reset)
        if nw.dependencies.is_polars_lazyframe(X):
            raise TypeError("X is a lazy frame, which holds no rows yet: pass X.collect().")
    elif not isinstance(X, np.ndarray) and np.asarray(X).dtype.kind in "US":
        X = np.array(X, dtype=object)  # else numbers beside text would become text
    array = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name="X")
    if array.dtype.kind not in "biufOUT":
        raise _refusal(array.dtype.type, "X")
    validate_data(estimator, array, reset=reset, skip_check_array=True)
    return Columns(array, None)


def require_finite(found: Array, name: Callable[[Any], str]) -> None:
    """Raise if a float is infinite; `name` words the place of an index."""
    if found.dtype.kind == "f" and np.isinf(found).any():
        raise _infinity(str(found.dtype), name(np.argwhere(np.isinf(found))[0]))


def _infinity(dtype: str, place: str) -> ValueError:
    return ValueError(
        f"Input X contains infinity or a value too large for {dtype} in {place}: correct it, or "
        "make it NaN to count as missing."
    )


def _read_frame(estimator: Any, X: Any, reset: bool) -> Columns:
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(X, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise ValueError(
            "X has several columns of one name, so it is not clear which is which: rename them. "
            f"{error}"
        ) from error
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if 0 in frame.shape:
        check_array(np.empty(frame.shape), estimator=estimator, input_name="X")  # raises
    names = tuple(frame.columns)
    return Columns(frame, names if all(isinstance(name, str) for name in names) else None)


def _column_of_series(series: Any, place: str) -> Column:
    """Take the values out of a column of a data frame."""
    dtype = series.dtype
    kind = type(dtype).__name__
    missing = series.null_count()
    if missing == len(series):
        return Column(np.full(missing, np.nan), False, place)
    if not dtype.is_numeric() and kind not in {*_TEXT, "Unknown"}:
        advice = _ADVICE.get(kind, "make text or numbers of it")
        raise TypeError(
            f"The {place} is of type {dtype}, from which a network cannot learn: {advice}, or "
            "leave the column out."
        )
    present = None
    if missing:
        present = ~series.is_null().to_numpy().astype(bool, copy=False)
        series = series.drop_nulls()
    values = _values_of(series)
    if values.dtype == object and kind == "Unknown":
        raise _refusal(type(values[0]), f"the {place}")
    if values.dtype.kind not in "biufO":
        raise _refusal(values.dtype.type, f"the {place}")
    by_dtype: bool | None = kind in _TEXT
    if kind == "Object" or str(getattr(series.to_native(), "dtype", "")) == "object":
        by_dtype = None
    return Column(values, by_dtype, place, present)


def _values_of(series: Any) -> Array:
    """A column without nulls as numbers or objects."""
    if type(series.dtype).__name__ == "Decimal":
        import narwhals.stable.v2 as nw

        series = series.cast(nw.Float64)
    elif not series.dtype.is_numeric() and series.implementation.is_polars():
        found = np.empty(len(series), dtype=object)
        found[:] = series.to_list()
        return found
    values: Array = series.to_numpy()
    return values.astype(object) if values.dtype.kind in "UT" else values


_ALLOWED = (str, numbers.Real, Decimal, bool, np.bool_)


def _refusal(kind: type, place: str) -> Exception:
    """The error for values that are neither text nor real numbers."""
    if issubclass(kind, complex | np.complexfloating):
        return ValueError(
            f"Complex data not supported: {place} holds complex numbers; pass their real and "
            "imaginary parts as columns of their own."
        )
    return TypeError(
        f"Met the type {kind.__name__} in {place}, but each value of the argument must be a string "
        "or a number: make text or numbers of it, or leave the column out."
    )


def _is_missing_type(kind: type) -> bool:
    """Whether this is the type of None or of pandas' NA or NaT."""
    return kind is type(None) or (
        kind.__name__ in {"NAType", "NaTType"} and kind.__module__.partition(".")[0] == "pandas"
    )


def _is_missing(value: Any) -> bool:
    if isinstance(value, float | np.floating | Decimal):
        return math.isnan(value)
    return _is_missing_type(type(value))


def _plain(value: Any) -> Value:
    """The value as one that JSON knows."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _as_float(value: Any) -> float:
    """A number or a missing value as a float; infinity for an integer above all floats."""
    try:
        return np.nan if _is_missing(value) else float(value)
    except OverflowError:
        return np.inf
