"""Whole programs: from the start of the interpreter to a trained net, imports and data included.

What a program keeps on disk between runs counts as there: numba's and torch.compile's compiled
code, the pages of the files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import numpy as np
from apart import BENCH, Options, selected
from records import Table
from training import PEERS

BATCH, EPOCHS = 128, 10
PROGRAM = Path(__file__).with_name("mnist_program.py")


def save_arrays(source: Path, folder: Path) -> None:
    from deltarule.datasets import load_mnist

    X, y, X_test, y_test = load_mnist(source)
    arrays = {"X": X / np.float32(255), "X_test": X_test / np.float32(255)}
    arrays |= {"y": y.astype(np.int64), "y_test": y_test.astype(np.int64)}
    for name, a in arrays.items():
        np.save(folder / f"{name}.npy", a)


class Program:
    """Runs the program of one peer; remembers what it printed."""

    def __init__(self, peer: str, folder: Path, threads: int) -> None:
        settings = [str(x) for x in (peer, folder, BATCH, EPOCHS, threads)]
        self.command = [sys.executable, str(PROGRAM), *settings]
        self.peer, self.accuracy = peer, ""

    def __call__(self) -> float:
        start = time.perf_counter()
        done = subprocess.run(self.command, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
        self.accuracy = done.stdout.strip().splitlines()[-1]
        return wall


def that_run(programs: dict[str, Program]) -> dict[str, Program]:
    """Those that run here; also fills their caches."""
    found = {}
    for name, program in programs.items():
        try:
            program()
            found[name] = program
        except RuntimeError as error:
            print(f"{name} is missing ({error}); where a package is: {BENCH}.", file=sys.stderr)
    return found


def tables(options: Options) -> list[Table]:
    source = Path(options.data, "mnist")
    if not source.is_dir():
        print(f"There is no mnist/ in {options.data}, so its table is missing.")
        return []
    with tempfile.TemporaryDirectory(dir=options.scratch) as name:
        folder = Path(name)
        save_arrays(source, folder)
        peers = selected(PEERS, options)
        programs = that_run({p: Program(p, folder, options.threads) for p in peers})
        title = f"Whole process, MNIST 784-100-10, {options.words}"
        table = Table(title, "seconds", 1.0, list(programs))
        rounds = max(1, options.rounds // 2)
        table.add(f"batch {BATCH}, {EPOCHS} epochs", common.interleaved(programs, rounds))
    accuracies = {p: float(program.accuracy) for p, program in programs.items()}
    print("\nTest accuracy:", ", ".join(f"{p} {a:.2%}" for p, a in accuracies.items()))
    return [table]
