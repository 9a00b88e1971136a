"""The console command, as its users meet it."""

from __future__ import annotations

import csv
import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fresh import output_of, package_folder
from pyarrow import parquet
from sklearn.model_selection import train_test_split

import deltarule as dr
from deltarule.cli import main
from deltarule.files import load_with_preparation
from deltarule.tables import read_table

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(package_folder().parent), "COLUMNS": "100"}
COMMAND = [sys.executable, "-m", "deltarule"]
QUICK = ["--epochs", "3", "--hidden", "4"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def write_people(path: str, rows: int = 120, seed: int = 0, target: bool = True) -> None:
    """A table with text, truth values, missing cells and a target that follows from them."""
    random = np.random.default_rng(seed)
    age = random.normal(40, 10, rows)
    city = random.choice(["Oslo", "Rome", "São Paulo"], rows)
    tall = random.random(rows) > 0.5
    label = np.where((age > 40) ^ (city == "Oslo"), "=yes", "no, thanks")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "city", "tall", *(["answer"] if target else [])])
        for i in range(rows):
            row = ["" if i % 9 == 0 else age[i], "" if i % 7 == 0 else city[i], tall[i]]
            writer.writerow([*row, *([label[i]] if target else [])])


def write_numbers(path: str, y: Any, **more: Any) -> None:
    random = np.random.default_rng(0)
    table = {"a": random.normal(size=len(y)), "b": random.normal(size=len(y)), "y": y, **more}
    parquet.write_table(pa.table(table), path)


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


# ---- train and predict --------------------------------------------------------------------------


