"""``deltarule doctor``, as its users meet it."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh import package_folder
from test_cli import write_mnist

import deltarule as dr
from deltarule.cli import main, subject
from deltarule.preparation import Preparation
from deltarule.tables import read_table

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SLOW = ["--solver", "sgd", "--learning-rate", "1e-7", "--epochs", "30"]
SEARCHED = [str(package_folder().parent), *filter(None, [os.environ.get("PYTHONPATH")])]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(SEARCHED), "COLUMNS": "80"}
ENVIRONMENT |= {"PYTHONIOENCODING": "utf-8"}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "deltarule", "doctor", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        **options,
    )


def write_houses(path: str, rows: int = 300) -> None:
    """A price, of which a size of thousands and a small number tell all, and whether it is high."""
    random = np.random.default_rng(0)
    rooms, area = random.normal(size=rows), 1e4 + 3e3 * random.normal(size=rows)
    city = random.choice(["Oslo", "Rome"], rows)
    price = 2e5 + 5e4 * rooms + 20 * (area - 1e4) + 5e3 * random.normal(size=rows)
    columns = {"rooms": rooms, "area": area, "city": city, "price": price}
    columns["dear"] = np.where(price > 2e5, "yes", "no")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def report_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What --json prints; a number that JSON does not know is refused."""
    status = main(["doctor", *arguments, "--json"])
    out, err = capsys.readouterr()
    assert err == ""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON.")

    report = json.loads(out, parse_constant=refuse)
    assert status == (0 if report["healthy"] else 1)
    return report


def codes(report: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in report["findings"]]


# ---- a table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_what_train_would_fit_is_healthy(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["doctor", name]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    heading, scores, empty, verdict = out.splitlines()
    assert re.fullmatch(rf"{name}: [\d,]+ rows, \d+ inputs, target 'target'", heading)
    number = r"-?\d\.\d{3}"
    assert re.fullmatch(
        rf"(Accuracy|R2): rows it learned from {number}, other rows {number}, a constant {number}, "
        rf"plain models {number}",
        scores,
    )
    assert (empty, verdict) == ("", "Nothing wrong was found.")
    assert not list(Path().iterdir())


def test_a_network_that_does_not_learn_in_english_and_in_chinese() -> None:
    english, chinese = run("iris", *SLOW), run("iris", *SLOW, "--lang", "zh")
    assert english.returncode == chinese.returncode == 1
    assert english.stderr == chinese.stderr == ""
    assert re.search(r"^1\. The learning rate is too low\.$", english.stdout, re.MULTILINE)
    assert re.search(r"^   With the learning rate 1e-07 ", english.stdout, re.MULTILINE)
    assert re.search(r"^   What to do: set the learning rate", english.stdout, re.MULTILINE)
    found = english.stdout.splitlines()[3:]
    assert max(map(len, found)) <= 80
    lines = chinese.stdout.splitlines()
    assert lines[0] == "iris：120 行，4 个输入，目标列 'target'"
    assert lines[1].startswith("准确率：学习过的样本 0.")
    assert lines[3] == "1. 学习率过小。"
    assert lines[4].startswith("   学习率为 1e-07 时")


def test_raw_shows_what_scaling_does(capsys: pytest.CaptureFixture[str]) -> None:
    write_houses("houses.csv")
    options = ("houses.csv", "--target", "dear", "--drop", "price")
    assert report_of(capsys, *options)["healthy"]
    report = report_of(capsys, *options, "--raw")
    assert codes(report)[0] == "unscaled_features"
    assert "'area'" in report["findings"][0]["explanation"]["en"]
    numbers = report_of(capsys, "houses.csv", "--target", "price", "--drop", "dear", "--raw")
    assert "unscaled_targets" in codes(numbers)


