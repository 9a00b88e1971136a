"""Write errors.json: the worst error of each row over the probes, on every instruction set.

    python tests/record_errors.py

A test fails when an error grows beyond its record; run this only after a kernel got better, or
worse for a reason that the commit gives.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def measure() -> dict[str, dict[str, list[float]]]:
    import accuracy
    import row_accuracy

    found: dict[str, dict[str, list[float]]] = {}
    for dtype in accuracy.DTYPES:
        for f in accuracy.ELEMENTWISE:
            worst = accuracy.activation_errors(f, dtype, accuracy.points(f, dtype))
            found.setdefault(f.name, {})[dtype.__name__] = worst.ulp
        for f in accuracy.ELEMENT_LOSSES:
            worst = accuracy.loss_errors(f, dtype)
            found.setdefault("loss " + f.name, {})[dtype.__name__] = worst.ulp
        for name, ulp in row_accuracy.measure(dtype).items():
            found.setdefault(name, {})[dtype.__name__] = ulp
    return found


def main() -> None:
    if "--one" in sys.argv:
        print(json.dumps(measure()))
        return
    from deltarule import build_info

    target = HERE / "errors.json"
    kept = json.loads(target.read_text()) if target.exists() else {}
    if not target.exists():
        target.write_text("{}")
    worst: dict[str, dict[str, list[float]]] = {}
    for isa in build_info()["available_isas"]:
        command = [sys.executable, __file__, "--one"]
        done = subprocess.run(
            command,
            env={**os.environ, "DELTARULE_ISA": isa},
            stdout=subprocess.PIPE,
            check=True,
        )
        for name, by_dtype in json.loads(done.stdout).items():
            for dtype, pair in by_dtype.items():
                old = worst.setdefault(name, {}).setdefault(dtype, [0.0] * len(pair))
                worst[name][dtype] = [
                    max(a, math.ceil(b * 1e3) / 1e3) for a, b in zip(old, pair, strict=False)
                ]
    if "every float32" in kept:  # written by the exhaustive benchmark
        worst["every float32"] = kept["every float32"]
    rows = ",\n".join(f' "{k}": {json.dumps(v)}' for k, v in worst.items())
    target.write_text(f"{{\n{rows}\n}}\n")
    print(target.read_text())


if __name__ == "__main__":
    main()
