"""``deltarule check``: the derivatives of the catalogue against numerical ones."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import numpy as np

import deltarule
from deltarule.cli import values
from deltarule.cli.output import UsageError, print_json
from deltarule.cli.show import _find

RIGHT, WRONG = 0, 1  # exit statuses; bad input has its own


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "check",
        help="check the derivatives of activations and losses",
        description="Compare the derivatives of an activation or a loss with numerical ones, on "
        "both sides of 0 and of every kink and in the tails; or those of all.  The exit status is "
        "1 unless all that could be compared agree.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as gelu, swish or huber")
    parser.add_argument(
        "--kind",
        choices=["activation", "loss"],
        help="which of the two, where an activation and a loss have one name",
    )
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="a parameter; repeatable"
    )
    parser.add_argument("--at", metavar="X,...", type=_numbers, help="where, for an activation")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    parser.add_argument("--rtol", metavar="R", type=values.positive, help="relative error to allow")
    parser.add_argument("--seed", metavar="N", type=values.natural, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check one function, or all; give the exit status."""
    if arguments.name is None:
        if arguments.param or arguments.at is not None:
            raise UsageError("--param and --at belong to one function: name it.")
        return _check_all(arguments)
    found = _find(arguments.name, arguments.kind)
    reports = [_check(_with_parameters(f, arguments.param), arguments) for _, f in found]
    if arguments.json:
        print_json(_plain(reports[0]))
        return _status(reports[:1])
    print("\n\n".join(map(str, reports)))
    return _status(reports)


def _check(function: Any, arguments: argparse.Namespace) -> Any:
    options = {"rtol": arguments.rtol, "seed": arguments.seed}
    if arguments.at is None:
        return deltarule.check_gradient(function, dtype=arguments.dtype, **options)
    if not hasattr(function, "derivative"):
        raise UsageError(f"{function.name} is a loss, of two arrays: --at is for activations.")
    x = np.array(arguments.at, dtype=arguments.dtype)
    return deltarule.check_gradient(function, x, **options)


def _check_all(arguments: argparse.Namespace) -> int:
    """Check the whole catalogue, a line for each function."""
    kinds: dict[str, Any] = {"activation": deltarule.activations, "loss": deltarule.losses}
    chosen = [f for kind, c in kinds.items() if arguments.kind in (None, kind) for f in c.values()]
    width = max(len(f.name) for f in chosen)
    reports: dict[str, Any] = {}
    for f in chosen:
        try:
            report = _check(f, arguments)
        except ValueError as error:  # no default places
            if not arguments.json:
                print(f"{'-':<9}  {f.name:<{width}}  {error}")
            continue
        reports[repr(f)] = report
        if not arguments.json:
            print(f"{report.verdict:<9}  {f.name:<{width}}  {_counts(report)}")
    if arguments.json:
        print_json({name: _plain(report) for name, report in reports.items()})
    return _status(list(reports.values()))


def _counts(report: Any) -> str:
    parts = [f"{report.checked:,} derivatives compared"]
    if report.failed:
        parts.append(f"{report.failed:,} wrong, the worst {report.worst.place}")
    if report.undecided:
        parts.append(f"{report.undecided:,} undecided")
    for reason in ("kink", "jump", "edge", "undefined"):
        count = sum(skipped.reason == reason for skipped in report.skipped)
        if count:
            parts.append(f"{count:,} skipped ({reason})")
    return ", ".join(parts)


def _status(reports: list[Any]) -> int:
    return RIGHT if all(report.passed for report in reports) else WRONG


def _plain(report: Any) -> dict[str, Any]:
    counts = ("verdict", "passed", "checked", "failed", "undecided")
    return {**{name: getattr(report, name) for name in counts}, **asdict(report)}


def _with_parameters(function: Any, assignments: list[str]) -> Any:
    try:
        return function.with_parameters(dict(map(_assignment, assignments)))
    except TypeError as error:
        raise UsageError(str(error)) from error


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--param takes NAME=VALUE, such as alpha=0.5; met {text!r}.")
    words = {"none": None, "true": True, "false": False}
    if value.lower() in words:
        return name, words[value.lower()]
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _numbers(text: str) -> list[float]:
    """Read numbers between commas."""
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be numbers such as -1,0,2.5, not {text!r}"
        ) from None
