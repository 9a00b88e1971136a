"""``deltarule train``: fit a network to a table and save it."""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deltarule.cli import values
from deltarule.cli.output import (
    BUILT_IN_HELP,
    UsageError,
    add_data_home,
    load_mnist,
    names_a_file,
    pixel_names,
    print_json,
    require_writable,
)

if TYPE_CHECKING:
    from deltarule.preparation import Preparation
    from deltarule.tables import Table

TEST_FRACTION, VALIDATION_FRACTION = 0.2, 0.1
# The estimators' batches of 200 rows leave a small table too few steps per epoch to stop early by.
STEPS_PER_EPOCH, BATCH_SIZES = 40, (8, 200)


@dataclass(frozen=True)
class Task:
    """What is learned from what: features are float32 or float64, shape (rows, inputs)."""

    name: str
    kind: str
    target: str
    preparation: Preparation
    X: Any
    y: Any
    X_test: Any
    y_test: Any


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "train",
        help="fit a network to a table and save it",
        description="Fit a network to a table, test it on rows held out, and save it with all "
        "that is needed to predict from such tables.",
    )
    parser.add_argument("data", metavar="DATA", help=f"a CSV or Parquet file, or {BUILT_IN_HELP}")
    parser.add_argument("--target", metavar="COLUMN", help="the column to be predicted")
    add_data_options(parser)
    add_network_options(parser)
    parser.add_argument("--out", metavar="MODEL", help="the model file (default: NAME.model)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    parser.set_defaults(run=run, raw=False)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which rows and columns are learned from."""
    add_data_home(parser)
    parser.add_argument("--drop", metavar="COLUMNS", help="columns to leave out, as in id,name")
    parser.add_argument(
        "--task",
        choices=("auto", "classification", "regression"),
        default="auto",
        help="default: classification of text, truth values and up to 20 different whole numbers",
    )
    parser.add_argument(
        "--test-fraction",
        type=values.fraction,
        default=TEST_FRACTION,
        metavar="F",
        help="the share of rows held out for the final test (default: %(default)s; 0: none)",
    )
    parser.add_argument("--seed", type=values.natural, default=0, metavar="N", help="default: 0")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how a network is made and trained."""
    network = parser.add_argument_group(
        "network and training (other defaults are those of the estimators)"
    )
    network.add_argument(
        "--hidden", type=values.sizes, metavar="SIZES", help="such as 100 or 256,128, or none"
    )
    network.add_argument(
        "--activation",
        type=values.names,
        metavar="NAME",
        help="one for all hidden layers, or as many as layers, as in tanh,relu; see deltarule show",
    )
    network.add_argument("--solver", choices=("adam", "sgd"))
    network.add_argument(
        "--batch-size",
        type=values.count,
        metavar="ROWS",
        help=f"default: a fortieth of the rows, from {BATCH_SIZES[0]} to {BATCH_SIZES[1]}",
    )
    network.add_argument("--learning-rate", type=values.positive, metavar="RATE")
    network.add_argument("--epochs", type=values.count, metavar="N", help="at most so many")
    network.add_argument(
        "--alpha", type=values.non_negative, metavar="A", help="strength of the L2 penalty"
    )
    network.add_argument(
        "--early-stopping",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hold out a tenth of the training rows and stop when their score no longer rises",
    )
    network.add_argument("--dtype", choices=("float32", "float64"), default="float32")


def run(arguments: argparse.Namespace) -> None:
    """Fit, test, save, report."""
    from deltarule.files import save

    out = arguments.out or f"{_stem(arguments.data)}.model"
    require_writable("--out", out, (arguments.data,))
    task = read_task(arguments)
    if not arguments.json:
        print(_introduce(task), flush=True)
    start = time.perf_counter()
    estimator, notes = _fit(task, arguments)
    report = {
        "data": arguments.data,
        "target": task.target,
        "task": task.kind,
        "rows": {"train": len(task.y), "test": len(task.y_test)},
        "inputs": task.X.shape[1],
        "epochs": estimator.n_iter_,
        "seconds": round(time.perf_counter() - start, 3),
        "test": _scores(estimator, task) if len(task.y_test) else None,
        "model": out,
        "notes": notes,
    }
    save(estimator, out, preparation=task.preparation)
    if arguments.json:
        print_json(report)
    else:
        _print_report(report)


def _stem(data: str) -> str:
    return Path(data).name.split(".")[0] or "deltarule"


def read_task(arguments: argparse.Namespace) -> Task:
    """Read the data and prepare them; with ``raw`` nothing is scaled."""
    return _mnist(arguments) if arguments.data == "mnist" else _from_table(arguments)


def _mnist(arguments: argparse.Namespace) -> Task:
    from deltarule.datasets import TARGET
    from deltarule.preparation import Preparation

    if arguments.drop or arguments.target not in (None, TARGET) or arguments.task == "regression":
        raise UsageError("mnist has pixels and digits only: leave out --target, --drop and --task.")
    X, y, X_test, y_test = load_mnist(arguments.data_home)
    scale = 1.0 if arguments.raw else 255.0
    preparation = Preparation.constant(pixel_names(X.shape[1]), scale)
    parts = [np.divide(pixels, scale, dtype=arguments.dtype) for pixels in (X, X_test)]
    return Task("mnist", "classification", TARGET, preparation, parts[0], y, parts[1], y_test)


def _from_table(arguments: argparse.Namespace) -> Task:
    from deltarule.preparation import Preparation
    from deltarule.targets import read_target

    table, target_name = _read(arguments)
    target = read_target(table, target_name, arguments.task)
    train, test = _hold_out(target, table.rows, arguments)
    features = [name for name in table.columns if name != target_name]
    preparation = Preparation.fit(table.take(train), features)
    if arguments.raw:
        preparation = preparation.unscaled()
    X = preparation.transform(table).astype(arguments.dtype)
    y = target.values
    return Task(
        table.source, target.task, target_name, preparation, X[train], y[train], X[test], y[test]
    )


def _read(arguments: argparse.Namespace) -> tuple[Table, str]:
    from deltarule import datasets, tables

    drop = [name for name in (arguments.drop or "").split(",") if name]
    if arguments.target in drop:
        raise UsageError(
            f"The target {arguments.target!r} cannot be dropped: leave it out of --drop."
        )
    if not names_a_file(arguments.data):
        table = datasets.load_built_in(arguments.data)
        table.require(drop)
        kept = {name: column for name, column in table.columns.items() if name not in drop}
        return tables.Table(kept, table.kinds, table.source), arguments.target or datasets.TARGET
    table = tables.read_table(arguments.data, drop=drop)
    if arguments.target is None:
        raise UsageError(
            f"Which column of {arguments.data} is to be predicted? Name one of "
            f"{', '.join(list(table.columns)[:20])} with --target."
        )
    return table, arguments.target


def _hold_out(target: Any, rows: int, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Give the indices of the training and of the test rows, stratified by class."""
    labels = target.values if target.task == "classification" else None
    everything = np.arange(rows)
    train, test = everything, everything[:0]
    if arguments.test_fraction:
        from sklearn.model_selection import train_test_split

        _check_division(labels, rows, arguments.test_fraction, "test", "--test-fraction 0")
        train, test = train_test_split(
            everything,
            test_size=arguments.test_fraction,
            random_state=arguments.seed,
            stratify=labels,
        )
    if arguments.early_stopping:
        kept = None if labels is None else labels[train]
        _check_division(kept, len(train), VALIDATION_FRACTION, "validation", "--no-early-stopping")
    return train, test


def _check_division(labels: Any, rows: int, fraction: float, part: str, way_out: str) -> None:
    """Refuse to divide what is too small for both parts to be of use."""
    held_out = math.ceil(fraction * rows)
    needed = 2  # R^2 of a single row is undefined
    if labels is not None:
        classes, counts = np.unique(labels, return_counts=True)
        needed = max(needed, len(classes))
        if counts.min() < 2:
            rare = classes[counts.argmin()].item()
            raise UsageError(
                f"The class {rare!r} has one row only, where learning and the {part} part need one "
                f"each: add rows, merge it with another class, or use {way_out}."
            )
    if min(held_out, rows - held_out) < needed:
        raise UsageError(
            f"{rows:,} rows are too few to hold out a {part} part of {fraction:g} that says "
            f"something about them: add rows, or use {way_out}."
        )


def _introduce(task: Task) -> str:
    prepared = task.preparation
    parts = {"numbers": len(prepared.numbers), "text": len(prepared.texts)}
    columns = " and ".join(
        f"{count} column{'s' * (count > 1)} of {what}" for what, count in parts.items() if count
    )
    rows = f"{len(task.y):,} rows to learn from, {len(task.y_test):,} to test"
    goal = "a quantity"
    if task.kind == "classification":
        goal = f"one of {len(np.unique(task.y))} classes"
    inputs = f"{Path(task.name).name}: {columns} give {task.X.shape[1]:,} inputs"
    return f"{inputs}\nTarget {task.target!r}, {goal}: {rows}"


def _fit(task: Task, arguments: argparse.Namespace) -> tuple[Any, list[str]]:
    """Give the fitted estimator, and its warnings as sentences."""
    from deltarule import MLPClassifier, MLPRegressor

    parameters = parameters_of(arguments, len(task.y))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if task.kind == "classification":
            estimator = MLPClassifier(**parameters).fit(task.X, task.y)
        else:
            estimator = _fit_scaled(MLPRegressor(**parameters), task)
    return estimator, list(dict.fromkeys(_note(w) for w in caught))


def _note(warning: warnings.WarningMessage) -> str:
    from sklearn.exceptions import ConvergenceWarning

    if issubclass(warning.category, ConvergenceWarning):
        return "the model was still improving after the last epoch: --epochs allows more."
    return " ".join(str(warning.message).split())


def _fit_scaled(regressor: Any, task: Task) -> Any:
    """Learn the target at mean 0 and deviation 1, then give the output layer its true units.

    The step sizes of the optimizers suit outputs near 1; the losses in the history stay in scaled
    units.  All weights become float64, and with them what predicts, as the 24 bits of float32 may
    not tell apart values that differ little beside their mean.
    """
    mean, scale = scale_of(task.y)
    regressor.fit(task.X, (task.y - mean) / scale)
    regressor.coefs_ = [weights.astype(np.float64) for weights in regressor.coefs_]
    regressor.intercepts_ = [bias.astype(np.float64) for bias in regressor.intercepts_]
    regressor.coefs_[-1] *= scale
    regressor.intercepts_[-1] = regressor.intercepts_[-1] * scale + mean
    return regressor


def scale_of(y: Any) -> tuple[float, float]:
    """Mean and deviation of a target; 1 for one that varies in the test part only."""
    return float(y.mean()), float(y.std()) or 1.0


def parameters_of(arguments: argparse.Namespace, rows: int) -> dict[str, Any]:
    """The parameters of the estimator that options ask for."""
    default_size = min(max(rows // STEPS_PER_EPOCH, BATCH_SIZES[0]), BATCH_SIZES[1])
    given = {
        "hidden_layer_sizes": arguments.hidden,
        "activation": arguments.activation,
        "solver": arguments.solver,
        "batch_size": default_size if arguments.batch_size is None else arguments.batch_size,
        "learning_rate_init": arguments.learning_rate,
        "max_iter": arguments.epochs,
        "alpha": arguments.alpha,
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        "early_stopping": arguments.early_stopping,
        "validation_fraction": VALIDATION_FRACTION,
        "random_state": arguments.seed,
        "dtype": arguments.dtype,
        "verbose": not arguments.json,
    }


def _scores(estimator: Any, task: Task) -> dict[str, Any]:
    """Score the test rows, beside what the best constant guess would reach."""
    predictions = estimator.predict(task.X_test)
    if task.kind == "classification":
        labels, counts = np.unique(task.y, return_counts=True)
        usual = labels[counts.argmax()]
        return {
            "accuracy": float((predictions == task.y_test).mean()),
            "usual_class": usual.item(),
            "usual_class_accuracy": float((task.y_test == usual).mean()),
        }
    squares = ((predictions.astype(np.float64) - task.y_test) ** 2).mean()
    spread = task.y_test.var()
    return {
        "r2": 1 - float(squares / spread) if spread else math.nan,
        "rmse": float(np.sqrt(squares)),
        "deviation": float(np.sqrt(spread)),
    }


def _print_report(report: dict[str, Any]) -> None:
    for note in report["notes"]:
        print(f"Note: {note}", file=sys.stderr)
    epochs = f"{report['epochs']} epoch{'s' * (report['epochs'] != 1)}"
    print(f"Trained {epochs} in {report['seconds']:.1f} s")
    test = report["test"]
    if test is None:
        print("Not tested: no rows were held out")
    elif report["task"] == "classification":
        usual = f"always {test['usual_class']!r} would reach {test['usual_class_accuracy']:.4f}"
        print(f"Test accuracy: {test['accuracy']:.4f} ({usual})")
    else:
        spread = f"the target's standard deviation is {test['deviation']:.4g}"
        print(f"Test R2: {test['r2']:.4f}, RMSE: {test['rmse']:.4g} ({spread})")
    print(f"Saved {report['model']}")
