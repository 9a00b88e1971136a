"""The columns of the data that an estimator reads, and rows made like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Others = Literal["median", "mean"] | ArrayLike

_CENTRES: Final[Mapping[str, Callable[[Array], Any]]] = {
    "median": np.nanmedian,
    "mean": np.nanmean,
}


@dataclass(frozen=True)
class Columns:
    """The columns of an array or a data frame, and how others like it are made."""

    names: list[Any]
    values: list[Array]
    like: Callable[[list[Array]], Any]
    named: bool

    @classmethod
    def of(cls, X: Any) -> Self:
        if hasattr(X, "columns"):
            names = list(
                getattr(X, "column_names", X.columns)
            )  # of Arrow, where columns are arrays
            make = getattr(type(X), "from_pydict", type(X))
            values = [np.asarray(X[name]) for name in names]
            return cls(names, values, lambda v: make(dict(zip(names, v, strict=True))), True)
        x = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
        if x.ndim != 2 or x.shape[1] < 2 or not len(x):
            raise ValueError(
                f"X has the shape {x.shape}; a boundary is drawn over two of the columns of "
                "(n_samples, n_features)."
            )

        def make_array(v: list[Array]) -> Array:
            return np.column_stack(v).astype(x.dtype if x.dtype.kind == "f" else None)

        return cls(list(range(x.shape[1])), list(x.T), make_array, False)

    def shown(self, i: int) -> str:
        return str(self.names[i]) if self.named else f"feature {i}"

    def over(self, pair: tuple[int, int], first: Array, second: Array, held: Sequence[Any]) -> Any:
        """Rows with every pair of values of two columns, the first one changing fastest."""
        values = [np.full(len(first) * len(second), value) for value in held]
        values[pair[0]] = np.tile(first, len(second))
        values[pair[1]] = np.repeat(second, len(first))
        return self.like(values)

    def two(self, features: Sequence[int | str]) -> tuple[int, int]:
        """The places of two columns, given by name or number."""
        found = [self._place(f) for f in features]
        if len(found) != 2 or found[0] == found[1]:
            raise ValueError(f"features names two columns, one for each axis; met {features!r}.")
        return found[0], found[1]

    def _place(self, feature: int | str) -> int:
        n = len(self.names)
        if self.named and feature in self.names:
            place = self.names.index(feature)
        elif isinstance(feature, int | np.integer) and -n <= feature < n:
            place = int(feature) % n
        else:
            raise ValueError(f"X has {n} columns and none that is {feature!r}.")
        if self.values[place].dtype.kind not in "biuf":
            raise ValueError(
                f"The column {self.shown(place)} holds no numbers, so it has no axis: choose two "
                "columns of numbers."
            )
        return place

    def fixed(self, others: Others, pair: tuple[int, int]) -> dict[Any, Any]:
        """What the other columns are held at, by name."""
        if isinstance(others, str):
            if others not in _CENTRES:
                raise ValueError(f"others is 'median', 'mean' or a row of values; met {others!r}.")
            row = [_centre(v, others) for i, v in enumerate(self.values) if i not in pair]
            rest = [name for i, name in enumerate(self.names) if i not in pair]
            return dict(zip(rest, row, strict=True))
        given: Any = others
        row = list(given) if np.ndim(given) == 1 else []
        if len(row) != len(self.names):
            raise ValueError(
                f"others gives a value for each of the {len(self.names)} columns of X; met "
                f"{others!r}."
            )
        return {n: row[i] for i, n in enumerate(self.names) if i not in pair}


def _centre(column: Array, how: str) -> Any:
    if column.dtype.kind in "biuf":
        return float(_CENTRES[how](column))
    found, counts = np.unique(column.astype(str), return_counts=True)
    return found[np.argmax(counts)].item()
