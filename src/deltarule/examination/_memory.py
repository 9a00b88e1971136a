"""On which steps of a sequence the predictions of a network depend."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_FEWEST = 8  # steps that are worth being told apart
_MOST = 1000  # rows


def quarters_of(steps: int) -> list[slice]:
    """The quarters of the steps; none of so few that they say little."""
    ends = np.linspace(0, steps, 5).astype(int).tolist() if steps >= _FEWEST else [0]
    return [slice(first, last) for first, last in pairwise(ends)]


def dependence(model: Any, x: Array) -> tuple[float, ...]:
    """By how much predictions change where a quarter of the steps is another row's.

    Parameters
    ----------
    model : estimator
        Fitted.
    x : ndarray, shape (rows, steps, features)

    Returns
    -------
    tuple of float
        Of every quarter: of numbers the root mean square of the change in standard deviations of
        the predictions, of labels the share that changes.  Empty for what is no sequence of eight
        steps or more, and where predictions are not finite or all the same.
    """
    if not isinstance(x, np.ndarray) or x.ndim != 3 or len(x) < 2:
        return ()
    rows = x[:_MOST]
    others = np.roll(rows, 1, axis=0)
    found = []
    try:
        said = _said(model, rows)
        for part in quarters_of(x.shape[1]):
            mixed = rows.copy()
            mixed[:, part] = others[:, part]
            found.append(_change(said, _said(model, mixed)))
    except ValueError:  # predictions that are not finite
        return ()
    return tuple(found) if np.isfinite(found).all() and any(found) else ()


def _said(model: Any, x: Array) -> Array:
    predict = getattr(model, "predict_proba", model.predict)
    return np.asarray(predict(x))


def _change(said: Array, now: Array) -> float:
    if said.dtype.kind != "f":
        return float(np.mean(said != now))
    spread = float(np.sqrt(np.mean(said.var(axis=0))))
    return float(np.sqrt(np.mean((now - said) ** 2))) / spread if spread > 0 else np.nan
