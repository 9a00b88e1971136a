"""Classification of tables with nothing to set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deltarule._engine import threads_of
from deltarule._losses import Loss, losses
from deltarule._training import Outcome
from deltarule.estimators._calibration import log_mean_probabilities, temperature_of
from deltarule.estimators._classification import BaseClassifier
from deltarule.estimators._doc import documented
from deltarule.estimators._held_out import Parts
from deltarule.estimators._ready import predict
from deltarule.estimators._rows import Array, Targets
from deltarule.estimators._tabular import BaseTabular


@documented
class TabularClassifier(BaseTabular, BaseClassifier):
    """A strong network for tables as they are: text, categories, missing values, any scales.

    RealMLP (Holzmüller, Grinsztajn and Steinwart 2024): robust scaling and smooth clipping, waves
    of every number, learned vectors for columns of more than eight categories, a learned scale of
    every column, three hidden layers with parametric activations, and a learning rate in four
    waves.  Training is in float32.

    Parameters
    ----------
    {table}
    label_smoothing : float in [0, 1), default=0.0
        Share of the target that goes to all classes alike; 0.1 in the recipe, which is after few
        errors, 0 here, for probabilities.
    class_weight : dict, "balanced" or None, default=None
        Factors of the weights of rows by their class.
    calibrate : bool, default=True
        Divide the logits by the temperature that gives the rows held out the smallest log loss.
    {table_training}

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    temperature_ : float
        1 where it was not learned.
    {table_attributes}

    Examples
    --------
    >>> from deltarule import TabularClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=False)
    >>> clf = TabularClassifier(max_iter=32, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _functions = "selu"
    _rate = 0.04
    loss = "cross_entropy"
    temperature_: float

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
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        calibrate: bool = True,
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
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.calibrate = calibrate
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

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities, shape (n_samples, n_classes); for multilabel targets, of each label."""
        return np.asarray(np.exp(self._logs(self._raw(X))))

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithms of the probabilities, exact where the probability itself underflows."""
        return self._logs(self._raw(X))

    def _logs(self, raw: Array) -> Array:
        logits = self._members(raw).astype(np.float64) / self.temperature_
        return log_mean_probabilities(logits, self._plan.loss.link)

    def _decide(self, raw: Array) -> Array:
        logs = self._logs(raw)
        if self._multilabel:
            return np.asarray(logs > np.log(0.5)).astype(np.int64)
        return np.asarray(self.classes_[logs.argmax(axis=1)])

    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        self.temperature_ = 1.0
        return super()._encode(y, dtype, continues)

    def _loss_for(self, link: str | None, classes: int) -> Loss:
        """Softmax for two classes too, as in the recipe."""
        return losses.bce_with_logits if link == "sigmoid" else losses.softmax_cross_entropy

    def _folds(self, y: Array, folds: int, random: np.random.RandomState) -> list[Array]:
        """The rows of each fold, every class spread over them."""
        if self._multilabel:
            return super()._folds(y, folds, random)
        order = random.permutation(len(y))
        order = order[np.argsort(np.ravel(y)[order], kind="stable")]
        return [order[k::folds] for k in range(folds)]

    def _learned(self, outcome: Outcome, parts: Parts) -> None:
        """Learn the temperature from the rows held out."""
        super()._learned(outcome, parts)
        rows = parts.held_out
        if not self.calibrate or rows is None or rows.targets.codes is None:
            return
        if self._is_folded(rows):
            threads = threads_of(self.n_jobs)
            logits = self._out_of_fold(list(outcome.weights.values()), rows, threads)[:, None]
        else:
            logits = self._members(predict(self, rows.x, list(outcome.weights.values())))
        codes = rows.targets.codes.reshape(len(logits), -1)[:, 0]
        self.temperature_ = temperature_of(logits, codes, rows.weights)

    def _own_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        record, arrays = super()._own_record()
        return {**record, "temperature": self.temperature_}, arrays

    def _restore_own(self, record: dict[str, Any], arrays: dict[str, Array]) -> None:
        super()._restore_own(record, arrays)
        self.temperature_ = float(record["temperature"])
