"""Write src/deltarule/_signatures.pyi: what a type checker knows of every function by name.

    python tools/write_signatures.py

The stub is made from the catalogue; a test says when it is stale.
"""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Any

import deltarule as dr
from deltarule._systems import systems

TARGET = Path(__file__).parents[1] / "src" / "deltarule" / "_signatures.pyi"
HEAD = """\
# Written by tools/write_signatures.py from the catalogue.
from collections.abc import Mapping
from typing import Any, Literal, overload

from deltarule._activation_kinds import Activation, ElementwiseActivation, RowwiseActivation
from deltarule._catalogue import Catalogue
from deltarule._composite import CompositeLoss
from deltarule._custom import CustomActivation, CustomLoss
from deltarule._losses import Loss
from deltarule._stochastic import GumbelSoftmax, RandomizedRelu

Profile = Literal[{profiles}]
"""
TYPES = {"count": "int", "flag": "bool"}


def names_of(f: Any) -> list[str]:
    return [
        n for n in (f.name, *f.facts["aliases"]) if n.isidentifier() and not keyword.iskeyword(n)
    ]


def annotation(domain: str) -> str:
    return "float | None" if domain.startswith("optional") else TYPES.get(domain, "float")


def default(value: Any, domain: str) -> str:
    return repr(int(value) if domain == "count" else value)


def parameters(f: Any) -> str:
    given = [f"{n}: {annotation(d)} = {default(v, d)}" for n, v, d in f.facts["parameters"]]
    given += [f"{name}: Any = ..." for name in getattr(f, "options", {})]
    return "".join(f"        {p},\n" for p in given)


def overload(f: Any) -> str:
    literal = ", ".join(f'"{n}"' for n in (f.name, *f.facts["aliases"]))
    return (
        "    @overload\n"
        "    def __call__(\n"
        f"        self,\n        name: Literal[{literal}],\n        /,\n"
        f"        *,\n        profile: Profile | None = None,\n{parameters(f)}"
        f"    ) -> {type(f).__name__}: ...\n"
    )


def catalogue(kind: str, base: str, functions: Any) -> str:
    lines = [f"\nclass {kind}Catalogue(Catalogue[{base}]):\n"]
    lines += [f"    {n}: {type(f).__name__}\n" for f in functions for n in names_of(f)]
    return "".join(lines)


def factory(kind: str, base: str, custom: str, functions: Any) -> str:
    lines = [f"\nclass {kind}Factory:\n"]
    lines += [overload(f) for f in functions]
    lines.append(
        "    @overload\n    def __call__(\n"
        f"        self, name: str, /, *, profile: Profile | None = None\n    ) -> {base}: ...\n"
        "    @overload\n    def __call__(\n"
        f"        self, name: {base}, /, *, profile: None = None, **parameters: Any\n"
        f"    ) -> {base}: ...\n"
        "    def from_formula(\n        self,\n        formula: str,\n        /,\n        *,\n"
        "        name: str | None = None,\n"
        "        parameters: Mapping[str, float] | None = None,\n"
        f"    ) -> {custom}: ...\n"
    )
    return "".join(lines)


def text() -> str:
    profiles = ", ".join(f'"{p}"' for p in systems())
    activations, losses = dr.activations.values(), dr.losses.values()
    return "".join(
        [
            HEAD.format(profiles=profiles),
            catalogue("Activation", "Activation", activations),
            factory("Activation", "Activation", "CustomActivation", activations),
            catalogue("Loss", "Any", losses),
            factory("Loss", "Any", "CustomLoss", losses),
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"{TARGET} is written; format it with ruff.")
