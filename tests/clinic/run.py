"""The clinic: who is named, and how often the healthy are alarmed.

    python tests/clinic/run.py [--half tune|unseen|both] [--seeds 3] [--fault CODE ...] [-v]

The patients of every fault alternate between the two halves; thresholds are set on "tune".
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from patient import Patient

import deltarule as dr

warnings.simplefilter("ignore")


def patients(half: str) -> Iterator[Patient]:
    seen: dict[str, int] = defaultdict(int)
    for path in sorted(Path(__file__).parent.glob("patients_*.py")):
        for patient in importlib.import_module(path.stem).PATIENTS:
            own = ("tune", "unseen")[seen[patient.fault] % 2]
            seen[patient.fault] += 1
            if half in (own, "both"):
                yield patient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", default="tune", choices=["tune", "unseen", "both"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fault", nargs="*")
    parser.add_argument("-v", action="store_true")
    given = parser.parse_args()
    table: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    start = time.perf_counter()
    for patient in patients(given.half):
        if given.fault and patient.fault not in given.fault:
            continue
        right = {patient.fault, *patient.also}
        for seed in range(given.seeds):
            sick = dr.examine(patient.sick(seed), *(patient.sick_data or patient.data)(seed))
            twin = dr.examine(patient.healthy(seed), *patient.data(seed))
            codes = [f.code for f in sick.findings]
            row = bool(right & set(codes)), bool(codes) and codes[0] in right, not twin.healthy
            table[patient.fault].append(row)
            if given.v or not row[1] or row[2]:
                for label, d in (("sick", sick), ("twin", twin)):
                    s = d.case.scores
                    found = ", ".join(f"{f.code} {f.confidence:.2f}" for f in d.findings)
                    print(
                        f"{patient.fault} / {patient.name} {seed} {label}: {found or '-'} "
                        f"(train {s.train:.3f} held out {s.held_out:.3f} base {s.base:.3f} "
                        f"reference {s.reference:.3f})"
                    )
    print(f"\n{'fault':<28}{'n':>4}{'named':>8}{'first':>8}{'twin alarmed':>14}")
    every = [row for rows in table.values() for row in rows]
    for fault, rows in [*sorted(table.items()), ("all", every)]:
        shares = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        print(f"{fault:<28}{len(rows):>4}{shares[0]:>8.0%}{shares[1]:>8.0%}{shares[2]:>14.0%}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
