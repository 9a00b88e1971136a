"""Interleaved rounds, medians, and a description of the machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

THREADS = (
    "DELTARULE_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def environment(threads: int) -> dict[str, str]:
    """What limits the libraries to so many threads; they read it when they are imported."""
    return {name: str(threads) for name in THREADS} | {
        "XLA_FLAGS": ONE_THREAD if threads == 1 else ""
    }


for _name, _value in environment(1).items():
    os.environ.setdefault(_name, _value)


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pin(threads: int = 1) -> None:
    """Keep the process on so many processors where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def interleaved(
    cases: Mapping[str, Callable[[], float]], rounds: int, pause: float = 0.2
) -> dict[str, list[float]]:
    """Each case once per round, in turn; a case returns the seconds it counts.

    The pause before each, in seconds, is for the threads of the case before, which go on spinning
    for a while.
    """
    for case in cases.values():
        case()  # warm-up
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            time.sleep(pause)
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
