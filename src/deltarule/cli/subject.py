"""What ``deltarule doctor`` examines: a network that is to learn a table, or a saved one."""

from __future__ import annotations

import argparse
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deltarule.cli import train
from deltarule.cli.output import UsageError, names_a_file

if TYPE_CHECKING:
    from deltarule.targets import Task

# What `deltarule train` decided for a saved model; of options as argparse names them.
OF_TRAINING = (
    *("hidden", "activation", "solver", "batch_size", "learning_rate", "epochs", "alpha"),
    *("early_stopping", "dtype", "drop", "task", "test_fraction", "raw"),
)
_NONE = (None, None)


@dataclass(frozen=True)
class Subject:
    """What is examined, on which rows.

    Attributes
    ----------
    data, target, kind : str
        The table, the column, ``"classification"`` or ``"regression"``.
    names : tuple of str
        Of the inputs.
    model, y, held_out
        The network, perhaps behind a scaling of its target, and the target as it takes it; rows
        that it does not learn from, features and target, or twice None.
    network, learned
        An unfitted network alone, and the target as that one learns it.
    X : ndarray, shape (rows, inputs)
    """

    data: str
    target: str
    kind: str
    names: tuple[str, ...]
    X: Any
    model: Any
    y: Any
    network: Any
    learned: Any
    held_out: tuple[Any, Any] = _NONE


def of_table(arguments: argparse.Namespace) -> Subject:
    """An unfitted network and the rows it is to learn."""
    from deltarule import MLPClassifier, MLPRegressor

    task = train.read_task(arguments)
    parameters = {**train.parameters_of(arguments, len(task.y)), "verbose": False}
    y, held_out = task.y, task.y_test
    if task.kind == "classification":
        network: Any = MLPClassifier(**parameters)
    else:
        network = MLPRegressor(**parameters)
        mean, scale = (0.0, 1.0) if arguments.raw else train.scale_of(task.y)
        y, held_out = (y - mean) / scale, (held_out - mean) / scale
    others = (task.X_test, held_out) if len(held_out) else _NONE
    inputs = task.preparation.inputs
    return Subject(
        arguments.data, task.target, task.kind, inputs, task.X, network, y, network, y, others
    )


def of_model(arguments: argparse.Namespace) -> Subject:
    """A network of a model file, and the rows of a table."""
    from sklearn.base import clone

    from deltarule.files import load_with_preparation

    _refuse_options(arguments)
    estimator, preparation = load_with_preparation(arguments.model)
    if preparation is None:
        raise UsageError(
            f"{arguments.model} was fitted on a plain matrix and knows no columns: load it in "
            "Python with deltarule.load and give it to deltarule.examine."
        )
    classes = getattr(estimator, "classes_", None)
    kind: Task = "regression" if classes is None else "classification"
    X, y, target, held_out = _rows_of(arguments, preparation, kind)
    estimator.set_params(verbose=False)
    model, learned = estimator, y
    if classes is not None:
        _require_known(arguments, y, classes, target)
    elif _learned_scaled(estimator, X, y):
        model, learned = _behind_a_scaler(estimator, y)
    network = clone(estimator)
    names = preparation.inputs
    return Subject(arguments.data, target, kind, names, X, model, y, network, learned, held_out)


def _refuse_options(arguments: argparse.Namespace) -> None:
    """Options of a training that is over."""
    for name, usual in arguments.usual.items():
        given = getattr(arguments, name)
        if given != usual:
            no = "no-" if given is False else ""
            raise UsageError(
                f"A saved model is examined as it was trained: leave out --{no}"
                f"{name.replace('_', '-')}."
            )


def _rows_of(
    arguments: argparse.Namespace, preparation: Any, kind: Task
) -> tuple[Any, Any, str, tuple[Any, Any]]:
    """The matrix, the target and its name; other rows, where the data set has some."""
    from deltarule import datasets, tables
    from deltarule.targets import read_target

    data, target = arguments.data, arguments.target or datasets.TARGET
    if data == "mnist":
        task = train.read_task(arguments)
        if task.preparation.columns != preparation.columns:
            raise UsageError(f"{arguments.model} does not read the pixels of mnist: name its data.")
        return task.X, task.y, target, (task.X_test, task.y_test)
    if not names_a_file(data):
        table = datasets.load_built_in(data)
    elif arguments.target is None:
        raise UsageError(f"Which column of {data} does the model predict? Name it with --target.")
    else:
        columns = (*preparation.columns, target)
        table = tables.read_table(data, keep=columns, text=preparation.texts)
    X = preparation.transform(table)
    if kind == "regression" and table.kinds.get(target) == "text":
        raise UsageError(
            f"The column {target!r} of {data} holds text, and {arguments.model} predicts "
            "quantities: name the column that it was trained on."
        )
    return X, read_target(table, target, kind).values, target, _NONE


def _require_known(arguments: argparse.Namespace, y: Any, classes: Any, target: str) -> None:
    known = set(classes.tolist())
    strange = [label for label in np.unique(y).tolist() if label not in known]
    if strange:
        raise UsageError(
            f"The column {target!r} of {arguments.data} holds the class {strange[0]!r}, and "
            f"{arguments.model} knows only such as {classes.tolist()[0]!r}: name the column that "
            "it was trained on, or leave these rows out."
        )


def _learned_scaled(regressor: Any, X: Any, y: Any) -> bool:
    """Whether training saw the target at deviation 1: so do the losses it left."""
    from deltarule import MLPRegressor

    if type(regressor) is not MLPRegressor or regressor.loss != "squared_error":
        return False
    least = np.finfo(float).tiny
    loss = max(float(np.mean((regressor.predict(X) - y) ** 2)) / 2, least)
    left = np.log(max(regressor.loss_, least))
    return bool(abs(np.log(loss / np.var(y)) - left) < abs(np.log(loss) - left))


def _behind_a_scaler(regressor: Any, y: Any) -> tuple[Any, Any]:
    """A regressor of `deltarule train` as it learned: a scaled target, and its scaling beside it.

    `deltarule train` gives the last layer the units of the target when training is over.
    """
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(y[:, None])
    mean, scale = scaler.mean_[0], scaler.scale_[0]
    network = copy.deepcopy(regressor)
    network.coefs_[-1] = network.coefs_[-1] / scale
    network.intercepts_[-1] = (network.intercepts_[-1] - mean) / scale
    model = TransformedTargetRegressor(regressor, transformer=scaler)
    model.regressor_, model.transformer_, model._training_dim = network, scaler, 1
    return model, (y - mean) / scale
