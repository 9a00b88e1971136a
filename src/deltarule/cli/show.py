"""``deltarule show``: the facts of the catalogue, and what a function looks like."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

import numpy as np

import deltarule
from deltarule.cli.output import UsageError, print_json
from deltarule.cli.plot import draw, side_by_side

_DOMAINS = {
    "real": "any number",
    "non_negative": "at least 0",
    "positive": "above 0",
    "unit_interval": "from 0 to 1",
    "optional_unit_interval": "from 0 to 1, or not given",
}
_LINKS = {
    "identity": "the prediction itself",
    "sigmoid": "sigmoid, merged into the loss",
    "softmax": "softmax, merged into the loss",
}
_TARGETS = {
    "real": "real numbers",
    "unit_interval": "numbers from 0 to 1",
    "classes": "classes, or the probabilities of each class",
}
_SHAPES = {"elementwise": "element by element", "rowwise": "of a whole row"}
_READS = {"nothing": "nothing", "x": "the input x", "y": "the output y"}
_PLOT_REACH = 4.0  # from -4 to 4, where activations bend
_PLOT_POINTS = 321


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "show",
        help="look up activations and losses",
        description="Show the facts and the graph of an activation or a loss, or list them all.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as gelu, swish or huber")
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Show one function, or list all."""
    if arguments.name is None:
        _show_all(arguments.json)
        return
    kind, function = _find(arguments.name)
    if arguments.json:
        print_json({"type": kind, **function.facts})
        return
    print(f"{function.name}: {kind}, {_SHAPES[function.facts['kind']]}")
    lines = _activation_lines if kind == "activation" else _loss_lines
    facts = [*lines(function), *_common_lines(function.facts)]
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        print(f"  {label:<{width}}  {text}")
    if _can_print_braille():
        print()
        print(_graphs(kind, function))


def _find(name: str) -> tuple[str, Any]:
    kinds: dict[str, Any] = {"activation": deltarule.activations, "loss": deltarule.losses}
    for kind, catalogue in kinds.items():
        if name in catalogue:
            return kind, catalogue[name]
    known = [*deltarule.activations, *deltarule.losses]
    known += [a for c in kinds.values() for f in c.values() for a in f.facts["aliases"]]
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.55)
    hint = f"did you mean {' or '.join(close)}?" if close else "deltarule show lists them all."
    raise UsageError(f"There is no activation or loss named {name!r}: {hint}")


def _show_all(as_json: bool) -> None:
    catalogues: dict[str, Any] = {"activations": deltarule.activations, "losses": deltarule.losses}
    if as_json:
        print_json({kind: [f.facts for f in c.values()] for kind, c in catalogues.items()})
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


def _activation_lines(f: Any) -> list[tuple[str, str]]:
    facts = f.facts
    low, high = facts["range"]
    lines = [
        ("Formula", f.formula),
        ("Derivative", facts["derivative"] or "a matrix: see jacobian and vjp"),
        ("Reads", f"the derivative is computed from {_READS[facts['slope_reads']]}"),
        ("Range", f"from {low:.6g} to {high:.6g} at the default parameters"),
    ]
    for at, slope in facts["kinks"]:
        lines.append(("Kink", f"at {at}, where the derivative is taken as {slope}"))
    if facts["slope_root"] is not None:
        lines.append(("Turns", f"the derivative changes sign at {facts['slope_root']}"))
    if facts["kind"] == "rowwise":
        return lines
    rises = "never falls" if facts["monotone"] else "rises and falls"
    symmetry = {"odd": ", odd: f(-x) = -f(x)", "even": ", even: f(-x) = f(x)", "none": ""}
    lines.append(("Shape", rises + symmetry[facts["symmetry"]]))
    sides = [s for s, flat in zip(("-inf", "+inf"), facts["saturates"], strict=True) if flat]
    saturates = f"as x -> {' and '.join(sides)} (the derivative goes to 0)" if sides else "nowhere"
    return [*lines, ("Saturates", saturates)]


def _loss_lines(f: Any) -> list[tuple[str, str]]:
    facts = f.facts
    return [
        ("Formula", f.formula),
        ("Gradient", f.gradient_formula),
        ("Of", "the raw prediction z and the target t"),
        ("Link", _LINKS[facts["link"]]),
        ("Targets", _TARGETS[facts["targets"]]),
    ]


def _common_lines(facts: Any) -> list[tuple[str, str]]:
    lines = [("Parameter", _parameter(*parameter)) for parameter in facts["parameters"]]
    scale = f"; {facts['error_scale']}" if facts.get("error_scale") else ""
    for dtype in ("float32", "float64"):
        value, slope = facts[f"ulp_{dtype}"]
        errors = f"value within {value:g} ulp, derivative within {slope:g}{scale}"
        lines.append((f"In {dtype}", errors))
    if facts["aliases"]:
        lines.append(("Also named", ", ".join(facts["aliases"])))
    return [*lines, ("Source", facts["source"])]


def _parameter(name: str, default: float | None, domain: str) -> str:
    given = "not given" if default is None else f"{default:g}"
    return f"{name}, {_DOMAINS[domain]}; default {given}"


def _can_print_braille() -> bool:
    try:
        "⠿".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _graphs(kind: str, function: Any) -> str:
    x = np.linspace(-_PLOT_REACH, _PLOT_REACH, _PLOT_POINTS)
    if kind == "activation":
        title, slope_title, *values = _activation_values(function, x)
    else:
        title, slope_title, *values = _loss_values(function, x)
    return side_by_side(draw(x, values[0], title), draw(x, values[1], slope_title))


def _activation_values(f: Any, x: Any) -> tuple[str, str, Any, Any]:
    if f.elementwise:
        return "f(x)", "f'(x)", f(x), f.derivative(x)
    rows = np.column_stack([x, np.zeros_like(x)])
    return "first of f([x, 0])", "its slope in x", f(rows)[:, 0], f.jacobian(rows)[:, 0, 0]


def _loss_values(loss: Any, z: Any) -> tuple[str, str, Any, Any]:
    """Evaluate the loss of one row at a time, as some reduce only by the mean."""
    if loss.elementwise:
        target = 1.0 if loss.facts["targets"] == "unit_interval" else 0.0
        pairs = [loss.value_and_gradient([one], [target]) for one in z]
        name = f"loss at t = {target:g}"
    else:
        pairs = [loss.value_and_gradient([[one, 0.0]], [0]) for one in z]
        name = "loss of [z, 0], class 0"
    slopes = np.array([np.ravel(gradient)[0] for _, gradient in pairs])
    return name, "its slope in z", np.array([value for value, _ in pairs]), slopes
