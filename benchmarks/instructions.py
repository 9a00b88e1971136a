"""Instructions per training step by valgrind: python benchmarks/instructions.py [--record].

Times move with what else a machine does; counts do not.  A few fixed trainings on one thread run
for few and for more epochs, and the difference is divided by the steps in it, so that nothing but
the epochs counts.  Valgrind knows no AVX-512, so the kernels of AVX2 are counted.  Fails where a
count is more than 3 % above the recorded one of the same compiler.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RECORD = Path(__file__).with_name("records") / "instructions.json"
TOLERANCE = 0.03
CELLS = {
    "(64,), batch 32, adam": ([64], 32, "relu", "adam"),
    "(100,), batch 200, sgd": ([100], 200, "tanh", "sgd"),
    "(256, 256), batch 200, adam": ([256, 256], 200, "gelu", "adam"),
}
ISA = "avx2"
# Threads that wait by spinning would be counted.
QUIET = {"PYTHONHASHSEED": "0", "DELTARULE_ISA": ISA}
QUIET |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
ROWS, INPUTS, CLASSES, EPOCHS = 800, 64, 10, (1, 3)
PROGRAM = f"""
import json, sys
import numpy as np
import deltarule as dr
from deltarule._engine import TRAINERS, initial_weights, make_net
from deltarule._training import settings_of
from deltarule.plan import Activation, Dense, Plan
(widths, batch, activation, solver), epochs = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
x = rng.random(({ROWS}, {INPUTS}), np.float32)
layers = []
for width in widths:
    layers += [Dense(width), Activation(dr.activation(activation))]
plan = Plan({INPUTS}, (*layers, Dense({CLASSES})), dr.losses.softmax_cross_entropy)
net = make_net(plan, x.dtype, initial_weights(plan, x.dtype, 0))
settings = settings_of(solver=solver, batch_size=batch, seed=0, shuffle=True, l2=1e-4, threads=1,
                learning_rate=1e-3, momentum=0.9, nesterov=True, beta_1=0.9, beta_2=0.999,
                epsilon=1e-8)
y = rng.integers(0, {CLASSES}, {ROWS})
trainer = TRAINERS[x.dtype](net, x, None, y, None, settings)
for _ in range(epochs):
    trainer.epoch()
"""


def counted(cell: Sequence[object], epochs: int) -> int:
    """The instructions of the whole program."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"),
                *(sys.executable, "-c", PROGRAM, json.dumps([cell, epochs])),
            ],
            env={**os.environ, **QUIET},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise RuntimeError(f"The counted program failed:\n{done.stderr[-2000:]}")
    return int(found[1])


def count_all() -> dict[str, int]:
    """Instructions per step by cell."""
    jobs = [(cell, epochs) for cell in CELLS.values() for epochs in EPOCHS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(lambda job: counted(*job), jobs))
    result = {}
    for name, few, more in zip(CELLS, counts[::2], counts[1::2], strict=True):
        steps = (EPOCHS[1] - EPOCHS[0]) * -(-ROWS // CELLS[name][1])
        result[name] = round((more - few) / steps)
    return result


def compiler() -> str:
    import deltarule

    return f"{deltarule.build_info()['compiler']}, {ISA}"


def report(counts: dict[str, int], recorded: dict[str, int]) -> bool:
    """Print the counts; whether none grew too much."""
    fine = True
    print("| instructions per step | counted | recorded | change |\n|---|---|---|---|")
    for name, count in counts.items():
        before = recorded.get(name)
        change = "" if before is None else f"{count / before - 1:+.2%}"
        print(f"| {name} | {count} | {before or 'nothing'} | {change} |")
        fine = fine and (before is None or count <= before * (1 + TOLERANCE))
    return fine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="keep the counts as the new record")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind counts the instructions and is not installed: apt-get install valgrind.")
    records = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    counts = count_all()
    fine = report(counts, records.get(compiler(), {}))
    if arguments.record:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps({**records, compiler(): counts}, indent=1) + "\n")
    elif compiler() not in records:
        print(f"There is no record of {compiler()}; `--record` makes one.")
    elif not fine:
        sys.exit("A step costs more than 3 % more instructions than recorded.")


if __name__ == "__main__":
    main()
