"""What the estimators for tables share: any columns in, an ensemble of RealMLPs behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_y, _num_samples, check_consistent_length

from deltarule._engine import make_net, threads_of
from deltarule._gradient import GradientProblem
from deltarule._losses import Loss
from deltarule._training import Course, Outcome, settings_of
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
    _keeps_state = False
    _functions: str  # the activation of the recipe
    _rate: float

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

    def _validate_training_data(
        self, X: ArrayLike, y: ArrayLike, weights: Any, fitted: np.dtype[Any] | None
    ) -> tuple[Rows, np.dtype[Any]]:
        """Rows of weight 0 are as good as absent: they do not say how columns are scaled either."""
        w = np.ones(1) if weights is None else np.asarray(weights)
        some = w.ndim == 1 and w.dtype.kind in "biuf" and w.any() and not w.all()
        if some and len(w) == _num_samples(X) == _num_samples(y):
            kept = np.flatnonzero(w)
            X, y, weights = _safe_indexing(X, kept), _safe_indexing(y, kept), w[kept]
        return super()._validate_training_data(X, y, weights, fitted)

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
        if folds > rows:
            raise ValueError(
                f"n_members={folds} networks learn from all but one part of the rows each, and X "
                f"has {rows} rows: choose fewer, or set early_stopping=False."
            )
        for k, withheld in enumerate(self._folds(data.y, folds, random)):
            np.asarray(data.x)[withheld, -1] = k + 1
        return Parts(data, None, data)

    def _folds(self, y: Array, folds: int, random: np.random.RandomState) -> list[Array]:
        """The rows of each fold, at random."""
        return np.array_split(random.permutation(len(y)), folds)

    def _learned(self, outcome: Outcome, parts: Parts) -> None:
        """A category that is met later counts as the mean of those that were learned."""
        first = self.encoder_.continuous + self.encoder_.flat
        for name, table in outcome.weights.items():
            kind, _, number = name.split(".")[-2].rpartition("_")
            if kind != "embedding":
                continue
            column = first + (int(number) - 1) % len(self.encoder_.coded)
            if (np.asarray(parts.data.x)[:, column] > 0).all():
                table[0] = table[1:].mean(axis=0)

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

    # ---- training

    def _batch_rows(self, rows: int) -> int:
        return min(_chosen(self.batch_size, _recipe.BATCHES, rows), rows)

    def _settings(self, rows: int) -> dict[str, Any]:
        beta_1, beta_2 = _recipe.BETAS
        return settings_of(
            solver=self.solver,
            batch_size=self._batch_rows(rows),
            seed=self._seed,
            beta_1=beta_1,
            beta_2=beta_2,
            # the loss is the mean over the members, whose gradients are so much smaller
            epsilon=1e-8 / self._members_fitted,
            drop_last=True,
            threads=threads_of(self.n_jobs),
        )

    def _rows_of_epoch(self, rows: int) -> int:
        size = self._batch_rows(rows)
        return rows // size * size

    def _gradient_problem(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> GradientProblem:
        raise TypeError(
            f"The gradient of a {type(self).__name__} is that of its prepared rows: check a "
            "deltarule.Network of the same layers."
        )

    def _most_epochs(self) -> int:
        return self._epochs_fitted

    def _course(self, history: History, begins: int) -> Callable[[int, int], Course] | None:
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
