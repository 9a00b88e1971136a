"""Every table: python benchmarks/run.py [training layers inference processes rows imports].

    training    time per step of deltarule and peers by net and batch (in place of `step`)
    layers      the same of nets with batch norm, dropout, recurrence, convolution (--cells)
    inference   time to predict classes by net and number of rows
    processes   MNIST from the start of the interpreter to a trained net (in place of `mnist`)
    rows        cost of a row in sets of 1e4 to 1e7 rows, memory-mapped
    imports     a fresh interpreter that imports and ends

Every table is measured in a process of its own for every number of threads and every dtype, and
printed as Markdown.  Medians of interleaved rounds; ratios are medians over the rounds of peer /
deltarule.  A whole run is recorded in benchmarks/records/VERSION.json, where it replaces the tables
it measured; a run limited to some nets, batches, peers, sets or sizes only where --json says so.

Nothing else may run on the processors in use, and there is a pause before each timing: threads that
wait by spinning otherwise slow down whoever comes next, with two threads up to a hundred times.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import apart
import common
import inference
import layers
import records
import training
from jobs import NETS, SETS

# The table, the numbers of threads it is measured for where none are asked for (none: it knows no
# threads), and whether it is measured for every dtype.
TABLES = {
    "training": ([1, 2], True),
    "layers": ([1], False),
    "inference": ([1, 2], True),
    "processes": ([1, 2], False),
    "rows": ([1, 2], False),
    "imports": ([], False),
}
CHECKED = ("training", "layers")
LIMITS = ("sets", "nets", "cells", "batches", "peers", "sizes")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    peers = {**training.PEERS, **layers.PEERS, **inference.PEERS}
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[], help="default: 1 2; for layers 1"
    )
    parser.add_argument(
        "--dtype", nargs="+", choices=["float32", "float64"], default=["float32", "float64"]
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[], help="default: digits")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=[])
    parser.add_argument("--cells", nargs="+", choices=layers.CELLS, default=[], help="of layers")
    parser.add_argument("--batches", nargs="+", type=int, default=[])
    parser.add_argument("--peers", nargs="+", choices=peers, default=[])
    parser.add_argument("--sizes", nargs="+", type=lambda s: int(float(s)), default=[])
    parser.add_argument("--json", type=Path, help="the file to record in")
    default = os.environ.get("DELTARULE_DATA", "../shared/data")
    parser.add_argument("--data", default=default, help="the folder that holds mnist/")
    parser.add_argument(
        "--scratch", default=tempfile.gettempdir(), help="where large files are put for a while"
    )
    parser.add_argument("--check", action="store_true", help="only: do all peers learn?")
    return parser.parse_args()


def thread_counts(asked: list[int]) -> list[int]:
    """Those for which there are processors."""
    for threads in asked:
        if threads > common.processors():
            print(f"Processors allowed: {common.processors()}; {threads} threads are left out.")
    return [t for t in asked if t <= common.processors()]


def measure(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    names = {f.name for f in dataclasses.fields(apart.Options)} - {"threads", "dtype"}
    settings = {name: getattr(arguments, name) for name in names}
    chosen = [t for t in arguments.tables or TABLES if t in CHECKED or not arguments.check]
    found = []
    for name in chosen:
        usual, by_dtype = TABLES[name]
        settings["nets"] = arguments.cells if name == "layers" else arguments.nets
        counts = thread_counts(arguments.threads or usual) if usual else [1]
        dtypes = arguments.dtype if by_dtype else ["float32"]
        for count, dtype in itertools.product(counts, dtypes):
            found += apart.run(name, apart.Options(threads=count, dtype=dtype, **settings))
    return found


def main() -> None:
    arguments = parse()
    from deltarule import build_info

    build = build_info()
    print(f"{common.machine()}; deltarule {build['version']}, {build['isa']}")
    found = measure(arguments)
    limited = any(getattr(arguments, name) for name in LIMITS)
    default = Path(__file__).with_name("records") / f"{build['version']}.json"
    path = arguments.json or (None if limited else default)
    if path and found:
        records.write(path, found, build)
        print(f"\nRecorded in {path}.")


if __name__ == "__main__":
    main()
