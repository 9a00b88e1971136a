"""What all estimators share: plan, data, epoch loop, fitted names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from deltarule._engine import Weights, initial_weights
from deltarule._losses import Loss
from deltarule._training import Course, Outcome, warn_caller
from deltarule.estimators._callbacks import (
    KEPT_ON_FAILURE,
    CallbackSupport,
    EpochTasks,
    with_callbacks,
)
from deltarule.estimators._doctor import fit_repaired, watch
from deltarule.estimators._fitted import Fitted
from deltarule.estimators._going_on import dtype_to_go_on_with, weights_to_go_on_with
from deltarule.estimators._held_out import Parts, parts_of
from deltarule.estimators._learning import learn
from deltarule.estimators._parameters import check_estimator, settings_of_estimator
from deltarule.estimators._rates import course_of_estimator, unfinished
from deltarule.estimators._rows import (
    Array,
    Rows,
    Targets,
    require_codes,
    require_range,
)
from deltarule.layers import Ordered
from deltarule.plan import Dense, Layer, Plan
from deltarule.vitals import History


class BaseNetwork(Fitted, CallbackSupport, BaseEstimator):  # type: ignore[misc]
    """A network behind scikit-learn's interface; see the concrete estimators."""

    _doc_link_module = "deltarule"

    history_: History
    doctor: str
    _may_converge = True  # else a fit ends where its schedule ends
    _keeps_state = True  # of the optimizer, for `partial_fit`
    _least_held_out = 1  # rows from which a score can be computed
    _allows_nd = False  # whether a row may have a shape
    _plan: Plan

    def _learns_by_steps(self) -> bool:
        """Whether there is a `partial_fit`.

        Raises
        ------
        AttributeError
            If the solver needs all rows at once.
        """
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for solvers that take steps on batches, such as "
                "'adam' and 'sgd'; lbfgs needs all rows at once."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @abstractmethod
    def _hidden_layers(self) -> list[Layer]:
        """What comes before the output layer."""

    def _set_weights(self, weights: Weights) -> None:
        """Set the fitted attributes that hold weights."""
        self.weights_ = weights

    @abstractmethod
    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        """Targets for the engine, the number of outputs, and the loss that fits them."""

    @abstractmethod
    def _encode_further(self, y: Array, dtype: np.dtype[Any]) -> Targets:
        """Targets of rows that are looked at beside those to learn from."""

    @abstractmethod
    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        """Accuracy or R^2 of raw predictions."""

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        eval_set: Any = None,
    ) -> Self:
        """Train on X and y, from scratch.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n_samples, n_features)
            float32 is computed in float32, anything else in float64, unless ``dtype`` says
            otherwise.  The estimators for tables take data frames too, no sparse matrix, and
            compute in float32.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array_like, shape (n_samples,), optional
            Weights >= 0; a weight of 2 counts as the row twice.
        eval_set : tuple (X, y) or (X, y, sample_weight), optional
            Rows whose loss and score are recorded after every epoch; with ``early_stopping`` they
            decide, and no row of X is held out.  ``class_weight`` does not apply to them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used, or the loss overflows.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` epochs were not enough (the schedules of the estimators for tables end
            with them), or the loss was not finite after a best epoch.
        InterruptedFitWarning
            If Ctrl-C ended training; the estimator is fitted with the epochs done.
        DiagnosisWarning
            If the network learned nothing and the reason is plain (``doctor="watch"``).
        """
        if self.doctor == "repair":
            self._check_parameters()
            fit_repaired(self, X, y, sample_weight, eval_set)
            return self
        self._whole_or_not_at_all(X, y, sample_weight, eval_set=eval_set)
        if self.doctor == "watch":
            watch(self, X, y)
        return self

    def _whole_or_not_at_all(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        incremental: bool = False,
        eval_set: Any = None,
    ) -> None:
        """Fit; what fails leaves the estimator as it was."""
        before = dict(self.__dict__)
        try:
            self._fit(X, y, sample_weight, eval_set, incremental)
        except BaseException:
            now = self.__dict__
            before |= {name: now[name] for name in KEPT_ON_FAILURE if name in now}
            now.clear()
            now.update(before)
            raise

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        eval_set: Any,
        incremental: bool,
    ) -> None:
        self._check_parameters()
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it trains for one epoch on the "
                "rows it is given."
            )
        continues = hasattr(self, "history_") and (incremental or self.warm_start)
        before = self._fitted_weights() if continues else None
        fitted = dtype_to_go_on_with(before, self.dtype, incremental) if before else None
        data, dtype = self._validate_training_data(X, y, sample_weight, fitted)
        data = self._make_plan(data, dtype, continues)
        weights = weights_to_go_on_with(before, self._plan, dtype) if before else None
        random = check_random_state(self.random_state)
        parts = self._parts(data, eval_set, dtype, random)
        if not (incremental and continues):
            self._seed = int(random.randint(2**31 - 1))
            self._state: dict[str, Any] | None = None
        known = self.history_ if continues else History()
        history = History(list(known.epochs), known.layers)
        done = len(history), self.t_ if continues else 0
        if incremental and self._state is not None and self._state["weights"]:
            weights = self._state["weights"]  # the fitted ones are averages of them
        weights = weights or self._initial_weights(data, dtype)
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        tasks = EpochTasks(self, given, listens=not incremental)
        outcome = learn(self, parts, weights, history, tasks, incremental)
        self._learned(outcome, parts)
        if not self._keeps_state:
            self._state = None
        self._keep(outcome, self._rows_of_epoch(parts.rows), done, warns=not incremental)
        tasks.close(history, outcome.weights)

    def _make_plan(self, data: Rows, dtype: np.dtype[Any], continues: bool) -> Rows:
        """Set the plan that the data asks for; the data with encoded targets."""
        hidden = self._hidden_layers()
        targets, outputs, loss = self._encode(data.y, dtype, continues)
        self._plan = self._plan_for(data.x.shape[1:], hidden, outputs, loss)
        x = data.x.reshape(len(data.x), -1)
        require_codes(self._plan, x)
        return data._replace(targets=targets, x=x)

    def _initial_weights(self, data: Rows, dtype: np.dtype[Any]) -> Weights:
        return initial_weights(self._plan, dtype, self._seed, data.x)

    def _further_rows(
        self, dtype: np.dtype[Any], X: ArrayLike, y: ArrayLike, weights: Any = None
    ) -> Rows:
        """Rows beside those to learn from, which have set the plan."""
        rows, _ = BaseNetwork._validate_training_data(self, X, y, weights, dtype)
        x = rows.x.reshape(len(rows.x), -1)
        require_codes(self._plan, x)
        return rows._replace(targets=self._encode_further(rows.y, dtype), x=x)

    def _output_layer(self, outputs: int) -> Layer:
        return Dense(outputs, self.init)

    def _wanted_levels(self, loss: Loss) -> tuple[float, ...]:
        """The levels that are learned together; none of most losses."""
        return ()

    def _after_output(self) -> list[Layer]:
        """What computes the raw predictions from those of the output layer."""
        return []

    def _plan_for(
        self, shape: tuple[int, ...], hidden: list[Layer], outputs: int, loss: Loss
    ) -> Plan:
        """Hidden layers and the output layer."""
        inputs = shape[0] if len(shape) == 1 else shape
        levels = self._wanted_levels(loss)
        last = [self._output_layer(outputs), *self._after_output()]
        if len(levels) > 1:
            last.append(Ordered())
        plan = Plan(inputs, (*hidden, *last), loss, levels)
        if len(plan.output_shape) > 1:
            raise ValueError(
                f"The layers give {plan.output_shape[:-1]} rows of numbers per row of X, an "
                "estimator predicts one: end them with Flatten, GlobalPool or a recurrent layer "
                "that returns its last state."
            )
        if plan.outputs != outputs:
            raise ValueError(
                f"The activation of the output turns {outputs} numbers into {plan.outputs}; it "
                "must keep their number."
            )
        return plan

    def _validate_training_data(
        self, X: ArrayLike, y: ArrayLike, weights: Any, fitted: np.dtype[Any] | None
    ) -> tuple[Rows, np.dtype[Any]]:
        """The rows, and the dtype of the net; float64 rows are rounded when they are needed.

        ``fitted`` is the dtype of the net that goes on, None where one begins.
        """
        x, targets = self._read(X, y, dtype=fitted or self.dtype, reset=fitted is None)
        dtype = fitted or np.dtype(self.dtype or x.dtype)
        require_range(x, dtype)
        if weights is not None:
            if not np.asarray(weights).any():
                raise ValueError(
                    "All sample weights are zero, so there is nothing to learn from; give some "
                    "rows a weight > 0."
                )
            weights = _check_sample_weight(weights, targets, dtype=dtype, ensure_non_negative=True)
        return Rows(x, Targets(None, None), weights, targets), dtype

    def _parts(
        self, data: Rows, eval_set: Any, dtype: np.dtype[Any], random: np.random.RandomState
    ) -> Parts:
        return parts_of(self, data, eval_set, dtype, random)

    def _measured(self, net: Any, rows: Rows, threads: int) -> tuple[float, float]:
        """Loss and score of a net on rows that it does not learn from."""
        score = self._score_raw(net.predict(rows.x, threads), rows.y, rows.weights)
        return net.loss(*rows.engine(), threads), score

    def _rows_of_epoch(self, rows: int) -> int:
        return rows

    def _most_epochs(self) -> int:
        return int(self.max_iter)

    def _check_parameters(self) -> None:
        """Raise ValueError for the first parameter whose value cannot be used."""
        check_estimator(self)

    def _holds_out(self, rows: int) -> bool:
        """Whether some of so many rows are held out."""
        return bool(self.early_stopping) and self.solver != "lbfgs"

    def _settings(self, rows: int) -> dict[str, Any]:
        """What the engine is told of a training on so many rows."""
        return settings_of_estimator(self, rows, self._seed)

    def _course(self, history: History, begins: int) -> Callable[[int, int], Course] | None:
        """What changes from batch to batch of an epoch; schedules begin at one of the history."""
        return course_of_estimator(self, history, begins)

    def _strata(self, y: Array) -> Array | None:
        return None

    def _keep(self, outcome: Outcome, rows: int, done: tuple[int, int], warns: bool) -> None:
        """Set the fitted attributes; ``done``: epochs and rows seen before."""
        history = outcome.history
        self.history_ = history
        self._set_weights(outcome.weights)
        self.n_iter_ = len(history) - done[0]
        self.t_ = done[1] + rows * self.n_iter_
        self._name_history()
        self.loss_ = self.loss_curve_[-1]
        scores = [e.validation_score for e in history.epochs[done[0] :]]
        scored = any(score is not None for score in scores)
        best_loss = float(np.nanmin(history.loss))
        self.best_loss_ = None if scored and self.early_stopping else best_loss
        best = np.fmax.reduce(history.validation_score[done[0] :]) if scored else None
        self.best_validation_score_ = None if best is None else float(best)
        self._name_outputs()
        if outcome.diverged:
            warn_caller(
                f"The loss was {self.loss_} after epoch {self.n_iter_}, where training ended; the "
                "weights are those of the best epoch before. A smaller learning rate, scaled "
                "features (StandardScaler) or clipping usually help.",
                ConvergenceWarning,
            )
        ended = outcome.converged or outcome.interrupted or outcome.stopped or outcome.diverged
        if warns and self._may_converge and not ended:
            warn_caller(unfinished(self), ConvergenceWarning)

    def _learned(self, outcome: Outcome, parts: Parts) -> None:
        """Set what is learned beside the weights."""
