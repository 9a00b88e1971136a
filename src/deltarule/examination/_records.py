"""What the examination asks of a network of any kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._language import Text
from deltarule.doctor import LayerFacts
from deltarule.vitals import History, Vitals

Array = NDArray[Any]
Weights = Mapping[str, Array]
MOST = 1000  # rows of a pass that is looked at


@dataclass(frozen=True)
class Pass:
    """What was seen at certain weights; empty where these are not known or not finite.

    Attributes
    ----------
    loss : float
    vitals : Vitals or None
        Of one epoch.
    weights : mapping of str to ndarray
        By ``"layer.parameter"``; the last axis counts units.
    """

    loss: float = math.nan
    vitals: Vitals | None = None
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True)
class Records:
    """A network as the doctor reads it.

    Attributes
    ----------
    layers : tuple of LayerFacts
    loss, link : str
        By name, and the link merged into it.
    settings : mapping
        Of the training, by the names of the estimators' parameters.
    history : History
    first, last : Pass
        At the weights before training and after it.
    unknown : tuple of Text
        What could not be looked at, in sentences.
    """

    layers: tuple[LayerFacts, ...]
    loss: str
    link: str
    settings: Mapping[str, Any]
    history: History
    first: Pass = Pass()
    last: Pass = Pass()
    unknown: tuple[Text, ...] = ()


def epoch_of(vitals: Vitals, epoch: int) -> Vitals | None:
    """One epoch of several, -1 the last; None where there is none, or it was not watched."""
    at = range(len(vitals))[epoch] if len(vitals) else 0
    one = slice(at, at + 1)
    numbers = vitals.numbers[one]
    return (
        None if np.isnan(numbers).all() else Vitals(vitals.layers, numbers, vitals.quantiles[one])
    )


def some_rows(x: Array, y: Array, classifies: bool) -> Array:
    """Places of some rows, drawn evenly, with one of every class."""
    keep = np.linspace(0, len(x) - 1, min(len(x), MOST)).astype(int)
    if classifies and y.ndim == 1:
        keep = np.union1d(keep, np.unique(y, return_index=True)[1])
    return keep


def overflowed(error: ValueError) -> bool:
    """Whether a training ended because numbers were not finite."""
    return "not finite" in str(error) or "non-finite" in str(error)
