"""Does a row cost the same in a large set?  Training on 1e4 to 1e7 rows of a memory-mapped file.

Whole fits of five epochs, (64,), batch 200, 50 float32 columns; the largest file has 2 GB.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import common
import numpy as np
from apart import Options
from records import Table, rounded

SIZES = [10**4, 10**5, 10**6, 10**7]
COLUMNS, CLASSES, EPOCHS, CHUNK = 50, 10, 5, 10**5
LEAST = 10**6  # rows and epochs of one timing


def write_rows(path: Path, rows: int) -> np.ndarray:
    """Fill the file in chunks; the classes are those of a random linear map."""
    random = np.random.default_rng(0)
    matrix = random.standard_normal((COLUMNS, CLASSES), dtype=np.float32)
    X = np.lib.format.open_memmap(path, "w+", np.float32, (rows, COLUMNS))
    y = np.empty(rows, np.int64)
    for start in range(0, rows, CHUNK):
        part = slice(start, min(rows, start + CHUNK))
        chunk = random.standard_normal((part.stop - start, COLUMNS), dtype=np.float32)
        X[part], y[part] = chunk, (chunk @ matrix).argmax(1)
    X.flush()
    return y


def fit(path: Path, y: np.ndarray, rows: int) -> Callable[[], float]:
    """Seconds per row and epoch of fits on the first rows of the file."""
    from deltarule import MLPClassifier

    X = np.load(path, mmap_mode="r")[:rows]
    model = MLPClassifier((64,), batch_size=200, max_iter=EPOCHS, tol=0.0, alpha=0.0)
    fits = max(1, LEAST // (rows * EPOCHS))

    def work() -> None:
        for _ in range(fits):
            model.fit(X, y[:rows])

    return common.timed(work, fits * rows * EPOCHS)


def tables(options: Options) -> list[Table]:
    sizes = options.sizes or SIZES
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        path = Path(folder, "X.npy")
        y = write_rows(path, max(sizes))
        cases = {f"{rows:.0e} rows": fit(path, y, rows) for rows in sizes}
        times = common.interleaved(cases, max(1, options.rounds // 2))
    title = f"A row of an epoch, deltarule, (64,), batch 200, 50 columns, {options.words}"
    table = Table(title, "nanoseconds", 1e9, ["deltarule"])
    for name, seconds in times.items():
        table.add(name, {"deltarule": seconds})
    names = list(times)
    for before, after in itertools.pairwise(names):
        ratios = [a / b for a, b in zip(times[after], times[before], strict=True)]
        table.rows[after]["/ size before"] = rounded(statistics.median(ratios))
        print(f"\n{after} / {before}: {statistics.median(ratios):.3f}")
    return [table]
