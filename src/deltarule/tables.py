"""Tables of numbers and text, read from CSV and Parquet files."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import os
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["Kind", "Table", "TableError", "read_table"]

Kind = Literal["number", "integer", "boolean", "text"]

CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
# Arrow's own list knows the spellings of spreadsheets and statistics programs; UCI files use "?".
_ALSO_MISSING = ["?"]
# The row labels of a data frame, which pandas writes as a column; they are no feature.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_DELIMITERS = ",;\t"
_LARGEST_EXACT = 2**53  # beyond, float64 has no place for every whole number
_HEADER_BYTES = 2**20  # more than any header; Arrow refuses rows longer than its blocks of 2**20


class TableError(ValueError):
    """A table that cannot be read or used; the message is one sentence."""


@dataclass(frozen=True)
class Table:
    """Named columns of equal length.

    Attributes
    ----------
    columns : dict of str to ndarray, each of shape (rows,)
        float64 with NaN for missing values, or object (str, None for missing values).
    kinds : dict of str to {"number", "integer", "boolean", "text"}
        What the values were before they became float64 or object.
    source : str
        Where the table comes from, for messages.
    """

    columns: dict[str, Array]
    kinds: dict[str, Kind]
    source: str = "the table"

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], source: str = "the table") -> Table:
        """Make a table of NumPy arrays of numbers, truth values or text, each of shape (rows,).

        Raises
        ------
        TableError
            If an array holds whole numbers beyond 2**53.
        """
        by_code: dict[str, Kind] = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
        kinds = {name: by_code.get(a.dtype.kind, "text") for name, a in arrays.items()}
        for name, a in arrays.items():
            if kinds[name] == "integer" and a.size and not _are_exact(int(a.min()), int(a.max())):
                raise TableError(_not_exact(name, source))
        columns = {
            name: a.astype(object if kinds[name] == "text" else np.float64)
            for name, a in arrays.items()
        }
        return cls(columns, kinds, source)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return next((len(column) for column in self.columns.values()), 0)

    def take(self, rows: Array) -> Table:
        """Give the table of the rows with these indices."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Table(columns, self.kinds, self.source)

    def require(self, names: Iterable[str]) -> None:
        """Raise a `TableError` that names the columns which the table lacks."""
        absent = [name for name in names if name not in self.columns]
        if absent:
            raise TableError(_no_such_columns(absent, list(self.columns), self.source))

    def missing(self, name: str) -> Array:
        """Tell which values of a column are missing: bool, shape (rows,)."""
        column = self.columns[name]
        if column.dtype == object:
            return np.array([value is None for value in column], dtype=bool)
        return np.isnan(column)


def read_table(
    path: str | os.PathLike[str],
    *,
    keep: Collection[str] | None = None,
    drop: Collection[str] = (),
    text: Collection[str] = (),
) -> Table:
    """Read a CSV file (also with gzip) or a Parquet file.

    A CSV file has one header line, is in UTF-8 and separated by commas, semicolons or tabs.  An
    empty cell, ``?``, ``NA``, ``NaN``, ``null`` and their like are missing values.

    Parameters
    ----------
    path : str or path-like
        A name that ends in .csv, .csv.gz, .tsv, .tsv.gz, .parquet or .pq.
    keep : collection of str, optional
        Read only these columns; those that the file lacks are passed over.
    drop : collection of str
        Columns to leave out.
    text : collection of str
        Columns of a CSV file that hold text, even where every value looks like a number.

    Returns
    -------
    Table
        With at least one row and one column.

    Raises
    ------
    TableError
        If the file is missing, empty or unreadable, has no rows, names two columns alike, or holds
        something else than numbers, truth values and text, or whole numbers beyond 2**53.
    ModuleNotFoundError
        If pyarrow is not installed; the message names the extra that brings it.
    """
    name = str(path).lower()
    if not name.endswith((*CSV_SUFFIXES, *PARQUET_SUFFIXES)):
        raise TableError(
            f"{path} is neither a CSV nor a Parquet file by its name: "
            f"use one that ends in {', '.join((*CSV_SUFFIXES, *PARQUET_SUFFIXES))}."
        )
    if not Path(path).is_file():
        met = "is not a regular file" if Path(path).exists() else "does not exist"
        raise TableError(f"The file {path} {met}: check its name and folder.")
    if Path(path).stat().st_size == 0:
        raise TableError(f"The file {path} is empty: write a header line and rows into it.")
    _require_pyarrow()
    arrow = _read_csv(path, text) if name.endswith(CSV_SUFFIXES) else _read_parquet(path)
    _check_names(path, arrow.column_names, drop)
    wanted = [n for n in arrow.column_names if n not in drop and (keep is None or n in keep)]
    if arrow.num_rows == 0:
        raise TableError(f"The file {path} has a header but no rows: add the data.")
    pairs = {n: _convert(n, arrow.column(n), str(path)) for n in wanted}
    columns = {n: column for n, (column, _) in pairs.items()}
    return Table(columns, {n: kind for n, (_, kind) in pairs.items()}, str(path))


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Reading CSV and Parquet files needs pyarrow, which is not installed: "
            'run pip install "deltarule[data]".'
        ) from error


