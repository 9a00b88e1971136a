"""Every table: python benchmarks/run.py [training inference processes rows imports].

    training    time per step of deltarule and peers by net and batch (in place of `step`)
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
import records
import training
from jobs import NETS, SETS

# The table and whether it is measured for every number of threads and every dtype.
TABLES = {
    "training": (True, True),
    "inference": (True, True),
    "processes": (True, False),
    "rows": (True, False),
    "imports": (False, False),
}
LIMITS = ("sets", "nets", "batches", "peers", "sizes")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    peers = {**training.PEERS, **inference.PEERS}
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--dtype", nargs="+", choices=["float32", "float64"], default=["float32", "float64"]
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[], help="default: digits")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=[])
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
    threads, found = thread_counts(arguments.threads), []
    names_of_tables = ["training"] if arguments.check else arguments.tables or TABLES
    for name in names_of_tables:
        by_threads, by_dtype = TABLES[name]
        counts = threads if by_threads else [1]
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
