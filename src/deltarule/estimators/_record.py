"""Fitted estimators as plain data and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule import schedules
from deltarule._catalogue import Function
from deltarule._engine import read_weights
from deltarule.initialisers import Initialiser
from deltarule.plan import Layer, Plan, from_record, to_record
from deltarule.vitals import History

_SCALARS = ("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "n_features_in_")


# Programs, which no file can hold: the estimator of a file has none.
_NOT_WRITTEN = ("callbacks",)


def describe(estimator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model file holds of an estimator."""
    metadata = {
        "estimator": type(estimator).__name__,
        "parameters": {
            k: _plain(v)
            for k, v in estimator.get_params(deep=False).items()
            if k not in _NOT_WRITTEN
        },
        "plan": estimator._plan.to_record(),
        "fitted": {name: _plain(getattr(estimator, name)) for name in _SCALARS},
        "seed": int(estimator._seed),  # of the first weights
    }
    if hasattr(estimator, "feature_names_in_"):
        metadata["feature_names"] = [str(name) for name in estimator.feature_names_in_]
    if hasattr(estimator, "classes_"):
        classes = estimator.classes_
        metadata["classes"] = {"kind": classes.dtype.kind, "values": classes.tolist()}
        metadata["multilabel"] = estimator._multilabel
    elif hasattr(estimator, "_flat"):
        metadata["flat"] = estimator._flat
    own, own_arrays = estimator._own_record()
    if own:
        metadata["own"] = own
    arrays = {f"own.{k}": v for k, v in own_arrays.items()}
    arrays |= {f"history.{k}": v for k, v in estimator.history_.as_arrays().items()}
    arrays |= {f"weights.{k}": v for k, v in estimator._fitted_weights().items()}
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
    own = {k.removeprefix("own."): v for k, v in arrays.items() if k.startswith("own.")}
    estimator._restore_own(metadata.get("own", {}), own)
    estimator._set_weights(read_weights(estimator._plan, arrays))
    history = {k.removeprefix("history."): v for k, v in arrays.items() if k.startswith("history.")}
    layers = tuple(node.name for node in estimator._plan.nodes)
    estimator.history_ = History.from_arrays(history, layers)
    estimator._name_history()
    estimator._seed, estimator._state = int(metadata.get("seed", 0)), None
    estimator._name_outputs()
    return estimator


def _described(value: Any) -> dict[str, Any]:
    if isinstance(value, schedules.Schedule):
        return schedules.to_record(value)
    record: dict[str, Any] = to_record(value)
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, Function | Layer | Initialiser | schedules.Schedule):
        return _described(value)
    if isinstance(value, np.random.RandomState):
        return None  # a generator has no value that could be written down
    if isinstance(value, dict):
        return {"pairs": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(v) for v in value]}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and "pairs" in value:
        return {_rich(k): _rich(v) for k, v in value["pairs"]}
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_rich(v) for v in value["tuple"])
    if isinstance(value, dict) and schedules.is_record(value):
        return schedules.from_record(value)
    if isinstance(value, dict):
        return from_record(value)
    if isinstance(value, list):
        return [_rich(v) for v in value]
    return value
