"""A fresh interpreter that sees the same deltarule as the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def package_folder() -> Path:
    """The folder `deltarule` is imported from, found without importing it."""
    spec = find_spec("deltarule")
    assert spec is not None, "deltarule is not installed: run the README's second command."
    return Path(str(spec.origin)).parent


def run_python(code: str, *, path: Path | None = None, cwd: Path | None = None, **env: str):
    """Run `code`; `path` is the folder to import deltarule from."""
    search = [str(path or package_folder().parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search)), **env}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


def output_of(code: str, **options) -> str:
    """What `code` prints; an assertion with its traceback if it fails."""
    done = run_python(code, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
