"""Every table: python benchmarks/run.py [step] [mnist] [imports] [--rounds N] [--json FILE].

`--data DIR` is the folder that holds mnist/ (default: $DELTARULE_DATA or ../shared/data).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import common
import numpy as np


def step(rounds: int, data: Path) -> list[dict[str, Any]]:
    """Time per optimizer step on digits, hidden (64,), batch 32, Adam, float32, one thread."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier as Sklearn

    from deltarule import MLPClassifier

    X, y = load_digits(return_X_y=True)
    X, epochs, batch = np.ascontiguousarray(X / 16, dtype=np.float32), 20, 32
    steps = -(-len(X) // batch) * epochs
    settings = {"hidden_layer_sizes": (64,), "batch_size": batch, "max_iter": epochs, "tol": 0.0}
    cases = {
        "deltarule": common.timed(lambda: MLPClassifier(**settings).fit(X, y), steps),
        "scikit-learn": common.timed(lambda: Sklearn(**settings).fit(X, y), steps),
    }
    try:
        from jax_scan import make_epoch
    except ImportError:
        print("JAX is not installed, so its column is missing: pip install 'deltarule[bench]'.")
    else:
        epoch, jax_steps = make_epoch(X, y, (64,), batch)

        def train() -> None:
            for _ in range(epochs):
                epoch()

        cases["JAX, jitted lax.scan"] = common.timed(train, jax_steps * epochs)
    times = common.interleaved(cases, rounds)
    return [common.table("Training step: digits, (64,), batch 32, Adam, float32", times, "us", 1e6)]


def mnist(rounds: int, data: Path) -> list[dict[str, Any]]:
    """784-100-10 on all 60,000 rows: 10 epochs of batch 200, then the accuracy after 20."""
    from sklearn.neural_network import MLPClassifier as Sklearn

    from deltarule import MLPClassifier, datasets

    if not (data / "mnist").is_dir():
        print(f"There is no mnist/ in {data}, so its table is missing.")
        return []
    X, y, X_test, y_test = datasets.load_mnist(data / "mnist")
    X, X_test = X / np.float32(255), X_test / np.float32(255)
    settings = {"hidden_layer_sizes": (100,), "max_iter": 10, "tol": 0.0, "random_state": 0}
    cases = {
        "deltarule": common.timed(lambda: MLPClassifier(**settings).fit(X, y)),
        "scikit-learn": common.timed(lambda: Sklearn(**settings).fit(X, y)),
    }
    times = common.interleaved(cases, max(1, rounds // 7))
    record = common.table("MNIST 784-100-10, 10 epochs, batch 200, float32", times, "s", 1)
    scores = [
        MLPClassifier(max_iter=20, tol=0.0, random_state=seed).fit(X, y).score(X_test, y_test)
        for seed in range(3)
    ]
    record["accuracy"] = scores
    print(f"\nTest accuracy after 20 epochs, seeds 0-2: {', '.join(f'{s:.2%}' for s in scores)}")
    return [record]


def imports(rounds: int, data: Path) -> list[dict[str, Any]]:
    """Wall time of a fresh interpreter that imports and ends, less that of an empty one."""

    def wall(statement: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return time.perf_counter() - start

    cases = {
        "deltarule": lambda: wall("import deltarule"),
        "numpy": lambda: wall("import numpy"),
        "deltarule estimators": lambda: wall("from deltarule import MLPClassifier"),
        "sklearn.base": lambda: wall("import sklearn.base"),
        "sklearn.neural_network": lambda: wall("import sklearn.neural_network"),
        "an empty program": lambda: wall("pass"),
    }
    times = common.interleaved(cases, rounds)
    record = common.table("Import, whole process", times, "ms", 1e3)
    share = statistics.median(
        a / b for a, b in zip(times["deltarule"], times["numpy"], strict=True)
    )
    record["deltarule / numpy"] = share
    print(f"\nimport deltarule / import numpy: {share:.2f}")
    return [record]


TABLES = {"step": step, "mnist": mnist, "imports": imports}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the records to this file")
    default = os.environ.get("DELTARULE_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    common.pin()
    from deltarule import build_info

    head = {"machine": common.machine(), "deltarule": build_info()}
    print(f"{head['machine']}; deltarule {build_info()['version']}, {build_info()['isa']}")
    records = [
        r
        for name in arguments.tables or TABLES
        for r in TABLES[name](arguments.rounds, arguments.data)
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps({**head, "tables": records}, indent=1) + "\n")


if __name__ == "__main__":
    main()
