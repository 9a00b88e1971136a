"""Arrays with names as one vector of numbers, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """The names, shapes and dtypes of what a function is differentiated by.

    Attributes
    ----------
    form : {"array", "list", "dict"}
        What the function takes: one array, a list of arrays, or a mapping from names to arrays.
    names : tuple of str
        Of the arrays; what a layer is called in a report.
    shapes, dtypes : tuple
        Of the arrays, in the order of the names.
    """

    form: str
    names: tuple[str, ...]
    shapes: tuple[Index, ...]
    dtypes: tuple[np.dtype[Any], ...]

    @classmethod
    def of(cls, x: Any, name: str = "gradient") -> tuple[Structure, Array]:
        """Describe x; give its numbers as one float64 vector, too.

        Raises
        ------
        TypeError
            If x holds anything but real numbers.
        ValueError
            If x holds nothing.
        """
        form, parts = _parts(x, name)
        arrays = {key: _floating(key, value) for key, value in parts.items()}
        if not sum(a.size for a in arrays.values()):
            raise ValueError("There is no number to differentiate by: x is empty.")
        flat = np.concatenate([a.ravel().astype(np.float64) for a in arrays.values()])
        shapes = tuple(a.shape for a in arrays.values())
        dtypes = tuple(a.dtype for a in arrays.values())
        return cls(form, tuple(arrays), shapes, dtypes), flat

    @property
    def sizes(self) -> list[int]:
        """How many numbers each array holds."""
        return [int(np.prod(shape, dtype=np.int64)) for shape in self.shapes]

    @property
    def offsets(self) -> Array:
        """Where each array starts in the vector, and where the last one ends."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @property
    def coarsest(self) -> np.dtype[Any]:
        """The dtype with the fewest digits: that in which steps can be represented exactly."""
        return max(self.dtypes, key=lambda dtype: float(np.finfo(dtype).eps))

    def build(self, flat: Array) -> Any:
        """Give the function what it takes: the numbers of a vector, real or complex."""
        arrays = []
        for start, end, shape, dtype in zip(
            self.offsets, self.offsets[1:], self.shapes, self.dtypes, strict=False
        ):
            wanted = np.result_type(dtype, np.complex64) if np.iscomplexobj(flat) else dtype
            arrays.append(flat[start:end].astype(wanted).reshape(shape))
        if self.form == "array":
            return arrays[0]
        return arrays if self.form == "list" else dict(zip(self.names, arrays, strict=True))

    def flatten(self, gradient: Any) -> Array:
        """Give a gradient that is structured like x as one float64 vector.

        Raises
        ------
        ValueError
            If names or shapes are not those of x.
        """
        parts = _parts(gradient, self.names[0])[1]
        if self.form == "list" and len(parts) == len(self.names):
            parts = dict(zip(self.names, parts.values(), strict=True))
        if set(parts) != set(self.names):
            raise ValueError(
                f"The gradient must hold one array for each of {', '.join(self.names)}; met "
                f"{', '.join(parts) or 'none'}."
            )
        flat = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            part = np.asarray(parts[name])
            if part.shape != shape:
                raise ValueError(
                    f"{name} has the shape {shape}, so its gradient must have it too; met "
                    f"{part.shape}."
                )
            flat.append(part.ravel().astype(np.float64))
        return np.concatenate(flat)

    def place(self, lane: int) -> tuple[str, Index]:
        """Name the array that a number of the vector belongs to, and its index there."""
        layer = int(np.searchsorted(self.offsets, lane, side="right")) - 1
        index = np.unravel_index(lane - self.offsets[layer], self.shapes[layer])
        return self.names[layer], tuple(map(int, index))


def _parts(x: Any, name: str) -> tuple[str, dict[str, Any]]:
    if isinstance(x, Mapping):
        return "dict", {str(key): value for key, value in x.items()}
    if isinstance(x, list | tuple) and any(isinstance(part, np.ndarray) for part in x):
        return "list", {f"{name}[{i}]": part for i, part in enumerate(x)}
    return "array", {name: x}


def _floating(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(
            f"Derivatives are taken by real numbers; {name} holds {array.dtype}. Pass float64 or "
            "float32."
        )
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array
