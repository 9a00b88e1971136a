"""What is written from the catalogue is up to date."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from fresh import REPOSITORY

TOOLS = REPOSITORY / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_the_catalogue_are_fresh():
    for path, text in tool("write_catalogue").pages().items():
        stale = f"{path.name} is stale: run python tools/write_catalogue.py"
        assert path.read_text(encoding="utf-8") == text, stale


def formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "_signatures.pyi", "-"]
    return subprocess.run(
        ruff, input=text, stdout=subprocess.PIPE, text=True, check=True, cwd=REPOSITORY
    ).stdout


def test_the_signatures_are_fresh():
    pytest.importorskip("ruff", reason="ruff is not installed.")
    module = tool("write_signatures")
    stale = "the signatures are stale: run python tools/write_signatures.py"
    assert module.TARGET.read_text(encoding="utf-8") == formatted(module.text()), stale


SCRIPT = """
import numpy as np
import deltarule as dr
from deltarule import activation, activations, loss, losses

x = np.linspace(-1, 1, 5)
activations.gelu(x)
activations.swish.second_derivative(x)
activations.softmax(x, where=x > 0)
activations.rrelu(x, rng=1)
activation("leaky_relu", negative_slope=0.2, profile="keras")(x)
activation("maxout", pieces=3)
losses.huber(x, x)
losses.softmax_cross_entropy.value_and_gradient(x, x, class_weight=[1, 2])
loss("huber", delta=2.0).second_derivative(x, x)
f = activation.from_formula("x * tanh(log(1 + exp(x)))")
f.derivative(x)
reveal_type(activations.gelu)
reveal_type(activation("rrelu"))
reveal_type(loss("huber"))
"""
WRONG = """
from deltarule import activation, activations, losses

activations.gelo
activation("leaky_relu", slope=0.2)
activation("leaky_relu", negative_slope="steep")
losses.huver
"""


def mypy(script: str, tmp_path) -> str:
    pytest.importorskip("mypy", reason="mypy is not installed.")
    path = tmp_path / "script.py"
    path.write_text(script)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(path)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, check=False
    ).stdout


@pytest.mark.slow
def test_a_type_checker_knows_every_function_by_name(tmp_path):
    told = mypy(SCRIPT, tmp_path)
    assert "error" not in told, told
    for name in ("ElementwiseActivation", "RandomizedRelu", "Loss"):
        assert name in told
    wrong = mypy(WRONG, tmp_path)
    assert wrong.count("error") >= 4, wrong
