"""How rows that were given for validation differ from those to learn from."""

from __future__ import annotations

import numpy as np

from deltarule.doctor import Validation
from deltarule.examination._data import distinct, meet_by_chance
from deltarule.examination._reference import Array, Rows


def validation_of(train: Rows, given: Rows, classifies: bool) -> Validation:
    """Compare features and targets of two sets of rows."""
    (x, y), (x_val, y_val) = train, given
    a, b = x.reshape(-1, x.shape[-1]).astype(float), x_val.reshape(-1, x.shape[-1]).astype(float)
    with np.errstate(all="ignore"):
        shift = np.nan_to_num((b.mean(axis=0) - a.mean(axis=0)) / a.std(axis=0), posinf=np.inf)
        spread = np.nan_to_num(b.std(axis=0) / a.std(axis=0), nan=1.0, posinf=np.inf)
        spread = np.where(_spread_by_chance(a, b), 1.0, spread)
    return Validation(
        len(x_val),
        shift,
        spread,
        *(_classes(y, y_val) if classifies and y.ndim == 1 else (0.0, 0.0)),
        target_shift=0.0 if classifies else _shift(y, y_val),
        shared=_shared(x, x_val),
    )


def _spread_by_chance(a: Array, b: Array) -> Array:
    """Of which features two parts of the same rows may have such different variances.

    They differ by less than 5 standard errors, which follow from the fourth moment of all rows:
    what is nearly always 0 has its few exceptions in one part or in the other.
    """
    both = np.concatenate([a, b])
    squared = (both - both.mean(axis=0)) ** 2
    error = np.sqrt(squared.var(axis=0) * (1 / len(a) + 1 / len(b)))
    return np.asarray(np.abs(b.var(axis=0) - a.var(axis=0)) <= 5 * error)


def _classes(y: Array, y_val: Array) -> tuple[float, float]:
    """Shares of rows of unknown classes, and of rows in classes that are too many."""
    known, met = distinct(y), distinct(y_val)
    unseen = sum(n for c, n in met.items() if c not in known) / len(y_val)
    excess = (n / len(y_val) - known.get(c, 0) / len(y) for c, n in met.items())
    return unseen, sum(max(e, 0.0) for e in excess)


def _shift(y: Array, y_val: Array) -> float:
    spread = float(np.std(y))
    return float(np.mean(y_val) - np.mean(y)) / spread if spread > 0 else 0.0


def _shared(x: Array, x_val: Array) -> float:
    """Share of the rows that stand in both, beyond that of rows that stand twice in one."""
    flat, other = x.reshape(len(x), -1), x_val.reshape(len(x_val), -1)
    known = {row.tobytes() for row in flat}
    found = float(np.mean([row.tobytes() in known for row in other]))
    if not found or meet_by_chance(flat):
        return 0.0
    return max(found - (1 - len(known) / len(x)), 0.0)
