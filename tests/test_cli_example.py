"""``deltarule example``, as its users meet it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fresh import package_folder

from deltarule import examples
from deltarule.cli import main

SEARCHED = [str(package_folder().parent), *filter(None, [os.environ.get("PYTHONPATH")])]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(SEARCHED), "COLUMNS": "100"}
ENVIRONMENT |= {"PYTHONIOENCODING": "utf-8"}


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "deltarule", "example", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        **options,
    )


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("lang", "word"), [("en", "Softmax: from scores"), ("zh", "交叉熵")])
def test_without_a_name_all_are_listed(lang: str, word: str) -> None:
    done = run("--lang", lang)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[: len(examples.names())]] == examples.names()
    assert word in done.stdout
    assert lines[-1].startswith("deltarule example NAME")


def test_an_example_is_printed_in_english_and_in_chinese() -> None:
    english, chinese = run("one_neuron"), run("one_neuron", "--lang", "zh")
    assert english.returncode == chinese.returncode == 0
    assert english.stdout == examples.run("one_neuron").as_text() + "\n"
    assert chinese.stdout == examples.run("one_neuron").as_text("zh") + "\n"
    assert re.search(r"squared error +0\.036 +0\.5442 +287 +143", english.stdout)
    assert re.search(r"平方误差 +0\.036 +0\.5442 +287 +143", chinese.stdout)


def test_json_is_one_object() -> None:
    listed = json.loads(run("--json", "--lang", "zh").stdout)
    assert list(listed) == examples.names()
    assert listed["softmax"].startswith("softmax：")
    done = run("kl_divergence", "--json")
    record = json.loads(done.stdout)
    assert record["name"] == "kl_divergence"
    assert record["figures"]["D(p||q1) in base 10"] == pytest.approx(0.7634, abs=1e-4)
    assert record["tables"][0]["columns"]["q"] == ["(0.1, 0.9)", "(0.5, 0.5)"]
    assert record["series"]["p"] == [0.9, 0.1]
    assert "0.763" in record["story"]


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("b.SVG", b"<?xml"), ("c.pdf", b"%PDF")]
)
def test_a_picture_is_drawn(name: str, begins: bytes, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="Pictures are drawn with matplotlib.")
    done = run("softmax", "--plot", name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Drawn to {name}\n")
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_json_names_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="Pictures are drawn with matplotlib.")
    done = run("softmax", "--plot", "a.png", "--json")
    assert json.loads(done.stdout)["plot"] == "a.png"
    assert (tmp_path / "a.png").stat().st_size > 1000


BAD = {
    "sofmax": "There is no example named 'sofmax': did you mean softmax?",
    "qqqq": "There is no example named 'qqqq': known are sigmoid_steps, ",
    "one_neuron --lang fr": "argument --lang: invalid choice: 'fr'",
    "one_neuron --plot a.jpg": "argument --plot: must end in .png, .svg, .pdf, not 'a.jpg'",
    "one_neuron --plot picture": "argument --plot: must end in",
    "--plot a.png": "--plot belongs to one example: name it.",
    "one_neuron --plot absent/a.png": "The folder absent for --plot does not exist",
    "one_neuron --plot folder.png": "--plot folder.png is a folder: name a file in it.",
    "one_neuron two": "unrecognized arguments: two",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_gives_one_sentence(line: str, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    done = run(*line.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert BAD[line] in done.stderr
    assert done.stderr.startswith("deltarule: ")
    assert done.stderr.endswith((".\n", "?\n"))
    assert done.stderr.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = pytest.importorskip("matplotlib.figure", reason="Pictures are drawn with matplotlib.")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", full)
    assert main(["example", "softmax", "--plot", "a.png"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "could not be written to a.png: No space left on device." in err


def test_a_picture_without_matplotlib_is_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def computed(*arguments: object, **options: object) -> None:
        raise AssertionError("It was computed.")

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(examples, "run", computed)
    assert main(["example", "softmax", "--plot", "a.png"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "pip install 'deltarule[plot]'" in err
    assert err.count("\n") == 1


def test_the_text_needs_no_matplotlib() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from deltarule.cli import main; sys.exit(main(['example', 'softmax']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0.88, 0.12, 0.00" in done.stdout
