"""``deltarule show``: the facts of the catalogue, and what a function looks like."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

import numpy as np

import deltarule
from deltarule.cli.describe import lines, title
from deltarule.cli.output import UsageError, print_json
from deltarule.displays.text import draw, side_by_side

_PLOT_REACH = 4.0  # from -4 to 4, where activations bend
_PLOT_POINTS = 321
_EXAMPLE_TARGET = {"real": 0.0, "above_minus_one": 0.0}  # of the graph; else 1


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "show",
        help="look up activations and losses",
        description="Show the facts and the graph of an activation or a loss, or list them all.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as gelu, swish or huber")
    parser.add_argument(
        "--kind",
        choices=["activation", "loss"],
        help="which of the two, where an activation and a loss have one name",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Show one function, or list all."""
    if arguments.name is None:
        _show_all(arguments.json)
        return
    found = _find(arguments.name, arguments.kind)
    if arguments.json:
        kind, function = found[0]
        print_json({"type": kind, **_plain(function)})
        return
    for i, (kind, function) in enumerate(found):
        print("\n" * bool(i) + title(kind, function))
        facts = lines(kind, function)
        width = max(len(label) for label, _ in facts)
        for label, text in facts:
            print(f"  {label:<{width}}  {text}")
        if _can_print_braille():
            graphs = _graphs(kind, function)
            print(f"\n{graphs}" if graphs else "", end="\n" * bool(graphs))


def _find(name: str, wanted: str | None) -> list[tuple[str, Any]]:
    """The functions of that name by kind: an activation and a loss may share it."""
    kinds: dict[str, Any] = {"activation": deltarule.activations, "loss": deltarule.losses}
    found = [(k, c[name]) for k, c in kinds.items() if name in c and wanted in (None, k)]
    if found:
        return found
    searched = {k: c for k, c in kinds.items() if wanted in (None, k)}
    for kind, catalogue in searched.items():
        _refuse_ambiguous(kind, catalogue, name)
    missing = f"There is no {wanted or 'activation or loss'} named {name!r}"
    for kind, catalogue in kinds.items():
        if name in catalogue:  # of the kind that is not wanted
            article = "an" if kind == "activation" else "a"
            raise UsageError(f"{missing}: it is {article} {kind}; pass --kind {kind}.")
    known = [n for c in searched.values() for n in c]
    known += [a for c in searched.values() for f in c.values() for a in f.facts["aliases"]]
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.55)
    hint = f"did you mean {' or '.join(close)}?" if close else "deltarule show lists them all."
    raise UsageError(f"{missing}: {hint}")


def _refuse_ambiguous(kind: str, catalogue: Any, name: str) -> None:
    """Raise what the catalogue says of a name that systems use for different functions."""
    try:
        catalogue[name]
    except ValueError as error:
        if not str(error).startswith(f"There is no {kind}"):
            raise UsageError(str(error)) from None


def _plain(function: Any) -> dict[str, Any]:
    """The facts as JSON holds them."""
    return {key: value for key, value in function.facts.items() if key != "record"}


def _show_all(as_json: bool) -> None:
    catalogues: dict[str, Any] = {"activations": deltarule.activations, "losses": deltarule.losses}
    if as_json:
        print_json({kind: [_plain(f) for f in c.values()] for kind, c in catalogues.items()})
        return
    width = max(len(name) for catalogue in catalogues.values() for name in catalogue)
    for kind, catalogue in catalogues.items():
        print(kind.upper())
        for name, function in catalogue.items():
            aliases = ", ".join(function.facts["aliases"])
            also = f"  (also {aliases})" if aliases else ""
            print(f"  {name:<{width}}  {function.formula}{also}")
        print()
    print("deltarule show NAME tells more.")


def _can_print_braille() -> bool:
    try:
        "⠿".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _graphs(kind: str, function: Any) -> str:
    """The function and its slope side by side; nothing for a function of several arrays."""
    if "operands" in function.facts or function.name == "gumbel_softmax":
        return ""
    values = _activation_values if kind == "activation" else _loss_values
    x, name, slope_name, y, slope = values(function)
    return side_by_side(draw(x, y, name), draw(x, slope, slope_name))


def _grid(low: float, high: float) -> Any:
    x = np.linspace(-_PLOT_REACH, _PLOT_REACH, _PLOT_POINTS)
    return x[(x > low) & (x < high)]


def _activation_values(f: Any) -> tuple[Any, str, str, Any, Any]:
    x = _grid(f.facts["defined_above"], np.inf)
    if f.elementwise:
        return x, "f(x)", "f'(x)", f(x), f.derivative(x)
    other = 1.0 if f.facts["width"] == "half" else 0.0  # half of the row multiplies the other
    rows = np.column_stack([x, np.full_like(x, other)])
    y = f(rows, axis=-1).reshape(len(x), -1)[:, 0]
    return x, f"first of f([x, {other:g}])", "its slope in x", y, f.jacobian(rows)[:, 0, 0]


def _loss_values(loss: Any) -> tuple[Any, str, str, Any, Any]:
    """Evaluate the loss of one row at a time, as some reduce only by the mean."""
    z = _grid(*loss.facts["defined"])
    if loss.elementwise:
        target = _EXAMPLE_TARGET.get(loss.facts["targets"], 1.0)
        pairs = [loss.value_and_gradient([one], [target]) for one in z]
        name = f"loss at t = {target:g}"
    else:
        pairs = [loss.value_and_gradient([[one, 0.0]], [0]) for one in z]
        name = "loss of [z, 0], class 0"
    slopes = np.array([np.ravel(gradient)[0] for _, gradient in pairs])
    return z, name, "its slope in z", np.array([value for value, _ in pairs]), slopes
