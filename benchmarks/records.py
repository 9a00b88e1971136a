"""Tables: medians and ratios of the rounds, as Markdown and as JSON.

The JSON file keeps one entry per table, so that a run of some tables replaces only these.
"""

from __future__ import annotations

import datetime
import json
import statistics
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from common import machine, ratio

Times = Mapping[str, list[float]]  # seconds of every round, by column
OURS = "deltarule"
LIBRARIES = [
    *("numpy", "scipy", "scikit-learn", "torch", "jax", "numba"),
    *("skorch", "keras", "onnxruntime"),
]


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def written(value: float) -> str:
    """Four digits, without an exponent."""
    return f"{value:.4g}" if value < 10_000 else f"{rounded(value):.0f}"


class Table:
    """Printed row by row while it is measured; a row has the columns `deltarule` and peers."""

    def __init__(self, title: str, unit: str, scale: float, columns: list[str]) -> None:
        self.title, self.unit, self.scale, self.columns = title, unit, scale, columns
        self.ours = [c for c in columns if c.startswith(OURS)]
        if len(self.ours) == len(columns):
            self.ours = []  # nothing to compare with
        self.rows: dict[str, Any] = {}
        head = ["", *columns, *(["fastest peer"] if self.ours else [])]
        head += [f"fastest peer / {c}" for c in self.ours]
        print(f"\n### {title}, {unit}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)

    def add(self, name: str, times: Times) -> None:
        row: dict[str, Any] = {}
        for column, seconds in times.items():
            values = [rounded(s * self.scale) for s in seconds]
            row[column] = {"median": rounded(statistics.median(values)), "rounds": values}
        medians = [written(row[c]["median"]) if c in row else "" for c in self.columns]
        cells = [name, *medians, *self.compare(row, times)]
        print(f"| {' | '.join(cells)} |", flush=True)
        self.rows[name] = row

    def compare(self, row: dict[str, Any], times: Times) -> list[str]:
        """Add the ratios to the row; the fastest peer, and its time over each of ours."""
        fastest, cells = "", []
        for ours in self.ours:
            peers = [c for c in times if c not in self.ours and ours in times]
            ratios = {p: ratio(times, p, ours) for p in peers}
            for peer, value in ratios.items():
                row[peer][f"/ {ours}"] = rounded(value)
            best = min(ratios, key=ratios.__getitem__, default="")
            fastest = fastest or best
            cells.append(f"{ratios[best]:.2f}" if best else "")
        return [fastest, *cells] if self.ours else []

    def record(self) -> dict[str, Any]:
        return {"title": self.title, "unit": self.unit, "machine": machine(), "rows": self.rows}


def versions() -> dict[str, str]:
    """The versions of the peers that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write(path: Path, tables: list[dict[str, Any]], build: dict[str, Any]) -> None:
    """Put the tables into the file, one line per row, in place of tables of the same titles."""
    kept = json.loads(path.read_text())["tables"] if path.exists() else []
    titles = {t["title"] for t in tables}
    stamp = {"date": datetime.date.today().isoformat(), "deltarule": build, "peers": versions()}
    new = [{**stamp, **table} for table in tables]
    every = sorted([t for t in kept if t["title"] not in titles] + new, key=lambda t: t["title"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"tables": [\n' + ",\n".join(map(as_lines, every)) + "\n]}\n")


def as_lines(table: dict[str, Any]) -> str:
    head = json.dumps({k: v for k, v in table.items() if k != "rows"})[:-1]
    rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table["rows"].items()]
    return f'{head}, "rows": {{\n' + ",\n".join(rows) + "\n}}"
