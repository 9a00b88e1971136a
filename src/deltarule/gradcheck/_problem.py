"""A function, the point and the derivative that is claimed for it there, in one shape for all.

Letters: n numbers of x ("lanes"), r independent rows of values, m values of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from deltarule.gradcheck._structure import Array, Index, Structure

UNEVEN = 0.0012345678901234567  # a step that no power of two divides


class Lines(Protocol):
    """Straight lines through the point, along each of which values are differentiated."""

    @property
    def base(self) -> Array:
        """The values at the point, shape (lines, m)."""
        ...

    @property
    def location(self) -> Array:
        """|x| along each line, shape (lines,)."""
        ...

    @property
    def eps(self) -> float:
        """The rounding unit of the computation."""
        ...

    def move(self, lines: Array, t: Array) -> tuple[Array, Array]:
        """Values at distance t along some lines, shape (k, m), and the distance after rounding."""
        ...


@dataclass
class Function:
    """A function of a vector; counts how often it is called.

    Where a step leads out of its domain, so that it raises a ValueError, its values count as NaN.
    """

    call: Callable[[Array], Any]
    evaluations: int = 0
    shape: Index | None = None  # of the values, once they are known

    def __call__(self, x: Array) -> Array:
        self.evaluations += 1
        try:
            values = np.asarray(self.call(x))
        except ValueError:
            if self.shape is None:
                raise
            return np.full(self.shape, np.nan)
        self.shape = values.shape
        return values


@dataclass(frozen=True)
class Problem:
    """One claim to be checked: d value / dx = claimed.

    Attributes
    ----------
    value : Function
        From x, shape (n,), to r * m values.
    x : ndarray, shape (n,)
        float64.
    structure : Structure
        What x is to the user.
    claimed : ndarray, shape (n, m)
        For each lane the derivatives of the row of values it belongs to.
    owners : ndarray of int, shape (n,)
        That row.
    groups : ndarray of int, shape (n,)
        Lanes of the same group belong to different rows, so one evaluation moves them all.
    place : callable
        Names the layer and the index of (lane, value).
    """

    value: Function
    x: Array
    structure: Structure
    claimed: Array
    owners: Array
    groups: Array
    place: Callable[[int, int], tuple[str, Index]]

    @cached_property
    def eps(self) -> float:
        """The rounding unit of x or of the values, whichever is larger.

        Values that are computed in float32 and handed over as float64 are recognised: they fit
        into 24 bits, but not into the 11 bits of what only looks round, such as 0.5.
        """
        own, base = float(np.finfo(self.structure.coarsest).eps), self._output
        aside = self.value(self.x + UNEVEN * np.maximum(1.0, np.abs(self.x)))
        new = aside[(aside != base) & np.isfinite(aside)]
        if new.size and new.dtype.kind == "f":
            with np.errstate(over="ignore"):
                single, half = (np.array_equal(new.astype(t), new) for t in ("f4", "f2"))
            dtype = np.dtype(np.float32) if single and not half else new.dtype
            own = max(own, float(np.finfo(dtype).eps))
        return own

    @property
    def base(self) -> Array:
        return self._rows(self._output)[self.owners]

    @property
    def location(self) -> Array:
        return np.abs(self.x)

    @property
    def is_scalar(self) -> bool:
        """Whether this is one value of many numbers, of which each costs evaluations."""
        return len(np.unique(self.owners)) == 1 and self.claimed.shape[1] == 1 and len(self.x) > 1

    @property
    def at_once(self) -> bool:
        """Whether one evaluation moves many lanes."""
        return len(np.unique(self.groups)) < len(self.x)

    def floor(self, rtol: float) -> float:
        """The size below which derivatives are compared absolutely.

        The entries of one gradient are compared with its largest, too; those of independent
        functions only with themselves, down to the smallest normal number.
        """
        least = float(np.finfo(self.structure.coarsest).tiny)
        if not self.is_scalar:
            return least
        finite = np.abs(self.claimed[np.isfinite(self.claimed)])
        return max(least, rtol * float(finite.max(initial=0.0)))

    @cached_property
    def _output(self) -> Array:
        """The values at x, computed twice, as a function that is not one cannot be checked."""
        first, second = self.value(self.x), self.value(self.x)
        if first.dtype.kind not in "fiub":
            raise TypeError(f"Derivatives are of real numbers; the function gave {first.dtype}.")
        if not np.array_equal(first, second, equal_nan=True):
            raise ValueError(
                "The function gave two different values at the same x, so it has no derivative "
                "to compare with. Fix its random numbers, for example with a seed."
            )
        return first

    def _rows(self, output: Array) -> Array:
        return output.reshape(-1, self.claimed.shape[1]).astype(
            np.complex128 if np.iscomplexobj(output) else np.float64
        )

    def move(self, lines: Array, t: Array) -> tuple[Array, Array]:
        to = (self.x[lines] + t).astype(self.structure.coarsest).astype(np.float64)
        return self._at(lines, to, np.float64), to - self.x[lines]

    def move_aside(self, lines: Array, h: float) -> Array:
        """Values at x + ih along some lines, shape (k, m), complex.

        Raises
        ------
        TypeError
            If they are real.
        """
        return self._at(lines, self.x[lines] + 1j * h, np.complex128)

    def _at(self, lines: Array, to: Array, dtype: Any) -> Array:
        values = np.empty((len(lines), self.claimed.shape[1]), dtype)
        order = np.argsort(self.groups[lines], kind="stable")
        ends = np.flatnonzero(np.diff(self.groups[lines][order])) + 1
        for mine in np.split(order, ends):
            point = self.x.astype(dtype)
            point[lines[mine]] = to[mine]
            output = self.value(point)
            if dtype is np.complex128 and not np.iscomplexobj(output):
                raise TypeError("The function gives real values of complex numbers.")
            values[mine] = self._rows(output)[self.owners[lines[mine]]]
        return values


@dataclass(frozen=True)
class Some:
    """Some of the lines of a problem."""

    problem: Problem
    lanes: Array

    @property
    def eps(self) -> float:
        return self.problem.eps

    @property
    def base(self) -> Array:
        return self.problem.base[self.lanes]

    @property
    def location(self) -> Array:
        return self.problem.location[self.lanes]

    def move(self, lines: Array, t: Array) -> tuple[Array, Array]:
        return self.problem.move(self.lanes[lines], t)


@dataclass(frozen=True)
class Directions:
    """Lines along any directions through the point of a scalar problem."""

    problem: Problem
    vectors: Array  # (lines, n)

    @property
    def eps(self) -> float:
        return self.problem.eps

    @property
    def base(self) -> Array:
        return np.repeat(self.problem.base[:1], len(self.vectors), axis=0)

    @property
    def location(self) -> Array:
        """|x| matters to the steps of single numbers only; here 1 stands for it."""
        return np.ones(len(self.vectors))

    def move(self, lines: Array, t: Array) -> tuple[Array, Array]:
        problem = self.problem
        values = [problem.value(problem.x + s * v) for s, v in self._steps(lines, t)]
        return np.array(values, np.float64).reshape(len(lines), 1), t

    def _steps(self, lines: Array, t: Array) -> Any:
        return zip(t, self.vectors[lines], strict=True)


def claim(
    value: Function,
    structure: Structure,
    x: Array,
    claimed: Array,
    rows: Index = (),
    place: Callable[[int, int], tuple[str, Index]] | None = None,
) -> Problem:
    """Make a problem of a function whose values are independent along the leading axes of x.

    Parameters
    ----------
    value : Function
    structure : Structure
    x : ndarray, shape (n,)
    claimed : ndarray, shape (n, m)
    rows : tuple of int
        The shape of those axes: that of x for an element-wise function, () where every value
        depends on every number.
    place : callable, optional
        Names (lane, value); by default as x is named.

    Raises
    ------
    ValueError
        If an array of x has not these leading axes.
    """
    owners, groups, seen = [], [], 0
    for shape in structure.shapes:
        if shape[: len(rows)] != rows:
            raise ValueError(
                f"There are values of the shape {rows}, one per row of {shape}: the leading axes "
                "must be the same."
            )
        count = int(np.prod(rows, dtype=np.int64))
        columns = int(np.prod(shape[len(rows) :], dtype=np.int64))
        owners.append(np.repeat(np.arange(count), columns))
        groups.append(seen + np.tile(np.arange(columns), count))
        seen += columns
    return Problem(
        value,
        x,
        structure,
        np.asarray(claimed, dtype=np.float64),
        np.concatenate(owners),
        np.concatenate(groups),
        place or (lambda lane, value: structure.place(lane)),
    )
