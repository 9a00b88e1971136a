"""Fits of the multilayer perceptrons here and in scikit-learn: python benchmarks/estimators.py.

The same parameters, data, dtype and number of threads (1); time of an epoch of a table of 10,000 x
30 with 4 classes and of digits five times (8985 x 64, 10 classes), and of whole fits with the
defaults.  Medians of interleaved rounds, ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import common
import numpy as np
import sklearn.neural_network as theirs
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import deltarule as ours

CELLS = {
    "(64,), batch 32": ((64,), 32),
    "(100,), batch 200": ((100,), 200),
    "(256, 256, 256), batch 256": ((256, 256, 256), 256),
}
EPOCHS = 5


def seconds(fit: Callable[[], Any]) -> float:
    start = time.perf_counter()
    fit()
    return time.perf_counter() - start


def epoch(cls: Any, sizes: tuple[int, ...], batch: int, X: Any, y: Any, **own: Any) -> float:
    """Of an epoch: what a longer fit takes beyond a shorter one."""
    times = [
        seconds(
            lambda n=n: cls(
                sizes, batch_size=batch, max_iter=n, tol=0.0, n_iter_no_change=1000,
                random_state=0, **own,
            ).fit(X, y)
        )
        for n in (1, 1 + EPOCHS)
    ]  # fmt: skip
    return (times[1] - times[0]) / EPOCHS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    table, classes = make_classification(10_000, 30, n_informative=20, n_classes=4, random_state=0)
    print("| net | dtype | deltarule | scikit-learn | ratio |\n|---|---|---|---|---|")
    with threadpool_limits(1):
        for dtype in (np.float32, np.float64):
            many = {
                "table": (table.astype(dtype), classes),
                "digits": (np.tile((X / 16).astype(dtype), (5, 1)), np.tile(y, 5)),
            }
            for (name, (sizes, batch)), (rows, data) in product(CELLS.items(), many.items()):
                row(f"{name}, an epoch of {rows}", dtype, rounds, {
                    "ours": lambda s=sizes, b=batch, d=data: epoch(
                        ours.MLPClassifier, s, b, *d, n_jobs=1),
                    "theirs": lambda s=sizes, b=batch, d=data: epoch(
                        theirs.MLPClassifier, s, b, *d),
                })  # fmt: skip
            once = (X / 16).astype(dtype), y
            row("defaults on digits, the fit", dtype, rounds, {
                "ours": lambda d=once: seconds(
                    lambda: ours.MLPClassifier(n_jobs=1, random_state=0).fit(*d)),
                "theirs": lambda d=once: seconds(
                    lambda: theirs.MLPClassifier(random_state=0).fit(*d)),
            })  # fmt: skip


def row(name: str, dtype: Any, rounds: int, jobs: dict[str, Callable[[], float]]) -> None:
    times = common.interleaved(jobs, rounds)
    ratio = common.ratio(times, "theirs", "ours")
    mine, other = (1e3 * float(np.median(times[k])) for k in ("ours", "theirs"))
    print(
        f"| {name} | {np.dtype(dtype)} | {mine:.3g} ms | {other:.4g} ms | {ratio:.1f} |", flush=True
    )


if __name__ == "__main__":
    main()