def test_what_examine_says_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the same rows, network and seed."""
    report = report_of(capsys, "iris", *SLOW, "--seed", "3")
    from sklearn.datasets import load_iris
    from sklearn.model_selection import train_test_split

    X, y = load_iris(return_X_y=True)
    train, test = train_test_split(np.arange(150), test_size=0.2, random_state=3, stratify=y)
    mean, std = X[train].mean(axis=0), X[train].std(axis=0)
    X = ((X - mean) / std).astype(np.float32)
    network = dr.MLPClassifier(
        solver="sgd", learning_rate_init=1e-7, max_iter=30, early_stopping=True, batch_size=8
    )
    network.set_params(random_state=3, dtype="float32")
    found = dr.examine(network, X[train], y[train], X[test], y[test])
    assert codes(report) == [finding.code for finding in found.findings]
    assert report["scores"]["train"] == found.case.scores.train
    assert report["scores"]["held_out"] == found.case.scores.held_out
    assert report["task"] == "classification"
    assert (report["rows"], report["inputs"]) == (120, 4)
    assert (report["data"], report["target"]) == ("iris", "target")


def test_a_repair_is_tried_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("wine", "--raw", "--repair")
    assert main(["doctor", *options]) == 1
    out = capsys.readouterr().out
    listed = out[out.index("Repaired, the score on other rows is ") :]
    assert re.search(r"^- The features are not scaled: scale every feature", listed, re.MULTILINE)
    assert re.search(r"0\.\d{3} → \d\.\d{3}, kept$", listed, re.MULTILINE)
    report = report_of(capsys, *options)
    kept = [attempt for attempt in report["attempts"] if attempt["kept"]]
    assert kept[0]["repair"] == {"type": "ScaleFeatures"}
    assert kept[-1]["after"] == report["after"]["scores"]["held_out"] > 0.9
    assert report["scores"]["held_out"] < 0.9


def test_numbers_that_overflow_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(
        capsys, "diabetes", "--raw", "--solver", "sgd", "--learning-rate", "1e30", "--epochs", "5"
    )
    assert report["scores"]["train"] is None
    assert report["scores"]["held_out"] is None
    assert "non_finite_loss" in codes(report)


def test_mnist_has_its_own_other_rows(capsys: pytest.CaptureFixture[str]) -> None:
    write_mnist(Path("home"))
    given = ["--data-home", "home", "--epochs", "20", "--batch-size", "10"]
    report = report_of(capsys, "mnist", *given)
    assert report["healthy"]
    assert report["rows"] == 300
    assert report["scores"]["held_out"] > 0.9
    assert main(["train", "mnist", *given, "--json"]) == 0
    tested = json.loads(capsys.readouterr().out)["test"]["accuracy"]
    saved = report_of(capsys, "mnist.model", "mnist", "--data-home", "home")
    assert saved["healthy"]
    assert saved["rows"] == 300
    assert saved["scores"]["held_out"] == tested


# ---- a saved model ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["dear", "price"])
def test_a_saved_model_is_examined_as_it_learned(
    capsys: pytest.CaptureFixture[str], target: str
) -> None:
    write_houses("houses.csv")
    other = {"dear": "price", "price": "dear"}[target]
    learn = ["train", "houses.csv", "--target", target, "--drop", other, "--json"]
    assert main([*learn, "--out", "good.model"]) == 0
    assert main([*learn, "--out", "bad.model", *SLOW]) == 0
    capsys.readouterr()
    rows = ("houses.csv", "--target", target)
    report = report_of(capsys, "good.model", *rows)
    assert report["healthy"]
    assert report["model"] == "good.model"
    assert report["rows"] == 300
    assert report["scores"]["train"] > 0.9
    assert report["scores"]["held_out"] is None
    report = report_of(capsys, "bad.model", *rows, "--repair")
    assert codes(report)[0] == "learning_rate_low"
    assert "unscaled_targets" not in codes(report)
    assert report["after"]["scores"]["held_out"] > 0.9


def test_a_target_that_was_learned_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Saved from Python: no target was scaled, and that is what is wrong."""
    write_houses("houses.csv")
    table = read_table("houses.csv")
    preparation = Preparation.fit(table, ["rooms", "area", "city"])
    X, y = preparation.transform(table), np.asarray(table.columns["price"], dtype=float)
    given = {"max_iter": 30, "random_state": 0, "doctor": "off"}
    flat = dr.MLPRegressor(hidden_layer_sizes=(8,), **given).fit(X, y)
    dr.save(flat, "flat.model", preparation=preparation)
    assert "unscaled_targets" in codes(
        report_of(capsys, "flat.model", "houses.csv", "--target", "price")
    )
    layered = dr.NetworkRegressor([dr.layers.Dense(8, activation="relu")], **given).fit(X, y)
    dr.save(layered, "layered.model", preparation=preparation)
    assert "unscaled_targets" in codes(
        report_of(capsys, "layered.model", "houses.csv", "--target", "price")
    )


