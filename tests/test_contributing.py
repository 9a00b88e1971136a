"""CONTRIBUTING.md's activation in six lines, followed to the letter on a copy of the sources."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fresh import REPOSITORY, output_of, run_python

pytestmark = pytest.mark.slow


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"The extension cannot be built here: there is no {name}.")
    return found


def follow_the_text(kernels: Path) -> None:
    """The struct above the table of its family, the row at the table's end."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"^```cpp\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)[1]
    struct, row = block.split("\n\n")

    family = kernels / "activations" / "rectified.cpp"
    head, start, tail = family.read_text().partition(
        "constexpr kernels::ActivationRow rows[] = {\n"
    )
    rows, end, rest = tail.partition("\n};\n")
    family.write_text(f"{head}{struct}\n\n{start}{rows}\n{row.rstrip()}{end}{rest}")


@pytest.fixture(scope="module")
def package_parent(tmp_path_factory):
    """The `src` folder of a copy of the sources with relu3, built."""
    cmake, ninja = tool("cmake"), tool("ninja")
    if importlib.util.find_spec("nanobind") is None:
        pytest.skip("The extension cannot be built here: nanobind is not installed.")
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(REPOSITORY / "CMakeLists.txt", copy)
    shutil.copytree(REPOSITORY / "src", copy / "src", ignore=shutil.ignore_patterns("_core*.so"))

    metadata = copy / "src" / "deltarule-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deltarule\nVersion: 0\n")

    follow_the_text(copy / "src" / "cpp" / "kernels")

    configure = [cmake, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", "-S", copy]
    configure += ["-B", copy / "build", f"-DPython_EXECUTABLE={sys.executable}"]
    configure += ["-DDELTARULE_ISAS=baseline", "-DSKBUILD_PROJECT_VERSION=0"]
    install = ["--install", copy / "build", "--prefix", copy / "src"]
    for command in configure, [cmake, "--build", copy / "build"], [cmake, *install]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    origin = output_of("import deltarule; print(deltarule.__file__)", path=copy / "src")
    assert origin.startswith(str(copy)), f"An editable install hides the copy; remove it: {origin}"
    return copy / "src"


def test_ufunc(package_parent):
    output_of(
        """
import numpy as np
import deltarule as dr
relu3 = dr.activations["relu3"]
x = np.concatenate([np.linspace(-9, 9, 1001), np.geomspace(1e-100, 1e100, 1001)])
exact = np.maximum(x.astype(np.longdouble), 0)
np.testing.assert_array_max_ulp(relu3(x), (exact**3).astype(float), maxulp=2)
np.testing.assert_array_max_ulp(relu3.derivative(x), (3 * exact**2).astype(float), maxulp=4)
assert relu3(np.array([-np.inf, np.inf])).tolist() == [0, np.inf]
assert np.isnan(relu3(np.nan))
""",
        path=package_parent,
    )


def test_it_passes_the_tests_of_the_catalogue(package_parent):
    tests = package_parent.parent / "tests"
    shutil.copytree(REPOSITORY / "tests", tests)
    shutil.copy(REPOSITORY / "pyproject.toml", tests.parent)
    ask = "import deltarule, json; f = deltarule.activations.relu3.facts; print(json.dumps("
    ask += "{'relu3': {dtype: f[f'ulp_{dtype}'] for dtype in ('float32', 'float64')}}))"
    (tests / "errors.json").write_text(output_of(ask, path=package_parent))
    run = "import pytest, sys; sys.exit(pytest.main(['-k', 'relu3', 'tests/test_activations.py']))"
    assert "passed" in output_of(run, path=package_parent, cwd=tests.parent)


def test_misspelt_name_suggests_it(package_parent):
    code = "import deltarule as dr; dr.activations['rellu3']"
    done = run_python(code, path=package_parent)
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert "relu3" in last_line
    assert "did you mean" in last_line.lower()


def test_classifier_trains_with_it(package_parent):
    output_of(
        """
from sklearn.datasets import make_moons
import deltarule as dr
X, y = make_moons(200, noise=0.1, random_state=0)
settings = {"random_state": 0, "max_iter": 100, "tol": 0, "learning_rate_init": 0.01}
model = dr.MLPClassifier(activation="relu3", **settings)
import warnings
warnings.simplefilter("ignore")
model.fit(X, y)
assert model.loss_curve_[-1] < model.loss_curve_[0] / 1.2
assert model.score(X, y) > 0.8
""",
        path=package_parent,
    )
