"""The clinic: who is named, and how often the healthy are alarmed.

    python tests/clinic/run.py [--half tune|unseen|both] [--seeds 3] [--fault CODE ...] [-v]

The patients of every fault alternate between the two halves; thresholds are set on "tune".  The
healthy networks of healthy.py are a fault by the name of "healthy".
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

from healthy import HEALTHY
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
    start = time.perf_counter()
    wanted = set(given.fault or [])
    if wanted != {"healthy"}:
        _print_faults(given, wanted)
    if not wanted or "healthy" in wanted:
        _print_healthy(given)
    print(f"{time.perf_counter() - start:.0f} s")


def _print_healthy(given: argparse.Namespace) -> None:
    """The share of the healthy networks in which anything was found; the goal is 2 %."""
    alarmed = 0
    for name, data, make in HEALTHY:
        for seed in range(given.seeds):
            found = dr.examine(make(seed), *data(seed))
            alarmed += not found.healthy
            if given.v or not found.healthy or found.case.scores.fails:
                _print_case(f"healthy / {name} {seed}", found)
    number = len(HEALTHY) * given.seeds
    print(f"{'healthy: any finding':<28}{number:>4}{alarmed / number:>8.1%}")


def _print_case(label: str, found: dr.doctor.Diagnosis) -> None:
    s = found.case.scores
    codes = ", ".join(f"{f.code} {f.confidence:.2f}" for f in found.findings)
    print(
        f"{label}: {codes or '-'} (train {s.train:.3f} held out {s.held_out:.3f} "
        f"base {s.base:.3f} reference {s.reference:.3f})"
    )


def _print_faults(given: argparse.Namespace, wanted: set[str]) -> None:
    table: dict[str, list[list[bool]]] = defaultdict(list)
    for patient in patients(given.half):
        if wanted and patient.fault not in wanted:
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
                _print_case(f"{patient.fault} / {patient.name} {seed} sick", sick)
                _print_case(f"{patient.fault} / {patient.name} {seed} twin", twin)
    headings = ["named", "first", "twin alarmed", *["repaired"] * given.repair]
    print(f"\n{'fault':<36}{'n':>4}" + "".join(f"{name:>14}" for name in headings))
    every = [row for rows in table.values() for row in rows]
    for fault, rows in [*sorted(table.items()), *([("all", every)] if every else [])]:
        shares = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        print(f"{fault:<36}{len(rows):>4}" + "".join(f"{share:>14.0%}" for share in shares))


if __name__ == "__main__":
    main()
