"""From numbers to confidence."""

from __future__ import annotations

import math

import numpy as np

from deltarule.doctor.case import Array, Case


def rising(value: float, from_: float, to: float) -> float:
    """0 up to a number, 1 from another on, between them by the logarithm; 0 for what is unknown."""
    if not value > from_:
        return 0.0
    return min(math.log(value / from_) / math.log(to / from_), 1.0)


def falling(value: float, from_: float, to: float) -> float:
    """0 down to a number, 1 from a smaller one down, between them by the logarithm."""
    if not value < from_:
        return 0.0
    return 1.0 if value <= 0 else min(math.log(from_ / value) / math.log(from_ / to), 1.0)


def ends(case: Case) -> tuple[str, str]:
    """The names of the first and of the last layer with weights."""
    places = case.weighted
    return (case.layers[places[0]].name, case.layers[places[-1]].name) if places else ("", "")


def gradient_ratio(case: Case) -> float:
    """Gradient of the first weights over that of the last ones, before training; NaN: unknown."""
    places = case.weighted
    if case.begin is None or len(places) < 2:
        return math.nan
    sizes = case.begin["gradient_rms"][0, [places[0], places[-1]]].astype(float)
    return float(sizes[0] / sizes[1]) if sizes[1] > 0 else math.nan


def update_ratios(case: Case) -> Array:
    """Size of a step over that of the weights, by epoch: the median over layers with weights."""
    vitals = case.history.vitals
    if not len(vitals) or not vitals.layers or not case.weighted:
        return np.array([])
    with np.errstate(all="ignore"):
        return np.asarray(np.nanmedian(vitals.update_ratio[:, case.weighted], axis=1), dtype=float)


def steps_per_epoch(case: Case) -> float:
    """Batches of an epoch."""
    if case.data is None:
        return math.nan
    size = case.settings.get("batch_size", "auto")
    return math.ceil(case.data.rows / (200 if size == "auto" else int(size)))


# Activations of a whole row, whose values are shares of one.
SHARES = ("softmax", "gumbel_softmax", "softmax2d", "softmin", "sparsemax", "hardmax")


def applies_link(case: Case) -> bool:
    """Whether the loss turns raw predictions into probabilities by itself."""
    return case.link in ("sigmoid", "softmax")


def is_limited(low: float, high: float) -> bool:
    """Whether a range has two ends."""
    return math.isfinite(low) and math.isfinite(high)


def hidden_units(case: Case) -> list[int]:
    """How wide the layers with weights before the last are."""
    return [case.layers[i].units for i in case.weighted[:-1]]


def is_linear(case: Case) -> bool:
    """Whether no layer bends anything: a network of dense layers and identities."""
    plain = ("dense", "dropout", "batch_norm", "scale", "add")
    return all(
        layer.kind in plain or layer.activation in ("identity", "affine") for layer in case.layers
    )
