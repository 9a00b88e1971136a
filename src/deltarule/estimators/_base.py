"""What all estimators share: plan, data, epoch loop, fitted names."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from deltarule._engine import (
    TRAINERS,
    Weights,
    check_codes,
    initial_weights,
    make_net,
    threads_of,
    weights_of,
)
from deltarule._gradient import GradientProblem
from deltarule._losses import Loss
from deltarule._training import Hooks, Outcome, Rules, run, settings_of
from deltarule.estimators import _record
from deltarule.estimators._frozen import Frozen
from deltarule.estimators._going_on import dtype_to_go_on_with, weights_to_go_on_with
from deltarule.estimators._gradient import gradient_problem
from deltarule.estimators._lbfgs import Problem, minimise
from deltarule.estimators._parameters import check_parameters
from deltarule.estimators._rates import Adaptive, rate_of, unfinished
from deltarule.estimators._rows import Array, Rows, Targets, accepted, require_range
from deltarule.plan import Dense, Layer, Plan
from deltarule.vitals import History


class BaseNetwork(BaseEstimator):  # type: ignore[misc]
    """A network behind scikit-learn's interface; see the concrete estimators."""

    _doc_link_module = "deltarule"

    history_: History
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
                "partial_fit is only available for solvers that take steps on batches, 'adam' and "
                "'sgd'; lbfgs needs all rows at once."
            )
        return True

    @abstractmethod
    def _hidden_layers(self) -> list[Layer]:
        """What comes before the output layer."""

    @abstractmethod
    def _set_weights(self, weights: Weights) -> None:
        """Set the fitted attributes that hold weights."""

    @abstractmethod
    def _fitted_weights(self) -> Weights:
        """The weights by name, from those attributes."""

    @abstractmethod
    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        """Targets for the engine, the number of outputs, and the loss that fits them."""

    @abstractmethod
    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        """Accuracy or R^2 of raw predictions."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on X and y, from scratch.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            float32 is computed in float32, anything else in float64, unless ``dtype`` says
            otherwise.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array_like, shape (n_samples,), optional
            Weights >= 0; a weight of 2 counts as the row twice.

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
            If ``max_iter`` epochs were not enough.
        InterruptedFitWarning
            If Ctrl-C ended training; the estimator is fitted with the epochs done.
        """
        self._whole_or_not_at_all(X, y, sample_weight, incremental=False)
        return self

    def _whole_or_not_at_all(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, incremental: bool
    ) -> None:
        """Fit; what fails leaves the estimator as it was."""
        before = dict(self.__dict__)
        try:
            self._fit(X, y, sample_weight, incremental=incremental)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, incremental: bool
    ) -> None:
        check_parameters(self)
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it trains for one epoch on the "
                "rows it is given."
            )
        continues = hasattr(self, "history_") and (incremental or self.warm_start)
        before = self._fitted_weights() if continues else None
        fitted = dtype_to_go_on_with(before, self.dtype, incremental) if before else None
        data, dtype = self._validate_training_data(X, y, sample_weight, fitted)
        hidden = self._hidden_layers()
        targets, outputs, loss = self._encode(data.y, dtype, continues)
        plan = self._plan_for(data.x.shape[1:], hidden, outputs, loss)
        data = data._replace(targets=targets, x=data.x.reshape(len(data.x), -1))
        check_codes(plan, data.x)
        weights = weights_to_go_on_with(before, plan, dtype) if before else None
        self._plan = plan
        random = check_random_state(self.random_state)
        kept, held_out = (None, None) if incremental else self._split(data, random)
        if not (incremental and continues):
            self._seed = int(random.randint(2**31 - 1))
            self._state: dict[str, Any] | None = None
        rows = len(data.x) if kept is None else len(kept)
        history = History(list(self.history_.epochs) if continues else [])
        done = len(history), self.t_ if continues else 0
        if incremental and self._state is not None and self._state["weights"]:
            weights = self._state["weights"]  # the fitted ones are averages of them
        weights = weights or initial_weights(plan, dtype, self._seed, data.x)
        if self.solver == "lbfgs":
            outcome = self._minimise(data, weights, history)
        else:
            outcome = self._train(data, kept, held_out, weights, history, incremental)
        self._keep(outcome, rows, done, warns=not incremental)

    def _output_layer(self, outputs: int) -> Layer:
        return Dense(outputs, self.init)

    def _plan_for(
        self, shape: tuple[int, ...], hidden: list[Layer], outputs: int, loss: Loss
    ) -> Plan:
        """Hidden layers and the output layer."""
        inputs = shape[0] if len(shape) == 1 else shape
        plan = Plan(inputs, (*hidden, self._output_layer(outputs)), loss)
        if len(plan.output_shape) > 1:
            raise ValueError(
                f"The layers give {plan.output_shape[:-1]} rows of numbers per row of X, an "
                "estimator predicts one: end them with Flatten, GlobalPool or a recurrent layer "
                "that returns its last state."
            )
        return plan

    def _validate_training_data(
        self, X: ArrayLike, y: ArrayLike, weights: Any, fitted: np.dtype[Any] | None
    ) -> tuple[Rows, np.dtype[Any]]:
        """The rows, and the dtype of the net; float64 rows are rounded when they are needed.

        ``fitted`` is the dtype of the net that goes on, None where one begins.
        """
        checked = validate_data(
            self,
            X,
            y,
            dtype=accepted(fitted or self.dtype),
            order="C",
            multi_output=True,
            allow_nd=self._allows_nd,
            reset=fitted is None,
        )
        x: Array = checked[0]
        dtype = fitted or np.dtype(self.dtype or x.dtype)
        require_range(x, dtype)
        if weights is not None:
            if not np.asarray(weights).any():
                raise ValueError(
                    "All sample weights are zero, so there is nothing to learn from; give some "
                    "rows a weight > 0."
                )
            weights = _check_sample_weight(weights, x, dtype=dtype, ensure_non_negative=True)
        return Rows(x, Targets(None, None), weights, checked[1]), dtype

    def _split(self, data: Rows, random: np.random.RandomState) -> tuple[Array | None, Rows | None]:
        """The rows to learn from (None: all) and a copy of the rows held out."""
        if not self.early_stopping or self.solver == "lbfgs":
            return None, None
        from sklearn.model_selection import train_test_split

        kept, out = train_test_split(
            np.arange(len(data.x), dtype=np.uint32),
            test_size=self.validation_fraction,
            random_state=random,
            stratify=self._strata(data.y),
        )
        self._check_parts(data, kept, out)
        return kept, data.take(out)

    def _check_parts(self, data: Rows, kept: Array, out: Array) -> None:
        advice = "Change validation_fraction or random_state, or set early_stopping=False."
        if len(out) < self._least_held_out:
            raise ValueError(
                f"The validation set is too small: early_stopping holds out {len(out)} of "
                f"{len(data.x)} rows. {advice}"
            )
        for part, words in ((kept, "to learn from"), (out, "held out for early_stopping")):
            if data.weights is not None and not data.weights[part].any():
                raise ValueError(f"All rows {words} have a sample weight of zero. {advice}")

    def _strata(self, y: Array) -> Array | None:
        return None

    def _minimise(self, data: Rows, weights: Weights, history: History) -> Outcome:
        """Train by L-BFGS on all rows."""
        threads = threads_of(self.n_jobs)
        problem = Problem(self._plan, weights, data.engine(), float(self.alpha), threads)
        return minimise(problem, weights, history, self.max_iter, self.max_fun, self.tol)

    def _train(
        self,
        data: Rows,
        kept: Array | None,
        held_out: Rows | None,
        weights: Weights,
        history: History,
        incremental: bool,
    ) -> Outcome:
        """Train by steps on batches; the state of the optimizer is kept for `partial_fit`."""
        plan, dtype = self._plan, next(iter(weights.values())).dtype
        net = make_net(plan, dtype, weights)
        threads = threads_of(self.n_jobs)
        settings = self._settings(len(data.x) if kept is None else len(kept), self._seed)
        trainer = TRAINERS[dtype](net, *data.engine(), settings, kept)
        if self._state is not None:
            trainer.set_state(self._state)

        def validate() -> tuple[float, float]:
            assert held_out is not None
            raw = net.predict(held_out.x, threads)
            score = self._score_raw(raw, held_out.y, held_out.weights)
            return net.loss(*held_out.engine(), threads), score

        epochs = 1 if incremental else self.max_iter
        rate = rate_of(self, history, len(data.x) if kept is None else len(kept))
        report = None
        if self.verbose:
            from deltarule.progress import EpochReport

            report = EpochReport(epochs)
        hooks = Hooks(
            None if held_out is None else validate,
            report,
            rate,
            at_rest=rate.slow_down if isinstance(rate, Adaptive) else None,
        )
        rules = Rules(len(history) + epochs, self.tol, self.n_iter_no_change)
        outcome = run(net, trainer, plan, rules, hooks, history)
        behind = weights_of(net, plan) if trainer.averages else None
        self._state = {**trainer.state(), "weights": behind}
        return outcome

    def _settings(self, rows: int, seed: int) -> dict[str, Any]:
        batch = min(200, rows) if self.batch_size == "auto" else min(int(self.batch_size), rows)
        return settings_of(
            solver=self.solver,
            batch_size=batch,
            seed=seed,
            shuffle=bool(self.shuffle),
            l2=float(self.alpha),
            learning_rate=float(self.learning_rate_init),
            momentum=float(self.momentum),
            nesterov=bool(self.nesterovs_momentum),
            beta_1=float(self.beta_1),
            beta_2=float(self.beta_2),
            epsilon=float(self.epsilon),
            threads=threads_of(self.n_jobs),
            **self._own_settings(),
        )

    def _own_settings(self) -> dict[str, Any]:
        """Settings of the engine beyond those that every estimator has."""
        return {}

    def _keep(self, outcome: Outcome, rows: int, done: tuple[int, int], warns: bool) -> None:
        """Set the fitted attributes; ``done``: epochs and rows seen before."""
        history = outcome.history
        self.history_ = history
        self._set_weights(outcome.weights)
        self.n_iter_ = len(history) - done[0]
        self.t_ = done[1] + rows * self.n_iter_
        self.loss_curve_ = history.loss.tolist()
        self.loss_ = self.loss_curve_[-1]
        scored = outcome.best_score is not None
        self.best_loss_ = None if scored else outcome.best_loss
        self.best_validation_score_ = outcome.best_score
        self.validation_scores_ = history.validation_score.tolist() if scored else None
        self._name_outputs()
        if warns and not outcome.converged and not outcome.interrupted:
            warnings.warn(unfinished(self), ConvergenceWarning, stacklevel=5)

    def _name_outputs(self) -> None:
        """The fitted attributes that follow from the plan."""
        links = {"sigmoid": "logistic"}
        self.n_outputs_ = self._plan.outputs
        self.n_layers_ = sum(node.kind == "dense" for node in self._plan.nodes) + 1
        self.out_activation_ = links.get(self._plan.loss.link, self._plan.loss.link)

    def _raw(self, X: ArrayLike) -> Array:
        """Raw predictions, shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        weights = self._fitted_weights()
        dtype = next(iter(weights.values())).dtype
        x: Array = validate_data(
            self,
            X,
            dtype=accepted(dtype),
            order="C",
            reset=False,
            allow_nd=self._allows_nd,
        )
        require_range(x, dtype)
        if x.shape[1:] != self._plan.shape:
            raise ValueError(
                f"The network was fitted on rows of the shape {self._plan.shape}; met rows of the "
                f"shape {x.shape[1:]}."
            )
        check_codes(self._plan, x.reshape(len(x), -1))
        net = make_net(self._plan, dtype, weights)
        raw: Array = net.predict(x.reshape(len(x), -1), threads_of(self.n_jobs))
        return raw

    def freeze(self) -> Frozen:
        """The fitted network as an object that only predicts: microseconds a row.

        Returns
        -------
        Frozen
            With ``predict`` and ``decision_function``; later fits do not change it.
        """
        check_is_fitted(self)
        weights = {name: w.copy() for name, w in self._fitted_weights().items()}
        classes, shape = self._predicted()
        return Frozen(self._plan, weights, classes, shape, self.n_jobs)

    @abstractmethod
    def _predicted(self) -> tuple[Array | None, str]:
        """The classes, and the kind of prediction, as `Frozen` takes them."""

    def _shown_names(self) -> dict[str, str]:
        """The trained arrays, and the names under which the fitted estimator shows them."""
        return {name: name for name, p in self._plan.parameters if p.trained}

    def _gradient_problem(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> GradientProblem:
        """The loss on some data by the weights, as `deltarule.check_gradient` asks for it."""
        return gradient_problem(self, X, y, sample_weight)

    def to_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The fitted estimator as plain data and arrays, for a model file."""
        check_is_fitted(self)
        return _record.describe(self)

    @classmethod
    def from_record(cls, metadata: dict[str, Any], arrays: dict[str, Array]) -> Self:
        """The fitted estimator that `to_record` described."""
        estimator: Self = _record.restore(cls, metadata, arrays)
        return estimator
