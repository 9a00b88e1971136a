"""Wall time of a fresh interpreter that imports and ends."""

from __future__ import annotations

import subprocess
import sys
import time

import common
from apart import Options
from records import Table, rounded

STATEMENTS = {
    "deltarule": "import deltarule",
    "deltarule estimators": "from deltarule import MLPClassifier",
    "numpy": "import numpy",
    "sklearn.base": "import sklearn.base",
    "sklearn.neural_network": "import sklearn.neural_network",
    "an empty program": "pass",
}


def wall(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def tables(options: Options) -> list[Table]:
    times = common.interleaved(
        {name: lambda s=s: wall(s) for name, s in STATEMENTS.items()}, options.rounds
    )
    table = Table("Import, whole process", "milliseconds", 1e3, ["median"])
    for name, seconds in times.items():
        table.add(name, {"median": seconds})
    share = common.ratio(times, "deltarule", "numpy")
    table.rows["deltarule"]["/ numpy"] = rounded(share)
    print(f"\nimport deltarule / import numpy: {share:.2f}")
    return [table]
