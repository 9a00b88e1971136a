"""``deltarule example``: the textbook's worked examples, computed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from deltarule.cli.output import UsageError, print_json

SUFFIXES = (".png", ".svg", ".pdf")


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "example",
        help="compute a worked example of the textbook",
        description="Compute a worked example of the textbook: its tables, and what they say.  "
        "Without a name, list the examples.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as one_neuron")
    parser.add_argument("--lang", choices=["en", "zh"], default="en", help="English or Chinese")
    parser.add_argument(
        "--plot", metavar="FILE", type=_picture, help="draw it to a .png, .svg or .pdf as well"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compute one example, or list all."""
    from deltarule import examples

    if arguments.name is None:
        _list(arguments)
        return
    if arguments.plot is not None:
        _require_drawing(arguments.plot)
    example = examples.run(arguments.name)
    if arguments.plot is not None:
        _draw(example, arguments.plot)
    if arguments.json:
        drawn = {} if arguments.plot is None else {"plot": str(arguments.plot)}
        print_json({**example.as_record(arguments.lang), **drawn})
        return
    print(example.as_text(arguments.lang))
    if arguments.plot is not None:
        said = examples.Text("Drawn to {path}", "图已存入 {path}")
        print("\n" + said.with_numbers(path=arguments.plot).said(arguments.lang))


def _list(arguments: argparse.Namespace) -> None:
    from deltarule import examples

    if arguments.plot is not None:
        raise UsageError("--plot belongs to one example: name it.")
    titles = {name: title.said(arguments.lang) for name, title in examples.titles().items()}
    if arguments.json:
        print_json(titles)
        return
    width = max(map(len, titles))
    for name, title in titles.items():
        print(f"{name:<{width}}  {title}")
    said = examples.Text("{verb} NAME computes one.", "{verb} NAME 计算其中一个。")
    print("\n" + said.with_numbers(verb="deltarule example").said(arguments.lang))


def _picture(text: str) -> Path:
    """Read the name of a picture."""
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"must end in {', '.join(SUFFIXES)}, not {text!r}")
    return path


def _require_drawing(path: Path) -> None:
    """Refuse a picture that could not be drawn or kept, before anything is computed."""
    from deltarule.displays.style import require_matplotlib

    require_matplotlib()
    if path.is_dir():
        raise UsageError(f"--plot {path} is a folder: name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} for --plot does not exist: make it first.")


def _draw(example: Any, path: Path) -> None:
    try:
        example.plot().savefig(path, dpi=150)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"The picture could not be written to {path}: {reason}.") from error
