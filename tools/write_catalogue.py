"""Write docs/activations.md and docs/losses.md: every function of the catalogue, from its row.

    python tools/write_catalogue.py

A test says when the pages are stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deltarule as dr
from deltarule.cli.describe import lines, title

DOCS = Path(__file__).parents[1] / "docs"
KINDS = {"activation": dr.activations, "loss": dr.losses}
HEADS = {
    "activation": """\
# Activations

Call `dr.activations.NAME(x)`; every one has `derivative`, `second_derivative`, `vjp` and `jacobian`
where they exist. Parameters are set by `dr.activation(name, parameter=value)`. `deltarule show
NAME` prints these facts with a graph.
""",
    "loss": """\
# Losses

Call `dr.losses.NAME(z, y)`, `.gradient(z, y)` or `.value_and_gradient(z, y)`; what z and y are,
each entry says. Parameters are set by `dr.loss(name, parameter=value)`. `deltarule show NAME`
prints these facts with a graph.
""",
}


def anchor(name: str) -> str:
    return f"[{name}](#{name.replace(' ', '-')})"


def entry(kind: str, f: Any) -> str:
    what = title(kind, f).partition(": ")[2].partition(", ")[2]
    out = [f"## {f.name}\n", f"{what[0].upper()}{what[1:]}.\n"]
    for label, text in lines(kind, f):
        if label == "LaTeX":
            out.append(f"$$ {text} $$\n")
    out.append("| | |\n|---|---|")
    for label, text in lines(kind, f):
        if label != "LaTeX":
            code = (
                label in ("Formula", "Derivative", "Second", "Gradient")
                and "operands" not in f.facts
            )
            shown = text.replace("|", "\\|")
            out.append(f"| {label} | {f'`{shown}`' if code else shown} |")
    return "\n".join(out) + "\n"


def page(kind: str) -> str:
    functions = KINDS[kind]
    index = ", ".join(map(anchor, functions))
    head = HEADS[kind] + f"\nThere are {len(functions)}: {index}.\n"
    note = "\n<!-- written by tools/write_catalogue.py -->\n"
    return head + note + "".join("\n" + entry(kind, f) for f in functions.values())


def pages() -> dict[Path, str]:
    names = {"activation": "activations.md", "loss": "losses.md"}
    return {DOCS / name: page(kind) for kind, name in names.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"{path} is written.")
