"""A fitted network that only predicts, with nothing between the call and the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deltarule._activations import activations
from deltarule._engine import Weights, make_net, threads_of
from deltarule.estimators._quantiles import at_middle
from deltarule.plan import Plan

Array = NDArray[Any]


class Frozen:
    """The predictions of a fitted estimator, as they were when it was frozen.

    Made by the ``freeze`` method of an estimator, for programs that predict a row at a time: a call
    for a small network costs one or two microseconds, where ``predict`` of the estimator checks its
    input for a hundred.  Numbers of another dtype than that of the weights are converted, columns
    are taken in the order in which they come, names are not compared, NaN and infinity are not
    refused and give what the arithmetic gives.  May be called from several threads at once, and
    pickled.

    Attributes
    ----------
    classes_ : ndarray
        Of a classifier.
    """

    def __init__(
        self,
        plan: Plan,
        weights: Weights,
        classes: Array | None,
        shape: str,
        n_jobs: int | None,
    ) -> None:
        self._made_of = plan, weights, classes, shape, n_jobs
        self._net: Any = make_net(plan, next(iter(weights.values())).dtype, weights)
        self._threads = threads_of(n_jobs)
        if classes is not None:
            self.classes_ = classes
            self._choices = np.resize(classes, max(2, len(classes)))  # y may have had one class
        predictions: dict[str, Callable[[ArrayLike], Array]] = {
            "class": self._class,
            "labels": self._labels,
            "number": self._number,
            "numbers": self._numbers,
            "level": self._level,
        }
        self._predict = predictions[shape]

    def predict(self, X: ArrayLike) -> Array:
        """What ``predict`` of the estimator gives.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        ValueError, TypeError
            If X is no matrix of real numbers with as many columns as the network has inputs.
        """
        return self._predict(X)

    def decision_function(self, X: ArrayLike) -> Array:
        """The raw predictions, shape (n_samples, n_outputs): logits of a classifier."""
        raw: Array = self._net.raw(X, self._threads)
        return raw

    def _class(self, X: ArrayLike) -> Array:
        chosen: Array = self._choices[self._net.codes(X, self._threads)]
        return chosen

    def _labels(self, X: ArrayLike) -> Array:
        return (self.decision_function(X) > 0).astype(np.int64)

    def _numbers(self, X: ArrayLike) -> Array:
        raw = self.decision_function(X)
        exponential = self._made_of[0].loss.link == "exponential"
        return np.asarray(activations.exponential(raw)) if exponential else raw

    def _number(self, X: ArrayLike) -> Array:
        return self._numbers(X)[:, 0]

    def _level(self, X: ArrayLike) -> Array:
        return at_middle(self._numbers(X), self._made_of[0].levels)[:, 0]

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, self._made_of
