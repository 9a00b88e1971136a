"""Fitted estimators as plain data and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule._activation_kinds import Activation
from deltarule._activations import activation
from deltarule._catalogue import Function
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._engine import NETS
from deltarule._losses import loss
from deltarule.plan import Dense, Plan
from deltarule.vitals import History

_SCALARS = ("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "n_features_in_")


def describe(estimator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model file holds of an estimator."""
    metadata = {
        "estimator": type(estimator).__name__,
        "parameters": {k: _plain(v) for k, v in estimator.get_params(deep=False).items()},
        "plan": estimator._plan.to_record(),
        "fitted": {name: _plain(getattr(estimator, name)) for name in _SCALARS},
    }
    if hasattr(estimator, "feature_names_in_"):
        metadata["feature_names"] = [str(name) for name in estimator.feature_names_in_]
    if hasattr(estimator, "classes_"):
        classes = estimator.classes_
        metadata["classes"] = {"kind": classes.dtype.kind, "values": classes.tolist()}
        metadata["multilabel"] = estimator._multilabel
    elif hasattr(estimator, "_flat"):
        metadata["flat"] = estimator._flat
    arrays = {f"history.{k}": v for k, v in estimator.history_.as_arrays().items()}
    for i, (w, b) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        arrays[f"coefs.{i}"], arrays[f"intercepts.{i}"] = w, b
    return metadata, arrays


def restore(cls: type, metadata: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """The estimator a model file describes."""
    parameters = {k: _rich(v) for k, v in metadata["parameters"].items()}
    estimator = cls(**parameters)
    estimator._plan = Plan.from_record(metadata["plan"])
    for name in _SCALARS:
        setattr(estimator, name, metadata["fitted"][name])
    if "feature_names" in metadata:
        estimator.feature_names_in_ = np.array(metadata["feature_names"], dtype=object)
    if "classes" in metadata:
        kind = metadata["classes"]["kind"]
        dtype = {"O": object, "U": np.str_, "i": np.int64, "u": np.uint64, "b": np.bool_}
        values = metadata["classes"]["values"]
        estimator.classes_ = np.array(values, dtype=dtype.get(kind, np.float64))
        estimator._multilabel = metadata["multilabel"]
    if "flat" in metadata:
        estimator._flat = metadata["flat"]
    estimator.coefs_, estimator.intercepts_ = _weights(estimator._plan, arrays)
    history = {k.removeprefix("history."): v for k, v in arrays.items() if k.startswith("history.")}
    estimator.history_ = History.from_arrays(history)
    estimator.loss_curve_ = estimator.history_.loss.tolist()
    stopped = estimator.early_stopping
    scores = estimator.history_.validation_score.tolist()
    estimator.validation_scores_ = scores if stopped else None
    estimator._name_outputs()
    return estimator


def _weights(plan: Plan, arrays: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The weights, checked against the plan before anything of its size is made."""
    coefs: list[Any] = []
    intercepts: list[Any] = []
    inputs = plan.inputs
    for i, units in enumerate(layer.units for layer in plan.layers if isinstance(layer, Dense)):
        w, b = arrays.get(f"coefs.{i}"), arrays.get(f"intercepts.{i}")
        if w is None or b is None:
            raise ValueError(f"The record lacks the weights or the biases of layer {i}.")
        if w.shape != (inputs, units) or b.shape != (units,):
            raise ValueError(
                f"The plan of the record has {inputs} x {units} weights in layer {i}; its arrays "
                f"are {w.shape} and {b.shape}."
            )
        if w.dtype not in NETS or b.dtype != w.dtype:
            raise ValueError(f"The weights of layer {i} are {w.dtype} and {b.dtype}.")
        coefs.append(w)
        intercepts.append(b)
        inputs = units
    return coefs, intercepts


def _plain(value: Any) -> Any:
    if isinstance(value, Function):
        return _plain_function(value)
    if isinstance(value, tuple):
        return {"tuple": [_plain(v) for v in value]}
    if isinstance(value, list | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.random.RandomState):
        return None  # a generator has no value that could be written down
    return value


def _plain_function(f: Function) -> dict[str, Any]:
    if isinstance(f, CustomActivation | CustomLoss):
        return {f"own_{f.own_kind}": f.to_record()}
    kind = "activation" if isinstance(f, Activation) else "loss"
    return {kind: f.name, "parameters": dict(f.parameters)}


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_rich(v) for v in value["tuple"])
    if isinstance(value, dict):
        return _rich_function(value)
    if isinstance(value, list):
        return [_rich(v) for v in value]
    return value


def _rich_function(record: dict[str, Any]) -> Any:
    if "own_activation" in record:
        return CustomActivation.from_record(record["own_activation"])
    if "own_loss" in record:
        return CustomLoss.from_record(record["own_loss"])
    if "activation" in record:
        return activation(record["activation"], **record["parameters"])
    if "loss" in record:
        return loss(record["loss"], **record["parameters"])
    return record
