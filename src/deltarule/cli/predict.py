"""``deltarule predict``: apply a model file to a table."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from deltarule.cli.output import (
    BUILT_IN_HELP,
    UsageError,
    add_data_home,
    load_mnist,
    names_a_file,
    pixel_names,
    print_json,
)

if TYPE_CHECKING:
    from deltarule.tables import Table

# A spreadsheet would run text that starts like this as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "predict",
        help="apply a model file to a table",
        description="Apply a model that `deltarule train` saved; the predictions are CSV.  "
        "Labels that a spreadsheet could take for a formula are prefixed with '.",
    )
    parser.add_argument("model", metavar="MODEL", help="a file written by deltarule train")
    parser.add_argument("data", metavar="DATA", help=f"a CSV or Parquet file, or {BUILT_IN_HELP}")
    parser.add_argument("--out", metavar="FILE.csv", help="write there instead of printing")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of CSV")
    add_data_home(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Predict, and print or write the predictions."""
    from deltarule.files import load_with_preparation

    for path in (arguments.model, arguments.data):
        if arguments.out and os.path.realpath(path) == os.path.realpath(arguments.out):
            raise UsageError(f"--out {arguments.out} would replace what is read: choose another.")
    estimator, preparation = load_with_preparation(arguments.model)
    if preparation is None:
        raise UsageError(
            f"{arguments.model} was fitted on a plain matrix and knows no columns: load it in "
            "Python with deltarule.load, or train it on a table with deltarule train."
        )
    if arguments.proba and not hasattr(estimator, "predict_proba"):
        raise UsageError(f"{arguments.model} predicts quantities, not classes: leave out --proba.")
    table = _read(arguments, preparation.columns, preparation.texts)
    X = preparation.transform(table)
    predictions = estimator.predict(X)
    probabilities = estimator.predict_proba(X) if arguments.proba else None
    classes = getattr(estimator, "classes_", None)
    if arguments.out or not arguments.json:
        _deliver(_as_csv(predictions, classes, probabilities), arguments)
    if arguments.json:
        _print_json(arguments, predictions, classes, probabilities)
    elif arguments.out:
        print(f"Saved {len(predictions):,} predictions to {arguments.out}")


def _read(arguments: argparse.Namespace, columns: tuple[str, ...], texts: tuple[str, ...]) -> Table:
    from deltarule import datasets, tables

    if names_a_file(arguments.data):
        return tables.read_table(arguments.data, keep=columns, text=texts)
    if arguments.data != "mnist":
        return datasets.load_built_in(arguments.data)
    _, _, X, _ = load_mnist(arguments.data_home)
    pixels = dict(zip(pixel_names(X.shape[1]), X.T, strict=True))
    return tables.Table.from_arrays(pixels, "the test images of mnist")


def _as_csv(predictions: Any, classes: Any, probabilities: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if probabilities is None:
        writer.writerow(["prediction"])
        writer.writerows([_cell(value)] for value in predictions)
        return out.getvalue()
    writer.writerow(["prediction", *(f"probability_{label}" for label in classes)])
    for value, row in zip(predictions, probabilities, strict=True):
        writer.writerow([_cell(value), *map(_cell, row)])
    return out.getvalue()


def _cell(value: Any) -> str:
    """Write a value in its shortest exact form; numbers stay numbers, whatever their sign."""
    text = str(value)
    harmful = isinstance(value, str) and text.startswith(_FORMULA_STARTS)
    return f"'{text}" if harmful else text


def _deliver(text: str, arguments: argparse.Namespace) -> None:
    from deltarule.replacing import replace_file

    if not arguments.out:
        sys.stdout.write(text)
        return
    try:
        replace_file(arguments.out, [text.encode("utf-8")])
    except OSError as error:
        raise UsageError(
            f"The predictions could not be written to {arguments.out} ({error.strerror}): choose "
            "a name in a folder that exists, is yours to write to and has space left."
        ) from error


def _print_json(
    arguments: argparse.Namespace, predictions: Any, classes: Any, probabilities: Any
) -> None:
    report: dict[str, Any] = {"model": arguments.model, "rows": len(predictions)}
    if arguments.out:
        report["out"] = arguments.out
    report["predictions"] = predictions
    if classes is not None:
        report["classes"] = classes
    if probabilities is not None:
        report["probabilities"] = np.asarray(probabilities)
    print_json(report)
