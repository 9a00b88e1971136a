"""What features and targets look like."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.doctor import DataFacts
from deltarule.doctor.case import Task

Array = NDArray[Any]
_MOST = 20_000  # rows that are looked at


def task_of(y: Array, classifies: bool) -> Task:
    """What is asked of the targets."""
    return "classification" if classifies else "regression"


def data_facts(X: Any, y: Any, task: Task, names: tuple[str, ...] = ()) -> DataFacts:
    """The facts of rows and targets; of many rows, of some drawn evenly.

    Parameters
    ----------
    X : array_like, shape (n_rows, ...)
        Numbers; of sequences and images the last axis counts as features.
    y : array_like, shape (n_rows, ...)
    task : {"classification", "regression"}
    names : tuple of str
    """
    x, targets = np.asarray(X), np.asarray(y)
    keep = np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(int)
    x, targets = x[keep].astype(np.float64), targets[keep]
    flat = x.reshape(-1, x.shape[-1]) if x.ndim > 1 else x.reshape(-1, 1)
    plain = x.ndim == 2 and targets.ndim == 1
    duplicated, contradictory = _twins(x, targets, task) if plain else (0.0, 0.0)
    return DataFacts(
        len(X),
        flat.mean(axis=0),
        flat.std(axis=0),
        np.abs(flat).max(axis=0),
        names if len(names) == flat.shape[1] else (),
        relation(x, targets, task) if plain else np.zeros(flat.shape[1]),
        **_of_targets(targets, task),
        duplicated=duplicated,
        contradictory=contradictory,
    )


def _of_targets(y: Array, task: Task) -> dict[str, Any]:
    if task == "classification":
        none = dict.fromkeys(("target_mean", "target_std", "target_low", "target_high"), math.nan)
        found = distinct(codes_of(y).reshape(-1) if y.ndim > 1 else y)
        counts = found if y.ndim == 1 else {}
        return {"counts": counts, **none, "distinct_targets": len(found), "whole_targets": False}
    numbers = y.astype(np.float64)
    values = np.unique(numbers)
    whole = bool(np.all(values == np.round(values)))
    binary = y.ndim == 2 and y.shape[1] > 1 and set(values.tolist()) == {0.0, 1.0}
    return {
        "counts": distinct(numbers) if whole and y.ndim == 1 and len(values) <= 30 else {},
        "target_mean": float(numbers.mean()),
        "target_std": float(numbers.std()),
        "target_low": float(numbers.min()),
        "target_high": float(numbers.max()),
        "distinct_targets": len(values),
        "whole_targets": whole,
        "target_quantiles": np.quantile(numbers, np.linspace(0, 1, 41)),
        "one_hot": bool(binary and np.all(numbers.sum(axis=1) == 1)),
    }


def distinct(y: Array) -> dict[Any, int]:
    """Rows per value, in the order of the values."""
    values, counts = np.unique(y.astype(str) if y.dtype == object else y, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def codes_of(y: Array) -> Array:
    """Values as numbers from 0, in their order."""
    return np.unique(y.astype(str) if y.dtype == object else y, return_inverse=True)[1]


def relation(x: Array, y: Array, task: Task) -> Array:
    """How much of the target each feature tells by itself, shape (n_features,)."""
    centred = x - x.mean(axis=0)
    spread = np.mean(centred**2, axis=0)
    spread[spread <= (1e-12 * np.abs(x).max(axis=0)) ** 2] = np.inf  # constant up to rounding
    with np.errstate(all="ignore"):
        if task == "regression":
            t = y.astype(np.float64) - np.mean(y)
            squared = np.mean(centred * t[:, None], axis=0) ** 2 / (spread * np.mean(t**2))
        else:
            codes = codes_of(y)
            onehot = np.eye(codes.max() + 1)[codes] if codes.max() < 200 else np.ones((len(x), 1))
            shares = onehot.mean(axis=0)
            means = onehot.T @ centred / (len(x) * shares[:, None])
            squared = shares @ means**2 / spread
    return np.asarray(np.nan_to_num(squared))


def meet_by_chance(x: Array) -> bool:
    """Whether equal rows say nothing, since the features have few values.

    Rows are told apart by a feature with a value of its own for half of them, or by ten features
    with ten values each.
    """
    some = x[:2000]
    values = np.array([len(np.unique(column)) for column in some.T])
    enough = max(10, len(np.unique(some, axis=0)) / 2)
    return bool(values.max() < enough and np.sum(values >= 10) < 10)


def _twins(x: Array, y: Array, task: Task) -> tuple[float, float]:
    """Shares of rows that occur more than once, and of those whose twins have another target."""
    places = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    sizes = np.bincount(places)
    several = sizes[places] > 1
    if not several.any() or meet_by_chance(x):
        return 0.0, 0.0
    numbers = codes_of(y).ravel() if task == "classification" else y.astype(np.float64)
    far = 0.0 if task == "classification" else float(numbers.std())
    wrong = 0
    for group in np.split(numbers[np.argsort(places, kind="stable")], np.cumsum(sizes)[:-1]):
        if len(group) > 1:
            wrong += int(np.sum(np.abs(group - _usual(group, task)) > far))
    return float(several.mean()), min(2 * wrong / len(x), 1.0)


def _usual(group: Array, task: Task) -> float:
    """The commonest class, or the middle one of some numbers."""
    if task == "regression":
        return float(np.sort(group)[(len(group) - 1) // 2])
    values, counts = np.unique(group, return_counts=True)
    return float(values[counts.argmax()])
