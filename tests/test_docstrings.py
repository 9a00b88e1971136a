"""Every example in a public docstring runs and prints what it says."""

import doctest
import importlib

import pytest

MODULES = ["_activations", "_losses", "estimators._classifier", "estimators._regressor"]
MODULES += ["displays._function", "displays._loss"]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"deltarule.{name}"))
    assert result.attempted
    assert not result.failed
