"""The clinic: who is named, and how often the healthy are alarmed.

    python tests/clinic/run.py [--half tune|unseen|both] [--seeds 3] [--fault CODE ...] [-v]

The patients of every fault alternate between the two halves; thresholds are set on "tune".
"""

from __future__ import annotations

import argparse
import importlib
import math
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


def repaired(patient: Patient, seed: int, twin: dr.doctor.Diagnosis, verbose: bool) -> bool:
    """Whether it then predicts as its twin: within 3 points, or 1.2 times the error."""
    start = time.perf_counter()
    done = dr.repair(patient.sick(seed), *(patient.sick_data or patient.data)(seed))
    seconds = time.perf_counter() - start
    goal = twin.case.scores.held_out
    score = done.attempts[-1].before if done.attempts else math.nan
    for attempt in done.attempts:
        score = attempt.after if attempt.kept else attempt.before
    if twin.case.task == "classification":
        cured = score > goal - 0.03
    else:
        cured = 1 - score < 1.2 * (1 - goal) + 0.005
    if verbose or not cured:
        print(f"{patient.fault} / {patient.name} {seed} repair, {seconds:.1f} s:")
        print("".join(f"    {attempt.explain()}\n" for attempt in done.attempts), end="")
        print(f"    {score:.3f} where the twin has {goal:.3f}")
    return cured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", default="tune", choices=["tune", "unseen", "both"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fault", nargs="*")
    parser.add_argument("--repair", action="store_true", help="repair the sick ones too")
    parser.add_argument("-v", action="store_true")
    given = parser.parse_args()
    table: dict[str, list[list[bool]]] = defaultdict(list)
    start = time.perf_counter()
    for patient in patients(given.half):
        if given.fault and patient.fault not in given.fault:
            continue
        right = {patient.fault, *patient.also}
        for seed in range(given.seeds):
            sick = dr.examine(patient.sick(seed), *(patient.sick_data or patient.data)(seed))
            twin = dr.examine(patient.healthy(seed), *patient.data(seed))
            codes = [f.code for f in sick.findings]
            row = [bool(right & set(codes)), bool(codes) and codes[0] in right, not twin.healthy]
            if given.repair:
                row += [repaired(patient, seed, twin, given.v)]
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
    headings = ["named", "first", "twin alarmed", *["repaired"] * given.repair]
    print(f"\n{'fault':<36}{'n':>4}" + "".join(f"{name:>14}" for name in headings))
    every = [row for rows in table.values() for row in rows]
    for fault, rows in [*sorted(table.items()), ("all", every)]:
        shares = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        print(f"{fault:<36}{len(rows):>4}" + "".join(f"{share:>14.0%}" for share in shares))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
