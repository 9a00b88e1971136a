"""The facts of a function as lines for readers: a label and a text each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import deltarule

Lines = list[tuple[str, str]]

_DOMAINS = {
    "real": "any number",
    "non_negative": "at least 0",
    "positive": "above 0",
    "unit_interval": "from 0 to 1",
    "optional_unit_interval": "from 0 to 1, or not given",
    "at_least_one": "at least 1",
    "count": "a whole number of at least 1",
    "tweedie_power": "any number but 1 and 2",
    "flag": "yes or no",
}
_LINKS = {
    "identity": "the prediction itself",
    "sigmoid": "sigmoid, merged into the loss",
    "softmax": "softmax, merged into the loss",
    "exponential": "e^z, merged into the loss",
    "sign": "the sign of the score",
    "none": "none: z is what the user sees",
}
_TARGETS = {
    "real": "real numbers",
    "non_negative": "numbers of at least 0",
    "positive": "numbers above 0",
    "above_minus_one": "numbers above -1",
    "unit_interval": "numbers from 0 to 1",
    "signs": "-1 or 1",
    "classes": "classes, or the probabilities of each class",
}
_LABELS = {
    "codes": "class codes, or one-hot rows",
    "codes or rows": "class codes, or a distribution over the classes per row",
    "multi-hot": "rows of numbers from 0 to 1, one per class",
    "groups": "whole numbers that say which rows belong together",
}
_READS = {"nothing": "nothing", "x": "the input x", "y": "the output y"}
_WIDTHS = {
    "one": "one number per row",
    "half": "half as many numbers as the row",
    "twice": "twice as many numbers as the row",
    "per_pieces": "one number for every pieces numbers of the row",
}


def title(kind: str, f: Any) -> str:
    """What a function is, in a line."""
    if "operands" in f.facts:
        per = {"row": "per row", "element": "per element", "batch": "of the whole batch"}
        shape = f"one value {per[f.facts['per']]}"
    else:
        shape = {"elementwise": "element by element", "rowwise": "of a whole row"}[f.facts["kind"]]
    return f"{f.name}: {kind}, {shape}"


def lines(kind: str, f: Any) -> Lines:
    """Everything the catalogue states of a function."""
    if kind == "activation":
        own = _activation(f)
    else:
        own = _composite(f) if "operands" in f.facts else _loss(f)
    return [*own, *_parameters(f), *_errors(f), *_names(f)]


def _activation(f: Any) -> Lines:
    facts = f.facts
    if facts["kind"] == "rowwise":
        return [("Formula", f.formula), ("LaTeX", f.latex), *_row(f)]
    low, high = facts["range"]
    shown = [
        ("Formula", f.formula),
        ("LaTeX", f.latex),
        ("Derivative", facts["derivative"]),
        ("Second", facts["second_derivative"]),
        ("Reads", f"the derivative is computed from {_READS[facts['slope_reads']]}"),
        ("Range", f"from {low:.6g} to {high:.6g} at the default parameters"),
        ("Limits", _limits(f.limits)),
    ]
    for at, slope in facts["kinks"]:
        shown.append(("Kink", f"at {at}, where the derivative is taken as {slope}"))
    if facts["slope_root"] is not None:
        shown.append(("Turns", f"the derivative changes sign at {facts['slope_root']}"))
    rises = "never falls" if facts["monotone"] else "rises and falls"
    symmetry = {"odd": ", odd: f(-x) = -f(x)", "even": ", even: f(-x) = f(x)", "none": ""}
    shown.append(("Shape", rises + symmetry[facts["symmetry"]]))
    return [*shown, *_slopes(f)]


def _slopes(f: Any) -> Lines:
    sides = [s for s, flat in zip(("-inf", "+inf"), f.facts["saturates"], strict=True) if flat]
    where = f"as x -> {' and '.join(sides)} (the derivative goes to 0)" if sides else "nowhere"
    shown = [("Saturates", where), ("Steepest", f"|f'| is at most {f.facts['lipschitz']:.6g}")]
    if f.facts["trainable"]:
        shown.append(("Learns", f"{', '.join(f.parameters)}, as a layer of a network"))
    forward, backward = deltarule.init_gain(f), deltarule.init_gain(f, "backward")
    if not math.isnan(forward):
        text = f"{forward:.6g} forward, {backward:.6g} backward, for standard normal input"
        shown.append(("Init gain", text))
    return shown


def _row(f: Any) -> Lines:
    shown = [("Derivative", "a matrix: see jacobian and vjp")]
    if f.facts["width"] != "same":
        shown.append(("Result", _WIDTHS[f.facts["width"]]))
    if f.facts["axis"] != -1:
        shown.append(("Axis", f"{f.facts['axis']}, unless another is given"))
    return shown


def _limits(limits: tuple[float, float]) -> str:
    sides = [
        f"{'none' if math.isnan(value) else f'{value:.6g}'} as x -> {side}"
        for value, side in zip(limits, ("-inf", "+inf"), strict=True)
    ]
    return ", ".join(sides)


def _loss(f: Any) -> Lines:
    facts = f.facts
    shown = [("Formula", f.formula), ("LaTeX", f.latex), ("Gradient", f.gradient_formula)]
    if facts["second_derivative"]:
        shown.append(("Second", facts["second_derivative"]))
    of = f"the {facts['input']} z and the target t"
    low, high = facts["defined"]
    if (low, high) != (float("-inf"), float("inf")):
        of += f", for z from {low:g} to {high:g}"
    shown += [
        ("Of", of),
        ("Link", _LINKS[facts["link"]]),
        ("Targets", _TARGETS[facts["targets"]]),
    ]
    return [*shown, ("Kink", f"at {facts['kink']}")] if facts["kink"] else shown


def _composite(f: Any) -> Lines:
    facts = f.facts
    shown = [
        ("Formula", f.formula),
        ("LaTeX", f.latex),
        ("Gradient", f.gradient_formula),
        ("Of", f"the arrays {', '.join(facts['operands'])}"),
        ("Gradient in", ", ".join(facts["differentiable"])),
    ]
    if facts["labels"]:
        shown.append(("Labels", _LABELS[facts["labels"]]))
    return shown


def _parameters(f: Any) -> Lines:
    shown = [("Parameter", _parameter(*p)) for p in f.facts["parameters"]]
    options: Mapping[str, Any] = getattr(f, "options", {})
    return [*shown, *(("Option", f"{name}; default {value!r}") for name, value in options.items())]


def _parameter(name: str, default: Any, domain: str) -> str:
    given = "not given" if default is None else default if domain == "flag" else f"{default:g}"
    return f"{name}, {_DOMAINS[domain]}; default {given}"


def _errors(f: Any) -> Lines:
    facts = f.facts
    if "tolerance" in facts:
        value, gradient = facts["tolerance"]
        words = f"value within {value:g} eps, gradient within {gradient:g} eps of {facts['scale']}"
        return [("Error", words)]
    shown = []
    several = facts["kind"] == "elementwise"
    for dtype in ("float32", "float64"):
        value, slope, curve = facts[f"ulp_{dtype}"]
        words = f"value within {value:g} ulp, derivative within {slope:g}"
        words += f", second within {curve:g}" if several else ""
        shown.append((f"In {dtype}", words))
    orders = ("value", "derivative", "second derivative")
    for order, scale in zip(orders, facts["scales"], strict=True):
        if scale:
            shown.append(
                ("Unit", f"where terms of the {order} cancel: the ulp of a quarter of {scale}")
            )
    return [*shown, ("Unit", facts["error_scale"])] if facts["error_scale"] else shown


def _names(f: Any) -> Lines:
    aliases = f.facts["aliases"]
    shown = [("Also named", ", ".join(aliases))] if aliases else []
    elsewhere = [f"{system}: {name}" for system, name in f.native_names.items()]
    if elsewhere:
        shown.append(("Elsewhere", "; ".join(elsewhere)))
    return [*shown, ("Source", f.facts["source"])]
