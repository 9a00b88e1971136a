"""Rows of the data as fits pass them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _get_feature_names, check_array, validate_data

from deltarule._engine import Csr, check_codes
from deltarule.plan import Plan

Array = NDArray[Any]
_CHUNK = 1000  # rows that are made dense together to look at them


class SparseRows(Csr):
    """Rows of a sparse matrix, which the engine makes dense a batch at a time.

    They refer to the numbers of the matrix, and to its columns where these are int32.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array or csr_matrix
        No column twice in a row.
    """

    def __init__(self, matrix: Any) -> None:
        super().__init__(
            np.ascontiguousarray(matrix.indptr, dtype=np.int64),
            np.ascontiguousarray(matrix.indices, dtype=np.int32),
            np.ascontiguousarray(matrix.data),
            matrix.shape[1],
        )
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.matrix.shape
        return rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.stored.dtype

    @property
    def stored(self) -> Array:
        """The numbers that are stored; all others are 0."""
        numbers: Array = self.matrix.data
        return numbers

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> SparseRows:
        return SparseRows(self.matrix[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """All numbers: for a few rows."""
        return np.asarray(self.matrix.toarray(), dtype=dtype)

    def reshape(self, rows: int, columns: int) -> SparseRows:
        """Themselves, for they always have two axes."""
        return self


Features = Array | SparseRows


class Targets(NamedTuple):
    """Encoded targets: values (n, outputs) or class codes (n,), as the engine takes them."""

    values: Array | None
    codes: Array | None


class Rows(NamedTuple):
    """Some rows of the data: features, encoded targets, weights, and the targets as given."""

    x: Features
    targets: Targets
    weights: Array | None
    y: Array

    def engine(self) -> tuple[Features, Array | None, Array | None, Array | None]:
        codes = self.targets.codes  # of every position of a row, one row after another
        flat = None if codes is None else codes.reshape(-1)
        return self.x, self.targets.values, flat, self.weights

    def take(self, index: Array) -> Rows:
        """A copy of some rows."""
        values, codes, weights = (
            None if a is None else np.ascontiguousarray(a[index])
            for a in (*self.targets, self.weights)
        )
        x = self.x[index]
        return Rows(x, Targets(values, codes), weights, self.y[index])


def validated(
    estimator: Any, X: Any, y: Any = "no_validation", *, dtype: Any, reset: bool = False
) -> tuple[Features, Any]:
    """Features as the engine takes them for a net of a dtype, and y, checked by scikit-learn.

    A float32 net takes float64 too: rows are rounded when they are needed.
    """
    alone = isinstance(y, str) and y == "no_validation"
    try:
        checked = validate_data(
            estimator,
            canonical(X),
            y,
            dtype=np.float64 if dtype == "float64" else [np.float64, np.float32],
            order="C",
            accept_sparse="csr",
            allow_nd=estimator._allows_nd,
            reset=reset,
            **({} if alone else {"multi_output": True}),
        )
    except ValueError as error:
        if not str(error).startswith("Input X contains"):
            raise
        raise ValueError(_located(error, X)) from error
    x, y = (checked, None) if alone else checked
    return SparseRows(x) if hasattr(x, "indptr") else x, y


def _located(error: ValueError, X: Any) -> str:
    """scikit-learn's words for an X that is not finite, and where it is not."""
    words, _, advice = str(error).partition("\n")
    options = {"accept_sparse": "csr", "ensure_all_finite": False, "allow_nd": True}
    x = check_array(X, dtype=np.float64, **options)
    wrong = np.isnan if words.startswith("Input X contains NaN") else np.isinf
    words = f"{words} {_place(x, wrong, _get_feature_names(X))}"
    return f"{words}\n{advice}" if advice else words


def _place(x: Any, wrong: Callable[[Any], Any], names: Any = None) -> str:
    """The first number of X that is wrong, in words."""
    if hasattr(x, "indptr"):
        at = int(wrong(x.data).argmax())
        row = int(np.searchsorted(x.indptr, at, side="right")) - 1
        index: tuple[int, ...] = row, int(x.indices[at])
    else:
        found = wrong(x)
        index = tuple(int(i) for i in np.unravel_index(found.argmax(), found.shape))
    column = index[1] if len(index) == 2 else index[1:]
    name = "" if names is None else f" ({names[index[1]]!r})"
    return f"The first is in row {index[0]}, column {column}{name}."


def canonical(X: Any) -> Any:
    """X itself; of a sparse X its rows, sorted, without duplicates, and checked before any is read.

    Raises
    ------
    ValueError
        If X is no matrix, or its indices point outside it.
    """
    from scipy import sparse

    if not sparse.issparse(X):
        return X
    if X.ndim != 2 or X.shape[1] > np.iinfo(np.int32).max:
        raise ValueError(
            f"A sparse X must have two axes and at most 2^31 - 1 columns; met the shape {X.shape}."
        )
    if X.format == "coo":
        X = sparse.coo_array((X.data, (X.row, X.col)), shape=X.shape)
    elif X.format in ("csr", "csc", "bsr"):  # a view, for the check may replace arrays
        view = getattr(sparse, f"{X.format}_array")
        X = view((X.data, X.indices, X.indptr), shape=X.shape)
        X.check_format()
    rows = X.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def require_codes(plan: Plan, x: Features) -> None:
    """Raise ValueError for a code that an embedding does not have."""
    if isinstance(x, np.ndarray):
        check_codes(plan, x)
    elif any(node.kind == "embedding" for node in plan.nodes):
        for start in range(0, len(x), _CHUNK):
            check_codes(plan, np.asarray(x[start : start + _CHUNK]))


def require_range(features: Features, dtype: np.dtype[Any]) -> None:
    """Raise ValueError for a number that a net of a dtype cannot hold."""
    x = features if isinstance(features, np.ndarray) else features.stored
    if x.dtype == dtype or not x.size:
        return
    bound = np.finfo(dtype).max
    if x.max() > bound or x.min() < -bound:
        whole = features if isinstance(features, np.ndarray) else features.matrix
        place = _place(whole, lambda numbers: np.abs(numbers) > bound)
        raise ValueError(
            f"Input X contains infinity or a value too large for {dtype!r}. "
            f"{place} Scale it, or set dtype='float64'."
        )
