"""What a fitted estimator offers: predictions, a frozen copy, its gradient, its record."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from deltarule._engine import Weights
from deltarule._gradient import GradientProblem
from deltarule.estimators import _record
from deltarule.estimators._frozen import Frozen
from deltarule.estimators._gradient import gradient_problem
from deltarule.estimators._ready import predict
from deltarule.estimators._rows import (
    Array,
    Features,
    require_codes,
    require_range,
    validated,
)
from deltarule.plan import Plan
from deltarule.vitals import History


class Fitted:
    """The fitted half of `BaseNetwork`."""

    history_: History
    weights_: Weights
    n_jobs: int | None
    _plan: Plan

    def _fitted_weights(self) -> Weights:
        """The weights by name, from the fitted attributes."""
        return self.weights_

    def _weight_arrays(self) -> list[Array]:
        """The same, in the engine's order."""
        return list(self._fitted_weights().values())

    def _read(
        self, X: ArrayLike, y: Any = "no_validation", *, dtype: Any, reset: bool = False
    ) -> tuple[Features, Any]:
        """Features as the engine takes them, and y, checked."""
        return validated(self, X, y, dtype=dtype, reset=reset)

    def _name_history(self) -> None:
        """The curves of the history by scikit-learn's names."""
        history = self.history_
        self.loss_curve_ = history.loss.tolist()
        held_out = any(e.validation_loss is not None for e in history.epochs)
        self.validation_scores_ = history.validation_score.tolist() if held_out else None
        self.validation_loss_curve_ = history.validation_loss.tolist() if held_out else None

    def _name_outputs(self) -> None:
        """The fitted attributes that follow from the plan."""
        links = {"sigmoid": "logistic"}
        self.n_outputs_ = self._plan.outputs
        self.n_layers_ = sum(node.kind == "dense" for node in self._plan.nodes) + 1
        self.out_activation_ = links.get(self._plan.loss.link, self._plan.loss.link)

    def _raw(self, X: ArrayLike) -> Array:
        """Raw predictions, shape (n_samples, n_outputs)."""
        if not hasattr(self, "history_"):
            check_is_fitted(self)  # which takes longer than a small network
        weights = self._weight_arrays()
        dtype = weights[0].dtype
        x, _ = self._read(X, dtype=dtype)
        require_range(x, dtype)
        if x.shape[1:] != self._plan.shape:
            raise ValueError(
                f"The network was fitted on rows of the shape {self._plan.shape}; met rows of the "
                f"shape {x.shape[1:]}."
            )
        x = x.reshape(len(x), -1)
        require_codes(self._plan, x)
        return predict(self, x, weights)

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

    def _own_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a file holds beside what all estimators have."""
        return {}, {}

    def _restore_own(self, record: dict[str, Any], arrays: dict[str, Array]) -> None:
        """Set what `_own_record` described."""

    def to_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The fitted estimator as plain data and arrays, for a model file."""
        check_is_fitted(self)
        return _record.describe(self)

    @classmethod
    def from_record(cls, metadata: dict[str, Any], arrays: dict[str, Array]) -> Self:
        """The fitted estimator that `to_record` described."""
        estimator: Self = _record.restore(cls, metadata, arrays)
        return estimator
