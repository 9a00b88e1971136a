"""Regression on tables with nothing to set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deltarule._losses import Loss
from deltarule.estimators._doc import documented
from deltarule.estimators._regression import BaseRegressor
from deltarule.estimators._rows import Array, Targets
from deltarule.estimators._tabular import BaseTabular


@documented
class TabularRegressor(BaseTabular, BaseRegressor):
    """A strong network for tables as they are: text, categories, missing values, any scales.

    RealMLP (Holzmüller, Grinsztajn and Steinwart 2024), as in `TabularClassifier`; targets are
    standardised, predictions stay within the range of the targets.

    Parameters
    ----------
    {table}
    loss : str or Loss, default="squared_error"
        Of standardised targets; any loss of real targets whose link is the identity.
    {table_training}

    Attributes
    ----------
    {table_attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from deltarule import TabularRegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> y = np.sin(3 * X[:, 0]) * X[:, 1]
    >>> TabularRegressor(max_iter=64, random_state=0).fit(X, y).score(X, y) > 0.8
    True
    """

    _functions = "mish"
    _rate = 0.2

    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256, 256),
        *,
        activation: Any = None,
        n_members: Any = "auto",
        numeric_embedding: bool = True,
        frequency_scale: float = 0.1,
        dropout: float = 0.15,
        weight_decay: float = 0.02,
        loss: Any = "squared_error",
        batch_size: Any = "auto",
        learning_rate_init: float | None = None,
        max_iter: Any = "auto",
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        n_iter_no_change: float = math.inf,
        monitor: str = "loss",
        categorical_features: Any = None,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: bool = False,
        n_jobs: int | None = None,
        doctor: str = "watch",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.n_members = n_members
        self.numeric_embedding = numeric_embedding
        self.frequency_scale = frequency_scale
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.loss = loss
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.monitor = monitor
        self.categorical_features = categorical_features
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.doctor = doctor

    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        wide = _numbers(y)
        largest = np.abs(wide).max(axis=0)
        largest = np.where(largest > 0, largest, 1.0)  # squares may overflow or vanish
        spread = (wide / largest).std(axis=0)
        scale = np.where(spread > 0, spread * largest, 1.0)
        self._targets_learned = {
            "mean": (wide / largest).mean(axis=0) * largest,
            "scale": scale,
            "low": wide.min(axis=0),
            "high": wide.max(axis=0),
        }
        targets, outputs, chosen = super()._encode(self._standardised(y), dtype, continues)
        if chosen.link != "identity":
            raise ValueError(
                f"The loss {chosen.name} is of logarithms of rates; TabularRegressor standardises "
                "its targets and needs a loss of real numbers, such as 'squared_error'."
            )
        return targets, outputs, chosen

    def _encode_further(self, y: Array, dtype: np.dtype[Any]) -> Targets:
        known = self._targets_learned
        values = _numbers(y)
        if values.shape[1] != len(known["mean"]):
            raise ValueError(
                f"The y of eval_set has {values.shape[1]} columns, that to learn from "
                f"{len(known['mean'])}."
            )
        return Targets(np.ascontiguousarray(self._standardised(values), dtype=dtype), None)

    def _standardised(self, y: Array) -> Array:
        known = self._targets_learned
        wide = np.asarray(y, np.float64).reshape(len(y), -1)
        return np.asarray((wide - known["mean"]) / known["scale"]).reshape(y.shape)

    def _linked(self, raw: Array) -> Array:
        known = self._targets_learned
        mean = self._members(raw).mean(axis=1, dtype=np.float64)
        predicted = mean * known["scale"] + known["mean"]
        return np.asarray(np.clip(predicted, known["low"], known["high"]))

    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        predicted = self._standardised(self._linked(raw))  # of any size: squares may overflow
        if not np.isfinite(predicted).all():
            return math.nan
        from sklearn.metrics import r2_score

        known = self._standardised(y).reshape(predicted.shape)
        return float(r2_score(known, predicted, sample_weight=weights))

    def _own_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        record, arrays = super()._own_record()
        learned = {f"targets.{name}": values for name, values in self._targets_learned.items()}
        return record, arrays | learned

    def _restore_own(self, record: dict[str, Any], arrays: dict[str, Array]) -> None:
        own = {k: v for k, v in arrays.items() if not k.startswith("targets.")}
        super()._restore_own(record, own)
        self._targets_learned = {
            name.removeprefix("targets."): v for name, v in arrays.items() if name not in own
        }


def _numbers(y: Array) -> Array:
    """Targets as float64, shape (n, outputs)."""
    try:
        wide = np.asarray(y, np.float64).reshape(len(y), -1)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A regressor learns numbers; y holds {np.ravel(y).tolist()[0]!r}. For classes use "
            "TabularClassifier."
        ) from error
    if not np.isfinite(wide).all():
        raise ValueError("The targets hold numbers that are not finite: leave those rows out.")
    return wide
