"""The clinic: who is named, and how often the healthy are alarmed.

    python tests/clinic/run.py [--half tune|unseen|both] [--seeds 3] [--fault CODE ...] [-v]

The patients of every fault alternate between the two halves; thresholds are set on "tune".  The
healthy networks of healthy.py are a fault by the name of "healthy".
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

import numpy as np
from cure import Cure, cure_of
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


def repaired(patient: Patient, seed: int, verbose: bool) -> Cure:
    """The patient after its repair; told where it failed."""
    done = cure_of(patient, seed)
    if verbose or not done.cured:
        print(f"{patient.fault} / {patient.name} {seed} repair, {done.seconds:.1f} s:")
        print("".join(f"    {attempt.explain()}\n" for attempt in done.diagnosis.attempts), end="")
        print(f"    {done.score:.3f} where the twin has {done.goal:.3f}")
    return done


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
    costs: list[float] = []
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
                done = repaired(patient, seed, given.v)
                row += [done.cured]
                costs.append(done.seconds / done.of_fit)
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
    if costs:
        print(f"a repair takes {np.median(costs):.2f} times one healthy fit (median)")


if __name__ == "__main__":
    main()
