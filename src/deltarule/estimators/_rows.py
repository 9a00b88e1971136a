"""Rows of the data as fits pass them on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Targets(NamedTuple):
    """Encoded targets: values (n, outputs) or class codes (n,), as the engine takes them."""

    values: Array | None
    codes: Array | None


class Rows(NamedTuple):
    """Some rows of the data: features, encoded targets, weights, and the targets as given."""

    x: Array
    targets: Targets
    weights: Array | None
    y: Array

    def engine(self) -> tuple[Array, Array | None, Array | None, Array | None]:
        return self.x, self.targets.values, self.targets.codes, self.weights

    def take(self, index: Array) -> Rows:
        """A copy of some rows."""
        values, codes, weights = (
            None if a is None else np.ascontiguousarray(a[index])
            for a in (*self.targets, self.weights)
        )
        x = np.ascontiguousarray(self.x[index])
        return Rows(x, Targets(values, codes), weights, self.y[index])


def accepted(dtype: Any) -> Any:
    """What validation leaves as it is for a net of this dtype; float32 takes float64 too."""
    return np.float64 if dtype == "float64" else [np.float64, np.float32]


def require_range(x: Array, dtype: np.dtype[Any]) -> None:
    if x.dtype == dtype or not x.size:
        return
    bound = np.finfo(dtype).max
    if x.max() > bound or x.min() < -bound:
        raise ValueError(
            f"Input X contains infinity or a value too large for {dtype!r}. Scale it, or set "
            "dtype='float64'."
        )