def _read_csv(path: str | os.PathLike[str], text: Collection[str]) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    delimiter, names = _read_header(path)
    _check_names(path, names, ())
    missing = arrow_csv.ConvertOptions().null_values + _ALSO_MISSING
    try:
        return arrow_csv.read_csv(
            os.fspath(path),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={n: pa.string() for n in names if n in text},
                null_values=missing,
                strings_can_be_null=True,
            ),
        )
    except (OSError, ValueError) as error:
        if len(names) and "cannot infer number of columns" in str(error):
            raise TableError(f"The file {path} has a header but no rows: add the data.") from None
        raise _unreadable(path, "CSV", error) from error


def _read_header(path: str | os.PathLike[str]) -> tuple[str, list[str]]:
    """Give the delimiter that splits the first line into the most names, and the names."""
    try:
        with (
            gzip.open(path) if str(path).lower().endswith(".gz") else Path(path).open("rb") as file
        ):
            start = file.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace")
        splits = {d: next(csv.reader(io.StringIO(start), delimiter=d), []) for d in _DELIMITERS}
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise _unreadable(path, "CSV", error) from error
    if "\0" in start:
        raise _unreadable(path, "CSV", ValueError("it holds bytes that are no text"))
    delimiter = max(_DELIMITERS, key=lambda d: len(splits[d]))
    if "\ufffd" in "".join(splits[delimiter]):
        raise _unreadable(path, "CSV", ValueError("its header is not in UTF-8"))
    if not splits[delimiter]:
        raise TableError(f"The file {path} starts with an empty line: begin with the column names.")
    return delimiter, splits[delimiter]


def _read_parquet(path: str | os.PathLike[str]) -> Any:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(os.fspath(path)) as file:
            names = file.schema_arrow.names
            _check_names(path, names, ())
            return file.read([name for name in names if not _PANDAS_INDEX.fullmatch(name)])
    except TableError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(path, "Parquet", error) from error


def _unreadable(path: str | os.PathLike[str], what: str, error: Exception) -> TableError:
    reason = " ".join(str(error).split())[:160].rstrip(". ")
    return TableError(f"{path} cannot be read as {what} ({reason}): repair or export it anew.")


def _check_names(
    path: str | os.PathLike[str], names: Collection[str], drop: Collection[str]
) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TableError(
            f"{path} names more than one column {_listed(twice)}: give every column its own name."
        )
    absent = [name for name in drop if name not in names]
    if absent:
        raise TableError(_no_such_columns(absent, list(names), str(path)))


def _no_such_columns(absent: list[str], names: list[str], source: str) -> str:
    start = "There is no column" if len(absent) == 1 else "There are no columns"
    lower = {name.lower(): name for name in names}
    close = [lower[name] for name in difflib.get_close_matches(absent[0].lower(), lower, n=1)]
    some = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"it has {some}."
    return f"{start} {_listed(absent)} in {source}: {hint}"


def _listed(names: list[str]) -> str:
    shown = [repr(name) for name in names[:5]] + (["others"] if len(names) > 5 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _convert(name: str, column: Any, source: str) -> tuple[Array, Kind]:
    """Give a column of Arrow as float64 or object, and its kind."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan), "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_string()).to_numpy(zero_copy_only=False), "text"
    numeric: Kind
    if pa.types.is_boolean(kind):
        numeric = "boolean"
    elif pa.types.is_integer(kind):
        numeric = "integer"
        low, high = compute.min_max(column.cast(kind)).as_py().values()
        if low is not None and not _are_exact(low, high):
            raise TableError(_not_exact(name, source))
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numeric = "number"
    else:
        raise TableError(_not_a_value(name, kind, source))
    numbers = column.cast(pa.float64(), safe=False)
    return numbers.to_numpy(zero_copy_only=False).astype(np.float64), numeric


def _are_exact(low: int, high: int) -> bool:
    return max(-low, high) <= _LARGEST_EXACT


def _not_exact(name: str, source: str) -> str:
    return (
        f"The column {name!r} of {source} holds whole numbers beyond 2**53, which deltarule would "
        "round until different ones are the same: write them as text, such as id123 for 123, or "
        f"leave the column out (--drop {name})."
    )


def _not_a_value(name: str, kind: Any, source: str) -> str:
    import pyarrow as pa

    if pa.types.is_temporal(kind):
        met = f"dates or times ({kind})"
        hint = "turn them into numbers, such as days since a fixed date,"
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        met, hint = "bytes that are not UTF-8 text", "save the file as UTF-8"
    else:
        met, hint = f"values of type {kind}", "turn them into columns of numbers or text"
    return (
        f"The column {name!r} of {source} holds {met}, but deltarule reads numbers, truth values "
        f"and text: {hint} or leave the column out (--drop {name})."
    )
