"""What a fit shows: lines in a file, a bar on a terminal."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from fresh import output_of

from deltarule import MLPClassifier
from deltarule.progress import EpochReport


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        """All text without the codes that move the cursor or colour it."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


def test_lines_are_those_of_scikit_learn() -> None:
    stream = io.StringIO()
    with EpochReport(3, stream) as report:
        report.update(1, 0.123456789)
        report.update(2, 1e-9, 0.5, 0.98765432)
    assert stream.getvalue() == (
        "Iteration 1, loss = 0.12345679\n"
        "Iteration 2, loss = 0.00000000\n"
        "Validation score: 0.987654\n"
    )


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with EpochReport(1) as report:
        report.update(1, float("nan"))
    assert capsys.readouterr().out == "Iteration 1, loss = nan\n"


def test_a_bar_on_a_terminal() -> None:
    stream = Terminal()
    with EpochReport(20, stream) as report:
        for epoch in range(1, 13):
            report.update(epoch, 1 / epoch, 0.25, 0.875)
    last = [line for line in re.split(r"[\r\n]", stream.shown()) if line.strip()][-1]
    assert "Epoch 12/12" in last
    assert "loss 0.0833" in last
    assert "validation loss 0.25" in last
    assert "score 0.8750" in last
    assert "━" in last


def test_a_fit_that_fails_leaves_the_terminal_in_order() -> None:
    stream = Terminal()

    def fit() -> None:
        with EpochReport(20, stream) as report:
            report.update(3, 1.0)
            raise ValueError("overflow")

    with pytest.raises(ValueError, match="overflow"):
        fit()
    assert "Epoch 3/20" in stream.shown()
    assert stream.getvalue().rstrip("\n").endswith("\x1b[?25h")  # the cursor is visible again


def test_no_epoch_at_all() -> None:
    with EpochReport(5, Terminal()):
        pass
    with EpochReport(5, io.StringIO()):
        pass


def test_fit_reports_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    X = np.random.default_rng(0).normal(size=(100, 2))
    settings: dict[str, Any] = {"early_stopping": True, "max_iter": 500, "random_state": 0}
    estimator = MLPClassifier(verbose=True, **settings).fit(X, X[:, 0] > 0)
    out = capsys.readouterr().out
    assert out.count("Iteration ") == out.count("Validation score: ") == estimator.n_iter_
    assert f"loss = {estimator.history_.loss[-1]:.8f}" in out
    MLPClassifier(**settings).fit(X, X[:, 0] > 0)
    assert capsys.readouterr().out == ""


def test_rich_is_loaded_for_a_bar_only() -> None:
    code = """
import io, sys
from deltarule.progress import EpochReport
with EpochReport(1, io.StringIO()) as report:
    report.update(1, 0.5)
print("rich" in sys.modules)
"""
    assert output_of(code).strip() == "False"


def test_a_reader_that_leaves_ends_the_report() -> None:
    code = (
        "from deltarule.progress import EpochReport\n"
        "with EpochReport(9) as report:\n"
        "    while True: report.update(1, 0.5)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "BrokenPipeError" in process.stderr.read()
    assert process.returncode != 0