@pytest.mark.parametrize(("factor", "shift"), [(3e4, 0.0), (1e-3, 7.0), (20.0, -1e3)])
def test_whether_a_target_was_scaled_is_seen(factor: float, shift: float) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3)).astype(np.float32)
    y = shift + factor * (X[:, 0] + 0.3 * random.normal(size=200))
    given = {"max_iter": 40, "random_state": 0, "learning_rate_init": 0.01, "doctor": "off"}
    given |= {"hidden_layer_sizes": (8,), "dtype": "float64"}
    as_it_is = dr.MLPRegressor(**given).fit(X, y)
    assert not subject._learned_scaled(as_it_is, X, y)
    mean, scale = y.mean(), y.std()
    scaled = dr.MLPRegressor(**given).fit(X, (y - mean) / scale)
    scaled.coefs_[-1] *= scale
    scaled.intercepts_[-1] = scaled.intercepts_[-1] * scale + mean
    assert subject._learned_scaled(scaled, X, y)
    model, learned = subject._behind_a_scaler(scaled, y)
    np.testing.assert_allclose(model.predict(X), scaled.predict(X), rtol=1e-6)
    np.testing.assert_allclose(learned, (y - mean) / scale)
    np.testing.assert_allclose(
        model.regressor_.predict(X), (scaled.predict(X) - mean) / scale, atol=1e-6
    )


# ---- the page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page(capsys: pytest.CaptureFixture[str], lang: str) -> None:
    assert main(["doctor", "iris", *SLOW, "--html", "iris.html", "--lang", lang]) == 1
    out = capsys.readouterr().out
    assert "iris.html" in out.splitlines()[-1]
    page = Path("iris.html").read_text(encoding="utf-8")
    assert page.startswith(f'<!doctype html>\n<html lang="{lang}">')
    title = {"en": "The learning rate is too low", "zh": "学习率过小"}[lang]
    assert title in page
    assert out.splitlines()[0].replace("'", "&#x27;") in page
    assert os.listdir() == ["iris.html"]


