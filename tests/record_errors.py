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
    import numpy as np
    import probes
    import test_activations as activations
    import test_losses as losses

    found: dict[str, dict[str, list[float]]] = {}

    def note(f, dtype, *worst: list[float]) -> None:
        found.setdefault(f.name, {})[dtype.__name__] = [max(w[k] for w in worst) for k in (0, 1)]

    for dtype in activations.DTYPES:
        for f in activations.ELEMENTWISE:
            special = probes.special(dtype)
            x = np.concatenate([special[np.isfinite(special)], probes.wide(dtype, 60)])
            if f.parameters:
                x = x[np.abs(x) < np.finfo(dtype).max / 4]
            note(f, dtype, activations.errors(f, dtype, x)[0])
        for f in activations.ROWWISE:
            note(f, dtype, *(activations.row_errors(f, dtype, n)[0] for n in activations.WIDTHS))
        for f in losses.ELEMENTWISE:
            note(f, dtype, losses.element_errors(f, dtype)[0])
        for f in losses.ROWWISE:
            note(f, dtype, *(losses.row_errors(f, dtype, n)[0] for n in losses.WIDTHS))
    return found


def main() -> None:
    if "--one" in sys.argv:
        print(json.dumps(measure()))
        return
    from deltarule import build_info

    target = HERE / "errors.json"
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
                old = worst.setdefault(name, {}).setdefault(dtype, [0.0, 0.0])
                worst[name][dtype] = [
                    max(a, math.ceil(b * 1e3) / 1e3) for a, b in zip(old, pair, strict=False)
                ]
    rows = ",\n".join(f' "{k}": {json.dumps(v)}' for k, v in worst.items())
    target.write_text(f"{{\n{rows}\n}}\n")
    print(target.read_text())


if __name__ == "__main__":
    main()
