"""What the examination asks of a network of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.doctor import LayerFacts
from deltarule.examination._probe import Probe
from deltarule.language import Text
from deltarule.vitals import History, Vitals

Array = NDArray[Any]


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
    first, last : Probe
        At the weights before training and after it.
    loss_parameters : mapping
    has_score : bool
        Whether accuracy or R2 says something of what it is trained for.
    changes : mapping of str to float
        As in `Case`; empty: they follow from the weights.
    stale : mapping of str to float
        As in `Case`.
    unknown : tuple of Text
        What could not be looked at, in sentences.
    """

    layers: tuple[LayerFacts, ...]
    loss: str
    link: str
    settings: Mapping[str, Any]
    history: History
    first: Probe = field(default_factory=Probe)
    last: Probe = field(default_factory=Probe)
    loss_parameters: Mapping[str, float] = field(default_factory=dict)
    has_score: bool = True
    changes: Mapping[str, float] = field(default_factory=dict)
    stale: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[Text, ...] = ()


def epoch_of(vitals: Vitals, epoch: int) -> Vitals | None:
    """One epoch of several, -1 the last; None where there is none, or it was not watched."""
    at = range(len(vitals))[epoch] if len(vitals) else 0
    one = slice(at, at + 1)
    seen = Vitals(vitals.layers, vitals.numbers[one], vitals.quantiles[one])
    return None if np.isnan(seen.numbers).all() else seen
