"""What regressors share, whatever their layers."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from deltarule._activations import activations
from deltarule._labels import targets_of
from deltarule._losses import Loss, loss, losses
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._quantiles import at_levels, at_middle, levels_of
from deltarule.estimators._rows import Array, Targets
from deltarule.plan import of_raw_predictions


class BaseRegressor(RegressorMixin, BaseNetwork):  # type: ignore[misc]
    """A network for one or several real targets; see the concrete regressors."""

    def predict(self, X: ArrayLike, quantiles: ArrayLike | None = None) -> Array:
        """Predicted targets.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        quantiles : array_like of float, shape (n_levels,), optional
            Of an estimator that has learned quantiles or expectiles: the levels to predict.

        Returns
        -------
        ndarray, shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_levels)

        Raises
        ------
        ValueError
            If quantiles are asked for that were not learned.
        """
        raw = self._linked(self._raw(X))
        levels = self._plan.levels
        if quantiles is None:
            return self._central(raw)
        if not levels:
            raise ValueError(
                f"The network was trained with the loss {self._plan.loss.name!r} and no levels: "
                "an MLPRegressor or NetworkRegressor with loss='quantile' or 'expectile' and "
                "quantiles=[...] learns some."
            )
        return at_levels(raw, levels, quantiles)

    def _central(self, raw: Array) -> Array:
        """Raw predictions in the shape of y; of several levels the one in the middle."""
        if self._plan.levels:
            raw = at_middle(raw, self._plan.levels)
        return raw[:, 0] if self._flat else raw

    _least_held_out = 2  # R^2 of one row is undefined

    def _predicted(self) -> tuple[Array | None, str]:
        if self._plan.levels:
            return None, "level"
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
        values = _values(y, dtype)
        levels = levels_of(self, chosen)
        if levels and values.shape[1] > 1:
            raise ValueError(
                f"quantiles are of a single target; y has {values.shape[1]} columns. Fit one "
                "regressor for each."
            )
        outputs = max(1, len(levels)) * values.shape[1]
        return self._targets(values, chosen, outputs), outputs, chosen

    def _wanted_levels(self, loss: Loss) -> tuple[float, ...]:
        return levels_of(self, loss)

    def _encode_further(self, y: Array, dtype: np.dtype[Any]) -> Targets:
        values = _values(y, dtype)
        known = self._plan.outputs // max(1, len(self._plan.levels))
        if values.shape[1] != known:
            raise ValueError(
                f"The y of eval_set has {values.shape[1]} columns, that to learn from {known}."
            )
        return self._targets(values, self._plan.loss, self._plan.outputs)

    def _targets(self, values: Array, chosen: Loss, outputs: int) -> Targets:
        """Targets as the loss takes them, one column per output."""
        wide = values if values.shape[1] == outputs else np.repeat(values, outputs, axis=1)
        return Targets(targets_of(chosen, wide, wide), None)

    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        from sklearn.metrics import r2_score

        predicted = self._central(self._linked(raw))
        if not np.isfinite(predicted).all():
            return math.nan
        with np.errstate(over="ignore", invalid="ignore"):  # of what training has blown up
            return float(r2_score(y.reshape(predicted.shape), predicted, sample_weight=weights))


def _values(y: Array, dtype: np.dtype[Any]) -> Array:
    """Targets as a matrix of numbers."""
    try:
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(y.reshape(len(y), -1), dtype=dtype)
    except ValueError as error:
        raise ValueError(f"The targets must be numbers; {error}.") from error
    if not np.isfinite(values).all():
        raise ValueError(
            f"The targets go beyond {np.finfo(dtype).max:.2g}, the largest {dtype} there is. "
            "Scale them, or set dtype='float64'."
        )
    return values
