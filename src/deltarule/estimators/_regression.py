"""What regressors share, whatever their layers."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from deltarule._activations import activations
from deltarule._labels import targets_of
from deltarule._losses import Loss, loss, losses
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._rows import Array, Targets
from deltarule.plan import of_raw_predictions


class BaseRegressor(RegressorMixin, BaseNetwork):  # type: ignore[misc]
    """A network for one or several real targets; see the concrete regressors."""

    def predict(self, X: ArrayLike) -> Array:
        """Predicted targets.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)
        """
        predicted = self._linked(self._raw(X))
        return predicted[:, 0] if self._flat else predicted

    _least_held_out = 2  # R^2 of one row is undefined

    def _predicted(self) -> tuple[Array | None, str]:
        return None, "number" if self._flat else "numbers"

    def _linked(self, raw: Array) -> Array:
        """Raw predictions as the user's: a loss of log rates predicts rates."""
        exponential = self._plan.loss.link == "exponential"
        return np.asarray(activations.exponential(raw)) if exponential else raw

    @available_if(lambda estimator: estimator._learns_by_steps())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on some rows, from where training is.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`.
        """
        self._whole_or_not_at_all(X, y, sample_weight, incremental=True)
        return self

    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        chosen = of_raw_predictions(loss(self.loss))
        if isinstance(self.loss, str) and chosen == losses.squared_error:
            chosen = losses.half_squared_error
        if chosen.link not in ("identity", "exponential"):
            raise ValueError(
                f"The loss {chosen.name} is for classification; a regressor needs one of real "
                "targets, such as 'squared_error' or 'huber'."
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._flat = y.ndim == 1
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(y.reshape(len(y), -1), dtype=dtype)
        if not np.isfinite(values).all():
            raise ValueError(
                f"The targets go beyond {np.finfo(dtype).max:.2g}, the largest {dtype} there is. "
                "Scale them, or set dtype='float64'."
            )
        return Targets(targets_of(chosen, values, values), None), values.shape[1], chosen

    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        predicted = self._linked(raw)
        if not np.isfinite(predicted).all():
            return math.nan
        return float(r2_score(y.reshape(raw.shape), predicted, sample_weight=weights))
