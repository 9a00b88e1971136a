"""The README keeps its promises."""

import re
import subprocess

import pytest
from fresh import REPOSITORY, output_of


def block(language: str, index: int) -> str:
    """One of the fenced blocks of a language."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(found) > index, f"README.md has {len(found)} fenced {language} blocks."
    return found[index]


@pytest.mark.parametrize("index", [0, 1])
def test_commands_are_one_line(index):
    assert block("sh", index).count("\n") == 1


def test_ci_runs_the_second_command():
    ci = ["bash", str(REPOSITORY / ".ci" / "run"), "--what"]
    assert subprocess.check_output(ci, text=True) == block("sh", 1)


def test_example(tmp_path):
    example = block("python", 0)
    assert example.count("\n") <= 12
    output_of(example, cwd=tmp_path, MPLBACKEND="Agg")
