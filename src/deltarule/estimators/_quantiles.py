"""Several quantiles or expectiles of a target, learned together."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule._losses import Loss
from deltarule.estimators._rows import Array

_LOSSES = ("quantile", "pinball", "expectile")


def levels_of(estimator: Any, chosen: Loss) -> tuple[float, ...]:
    """The levels that an estimator learns together, rising; none where it learns one number.

    Raises
    ------
    ValueError
        If they are no levels, or not for the loss.
    """
    wanted = estimator.quantiles
    if wanted is None:
        return ()
    if chosen.name not in _LOSSES:
        raise ValueError(
            f"quantiles are for the losses {', '.join(map(repr, _LOSSES))}; the loss is "
            f"{chosen.name!r}."
        )
    listed = list(wanted) if isinstance(wanted, list | tuple | np.ndarray) else [wanted]
    for level in listed:
        if not (isinstance(level, Real) and 0 < float(level) < 1):
            raise ValueError(f"quantiles must be numbers between 0 and 1; met {level!r}.")
    if not listed or len(set(listed)) != len(listed):
        raise ValueError(f"quantiles must be one level or more, each once; met {wanted!r}.")
    return tuple(sorted(float(level) for level in listed))


def at_levels(learned: Array, levels: tuple[float, ...], wanted: ArrayLike) -> Array:
    """Predictions at wanted levels, between the learned ones on straight lines.

    Parameters
    ----------
    learned : ndarray, shape (n, len(levels))
        Rising along rows.
    levels : tuple of float
        Rising.
    wanted : array_like of float, shape (k,)

    Returns
    -------
    ndarray, shape (n, k)

    Raises
    ------
    ValueError
        If a level is outside the learned ones.
    """
    asked = np.atleast_1d(np.asarray(wanted, dtype=np.float64))
    outside = ~((asked >= levels[0]) & (asked <= levels[-1]))
    if outside.any():
        raise ValueError(
            f"The network has learned levels from {levels[0]} to {levels[-1]}; it cannot tell "
            f"{asked[outside][0]}. Fit it with quantiles that reach there."
        )
    upper = np.clip(np.searchsorted(levels, asked), 1, max(1, len(levels) - 1))
    if len(levels) == 1:
        return np.repeat(learned, len(asked), axis=1)
    known = np.array(levels)
    share = ((asked - known[upper - 1]) / (known[upper] - known[upper - 1])).astype(learned.dtype)
    low, high = learned[:, upper - 1], learned[:, upper]
    half = low / 2 + share * (high / 2 - low / 2)  # halves: high - low may be beyond all floats
    return np.where(share == 1, high, np.clip(2 * half, low, high))


def at_middle(learned: Array, levels: tuple[float, ...]) -> Array:
    """What `predict` gives, shape (n, 1): the level 1/2, or the nearest one."""
    level = min(max(0.5, levels[0]), levels[-1])
    if level in levels:
        at = levels.index(level)
        return learned[:, at : at + 1]
    return at_levels(learned, levels, level)
