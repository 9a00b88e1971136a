"""Where displays of training find their numbers: histories, vitals, layers by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.displays.text import thinned
from deltarule.vitals import History, Vitals

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MILESTONES = 5  # epochs told apart: the first, a quarter, half, three quarters, the last


def trained(fitted: Any) -> Any:
    """What has the history: a network, a fitted estimator, the best of a search, the last step.

    Raises
    ------
    ValueError
        If it was not fitted, or keeps no history.
    """
    model = getattr(fitted, "best_estimator_", fitted)
    if hasattr(model, "steps"):
        model = model.steps[-1][1]
    if not isinstance(getattr(model, "history_", None), History):
        raise ValueError(
            f"{type(model).__name__} has no history of a training: call fit first, on an estimator "
            "or a network of deltarule."
        )
    return model


def require_network(network: Any) -> Any:
    """What passes forward and backward, and keeps what it computed.

    Raises
    ------
    TypeError
        If it does not.
    """
    if not hasattr(network, "forward") or not hasattr(network, "backward"):
        raise TypeError(
            f"from_network takes a deltarule.Network; met {type(network).__name__}. A fitted "
            "estimator goes to from_estimator."
        )
    return network


def by_name(given: Any) -> dict[str, Any]:
    """One thing without a name, or several by name.

    Raises
    ------
    ValueError
        If there are none.
    """
    several = dict(given) if isinstance(given, Mapping) else {"": given}
    if not several:
        raise ValueError("There is nothing to show: met an empty mapping.")
    return several


def require_epochs(history: History) -> History:
    """The history, which has an epoch.

    Raises
    ------
    TypeError, ValueError
        If it is no history, or an empty one.
    """
    if not isinstance(history, History):
        raise TypeError(
            f"from_history takes a History; met {type(history).__name__}. A fitted estimator or "
            "network goes to from_estimator."
        )
    if not len(history):
        raise ValueError("The history has no epochs: train first.")
    return history


def vitals_of(history: History) -> Vitals:
    """What the layers did.

    Raises
    ------
    TypeError, ValueError
        If it is no history, or no epoch has vitals.
    """
    if all(epoch.vitals is None for epoch in require_epochs(history).epochs):
        epochs = f"{len(history)} epoch{'s' if len(history) > 1 else ''}"
        raise ValueError(
            f"The history of {epochs} has no vitals, the numbers of its layers: lbfgs gathers "
            "none, and neither has a history made of losses alone. Train with another solver, such "
            "as adam, or show a LearningCurveDisplay, which needs none."
        )
    return history.vitals


def epochs_of(vitals: Vitals) -> Counts:
    """The epochs as they are told, counted from 1."""
    return np.arange(1, len(vitals) + 1)


def places_of(
    layers: Sequence[str], wanted: Sequence[str] | None, default: Sequence[int], what: str
) -> list[int]:
    """Places of the layers to show: those asked for by name, or the default ones.

    Raises
    ------
    ValueError
        If there is no such layer, or ``default`` is empty and nothing is asked for.
    """
    if wanted is None:
        if not len(default):
            raise ValueError(f"None of the layers has {what}: {', '.join(layers)}.")
        return list(default)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in layers]
    if unknown or not names:
        met = ", ".join(map(repr, unknown)) or "none"
        raise ValueError(f"The layers are {', '.join(layers)}; met {met}.")
    return [list(layers).index(name) for name in names]


def milestones(values: Any) -> list[int]:
    """Up to five epochs that have numbers, evenly chosen, the first and the last among them.

    Parameters
    ----------
    values : ndarray, shape (n_epochs, n_layers)
    """
    known = np.flatnonzero(~np.isnan(values).all(axis=1))
    return [int(i) for i in thinned(known, MILESTONES)]
