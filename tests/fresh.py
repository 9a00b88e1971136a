"""A fresh interpreter that sees the same deltarule as the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")  # many times slower, and larger


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


def peak_of(before: str, measured: str, *arguments: str) -> list[int]:
    """Bytes that a program takes at most beyond what it had, behind what it printed before.

    Parameters
    ----------
    before, measured : str
        What is run first, and while the peak is watched.
    *arguments : str
        ``sys.argv`` from 1 on.
    """
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("This system does not tell the peak of the memory of a process.")
    watched = _WATCHED.format(before=before, measured=measured)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", watched, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


_WATCHED = """
import sys
from pathlib import Path

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(l for l in lines if l.startswith(name)).split()[1])

{before}
had = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
{measured}
print(status("VmHWM") - had)
"""
