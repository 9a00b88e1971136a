"""Every float32 input of every element-wise activation against its float64 kernel.

    nox -s exhaustive                           all rows; about 40 minutes on two cores
    python benchmarks/exhaustive.py gelu tanh   some rows

There are 2^32 - 2^24 + 2 numbers among the float32 values, and the two infinities with them.  The
float64 kernel, whose own error the tests bound by an oracle, is right far beyond the last digit of
float32.  The worst error of each row, in ulp of value, slope and curve (in the unit that the row
states where terms cancel), is written into tests/errors.json under "every float32".
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from peers import compiled, expression, numpy_names

import deltarule as dr

ERRORS = Path(__file__).parents[1] / "tests" / "errors.json"
KEY = "every float32"
BLOCK = 1 << 17  # the arrays of a block stay in the cache
INFINITY = 0x7F800000  # the bits of +inf; NaNs are above
ORDERS = ("value", "slope", "curve")


def ulp_of(exact: Any) -> Any:
    """The unit in the last place of float32 at float64 numbers; that of the subnormals below."""
    return np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 1, -126) - 23)


def may_differ(a: Any, b: Any, least: int) -> Any:
    """Where two float32 arrays may be `least` numbers apart or more; a change of sign counts."""
    apart = np.subtract(a.view(np.int32), b.view(np.int32))
    if apart.max(initial=0) < least and apart.min(initial=0) > -least:
        return np.empty(0, np.intp)
    return np.flatnonzero((apart >= least) | (apart <= -least))


class Order:
    """One derivative order of a row: the worst error over the blocks seen."""

    def __init__(self, f: Any, order: int) -> None:
        self.call: Callable[[Any], Any] = (f, f.derivative, f.second_derivative)[order]
        self.worst, self.at = 0.0, math.nan
        scale = f.facts["scales"][order]
        self.scale = scale and compiled(expression(scale, rounded(f), "where"), numpy_names())

    def look(self, x: Any, wide: Any = None) -> None:
        got, exact = self.call(x), self.call(x.astype(np.float64) if wide is None else wide)
        nearest = exact.astype(np.float32)
        # Only what may be worse than the worst so far is judged to the last fraction.
        suspects = may_differ(got, nearest, max(1, math.floor(self.worst - 0.5)))
        if not len(suspects):
            return
        got, exact, nearest, x = got[suspects], exact[suspects], nearest[suspects], x[suspects]
        size = np.abs(exact)
        if self.scale:
            size = np.maximum(size, np.abs(self.scale(x.astype(np.float64))) / 4)
        error = np.abs(got.astype(np.float64) - exact) / ulp_of(size)
        error[got == nearest] = 0  # rounded right, infinities included
        worst = int(np.nanargmax(error)) if not np.isnan(error).all() else 0
        bad = np.isnan(error) & ~(np.isnan(got) & np.isnan(exact))
        if bad.any():
            worst, error[bad] = int(np.flatnonzero(bad)[0]), math.inf
        if error[worst] > self.worst:
            self.worst, self.at = float(error[worst]), float(x[worst])


def rounded(f: Any) -> dict[str, float | None]:
    return {k: None if v is None else float(np.float32(v)) for k, v in f.parameters.items()}


def as_in_float32(f: Any) -> Any:
    """The row with the parameters that its float32 kernel sees."""
    return f.with_parameters({k: v for k, v in rounded(f).items() if v is not None})


def row(name: str) -> tuple[str, list[float], list[float], float]:
    """Name, worst error and its place per order, seconds."""
    np.seterr(all="ignore")
    start = time.perf_counter()
    f = as_in_float32(dr.activations[name])
    orders = [Order(f, k) for k in range(3)]
    for sign in (0, 1 << 31):
        for first in range(0, INFINITY + 1, BLOCK):
            last = min(first + BLOCK, INFINITY + 1)
            x = np.arange(first + sign, last + sign, dtype=np.uint32).view(np.float32)
            x = x if f.facts["defined_above"] == -math.inf else x[x > f.facts["defined_above"]]
            wide = x.astype(np.float64)
            for order in orders:
                order.look(x, wide)
    seconds = time.perf_counter() - start
    return name, [o.worst for o in orders], [o.at for o in orders], seconds


def main() -> None:
    every = [n for n, f in dr.activations.items() if f.elementwise]
    names = sys.argv[1:] or every
    print("| row | " + " | ".join(f"{o}, ulp | at" for o in ORDERS) + " | s |\n" + "|---" * 8 + "|")
    with ProcessPoolExecutor(2) as pool:
        for name, worst, at, seconds in pool.map(row, names):
            cells = " | ".join(f"{w:.3f} | {a:.9g}" for w, a in zip(worst, at, strict=True))
            print(f"| {name} | {cells} | {seconds:.0f} |", flush=True)
            record(name, worst)


def record(name: str, worst: list[float]) -> None:
    """Put the errors of a row into errors.json, rounded up."""
    errors = json.loads(ERRORS.read_text())
    errors.setdefault(KEY, {})[name] = [math.ceil(w * 1000) / 1000 for w in worst]
    flat = {k: v for k, v in errors.items() if k != KEY}
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in flat.items()]
    rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in errors[KEY].items())
    lines.append(f' "{KEY}": {{\n{rows}\n }}')
    ERRORS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
