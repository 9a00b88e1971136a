"""Interleaved rounds, medians, and a description of the machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

# One thread everywhere, before any of the libraries is imported.
for _name in (
    "DELTARULE_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")


def pin() -> None:
    """Keep the process on one processor where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each case once per round, in turn; a case returns the seconds it counts."""
    for case in cases.values():
        case()  # warm-up
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(case())
    return times


def timed(work: Callable[[], object], units: int = 1) -> Callable[[], float]:
    """A case that takes the wall time of `work` per unit."""

    def case() -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) / units

    return case


def ratio(times: Mapping[str, list[float]], peer: str, ours: str = "deltarule") -> float:
    """The median over the rounds of peer / ours."""
    return statistics.median(a / b for a, b in zip(times[peer], times[ours], strict=True))


def machine() -> str:
    """Processor, cores and Python, for the head of a table."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(
    title: str, times: Mapping[str, list[float]], unit: str, scale: float
) -> dict[str, object]:
    """Print medians and ratios as a Markdown table; return them."""
    print(f"\n### {title}\n\n| | median {unit} | / deltarule |\n|---|---|---|")
    record = {}
    for name, values in times.items():
        median = statistics.median(values) * scale
        record[name] = {"median": median, "ratio": ratio(times, name)}
        print(f"| {name} | {median:.4g} | {record[name]['ratio']:.2f} |")
    return {"title": title, "unit": unit, "rounds": len(next(iter(times.values()))), "rows": record}
