"""``deltarule doctor``: say what keeps a network from learning a table, and repair it."""

from __future__ import annotations

import argparse
import copy
import html
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deltarule.cli import train
from deltarule.cli.output import (
    BUILT_IN_HELP,
    UsageError,
    load_mnist,
    names_a_file,
    pixel_names,
    print_json,
)

if TYPE_CHECKING:
    from deltarule.targets import Task

HEALTHY, FOUND = 0, 1  # exit status
# Options of a training, which a saved model has behind it.
_OF_TRAINING = (
    *("hidden", "activation", "solver", "batch_size", "learning_rate", "epochs", "alpha"),
    *("early_stopping", "dtype", "drop", "task", "test_fraction", "raw"),
)


@dataclass(frozen=True)
class Subject:
    """What is examined, on which rows.

    ``network`` and ``y`` are as the network learns them, ``model`` and ``shown`` as the data have
    the target; they differ where a saved network was trained on a scaled one.
    """

    data: str
    target: str
    kind: str
    model: Any
    network: Any
    X: Any
    y: Any
    shown: Any
    held_out: tuple[Any, Any]
    names: tuple[str, ...]


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "doctor",
        help="say what keeps a network from learning a table",
        description="Fit a network to a table as `deltarule train` would, or take a saved model, "
        "and say in plain words what keeps it from learning.  Exit status: 0 healthy, 1 something "
        "was found, 2 bad input.",
    )
    parser.add_argument(
        "inputs",
        metavar="[MODEL] DATA",
        nargs="+",
        help=f"a model file, if a saved one is examined; a CSV or Parquet file, or {BUILT_IN_HELP}",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column that is predicted")
    parser.add_argument("--repair", action="store_true", help="try what may help, and prove it")
    parser.add_argument(
        "--raw", action="store_true", help="leave features and target unscaled, to see what it does"
    )
    parser.add_argument("--lang", choices=["en", "zh"], default="en", help="English or Chinese")
    parser.add_argument("--html", metavar="FILE", help="write a page as well")
    train.add_data_options(parser)
    train.add_network_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    usual = {name: parser.get_default(name) for name in _OF_TRAINING}
    parser.set_defaults(run=run, usual=usual)


def run(arguments: argparse.Namespace) -> int:
    """Examine, repair where that is wanted, report."""
    import deltarule

    if len(arguments.inputs) > 2:
        raise UsageError(f"Give DATA, or MODEL and DATA, not {len(arguments.inputs)} names.")
    arguments.data = arguments.inputs[-1]
    _check_page(arguments)
    subject = _saved(arguments) if len(arguments.inputs) == 2 else _trained(arguments)
    diagnosis = deltarule.examine(
        subject.model,
        subject.X,
        subject.shown,
        *subject.held_out,
        random_state=arguments.seed,
        feature_names=subject.names,
    )
    if arguments.repair:
        held_out = subject.held_out if len(arguments.inputs) == 1 else ()
        tried = deltarule.repair(
            subject.network, subject.X, subject.y, *held_out, random_state=arguments.seed
        ).diagnosis
        diagnosis = replace(diagnosis, attempts=tried.attempts, after=tried.after)
    if arguments.html:
        _write_page(arguments, diagnosis)
    if arguments.json:
        print_json(_record(arguments, subject, diagnosis))
    else:
        print("\n\n".join(_told(arguments, subject, diagnosis)))
    return HEALTHY if diagnosis.healthy else FOUND


# ---- what is examined ---------------------------------------------------------------------------


def _trained(arguments: argparse.Namespace) -> Subject:
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
    return Subject(
        arguments.data,
        task.target,
        task.kind,
        network,
        network,
        task.X,
        y,
        y,
        (task.X_test, held_out) if len(held_out) else (None, None),
        task.preparation.inputs,
    )


def _saved(arguments: argparse.Namespace) -> Subject:
    """A network of a model file, and the rows of a table."""
    from sklearn.base import clone

    from deltarule.files import load_with_preparation

    changed = [n for n, usual in arguments.usual.items() if getattr(arguments, n) != usual]
    if changed:
        option = f"--{changed[0].replace('_', '-')}"
        raise UsageError(f"A saved model is examined as it was trained: leave out {option}.")
    path = arguments.inputs[0]
    estimator, preparation = load_with_preparation(path)
    if preparation is None:
        raise UsageError(
            f"{path} was fitted on a plain matrix and knows no columns: load it in Python with "
            "deltarule.load and give it to deltarule.examine."
        )
    classifies = hasattr(estimator, "classes_")
    kind: Task = "classification" if classifies else "regression"
    X, y, target = _rows_of(arguments, preparation, kind)
    if classifies and not np.isin(y, estimator.classes_).any():
        raise UsageError(
            f"The column {target!r} of {arguments.data} holds none of the classes that {path} "
            f"knows, such as {estimator.classes_.tolist()[0]!r}: name the column it was trained on."
        )
    model, learned = (estimator, y) if classifies else _unfolded(estimator, y)
    names = preparation.inputs
    none = (None, None)
    return Subject(
        arguments.data, target, kind, model, clone(estimator), X, learned, y, none, names
    )


def _rows_of(arguments: argparse.Namespace, preparation: Any, kind: Task) -> tuple[Any, Any, str]:
    """The matrix, the target and its name."""
    from deltarule import datasets, tables
    from deltarule.targets import read_target

    data = arguments.data
    target = arguments.target or datasets.TARGET
    if data == "mnist":
        _, _, pixels, digits = load_mnist(arguments.data_home)
        named = dict(zip(pixel_names(pixels.shape[1]), pixels.T, strict=True))
        table = tables.Table.from_arrays({**named, datasets.TARGET: digits}, "mnist")
    elif names_a_file(data):
        if arguments.target is None:
            raise UsageError(f"Which column of {data} is predicted? Name it with --target.")
        columns = (*preparation.columns, target)
        table = tables.read_table(data, keep=columns, text=preparation.texts)
    else:
        table = datasets.load_built_in(data)
    return preparation.transform(table), read_target(table, target, kind).values, target


def _unfolded(regressor: Any, y: Any) -> tuple[Any, Any]:
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


# ---- the report ---------------------------------------------------------------------------------


def _told(arguments: argparse.Namespace, subject: Subject, diagnosis: Any) -> list[str]:
    """Paragraphs for a terminal."""
    from deltarule.language import Text

    lang = arguments.lang
    name, shape = Path(subject.data).name, subject.X.shape
    heading = Text(
        f"{name}: {shape[0]:,} rows, {shape[1]:,} inputs, target {subject.target!r}",
        f"{name}：{shape[0]:,} 行，{shape[1]:,} 个输入，目标 {subject.target!r}",
    ).said(lang)
    paragraphs = [f"{heading}\n{_scores(diagnosis, subject.kind, lang)}", diagnosis.explain(lang)]
    return paragraphs


def _scores(diagnosis: Any, kind: str, lang: Any) -> str:
    from deltarule.language import Text

    names = {
        "train": Text("on rows it learned from", "在学习过的样本上"),
        "held_out": Text("on other rows", "在其他样本上"),
        "base": Text("of a constant", "常数预测"),
        "reference": Text("of plain models", "普通模型"),
    }
    scores = vars(diagnosis.case.scores)
    known = [f"{names[k].said(lang)} {v:.3f}" for k, v in scores.items() if math.isfinite(v)]
    what = Text("Accuracy", "准确率") if kind == "classification" else Text("R2", "R2")
    return f"{what.said(lang)}: {', '.join(known)}"


def _record(arguments: argparse.Namespace, subject: Subject, diagnosis: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "data": subject.data,
        "target": subject.target,
        "task": subject.kind,
        "rows": len(subject.y),
        "inputs": subject.X.shape[1],
        **diagnosis.to_record(),
    }
    if len(arguments.inputs) == 2:
        record["model"] = arguments.inputs[0]
    if arguments.html:
        record["html"] = arguments.html
    return record


# ---- the page -----------------------------------------------------------------------------------


def _check_page(arguments: argparse.Namespace) -> None:
    """Refuse, before any work is done, a page that could not be written."""
    path = arguments.html
    if path is None:
        return
    if any(os.path.realpath(path) == os.path.realpath(name) for name in arguments.inputs):
        raise UsageError(f"--html {path} would replace what is read: choose another name.")
    if Path(path).is_dir():
        raise UsageError(f"--html {path} is a folder: name a file in it.")
    if not Path(path).resolve().parent.is_dir():
        raise UsageError(f"The folder of --html {path} does not exist: make it first.")


def _write_page(arguments: argparse.Namespace, diagnosis: Any) -> None:
    from deltarule.replacing import replace_file

    lang, title = arguments.lang, html.escape(Path(arguments.data).name)
    page = _PAGE.format(lang=lang, title=title, body=diagnosis.to_html(lang))
    try:
        replace_file(arguments.html, [page.encode("utf-8")])
    except OSError as error:
        raise UsageError(
            f"The page could not be written to {arguments.html} ({error.strerror}): choose a name "
            "in a folder that is yours to write to and has space left."
        ) from error


_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
{body}
</body>
</html>
"""
