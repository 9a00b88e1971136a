"""The column to be predicted: what task it sets, and its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deltarule.tables import TableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deltarule.tables import Table

    Array = NDArray[Any]

__all__ = ["MAX_INTEGER_CLASSES", "Target", "Task", "read_target"]

Task = Literal["classification", "regression"]

# Grades and ratings rarely have more steps (wine quality: 11), counts mostly do (rings of abalone:
# 28 different ones); digits have 10.
MAX_INTEGER_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """The values to be predicted.

    Attributes
    ----------
    name : str
        The column.
    task : {"classification", "regression"}
        What it asks for.
    values : ndarray, shape (rows,)
        Class labels (text, bool, int64 or float64), or float64 numbers to be met.
    """

    name: str
    task: Task
    values: Array


def read_target(table: Table, name: str, task: Task | Literal["auto"] = "auto") -> Target:
    """Take a column as the target.

    With ``task="auto"``, text, truth values, and whole numbers of at most 20 different values that
    occur at least twice on average are classes; all else are quantities.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        The column to be predicted.
    task : {"auto", "classification", "regression"}
        Overrides the choice.

    Returns
    -------
    Target

    Raises
    ------
    TableError
        If the column is absent, has missing or infinite values, has the same value everywhere, or
        cannot serve the task.
    """
    table.require([name])
    missing = table.missing(name)
    if missing.any():
        count, rows = int(missing.sum()), table.rows
        raise TableError(
            f"The target {name!r} is missing in {count:,} of the {rows:,} rows of {table.source}: "
            "fill it in or remove those rows."
        )
    values = _values(table, name)
    if task == "auto":
        task = "classification" if _are_classes(values) else "regression"
    if task == "classification":
        _check_labels(values, name)
    else:
        values = _quantities(values, name)
    if (values == values[0]).all():
        raise TableError(
            f"The target {name!r} is {values[0].item()!r} in every row of {table.source}, so there "
            "is nothing to learn: choose another column or add other rows."
        )
    return Target(name, task, values)


def _values(table: Table, name: str) -> Array:
    column, kind = table.columns[name], table.kinds[name]
    if kind == "text":
        return column.astype(np.str_)
    if np.isinf(column).any():
        row = int(np.flatnonzero(np.isinf(column))[0]) + 1
        raise TableError(
            f"The target {name!r} is infinite in row {row} of {table.source}: correct that row."
        )
    types: dict[str, type] = {"boolean": bool, "integer": np.int64}
    return column.astype(types.get(kind, np.float64))


def _are_classes(values: Array) -> bool:
    if values.dtype.kind in "Ub":
        return True
    if (values != np.round(values)).any():
        return False
    return len(np.unique(values)) <= min(MAX_INTEGER_CLASSES, len(values) // 2)


def _check_labels(values: Array, name: str) -> None:
    if values.dtype.kind == "f" and (values != np.round(values)).any():
        fraction = values[values != np.round(values)][0]
        raise TableError(
            f"The target {name!r} holds fractions such as {fraction.item()!r}, which cannot be "
            "classes: use --task regression, or turn them into labels."
        )


def _quantities(values: Array, name: str) -> Array:
    if values.dtype.kind == "U":
        raise TableError(
            f"The target {name!r} holds text such as {values[0].item()!r}, which is no quantity: "
            "use --task classification, or turn it into numbers."
        )
    return values.astype(np.float64)
