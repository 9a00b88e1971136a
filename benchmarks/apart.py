"""A table in a process of its own: libraries read the number of threads when they are imported."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import common

BENCH = "pip install 'deltarule[bench]'"


@dataclasses.dataclass
class Options:
    """What to measure; the lists are names, empty means all."""

    rounds: int
    threads: int = 1
    dtype: str = "float32"
    sets: list[str] = dataclasses.field(default_factory=list)
    nets: list[str] = dataclasses.field(default_factory=list)
    batches: list[int] = dataclasses.field(default_factory=list)
    peers: list[str] = dataclasses.field(default_factory=list)
    sizes: list[int] = dataclasses.field(default_factory=list)
    data: str = ""
    scratch: str = ""
    check: bool = False

    @property
    def words(self) -> str:
        return f"{self.dtype}, {self.threads} thread{'s' * (self.threads > 1)}"


def run(module: str, options: Options) -> list[dict[str, Any]]:
    """The tables of `module.tables(options)`, measured in a fresh process."""
    env = {**os.environ, **common.environment(options.threads)}
    env["JAX_ENABLE_X64"] = str(int(options.dtype == "float64"))
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "tables.json")
        given = json.dumps(dataclasses.asdict(options))
        subprocess.run([sys.executable, __file__, module, given, result], env=env, check=True)
        tables: list[dict[str, Any]] = json.loads(result.read_text())
    return tables


def selected(registry: dict[str, str], options: Options) -> dict[str, str]:
    """The entries to measure: all, or deltarule and the peers that were asked for."""
    return {
        name: where
        for name, where in registry.items()
        if not options.peers or name in options.peers or name.startswith("deltarule")
    }


def load(where: str) -> Any:
    """The function that a registry names as `module.function`."""
    module, function = where.split(".")
    return getattr(importlib.import_module(module), function)


class Absent:
    """Says once why a peer is not measured."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def report(self, name: str, error: Exception) -> None:
        if isinstance(error, ModuleNotFoundError):
            self.names.add(name)
            why = f"{error.name} is not installed, so {name} is missing: {BENCH}."
        else:
            reason = f"{error}".strip().splitlines() or [""]
            why = f"{name} failed here, so it is missing: {type(error).__name__}: {reason[0]}"
        print(why, file=sys.stderr, flush=True)


def main() -> None:
    module, given, result = sys.argv[1:]
    options = Options(**json.loads(given))
    common.pin(options.threads)
    warnings.simplefilter("ignore")  # the epochs are few on purpose
    tables = importlib.import_module(module).tables(options)
    Path(result).write_text(json.dumps([table.record() for table in tables]))


if __name__ == "__main__":
    main()
