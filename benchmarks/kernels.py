"""Activations and fused losses against PyTorch, JAX, SciPy and NumPy, on one core.

    nox -s kernels                                  the whole table, about a quarter of an hour
    python benchmarks/kernels.py --rows gelu tanh   some rows
    python benchmarks/kernels.py --losses           value and gradient of losses

A cell is the time of the fastest peer over that of deltarule: the median over interleaved rounds.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import machine, pin, ratio

pin()

import numpy as np  # noqa: E402
from peers import peers  # noqa: E402

import deltarule as dr  # noqa: E402

SIZES = [10**k for k in range(2, 8)]
WHICH = ("value", "derivative", "vjp")
SECONDS = 0.01  # of one timing
LOSSES: list[tuple[str, tuple[int, ...]]] = [
    ("softmax_cross_entropy", (128, 10)),
    ("softmax_cross_entropy", (1024, 1000)),
    ("softmax_cross_entropy", (256, 32000)),
    ("bce_with_logits", (10**6,)),
    ("squared_error", (10**6,)),
    ("huber", (10**6,)),
]


def measure(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of each case, interleaved; short calls are repeated."""
    counts, times = {}, {}
    for name, case in cases.items():
        case()
        start = time.perf_counter()
        case()
        once = max(time.perf_counter() - start, 1e-7)
        counts[name], times[name] = max(1, min(2000, int(SECONDS / 10 / once))), []
    gc.disable()
    for _ in range(rounds):
        for name, case in cases.items():
            n = counts[name]
            start = time.perf_counter()
            for _ in range(n):
                case()
            times[name].append((time.perf_counter() - start) / n)
    gc.enable()
    return times


def cell(f: Any, which: str, dtype: Any, n: int, rounds: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 2, n).astype(dtype)
    x = np.abs(x) if f.facts["defined_above"] > -math.inf else x
    g, out = rng.normal(size=n).astype(dtype), np.empty(n, dtype)
    ours = {
        "value": lambda: f(x, out=out),
        "derivative": lambda: f.derivative(x, out=out),
        "vjp": lambda: f.vjp(x, g, out=out),
    }[which]
    times = measure({"deltarule": ours, **peers(f, which, x, g, out)}, rounds)
    ratios = {name: ratio(times, name) for name in times if name != "deltarule"}
    fastest = min(ratios, key=lambda name: ratios[name])
    return {
        "row": f.name,
        "operation": which,
        "dtype": np.dtype(dtype).name,
        "n": n,
        "seconds": statistics.median(times["deltarule"]),
        "ratios": ratios,
        "fastest": fastest,
        "ratio": ratios[fastest],
    }


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def activations(rows: list[str], rounds: int, sizes: list[int]) -> list[dict[str, Any]]:
    record = []
    print("\n| row | operation | dtype | " + " | ".join(f"{n:.0e}" for n in sizes) + " |")
    print("|---" * (3 + len(sizes)) + "|")
    for name in rows:
        f = dr.activations[name]
        for which in WHICH:
            for dtype in (np.float32, np.float64):
                cells = [cell(f, which, dtype, n, rounds) for n in sizes]
                record += cells
                shown = " | ".join(f"{c['ratio']:.2f} {c['fastest']}" for c in cells)
                print(f"| {name} | {which} | {np.dtype(dtype).name} | {shown} |", flush=True)
    return record


def summary(record: list[dict[str, Any]]) -> None:
    print("\n### Geometric means of (fastest peer / deltarule)\n")
    print("| operation | " + " | ".join(f"{n:.0e}" for n in SIZES) + " | all |")
    print("|---" * (2 + len(SIZES)) + "|")
    for which in WHICH:
        mine = [c for c in record if c["operation"] == which]
        by_size = [[c["ratio"] for c in mine if c["n"] == n] for n in SIZES]
        cells = [f"{geometric_mean(r):.2f}" if r else "" for r in by_size]
        everything = geometric_mean([c["ratio"] for c in mine])
        print(f"| {which} | {' | '.join(cells)} | {everything:.2f} |")
    losing = [c for c in record if c["ratio"] < 1]
    print(f"\nAll cells: {geometric_mean([c['ratio'] for c in record]):.2f}.", end=" ")
    print(f"{len(losing)} of {len(record)} cells lose:")
    for c in sorted(losing, key=lambda c: c["ratio"]):
        where = f"{c['row']} {c['operation']} {c['dtype']} {c['n']:.0e}"
        print(f"- {where}: {c['ratio']:.2f} ({c['fastest']})")


