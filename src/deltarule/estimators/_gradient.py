"""The loss of a fitted estimator as a function of its weights, for a gradient check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from deltarule._gradient import GradientProblem
from deltarule.estimators._rows import validated
from deltarule.plan import Plan

Array = NDArray[Any]
Arrays = Mapping[str, Array]


def shown_names(plan: Plan) -> dict[str, str]:
    """The trained arrays of a multilayer perceptron by the names of its fitted attributes."""
    arrays = [name for name, _ in plan.parameters]
    activations = [node for node in plan.nodes if node.kind != "dense"]
    names: dict[str, str] = {}
    for kind, attribute in (("weight", "coefs_"), ("bias", "intercepts_")):
        of_kind = [name for name in arrays if name.endswith(f".{kind}")]
        names |= {name: f"{attribute}[{i}]" for i, name in enumerate(of_kind)}
    for i, node in enumerate(activations):
        for p in node.parameters:
            names[f"{node.name}.{p.name}"] = f"{node.layer.activation.name} of layer {i}"
    return names


def gradient_problem(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> GradientProblem:
    """Make the loss of a fitted estimator on some data a function of its weights.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted.
    X : array_like or sparse matrix, shape (n_samples, n_features)
        As many rows as fit into memory, for they are differentiated together.
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
    x, _ = validated(estimator, X, dtype="float64")
    x = x.reshape(len(x), -1)
    values, codes = _targets(estimator, np.asarray(y), len(x))
    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, np.empty(len(x)), dtype=np.float64)
    rows = (x, values, codes, weights)
    plan, fitted = estimator._plan, estimator._fitted_weights()
    return GradientProblem(plan, fitted, rows, estimator._shown_names())


def _targets(estimator: Any, y: Array, rows: int) -> tuple[Array | None, Array | None]:
    """Encode targets as fit did, by the classes that it met: values (n, outputs), or codes (n,)."""
    if len(y) != rows:
        raise ValueError(f"X has {rows} rows and y {len(y)}; they must be the same rows.")
    outputs = estimator._plan.outputs
    classes = getattr(estimator, "classes_", None)
    if classes is None or estimator._multilabel:
        levels = max(1, len(estimator._plan.levels))  # each has the same target
        if y.size * levels != rows * outputs:
            wanted = outputs // levels
            raise ValueError(f"y must have {wanted} numbers per row; met the shape {y.shape}.")
        values = np.repeat(y.reshape(rows, -1), levels, axis=1)
        return np.ascontiguousarray(values, dtype=np.float64), None
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