def test_a_table_with_text_and_missing_values_there_and_back() -> None:
    write_people("people.csv")
    write_people("new.csv", rows=40, seed=1, target=False)
    trained = run("train", "people.csv", "--target", "answer", "--epochs", "30")
    assert trained.returncode == 0, trained.stderr
    assert "2 columns of numbers and 1 column of text give 5 inputs" in trained.stdout
    assert "Target 'answer', one of 2 classes: 96 rows to learn from, 24 to test" in trained.stdout
    assert re.search(r"^Iteration 1, loss = \d\.\d{8}$", trained.stdout, re.MULTILINE)
    assert re.search(r"^Validation score: \d\.\d{6}$", trained.stdout, re.MULTILINE)
    assert re.search(r"^Test accuracy: 0\.\d{4} \(always 'no, thanks' would", trained.stdout, re.M)
    assert trained.stdout.endswith("Saved people.model\n")

    predicted = run("predict", "people.model", "new.csv")
    assert predicted.returncode == 0, predicted.stderr
    estimator, preparation = load_with_preparation("people.model")
    assert preparation is not None
    table = read_table("new.csv")
    expected = estimator.predict(preparation.transform(table))
    assert set(expected) == {"=yes", "no, thanks"}
    shown = [["prediction"], *([{"=yes": "'=yes"}.get(label, label)] for label in expected)]
    assert rows_of(predicted.stdout) == shown

    in_any_order = run("predict", "people.model", "people.csv", "--proba", "--out", "out.csv")
    assert in_any_order.stdout == "Saved 120 predictions to out.csv\n"
    with open("out.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["prediction", "probability_=yes", "probability_no, thanks"]
    probabilities = estimator.predict_proba(preparation.transform(read_table("people.csv")))
    assert np.array([row[1:] for row in rows], dtype=float) == pytest.approx(probabilities)


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    write_people("people.csv")
    assert main(["train", "people.csv", "--target", "answer", "--json", "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert report["rows"] == {"train": 96, "test": 24}
    assert report["task"] == "classification"
    assert 0 <= report["test"]["accuracy"] <= 1
    assert report["model"] == "people.model"

    assert main(["predict", "people.model", "people.csv", "--proba", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["classes"] == ["=yes", "no, thanks"]
    assert len(report["predictions"]) == report["rows"] == 120
    assert np.sum(report["probabilities"]) == pytest.approx(120)

    assert main(["predict", "people.model", "people.csv", "--json", "--out", "out.csv"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == "out.csv"
    assert Path("out.csv").read_text().count("\n") == 121


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (np.array([True, False]), {"True", "False"}),
        (np.array([-1, 7]), {"-1", "7"}),
        (np.array([-1.0, 2.0]), {"-1.0", "2.0"}),
        (np.array(["@x", "-1"]), {"'@x", "'-1"}),
    ],
)
def test_labels_keep_their_type(
    capsys: pytest.CaptureFixture[str], labels: Any, shown: set[str]
) -> None:
    write_numbers("t.parquet", labels[np.arange(80) % 2])
    assert main(["train", "t.parquet", "--target", "y", "--epochs", "20", "--hidden", "none"]) == 0
    capsys.readouterr()
    assert main(["predict", "t.model", "t.parquet"]) == 0
    header, *rows = rows_of(capsys.readouterr().out)
    assert header == ["prediction"]
    assert {row[0] for row in rows} <= shown


def test_regression_in_the_units_of_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=400)
    write_numbers("t.parquet", 5000 + 100 * a, a=a)
    assert main(["train", "t.parquet", "--target", "y", "--epochs", "60"]) == 0
    found = re.search(r"Test R2: (\S+), RMSE: (\S+) ", capsys.readouterr().out)
    assert found is not None
    assert float(found[1]) > 0.95
    assert float(found[2]) < 25
    assert main(["predict", "t.model", "t.parquet", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "classes" not in report
    assert np.corrcoef(report["predictions"], a)[0, 1] > 0.95
    assert np.mean(report["predictions"]) == pytest.approx(5000, abs=20)


def test_a_target_with_a_large_mean(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=400)
    write_numbers("t.parquet", 1.7e9 + 20 * x, a=x)
    assert main(["train", "t.parquet", "--target", "y", "--epochs", "60", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["r2"] > 0.9
    assert main(["predict", "t.model", "t.parquet"]) == 0
    _, *rows = rows_of(capsys.readouterr().out)
    assert len({row[0] for row in rows}) > 390
    assert np.corrcoef([float(row[0]) for row in rows], x)[0, 1] > 0.95


def test_a_target_that_varies_in_the_test_part_only(capsys: pytest.CaptureFixture[str]) -> None:
    _, test = train_test_split(np.arange(60), test_size=0.2, random_state=0)
    y = np.full(60, 2.5)
    y[test[0]] = 7.5
    write_numbers("t.parquet", y)
    assert main(["train", "t.parquet", "--target", "y", "--json", *QUICK]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["deviation"] > 0
    coefs = dr.load("t.model").coefs_
    assert all(np.isfinite(w).all() for w in coefs)


@pytest.mark.parametrize(
    ("name", "key", "least"),
    [
        ("iris", "accuracy", 0.7),
        ("wine", "accuracy", 0.8),
        ("breast_cancer", "accuracy", 0.9),
        ("digits", "accuracy", 0.9),
        ("diabetes", "r2", 0.2),
    ],
)
def test_built_in(capsys: pytest.CaptureFixture[str], name: str, key: str, least: float) -> None:
    assert main(["train", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"][key] > least
    assert main(["predict", f"{name}.model", name]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 100


def write_mnist(folder: Path) -> None:
    random = np.random.default_rng(0)
    folder.mkdir()
    for part, rows in (("train", 300), ("t10k", 50)):
        labels = random.integers(0, 3, rows).astype(np.uint8)
        pixels = random.integers(0, 60, (rows, 4, 4)).astype(np.uint8)
        pixels[np.arange(rows), labels] += 190
        for kind, values in (("images-idx3", pixels), ("labels-idx1", labels)):
            sizes = b"".join(n.to_bytes(4, "big") for n in (0x800 + values.ndim, *values.shape))
            content = gzip.compress(sizes + values.tobytes())
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(content)


def test_mnist_has_its_own_test_set(capsys: pytest.CaptureFixture[str]) -> None:
    write_mnist(Path("home"))
    options = ["--epochs", "20", "--batch-size", "10", "--json", "--data-home", "home"]
    assert main(["train", "mnist", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == {"train": 300, "test": 50}
    assert report["test"]["accuracy"] > 0.9
    assert main(["predict", "mnist.model", "mnist", "--data-home", "home", "--json"]) == 0
    _, _, _, truth = dr.datasets.load_mnist("home")
    predictions = json.loads(capsys.readouterr().out)["predictions"]
    assert np.mean(np.array(predictions) == truth) == report["test"]["accuracy"]


@pytest.mark.slow
def test_mnist_itself(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--epochs", "4", "--hidden", "64", "--json", "--data-home", str(shared_data)]
    assert main(["train", "mnist", *options]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["accuracy"] > 0.95


def test_options_reach_the_estimator(capsys: pytest.CaptureFixture[str]) -> None:
    write_people("people.csv")
    options = (
        "--target answer --drop tall --hidden 5,4 --activation tanh,swish --solver sgd --alpha 0.5"
        " --learning-rate 0.01 --batch-size 7 --epochs 2 --seed 5 --dtype float64 --out other.net"
        " --no-early-stopping --test-fraction 0"
    )
    assert main(["train", "people.csv", *options.split()]) == 0
    out, err = capsys.readouterr()
    assert "Not tested: no rows were held out" in out
    assert "Validation score" not in out
    assert "Note: the model was still improving" in err
    estimator = dr.load("other.net")
    settings = {
        "solver": "sgd",
        "alpha": 0.5,
        "learning_rate_init": 0.01,
        "batch_size": 7,
        "max_iter": 2,
        "random_state": 5,
        "dtype": "float64",
        "early_stopping": False,
    }
    assert settings.items() <= estimator.get_params().items()
    assert [w.shape for w in estimator.coefs_] == [(4, 5), (5, 4), (4, 1)]
    assert estimator.coefs_[0].dtype == np.float64


def test_the_same_seed_gives_the_same_file() -> None:
    write_people("people.csv")
    for out in ("1.model", "2.model"):
        assert main(["train", "people.csv", "--target", "answer", *QUICK, "--out", out]) == 0
    one, two = (load_with_preparation(name)[0].coefs_ for name in ("1.model", "2.model"))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))


# ---- bad input ----------------------------------------------------------------------------------

GOOD = "a,b,y\n" + "".join(f"{i},{i % 7},{'pq'[i % 2]}\n" for i in range(60))
FILES = {
    "good.csv": GOOD,
    "empty.csv": "",
    "header.csv": "a,b,y\n",
    "twice.csv": "a,a,y\n1,2,p\n",
    "nan.csv": re.sub(r"(?m)^(\d+),\d+,", r"\1,,", GOOD),
    "one_class.csv": GOOD.replace(",q", ",p"),
    "rare.csv": GOOD + "1,2,rare\n",
    "gap.csv": GOOD + "1,2,\n",
    "dates.csv": GOOD.replace("a,b,y", "a,b,y,on")
    .replace("p\n", "p,2020-01-01\n")
    .replace("q\n", "q,2020-01-02\n"),
    "names.csv": "n,y\n" + "".join(f"name{i},{'pq'[i % 2]}\n" for i in range(400)),
    "tiny.csv": "a,y\n1,p\n2,q\n3,p\n4,q\n",
    "text.csv": GOOD.replace("\n5,", "\nfive,"),
    "no_b.csv": "a,y\n1,p\n",
    "large.csv": GOOD.replace("\n5,", "\n9007199254740993,"),
    "good.xls": GOOD,
    "no.parquet": GOOD,
    "no.model": GOOD,
}
WRONG_VALUES = [
    ("seed", "abc", "a whole number from 0 to 2**32 - 1, not 'abc'"),
    ("seed", "1.5", "a whole number from 0 to 2**32 - 1, not '1.5'"),
    ("test-fraction", "abc", "a number of at least 0 and below 1, not 'abc'"),
    ("test-fraction", "nan", "a number of at least 0 and below 1, not 'nan'"),
    ("epochs", "0", "a whole number from 1 to 2**32 - 1, not '0'"),
    ("epochs", "many", "a whole number from 1 to 2**32 - 1, not 'many'"),
    ("batch-size", "0", "a whole number from 1 to 2**32 - 1, not '0'"),
    ("learning-rate", "0", "a finite number above 0, not '0'"),
    ("learning-rate", "-1", "a finite number above 0, not '-1'"),
    ("learning-rate", "nan", "a finite number above 0, not 'nan'"),
    ("learning-rate", "inf", "a finite number above 0, not 'inf'"),
    ("learning-rate", "fast", "a finite number above 0, not 'fast'"),
    ("alpha", "-1", "a finite number of at least 0, not '-1'"),
    ("alpha", "inf", "a finite number of at least 0, not 'inf'"),
    ("alpha", "abc", "a finite number of at least 0, not 'abc'"),
]
BAD = {
    "train absent.csv --target y": "The file absent.csv does not exist",
    "train absent --target y": "no file and no built-in data set named 'absent'",
    "train iriss": "did you mean iris?",
    "train good.xls --target y": "neither a CSV nor a Parquet file",
    "train no.parquet --target y": "cannot be read as Parquet",
    "train empty.csv --target y": "The file empty.csv is empty",
    "train header.csv --target y": "has a header but no rows",
    "train twice.csv --target y": "names more than one column 'a'",
    "train good.csv": "Which column of good.csv is to be predicted? Name one of a, b, y",
    "train good.csv --target Y": "no column 'Y' in good.csv: did you mean 'y'?",
    "train good.csv --target y --drop c": "no column 'c' in good.csv",
    "train good.csv --target y --drop y": "cannot be dropped",
    "train good.csv --target y --drop a,b": "no column to learn from",
    "train good.csv --target y --task regression": "holds text such as 'p'",
    "train nan.csv --target y": "The column 'b' of nan.csv has no value",
    "train one_class.csv --target y": "is 'p' in every row",
    "train rare.csv --target y": "The class 'rare' has one row only",
    "train gap.csv --target y": "missing in 1 of the 61 rows",
    "train dates.csv --target y": "The column 'on' of dates.csv holds dates",
    "train names.csv --target y": "more are in 'n' (320) of names.csv",
    "train tiny.csv --target y": "4 rows are too few to hold out a test part",
    "train good.csv --target y --activation reluu": "Did you mean 'relu'",
    "train good.csv --target y --hidden 0": "hidden_layer_sizes",
    "train good.csv --target y --hidden x": "argument --hidden",
    "train good.csv --target y --solver lbfgs": "argument --solver",
    "train good.csv --target y --test-fraction 1": "argument --test-fraction",
    "train good.csv --target y --seed -1": "argument --seed",
    **{
        f"train good.csv --target y --{option} {value}": f"argument --{option}: must be {wanted}"
        for option, value, wanted in WRONG_VALUES
    },
    "train large.csv --target y": "The column 'a' of large.csv holds whole numbers beyond",
    "train good.csv --target y --out good.csv": "would replace what is read",
    "train good.csv --target y --out .": "is a folder",
    "train good.csv --target y --out absent/x": "does not exist: make it first",
    "train good.csv --target y --learning-rate 1e30 --solver sgd --no-early-stopping": "loss",
    "train mnist": "name their --data-home",
    "train mnist --data-home .": "training images of MNIST are not in",
    "train mnist --data-home . --target x": "leave out --target",
    "train iris --target x": "no column 'x' in the data set iris",
    "train iris --drop x": "no column 'x' in the data set iris",
    "train": "the following arguments are required: DATA",
    "": "the following arguments are required: VERB",
    "trian iris": "invalid choice: 'trian'",
    "predict absent.model good.csv": "The model file absent.model does not exist",
    "predict no.model good.csv": "no.model is not a whole deltarule model",
    "predict good.csv good.csv": "good.csv is not a whole deltarule model",
    "predict plain.model good.csv": "fitted on a plain matrix",
    "predict good.model absent.csv": "The file absent.csv does not exist",
    "predict good.model no_b.csv": "no column 'b' in no_b.csv",
    "predict good.model text.csv": "holds text, such as 'five' in row 6",
    "predict good.model iris": "in the data set iris",
    "predict good.model good.csv --out good.model": "would replace what is read",
    "predict good.model good.csv --out good.csv": "would replace what is read",
    "predict good.model good.csv --out absent/x.csv": "could not be written to absent/x.csv",
    "predict numbers.model good.csv --proba": "leave out --proba",
    "show gleu": "did you mean glu or gelu",
    "show qqqq": "deltarule show lists them all",
    "show relu --plot a.jpg": "argument --plot: a.jpg must end with .png, .svg or .pdf",
    "show relu --plot absent/a.png": "argument --plot: the folder of absent/a.png does not exist",
    "show --plot a.png": "--plot draws one function: name it",
    "show log_cosh --plot a.png": "an activation and a loss named 'log_cosh'",
    "show ctc --plot a.png": "so it has no curve to draw",
}


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    data, out = str(folder / "good.csv"), "--out"
    assert main(["train", data, "--target", "y", *QUICK, out, str(folder / "good.model")]) == 0
    assert main(["train", data, "--target", "a", *QUICK, out, str(folder / "numbers.model")]) == 0
    X = np.arange(40.0).reshape(20, 2)
    dr.save(dr.MLPRegressor(tol=1.0, random_state=0).fit(X, X[:, 0]), folder / "plain.model")
    return folder


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
    before = {path: path.read_bytes() for path in bad_folder.iterdir()}
    capsys.readouterr()
    arguments = line.split() + ["--json"] * (json_too and line not in ("", "trian iris"))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert BAD[line] in err
    assert err.startswith("deltarule: ")
    assert err.endswith((".\n", "?\n"))
    assert err.count("\n") == 1
    assert "argument --" not in err or out == ""
    assert json_too is False or out == ""
    assert {path: path.read_bytes() for path in bad_folder.iterdir()} == before


@pytest.mark.parametrize(
    "line", ["train absent.csv --target y", "predict no.model good.csv", "show gleu", ""]
)
def test_bad_input_to_the_process(bad_folder: Path, line: str) -> None:
    done = run(*line.split(), cwd=bad_folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert BAD[line] in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_failed_training_leaves_the_old_model(bad_folder: Path) -> None:
    model = bad_folder / "good.model"
    before = model.read_bytes()
    done = run("train", "gap.csv", "--target", "y", "--out", "good.model", cwd=bad_folder)
    assert done.returncode == 2
    assert model.read_bytes() == before


def test_without_pyarrow(
    bad_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bad_folder)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["train", "good.csv", "--target", "y"]) == 2
    assert 'run pip install "deltarule[data]"' in capsys.readouterr().err


# ---- the terminal -------------------------------------------------------------------------------


def test_ctrl_c_keeps_what_was_learned() -> None:
    y = (np.arange(20_000) % 2).astype(bool)
    write_numbers("t.parquet", y)
    options = ["--target", "y", "--epochs", "100000", "--no-early-stopping", "--solver", "sgd"]
    options += ["--learning-rate", "1e-9", "--hidden", "300"]
    with subprocess.Popen(
        [*COMMAND, "train", "t.parquet", *options],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "Iteration 2," not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Note: Training was interrupted" in err
    assert "Traceback" not in err
    assert rest.endswith("Saved t.model\n")
    assert dr.load("t.model").n_iter_ >= 2


def test_ctrl_c_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deltarule.datasets.load_built_in", interrupted)
    assert main(["train", "iris"]) == 130
    assert capsys.readouterr().err == "deltarule: interrupted before anything was saved.\n"
    assert not Path("iris.model").exists()


@pytest.mark.parametrize("line", ["show", "show --json", "train digits", "predict d.model digits"])
def test_a_closed_pipe_is_no_error(line: str) -> None:
    if line.startswith("predict"):
        assert main(["train", "digits", *QUICK, "--out", "d.model"]) == 0
    with subprocess.Popen(
        [*COMMAND, *line.split()],
        env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_bar_in_a_terminal() -> None:
    master, slave = pty.openpty()
    shown: list[bytes] = []

    def collect() -> None:
        while select.select([master], [], [], 60)[0]:
            try:
                shown.append(os.read(master, 4096))
            except OSError:  # the other end is closed
                return

    reader = threading.Thread(target=collect)
    reader.start()
    done = subprocess.run(
        [*COMMAND, "train", "digits", "--epochs", "5"],
        env={**ENVIRONMENT, "TERM": "xterm"},
        stdout=slave,
        stderr=slave,
        check=False,
    )
    os.close(slave)
    reader.join()
    os.close(master)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(shown).decode())
    assert done.returncode == 0, text
    assert re.search(r"Epoch 5/5 ━+ loss \S+  validation loss \S+  score \S+", text)
    assert "Iteration" not in text
    assert "Saved digits.model" in text


# ---- show, help, version ------------------------------------------------------------------------

ALL = [*dr.activations, *dr.losses]


def errors_of(f: Any) -> list[str]:
    """What `show` says of the errors."""
    facts = f.facts
    if "tolerance" in facts:
        value, gradient = facts["tolerance"]
        return [f"value within {value:g} eps, gradient within {gradient:g} eps of {facts['scale']}"]
    said = [f"the ulp of a quarter of {scale}\n" for scale in facts["scales"] if scale]
    said += [facts["error_scale"]] if facts["error_scale"] else []
    for dtype in ("float32", "float64"):
        value, slope, curve = facts[f"ulp_{dtype}"]
        second = f", second within {curve:g}" if facts["kind"] == "elementwise" else ""
        said.append(f"In {dtype}  value within {value:g} ulp, derivative within {slope:g}{second}")
    return said


@pytest.mark.parametrize("f", [*dr.activations.values(), *dr.losses.values()], ids=repr)
def test_show_states_every_fact(capsys: pytest.CaptureFixture[str], f: Any) -> None:
    assert main(["show", f.name, "--kind", f.kind]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{f.name}: {f.kind}, ")
    stated = [f.formula, f.latex, f.facts["source"], *f.facts["aliases"], *errors_of(f)]
    stated += [parameter for parameter, _, _ in f.facts["parameters"]]
    stated += [f"at {at}, where" for at, _ in f.facts.get("kinks", [])]
    stated += [f"{system}: {name}" for system, name in f.native_names.items()]
    for fact in stated:
        assert fact in " ".join(out.split(" "))
    drawn = set(out) & {chr(code) for code in range(0x2801, 0x2900)}
    assert (len(drawn) > 1) != (f.name == "gumbel_softmax" or "operands" in f.facts)


def test_a_name_of_both_kinds_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    both = sorted(set(dr.activations) & set(dr.losses))
    assert both
    for name in both:
        assert main(["show", name]) == 0
        out = capsys.readouterr().out
        assert f"{name}: activation" in out
        assert f"{name}: loss" in out


def test_show_follows_aliases_and_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "swish"]) == 0
    assert capsys.readouterr().out.startswith("silu: activation")
    assert main(["show", "mse"]) == 0
    assert capsys.readouterr().out.startswith("squared_error: loss")
    assert main(["show"]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", out, re.MULTILINE) for name in ALL)


def test_show_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "relu", "--json"]) == 0
    relu = json.loads(capsys.readouterr().out)
    assert relu["type"] == "activation"
    assert relu["range"] == [0, "inf"]
    assert relu["kinks"] == [["0", "0"]]
    assert main(["show", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in listed["activations"]] == list(dr.activations)
    assert [f["name"] for f in listed["losses"]] == list(dr.losses)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".SVG", b"<?xml"), (".pdf", b"%PDF")]
)
def test_show_draws_a_picture(
    capsys: pytest.CaptureFixture[str], suffix: str, start: bytes
) -> None:
    Path(f"old{suffix}").write_text("old")
    assert main(["show", "log_cosh", "--kind", "loss", "--plot", f"old{suffix}"]) == 0
    assert Path(f"old{suffix}").read_bytes().startswith(start)
    out = capsys.readouterr().out
    assert out.startswith("log_cosh: loss")
    assert out.endswith(f"Saved old{suffix}\n")
    assert main(["show", "gelu", "--json", "--plot", f"new{suffix}"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "gelu"
    assert Path(f"new{suffix}").exists()


def test_a_picture_that_cannot_be_written_leaves_the_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    Path("a.png").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert main(["show", "gelu", "--plot", "a.png"]) == 2
    assert "could not be written to a.png (No space left on device)" in capsys.readouterr().err
    assert Path("a.png").read_text() == "old"


def test_show_without_matplotlib(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["show", "gelu", "--plot", "a.png"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "pip install 'deltarule[plot]'" in err
    assert main(["show", "gelu"]) == 0


def test_show_without_unicode() -> None:
    done = subprocess.run(
        [*COMMAND, "show", "relu"],
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"Formula" in done.stdout
    assert done.stdout.isascii()


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["--help"], ["train", "--help"], ["show", "-h"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"deltarule {dr.__version__}\n")
    assert "--early-stopping" in out


def test_help_is_light() -> None:
    code = """
import sys
from deltarule.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print(sorted({"sklearn", "scipy", "rich", "pyarrow", "pandas"} & sys.modules.keys()))
"""
    assert output_of(code).endswith("[]\n")