def bandwidth(rounds: int) -> list[dict[str, Any]]:
    """Cheap functions on large arrays against a plain copy."""
    print(
        "\n### Large arrays: time of a copy / time of the function\n\n| row | float32 | float64 |"
    )
    print("|---|---|---|")
    record = []
    for name in ("relu", "leaky_relu", "hard_tanh", "softsign", "elu", "sigmoid", "tanh", "gelu"):
        shown = []
        for dtype in (np.float32, np.float64):
            x = np.random.default_rng(0).normal(size=10**7).astype(dtype)
            out, f = np.empty_like(x), dr.activations[name]

            def copy(out: Any = out, x: Any = x) -> None:
                np.copyto(out, x)

            def ours(f: Any = f, out: Any = out, x: Any = x) -> None:
                f(x, out=out)

            times = measure({"deltarule": ours, "copy": copy}, rounds)
            record.append(
                {"row": name, "dtype": np.dtype(dtype).name, "copy": ratio(times, "copy")}
            )
            shown.append(f"{record[-1]['copy']:.2f}")
        print(f"| {name} | {' | '.join(shown)} |", flush=True)
    return record


def fused_losses(rounds: int) -> list[dict[str, Any]]:
    """Value and gradient in one call against PyTorch's forward and backward."""
    import torch

    torch.set_num_threads(1)
    functional = torch.nn.functional
    theirs: dict[str, Any] = {
        "softmax_cross_entropy": functional.cross_entropy,
        "bce_with_logits": functional.binary_cross_entropy_with_logits,
        "squared_error": functional.mse_loss,
        "huber": functional.huber_loss,
    }
    print("\n### value_and_gradient, float32: PyTorch's forward + backward / deltarule\n")
    print(
        "| loss | shape | deltarule, us | PyTorch / deltarule | without out= |\n" + "|---" * 5 + "|"
    )
    record = []
    for name, shape in LOSSES:
        rng = np.random.default_rng(0)
        z = rng.normal(size=shape).astype(np.float32)
        codes = len(shape) == 2
        y: Any = rng.integers(0, shape[-1], shape[0]) if codes else rng.random(shape)
        y = y if codes else y.astype(np.float32)
        out, f = np.empty_like(z), dr.losses[name]
        tz, ty = torch.tensor(z, requires_grad=True), torch.tensor(y)

        def torch_both(name: str = name, tz: Any = tz, ty: Any = ty) -> None:
            tz.grad = None
            theirs[name](tz, ty).backward()

        def ours(f: Any = f, z: Any = z, y: Any = y, out: Any = out) -> None:
            f.value_and_gradient(z, y, out=out)

        def allocating(f: Any = f, z: Any = z, y: Any = y) -> None:
            f.value_and_gradient(z, y)

        times = measure({"deltarule": ours, "PyTorch": torch_both, "new": allocating}, rounds)
        own = statistics.median(times["deltarule"])
        alone = statistics.median(
            a / b for a, b in zip(times["PyTorch"], times["new"], strict=True)
        )
        r = ratio(times, "PyTorch")
        record.append({"loss": name, "shape": shape, "seconds": own, "ratio": r, "new": alone})
        print(f"| {name} | {shape} | {own * 1e6:.4g} | {r:.2f} | {alone:.2f} |", flush=True)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="+", help="default: every element-wise row")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--losses", action="store_true", help="the losses alone")
    parser.add_argument("--json", type=Path, help="write the records to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    import jax
    import torch

    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)
    print(f"{machine()}, deltarule {dr.__version__} ({dr.build_info()['isa']}),", end=" ")
    print(f"PyTorch {torch.__version__}, JAX {jax.__version__}, NumPy {np.__version__}")
    records: dict[str, Any] = {}
    if not options.losses:
        every = [n for n, f in dr.activations.items() if f.elementwise]
        records["activations"] = activations(options.rows or every, options.rounds, options.sizes)
        summary(records["activations"])
        records["bandwidth"] = bandwidth(options.rounds)
    if not options.rows:
        records["losses"] = fused_losses(options.rounds)
    if options.json:
        options.json.write_text(json.dumps(records, indent=1))


if __name__ == "__main__":
    main()
