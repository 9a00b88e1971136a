"""``deltarule show``: the facts of the catalogue, and what a function looks like."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import Any

import deltarule
from deltarule.cli.describe import lines, title
from deltarule.cli.output import UsageError, picture, print_json, save_picture


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
    parser.add_argument(
        "--plot", metavar="FILE", type=picture, help="draw it into a picture (.png, .svg or .pdf)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Show one function, or list all."""
    if arguments.name is None:
        if arguments.plot:
            raise UsageError("--plot draws one function: name it.")
        _show_all(arguments.json)
        return
    found = _find(arguments.name, arguments.kind)
    drawn = _the_only(found, arguments.name) if arguments.plot else None
    if arguments.json:
        kind, function = found[0]
        print_json({"type": kind, **_plain(function)})
    else:
        _tell(found)
    if drawn is not None:
        save_picture(drawn.plot().figure_, arguments.plot)
        print("" if arguments.json else f"\nSaved {arguments.plot}\n", end="")


def _tell(found: list[tuple[str, Any]]) -> None:
    for i, (kind, function) in enumerate(found):
        print("\n" * bool(i) + title(kind, function))
        facts = lines(kind, function)
        width = max(len(label) for label, _ in facts)
        for label, text in facts:
            print(f"  {label:<{width}}  {text}")
        if _can_print_braille():
            display = _display(kind, function, orders=(0, 1))
            print(f"\n{display}\n" if display else "", end="")


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


def _display(kind: str, function: Any, **options: Any) -> Any:
    """Its curves; None where it has none: of several arrays, or with random numbers."""
    from deltarule.displays import FunctionDisplay, LossDisplay

    if "operands" in function.facts or function.name == "gumbel_softmax":
        return None
    if kind == "activation":
        return FunctionDisplay.from_activation(function, **options)
    return LossDisplay.from_loss(function)


def _the_only(found: list[tuple[str, Any]], name: str) -> Any:
    """The curves of the one function of that name, for a picture."""
    if len(found) > 1:
        raise UsageError(
            f"There are an activation and a loss named {name!r}, and one is drawn: pass --kind."
        )
    display = _display(*found[0])
    if display is None:
        raise UsageError(
            f"{name} takes several arrays or draws random numbers, so it has no curve to draw."
        )
    return display
