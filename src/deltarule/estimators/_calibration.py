"""One temperature for all logits, so that probabilities say how often a prediction is right."""

from __future__ import annotations

import numpy as np

from deltarule._activations import activations
from deltarule.estimators._rows import Array

_RANGE = 0.05, 20.0  # of temperatures


def log_mean_probabilities(logits: Array, link: str) -> Array:
    """Logarithms of the probabilities, the mean over the members of an ensemble.

    Parameters
    ----------
    logits : ndarray, shape (n, members, outputs)
    link : {"softmax", "sigmoid"}

    Returns
    -------
    ndarray, shape (n, outputs); of a sigmoid, of the probability of each label
    """
    softmax = link == "softmax"
    each = activations.log_softmax(logits) if softmax else -activations.softplus(-logits)
    if each.shape[1] == 1:
        return np.asarray(each[:, 0])
    top = each.max(axis=1, keepdims=True)
    mean = np.mean(np.exp(each - top), axis=1)
    return np.asarray(top[:, 0] + np.log(mean))


def temperature_of(logits: Array, codes: Array, weights: Array | None) -> float:
    """The temperature with the smallest log loss on rows held out (Guo et al. 2017).

    Parameters
    ----------
    logits : ndarray, shape (n, members, classes)
    codes : ndarray of int, shape (n,)
    weights : ndarray, shape (n,), optional

    Returns
    -------
    float
        1 where no temperature is better.
    """
    from scipy.optimize import minimize_scalar

    rows, wide = np.arange(len(codes)), logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        logs = log_mean_probabilities(wide / np.exp(log_temperature), "softmax")
        return -float(np.average(logs[rows, codes], weights=weights))

    low, high = np.log(_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded")
    return float(np.exp(found.x)) if loss(float(found.x)) < loss(0.0) else 1.0
