"""The gate on instruction counts: what it lets pass."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def gate():
    spec = importlib.util.spec_from_file_location("gate", BENCHMARKS / "instructions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_growth_above_three_percent_fails(gate, capsys):
    recorded = {"a": 1000, "b": 2000}
    assert gate.report({"a": 1030, "b": 100}, recorded)
    assert not gate.report({"a": 1031, "b": 2000}, recorded)
    assert gate.report({"new": 7}, recorded)
    assert "| a | 1031 | 1000 | +3.10% |" in capsys.readouterr().out


def test_every_cell_is_recorded(gate):
    for counts in json.loads(gate.RECORD.read_text()).values():
        assert counts.keys() == gate.CELLS.keys()
