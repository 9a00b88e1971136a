"""The loss of a fitted estimator as a function of its weights, for a gradient check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from deltarule._engine import net_with_weights
from deltarule.plan import Activate, Plan

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class GradientProblem:
    """The mean loss of some rows, without the penalty, by the weights of a fitted network.

    It is computed in float64, also for a network of float32, so that differences of its values
    are sharp.
    """

    def __init__(self, plan: Plan, coefs: list[Array], intercepts: list[Array], rows: Any) -> None:
        self._plan, self._rows = plan, rows
        self._depth = len(coefs)
        self._parameters = {
            **{f"coefs_[{i}]": w.astype(np.float64) for i, w in enumerate(coefs)},
            **{f"intercepts_[{i}]": b.astype(np.float64) for i, b in enumerate(intercepts)},
            **{name: np.array(values) for name, values in _learned(plan)},
        }

    def parameters(self) -> dict[str, Array]:
        """The weights by the names of the fitted attributes, and what activations have learned."""
        return dict(self._parameters)

    def loss(self, parameters: Arrays) -> float:
        """The loss at some weights."""
        return float(self._net(parameters).loss(*self._rows))

    def loss_and_gradient(self, parameters: Arrays) -> tuple[float, dict[str, Array]]:
        """The loss at some weights, and the gradient of backpropagation by name."""
        loss, weights, learned = self._net(parameters).gradient(*self._rows)
        gradients = [w for w, _ in weights] + [b for _, b in weights] + list(learned)
        return float(loss), dict(zip(self._parameters, gradients, strict=True))

    def _net(self, parameters: Arrays) -> Any:
        arrays = [parameters[name] for name in self._parameters]
        coefs, intercepts = arrays[: self._depth], arrays[self._depth : 2 * self._depth]
        plan = self._plan.with_learned([a.tolist() for a in arrays[2 * self._depth :]])
        return net_with_weights(plan, coefs, intercepts)


def _learned(plan: Plan) -> list[tuple[str, list[float]]]:
    """The parameters of the activations that learn theirs, by layer."""
    activations = [layer.activation for layer in plan.layers if isinstance(layer, Activate)]
    return [
        (f"{f.name} of layer {i}", f.arguments)
        for i, f in enumerate(activations)
        if f.facts["trainable"]
    ]


def gradient_problem(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> GradientProblem:
    """Make the loss of a fitted estimator on some data a function of its weights.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted.
    X : array_like, shape (n_samples, n_features)
    y : array_like, shape (n_samples,) or (n_samples, n_outputs)
        Of classes that the estimator knows.
    sample_weight : array_like, shape (n_samples,), optional

    Raises
    ------
    ValueError
        If the data do not suit the estimator.
    NotFittedError
        If the estimator is not fitted.
    """
    check_is_fitted(estimator)
    x = validate_data(estimator, X, dtype=np.float64, order="C", reset=False)
    values, codes = _targets(estimator, np.asarray(y), len(x))
    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64)
    rows = (x, values, codes, weights)
    return GradientProblem(estimator._plan, estimator.coefs_, estimator.intercepts_, rows)


def _targets(estimator: Any, y: Array, rows: int) -> tuple[Array | None, Array | None]:
    """Encode targets as fit did, by the classes that it met: values (n, outputs), or codes (n,)."""
    if len(y) != rows:
        raise ValueError(f"X has {rows} rows and y {len(y)}; they must be the same rows.")
    outputs = estimator._plan.outputs
    classes = getattr(estimator, "classes_", None)
    if classes is None or estimator._multilabel:
        if y.size != rows * outputs:
            raise ValueError(f"y must have {outputs} numbers per row; met the shape {y.shape}.")
        return np.ascontiguousarray(y.reshape(rows, outputs), dtype=np.float64), None
    y = y.ravel()
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1).astype(np.int64)
    unknown = classes[codes] != y
    if unknown.any():
        raise ValueError(
            f"y holds {y[unknown][0].item()!r}, which is none of the classes that the estimator "
            "was fitted on."
        )
    if estimator._plan.loss.link == "softmax":
        return None, codes
    return codes.astype(np.float64).reshape(-1, 1), None