def test_names_in_a_page_are_escaped() -> None:
    name = "a<b>&amp.csv"
    rows = "".join(f"{i % 7},{i % 3}\n" for i in range(120))
    Path(name).write_text(f"x<script>,y<i>\n{rows}", encoding="utf-8")
    assert main(["doctor", name, "--target", "y<i>", "--html", "p.html", "--epochs", "3"]) in (0, 1)
    page = Path("p.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "<i>" not in page
    assert "<title>a&lt;b&gt;&amp;amp.csv</title>" in page


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    Path("old.html").write_text("old")
    monkeypatch.setattr("deltarule.replacing.replace_file", full)
    assert main(["doctor", "iris", "--html", "old.html", "--epochs", "3"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "could not be written to old.html (No space left on device)" in err
    assert Path("old.html").read_text() == "old"


# ---- bad input ----------------------------------------------------------------------------------

GOOD = "a,b,y\n" + "".join(f"{i},{i % 7},{'pq'[i % 2]}\n" for i in range(60))
FILES = {
    "good.csv": GOOD,
    "other.csv": GOOD.replace("3,3,q\n", "3,3,r\n"),
    "no_b.csv": "a,y\n1,p\n2,q\n",
    "gap.csv": GOOD + "1,2,\n",
    "rare.csv": GOOD + "1,2,rare\n",
    "no.model": GOOD,
}
BAD = {
    "": "the following arguments are required: DATA",
    "one two three": "unrecognized arguments: three",
    "absent.csv --target y": "The file absent.csv does not exist",
    "iriss": "did you mean iris?",
    "good.csv": "Which column of good.csv is to be predicted? Name one of a, b, y",
    "good.csv --target Y": "no column 'Y' in good.csv: did you mean 'y'?",
    "gap.csv --target y": "missing in 1 of the 61 rows",
    "rare.csv --target y": "The class 'rare' has one row only",
    "iris --target x": "no column 'x' in the data set iris",
    "iris --lang fr": "argument --lang: invalid choice: 'fr'",
    "iris --seed -1": "argument --seed",
    "iris --activation reluu": "Did you mean 'relu'",
    "iris --hidden 0": "hidden_layer_sizes",
    "iris --repair=yes": "argument --repair: ignored explicit argument 'yes'",
    "mnist": "name their --data-home",
    "good.model": "good.model is neither a CSV nor a Parquet file",
    "absent.model good.csv --target y": "The model file absent.model does not exist",
    "no.model good.csv --target y": "no.model is not a whole deltarule model",
    "good.csv good.model --target y": "good.csv is not a whole deltarule model",
    "plain.model good.csv --target y": "fitted on a plain matrix",
    "good.model good.csv": "Which column of good.csv does the model predict?",
    "good.model good.csv --target z": "no column 'z' in good.csv",
    "good.model good.csv --target a": "holds the class 0, and good.model knows only such as 'p'",
    "good.model other.csv --target y": "holds the class 'r', and good.model knows only such as",
    "good.model no_b.csv --target y": "no column 'b' in no_b.csv",
    "good.model iris": "in the data set iris",
    "good.model mnist --data-home home": "good.model does not read the pixels of mnist",
    "numbers.model good.csv --target y": "holds text, and numbers.model predicts quantities",
    "good.model good.csv --target y --hidden 5": "leave out --hidden.",
    "good.model good.csv --target y --no-early-stopping": "leave out --no-early-stopping.",
    "good.model good.csv --target y --raw": "leave out --raw.",
    "good.model good.csv --target y --test-fraction 0.3": "leave out --test-fraction.",
    "iris --html .": "--html . is a folder: name a file in it.",
    "iris --html absent/p.html": "for --html does not exist: make it first.",
    "good.csv --target y --html good.csv": "--html good.csv would replace what is read",
    "good.model good.csv --target y --html good.model": "would replace what is read",
}


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_mnist(folder / "home")
    data, quick = str(folder / "good.csv"), ("--epochs", "3", "--hidden", "4", "--json")
    for target, name in (("y", "good.model"), ("a", "numbers.model")):
        assert main(["train", data, "--target", target, *quick, "--out", str(folder / name)]) == 0
    X = np.arange(40.0).reshape(20, 2)
    columns = Preparation.fit(read_table(data), ["b"])
    tabular = dr.TabularRegressor(max_iter=2, random_state=0).fit(X[:, :1], X[:, 0])
    dr.save(tabular, folder / "tabular.model", preparation=columns)
    dr.save(dr.MLPRegressor(tol=1.0, random_state=0).fit(X, X[:, 0]), folder / "plain.model")
    return folder


def test_a_saved_estimator_for_tables_is_examined(
    bad_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = str(bad_folder / "tabular.model"), str(bad_folder / "good.csv")
    assert main(["doctor", model, data, "--target", "a", "--json"]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["task"] == "regression"


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("line", BAD)
def test_bad_input_gives_one_sentence(
    bad_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    json_too: bool,
) -> None:
    monkeypatch.chdir(bad_folder)
    before = {path: path.read_bytes() for path in bad_folder.iterdir() if path.is_file()}
    capsys.readouterr()
    assert main(["doctor", *line.split(), *["--json"] * json_too]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert BAD[line] in err
    assert err.startswith("deltarule: ")
    assert err.endswith((".\n", "?\n"))
    assert err.count("\n") == 1
    after = {path: path.read_bytes() for path in bad_folder.iterdir() if path.is_file()}
    assert after == before


def test_bad_input_to_the_process() -> None:
    done = run("iriss")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_help_names_a_model_and_its_data() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "[MODEL] DATA" in " ".join(done.stdout.split())
    assert "Exit status: 0 healthy, 1 something was found, 2 bad input." in " ".join(
        done.stdout.split()
    )
