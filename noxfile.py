"""The verbs of the project: build lint types tests slow isa sanitize warnings, and benchmarks.

Every verb runs in the environment nox itself is installed in, where deltarule is installed too.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests"]

PYTHON = sys.executable
# Tests no kernel runs in; pointless under another instruction set or a sanitizer.
WITHOUT_KERNELS = ["architecture", "contributing", "datasets", "examples", "progress", "readme"]
WITHOUT_KERNELS += ["sklearn_mlp", "tables", "callbacks", "realmlp_reference", "tabular_columns"]
WITHOUT_KERNELS += ["cli_doctor", "clinic", "diagnosis", "displays_diagnosis", "doctor_causes"]
WITHOUT_KERNELS += ["doctor_data", "doctor_guide", "repair", "training_findings"]
WITHOUT_KERNELS += ["memory"]  # a sanitizer takes more of it than the tests allow


def run_tool(session: nox.Session, name: str, *args: str) -> None:
    """Run a program that pip installed beside this interpreter."""
    beside = Path(PYTHON).with_name(name)
    session.run(str(beside) if beside.exists() else name, *args)


def run_pytest(session: nox.Session, *args: str, **env: str) -> None:
    session.run(PYTHON, "-m", "pytest", *args, *session.posargs, env=env)


def run_kernel_tests(session: nox.Session, *args: str, **env: str) -> None:
    ignored = [f"--ignore=tests/test_{name}.py" for name in WITHOUT_KERNELS]
    run_pytest(session, "-n", "auto", *args, *ignored, **env)


def run_pip_install(session: nox.Session, *args: str) -> None:
    session.run(PYTHON, "-m", "pip", "install", "--quiet", *args)


def install_build_tools(session: nox.Session) -> None:
    requires = nox.project.load_toml("pyproject.toml")["build-system"]["requires"]
    run_pip_install(session, *requires, "cmake", "ninja")


def install_package(session: nox.Session, *args: str) -> None:
    """Install deltarule with the build tools of this environment: only what changed is built."""
    install_build_tools(session)
    run_pip_install(session, "--no-deps", "--no-build-isolation", *args, ".")


def install_apart(session: nox.Session, *options: str) -> str:
    """Install deltarule, built with CMake options, into a folder of its own; that folder."""
    folder = Path("build", session.name).resolve()
    shutil.rmtree(folder / "site", ignore_errors=True)
    settings = [f"--config-settings=cmake.define.{option}" for option in options]
    settings.append(f"--config-settings=build-dir={folder / 'cmake'}")
    install_package(session, "--target", str(folder / "site"), *settings)
    return str(folder / "site")


@nox.session
def build(session: nox.Session) -> None:
    """Install the package as it stands into this environment; quick after the first time."""
    install_package(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Python and C++ as the formatters write them, and ruff's rules."""
    run_tool(session, "ruff", "check", ".")
    run_tool(session, "ruff", "format", "--check", ".")
    sources = sorted(str(path) for path in Path("src/cpp").rglob("*.[ch]pp"))
    run_tool(session, "clang-format", "--dry-run", "--Werror", *sources)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package."""
    run_tool(session, "mypy", "--strict", "src")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones."""
    run_pytest(session)


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that take more than ten seconds each."""
    install_build_tools(session)
    run_pytest(session, "-m", "slow")


@nox.session
@nox.parametrize("isa", ["baseline", "avx2", "avx512"])
def isa(session: nox.Session, isa: str) -> None:
    """The tests under one forced instruction set."""
    ask = "import deltarule; print(*deltarule.build_info()['available_isas'])"
    available = subprocess.check_output([PYTHON, "-c", ask], text=True).split()
    if isa not in available:
        session.skip(f"This build and processor have {', '.join(available)}, not {isa}.")
    run_kernel_tests(session, DELTARULE_ISA=isa)


@nox.session
def sanitize(session: nox.Session) -> None:
    """The tests on a build with AddressSanitizer and UndefinedBehaviorSanitizer."""
    site = install_apart(session, "DELTARULE_SANITIZE=address,undefined", "DELTARULE_WERROR=ON")
    env = {
        "PYTHONPATH": site,
        # Python itself is linked with neither: AddressSanitizer must come first, and it must find
        # the C++ library to follow exceptions.
        "LD_PRELOAD": f"{compiler_file('libasan.so')} {compiler_file('libstdc++.so.6')}",
        # No leak check: the interpreter keeps memory of its own until it exits.
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    ask = "import deltarule; print(deltarule.__file__)"
    tested = session.run(PYTHON, "-c", ask, env=env, silent=True)
    if site not in str(tested):
        session.error(f"An editable install hides the sanitized one; remove it: {tested}")
    run_kernel_tests(session, "--capture=sys", **env)  # lets a sanitizer's last words through


def compiler_file(name: str) -> str:
    """Where the compiler keeps one of its libraries."""
    ask = [os.environ.get("CXX", "c++"), f"-print-file-name={name}"]
    return subprocess.check_output(ask, text=True).strip()


@nox.session
def warnings(session: nox.Session) -> None:
    """An optimised build for all instruction sets in which a warning is an error."""
    install_apart(session, "DELTARULE_WERROR=ON")


def run_benchmark(session: nox.Session, name: str) -> None:
    session.run(PYTHON, f"benchmarks/{name}.py", *session.posargs)


@nox.session
def instructions(session: nox.Session) -> None:
    """Instructions per training step against the recorded counts; needs valgrind."""
    if not shutil.which("valgrind"):
        session.skip("valgrind is not installed, so instructions are not counted.")
    run_benchmark(session, "instructions")


@nox.session
def bench(session: nox.Session) -> None:
    """Training, predicting, whole programs against peers; arguments after `--` are the script's."""
    run_benchmark(session, "run")


@nox.session
def fits(session: nox.Session) -> None:
    """Fits of the multilayer perceptrons against scikit-learn's, five minutes."""
    run_benchmark(session, "estimators")


@nox.session
def tabular(session: nox.Session) -> None:
    """Default estimators for tables on twelve sets, an hour and a half; `-- --folds 1` for less."""
    run_benchmark(session, "tabular")


@nox.session
def kernels(session: nox.Session) -> None:
    """Activations and losses against peers, a quarter of an hour; `-- --rows gelu` for one."""
    run_benchmark(session, "kernels")


@nox.session
def custom(session: nox.Session) -> None:
    """Own formulas against the rows of the catalogue that they spell out."""
    run_benchmark(session, "custom")


@nox.session
def exhaustive(session: nox.Session) -> None:
    """Every float32 through every element-wise activation, hours; `-- gelu` for one."""
    run_benchmark(session, "exhaustive")
