"""What the estimators for tables share: any columns in, an ensemble of RealMLPs behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_y, check_consistent_length

from deltarule._engine import Weights, make_net, threads_of
from deltarule._losses import Loss
from deltarule._training import Course, settings_of
from deltarule.estimators import _recipe
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._columns import ColumnEncoder
from deltarule.estimators._frame import read_columns
from deltarule.estimators._held_out import Parts
from deltarule.estimators._parameters import check_tabular, hidden_sizes
from deltarule.estimators._rows import Array, Features, Rows, Targets
from deltarule.layers import Layer
from deltarule.plan import Plan
from deltarule.vitals import History

_FEWEST_TO_SPLIT = 40  # rows of which some can be held out


class BaseTabular(BaseNetwork):
    """An ensemble of RealMLPs over the columns of a table; see the two concrete estimators."""

    # What other estimators have as parameters and the recipe sets.
    solver, tol = "adamw", 0.0
    warm_start, dtype, quantiles = False, "float32", None
    _may_converge = False
    _functions: str  # the activation of the recipe
    _rate: float

    weights_: Weights
    encoder_: ColumnEncoder

    def _check_parameters(self) -> None:
        check_tabular(self)

    # ---- the rows

    def _read(
        self, X: ArrayLike, y: Any = "no_validation", *, dtype: Any, reset: bool = False
    ) -> tuple[Features, Any]:
        columns = read_columns(self, X, reset=reset)
        if reset:
            self.encoder_ = ColumnEncoder.fit(columns, self.categorical_features)
            self._members_fitted = _chosen(self.n_members, _recipe.MEMBERS, columns.rows)
            self._epochs_fitted = _chosen(self.max_iter, _recipe.EPOCHS, columns.rows)
        x = self.encoder_.transform(columns, spare=int(self._members_fitted > 1))
        if isinstance(y, str) and y == "no_validation":
            return x, None
        y = _checked_targets(self, y)
        check_consistent_length(x, y)
        return x, y

    def _holds_out(self, rows: int) -> bool:
        return bool(self.early_stopping) and rows >= _FEWEST_TO_SPLIT

    # ---- the network

    def _hidden_layers(self) -> list[Layer]:
        return []

    def _plan_for(
        self, shape: tuple[int, ...], hidden: list[Layer], outputs: int, loss: Loss
    ) -> Plan:
        encoder = self.encoder_
        inputs = _recipe.Inputs(encoder.continuous, encoder.flat, encoder.cardinalities)
        body = _recipe.Body(
            hidden_sizes(self.hidden_layer_sizes),
            self._functions if self.activation is None else self.activation,
            float(self.dropout),
            float(self.weight_decay),
            bool(self.numeric_embedding),
            float(self.frequency_scale),
        )
        one = _recipe.member(inputs, body, outputs)
        self._member_plan = Plan(shape[0], tuple(one), loss)
        return Plan(shape[0], _recipe.ensemble(one, outputs, self._members_fitted, shape[0]), loss)

    def _make_plan(self, data: Rows, dtype: np.dtype[Any], continues: bool) -> Rows:
        data = super()._make_plan(data, dtype, continues)
        return data._replace(targets=self._for_members(data.targets))

    def _further_rows(
        self, dtype: np.dtype[Any], X: ArrayLike, y: ArrayLike, weights: Any = None
    ) -> Rows:
        rows = super()._further_rows(dtype, X, y, weights)
        return rows._replace(targets=self._for_members(rows.targets))

    def _for_members(self, targets: Targets) -> Targets:
        """The same targets for every member."""
        times = self._members_fitted
        if times == 1:
            return targets
        if targets.codes is not None:
            return Targets(None, np.repeat(targets.codes[:, None], times, axis=1))
        assert targets.values is not None
        return Targets(np.tile(targets.values, (1, times)), None)

    def _members(self, raw: Array) -> Array:
        """Raw predictions, shape (n, members, outputs)."""
        return raw.reshape(len(raw), self._members_fitted, -1)

    def _parts(
        self, data: Rows, eval_set: Any, dtype: np.dtype[Any], random: np.random.RandomState
    ) -> Parts:
        """One network learns from a part of the rows, members of an ensemble from all but a fold.

        The code of its fold is written into the last column of every row.
        """
        folds = self._members_fitted
        rows = len(data.x)
        if folds == 1 or eval_set is not None or not self._holds_out(rows):
            return super()._parts(data, eval_set, dtype, random)
        from sklearn.model_selection import KFold, StratifiedKFold

        strata = self._strata(data.y)
        if strata is not None and np.unique(strata, return_counts=True)[1].min() >= folds:
            parts = StratifiedKFold(folds, shuffle=True, random_state=random)
        else:
            parts = KFold(folds, shuffle=True, random_state=random)
        for k, (_, withheld) in enumerate(parts.split(np.zeros(rows), strata)):
            np.asarray(data.x)[withheld, -1] = k + 1
        return Parts(data, None, data)

    def _measured(self, net: Any, rows: Rows, threads: int) -> tuple[float, float]:
        folds = self._members_fitted
        if not self._is_folded(rows):
            return super()._measured(net, rows, threads)
        raw = self._out_of_fold(net.weights(), rows, threads)
        y = rows.targets.codes if rows.targets.values is None else rows.targets.values
        assert y is not None
        y = y[:, 0] if rows.targets.values is None else y[:, : raw.shape[1]]
        loss = float(self._plan.loss(raw, y, sample_weight=rows.weights))
        return loss, self._score_raw(np.tile(raw, (1, folds)), rows.y, rows.weights)

    def _out_of_fold(self, weights: list[Array], rows: Rows, threads: int) -> Array:
        """Of every row what the member predicts that has not learned from it."""
        x, each = np.asarray(rows.x), len(weights) // self._members_fitted
        found = np.empty((len(x), self._member_plan.outputs), x.dtype)
        net = make_net(self._member_plan, x.dtype)
        for k in range(self._members_fitted):
            fold = np.flatnonzero(x[:, -1] == k + 1)
            net.set_weights(weights[k * each : (k + 1) * each])
            found[fold] = net.predict(x[fold], threads)
        return found

    def _is_folded(self, rows: Rows) -> bool:
        """Whether every row has a member that has not learned from it."""
        return self._members_fitted > 1 and bool(np.asarray(rows.x)[0, -1] > 0)

    def _set_weights(self, weights: Weights) -> None:
        self.weights_ = weights

    def _fitted_weights(self) -> Weights:
        return self.weights_

    # ---- training

    def _settings(self, rows: int) -> dict[str, Any]:
        size = _chosen(self.batch_size, _recipe.BATCHES, rows)
        beta_1, beta_2 = _recipe.BETAS
        return settings_of(
            solver=self.solver,
            batch_size=min(size, rows),
            seed=self._seed,
            beta_1=beta_1,
            beta_2=beta_2,
            # the loss is the mean over the members, whose gradients are so much smaller
            epsilon=1e-8 / self._members_fitted,
            drop_last=True,
            threads=threads_of(self.n_jobs),
        )

    def _most_epochs(self) -> int:
        return self._epochs_fitted

    def _course(self, history: History) -> Callable[[int, int], Course] | None:
        rate = self.learning_rate_init
        top, epochs = self._rate if rate is None else float(rate), self._most_epochs()
        return lambda epoch, batches: _recipe.course(top, epochs, epoch, batches)

    def _learns_by_steps(self) -> bool:
        raise AttributeError(
            f"A {type(self).__name__} has no partial_fit: its schedules need all epochs. Use "
            "MLPClassifier or MLPRegressor."
        )

    def _name_outputs(self) -> None:
        super()._name_outputs()
        self.n_outputs_ = self._plan.outputs // self._members_fitted
        self.n_layers_ = len(hidden_sizes(self.hidden_layer_sizes)) + 2

    def freeze(self) -> Any:
        """Not for tables: what prepares a row takes longer than the check that is saved.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            f"A {type(self).__name__} prepares its rows and cannot be frozen: call predict for "
            "many rows at once, or freeze an MLPClassifier or MLPRegressor."
        )

    # ---- files

    def _own_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        record, arrays = self.encoder_.to_record()
        return {"encoder": record, "members": self._members_fitted}, dict(arrays)

    def _restore_own(self, record: dict[str, Any], arrays: dict[str, Array]) -> None:
        self.encoder_ = ColumnEncoder.from_record(record["encoder"], arrays)
        self._members_fitted = int(record["members"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _checked_targets(estimator: Any, y: Any) -> Array:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    checked: Array = _check_y(y, multi_output=True, y_numeric=False, estimator=estimator)
    return checked


def _chosen(wanted: Any, table: Any, rows: int) -> int:
    return _recipe.chosen(table, rows) if wanted == "auto" else int(wanted)
