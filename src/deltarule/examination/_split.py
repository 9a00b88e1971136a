"""Rows to learn from, and rows on which it is shown what was learned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from deltarule.doctor import repairs
from deltarule.doctor.repairs import Repair
from deltarule.examination._disputed import disputed
from deltarule.examination._reference import FEW, Array

_TIMES = 1.5  # powers of 2 between two scales


class Rows(NamedTuple):
    """Features, as they were given or as an array, and targets."""

    x: Any
    y: Array

    def at(self, chosen: Array) -> Rows:
        """Some of the rows: numbers, or truth values."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        x = self.x.iloc[numbers] if hasattr(self.x, "iloc") else self.x[numbers]
        return Rows(x, self.y[numbers])


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and others.

    Attributes
    ----------
    train, test : Rows
        Of few rows the same.
    known : bool
        Whether the others are so many that scores on them mean something.
    given : bool
        Whether they were given; else drawn.
    whole : Rows or None
        What was drawn from.
    """

    train: Rows
    test: Rows
    known: bool
    given: bool = False
    whole: Rows | None = None

    @property
    def everything(self) -> Rows:
        """All rows."""
        if self.whole is not None:
            return self.whole
        return self.train

    @classmethod
    def of(cls, rows: Rows, classifies: bool, size: float, seed: int) -> Self:
        """Rows drawn at random, of every class its share."""
        if len(rows.y) < FEW:
            return cls(rows, rows, known=False)
        train, test = _drawn(rows.y, classifies, size, seed)
        return cls(rows.at(train), rows.at(test), known=True, whole=rows)


def _drawn(y: Array, classifies: bool, size: float, seed: int) -> tuple[Array, Array]:
    from sklearn.model_selection import train_test_split

    counts = np.unique(y, return_counts=True)[1] if classifies and y.ndim == 1 else np.array([0])
    strata = y if counts.min() > 1 and len(counts) < size * len(y) else None
    drawn = train_test_split(np.arange(len(y)), test_size=size, random_state=seed, stratify=strata)
    return drawn[0], drawn[1]


def mended(split: Split, repair: Repair, classifies: bool, seed: int) -> Split:
    """What a repair of the data makes of the rows; the same where it is none.

    A network that leaves out a leaking column is judged, like the one before, on rows where that
    column tells nothing; one that learned from clean rows on clean rows.
    """
    match repair:
        case repairs.DropFeatures(features):
            return replace(split, test=_mixed(split.test, features, seed))
        case repairs.CleanLabels():
            return _cleaned(split, classifies)
        case repairs.SplitAnew():
            return _anew(split, classifies, seed)
        case repairs.Together(parts):
            for part in parts:
                split = mended(split, part, classifies, seed)
        case repairs.OtherEstimator(task):
            return replace(split, train=_codes(split.train, task), test=_codes(split.test, task))
    return split


def score_of(model: Any, rows: Rows, task: str, balanced: bool = False) -> float:
    """Accuracy or R2, of a model of the other kind too: by the nearest class, or by its numbers.

    ``balanced``: the mean of the shares of each class that are recognised.
    """
    from sklearn.metrics import r2_score

    y = rows.y
    try:
        predicted = np.asarray(model.predict(rows.x))
        if task == "regression":
            return float(r2_score(y, predicted.astype(np.float64)))
        if predicted.ndim > y.ndim:
            predicted = predicted.argmax(axis=1)
        elif predicted.dtype.kind == "f" and y.ndim == 1 and y.dtype.kind in "iufb":
            classes = np.unique(y)
            predicted = classes[np.abs(predicted[:, None] - classes).argmin(axis=1)]
        same = predicted == y
        if balanced:
            return float(np.mean([same[y == c].mean() for c in np.unique(y)]))
        return float(same.reshape(len(y), -1).all(axis=1).mean())
    except ValueError:  # predictions that are not finite
        return math.nan


def _mixed(rows: Rows, features: tuple[int, ...], seed: int) -> Rows:
    order = np.random.default_rng(seed).permutation(len(rows.y))
    x = rows.x.copy()
    if hasattr(x, "iloc"):
        for i in features:
            x.isetitem(i, x.iloc[order, i].to_numpy())
    else:
        x[:, list(features)] = x[order][:, list(features)]
    return Rows(x, rows.y)


def _cleaned(split: Split, classifies: bool) -> Split:
    both = _joined(split)
    kept = ~disputed(both.x, both.y, classifies)
    n = len(split.train.y)
    if kept.all() or kept[:n].mean() < 0.5 or kept[n:].mean() < 0.5:
        return split
    return replace(split, train=split.train.at(kept[:n]), test=split.test.at(kept[n:]))


def _joined(split: Split) -> Rows:
    """Both parts, where they are arrays; else only the first."""
    parts = split.train, split.test
    if not all(isinstance(rows.x, np.ndarray) for rows in parts):
        return split.train
    return Rows(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _anew(split: Split, classifies: bool, seed: int) -> Split:
    """Drawn from all rows, of which those that stand in both parts count once.

    Rows of another scale are brought to that of those to learn from.
    """
    if not split.given or not isinstance(split.train.x, np.ndarray):
        return split
    test = split.test
    if not classifies or np.isin(test.y, split.train.y).mean() > 0.9:  # else they are other rows
        test = Rows(_rescaled(test.x, split.train.x), test.y)
    x, y = _joined(replace(split, test=test))
    seen = np.column_stack([x.reshape(len(x), -1), y.reshape(len(y), -1)])
    once = np.sort(np.unique(seen, axis=0, return_index=True)[1])
    return replace(Split.of(Rows(x[once], y[once]), classifies, 0.25, seed), given=True)


def _rescaled(x: Array, like: Array) -> Array:
    """Rows with the means and deviations of others, if most features have another scale.

    Of the same scale but far off they are other rows, which must not be moved.
    """
    varies = (x.std(axis=0) > 0) & (like.std(axis=0) > 0)
    ratio = x.std(axis=0)[varies] / like.std(axis=0)[varies]
    if not varies.any() or not np.median(np.abs(np.log2(ratio))) > _TIMES:
        return x
    scaled = x.astype(np.float64)
    moved = (x - x.mean(axis=0))[:, varies] / ratio + like.mean(axis=0)[varies]
    scaled[:, varies] = moved
    return np.asarray(np.where(varies, scaled, like.mean(axis=0)))


def _codes(rows: Rows, task: str) -> Rows:
    """Targets for an estimator of the other kind: of one-hot rows the place of the 1."""
    y = rows.y
    if task == "classification":
        y = y.argmax(axis=1) if y.ndim > 1 else y
        whole = y.dtype.kind == "f" and bool((y == np.round(y)).all())
        return Rows(rows.x, y.astype(np.int64) if whole else y)
    return Rows(rows.x, y.astype(np.float64))
