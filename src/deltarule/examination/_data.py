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
        _relation(x, targets, task) if plain else np.zeros(flat.shape[1]),
        **_of_targets(targets, task),
        duplicated=duplicated,
        contradictory=contradictory,
    )


def _of_targets(y: Array, task: Task) -> dict[str, Any]:
    if task == "classification":
        values, counts = np.unique(y.astype(str) if y.dtype == object else y, return_counts=True)
        named = dict(zip(values.tolist(), counts.tolist(), strict=True)) if y.ndim == 1 else {}
        none = dict.fromkeys(("target_mean", "target_std", "target_low", "target_high"), math.nan)
        return {"counts": named, **none, "distinct_targets": len(values), "whole_targets": False}
    numbers = y.astype(np.float64)
    return {
        "counts": {},
        "target_mean": float(numbers.mean()),
        "target_std": float(numbers.std()),
        "target_low": float(numbers.min()),
        "target_high": float(numbers.max()),
        "distinct_targets": len(np.unique(numbers)),
        "whole_targets": bool(np.all(numbers == np.round(numbers))),
    }


def _relation(x: Array, y: Array, task: Task) -> Array:
    centred = x - x.mean(axis=0)
    spread = np.mean(centred**2, axis=0)
    with np.errstate(all="ignore"):
        if task == "regression":
            t = y.astype(np.float64) - np.mean(y)
            squared = np.mean(centred * t[:, None], axis=0) ** 2 / (spread * np.mean(t**2))
        else:
            codes = np.unique(y.astype(str) if y.dtype == object else y, return_inverse=True)[1]
            onehot = np.eye(codes.max() + 1)[codes] if codes.max() < 200 else np.ones((len(x), 1))
            shares = onehot.mean(axis=0)
            means = onehot.T @ centred / (len(x) * shares[:, None])
            squared = shares @ means**2 / spread
    return np.asarray(np.nan_to_num(squared))


def _twins(x: Array, y: Array, task: Task) -> tuple[float, float]:
    """Shares of rows that occur more than once, and of those whose twins have another target."""
    places = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    sizes = np.bincount(places)
    several = sizes[places] > 1
    if not several.any():
        return 0.0, 0.0
    codes = np.unique(y.astype(str) if y.dtype == object else y, return_inverse=True)[1].ravel()
    pairs = np.unique(np.column_stack([places, codes]), axis=0)
    differing = np.bincount(pairs[:, 0], minlength=len(sizes)) > 1
    return float(several.mean()), float((several & differing[places]).mean())
