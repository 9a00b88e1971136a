"""The programs of examples/ run, and what they say of their networks is so."""

import contextlib
import functools
import importlib
import importlib.util
import re
import sys

import numpy as np
import pytest
from fresh import REPOSITORY, output_of

EXAMPLES = REPOSITORY / "examples"
RUN = """
import runpy, sys
sys.argv = {arguments!r}
sys.path.insert(0, {folder!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(name, *arguments):
    """What a program prints, as lines."""
    command = [str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
    return output_of(RUN.format(arguments=command, folder=str(EXAMPLES))).splitlines()


@contextlib.contextmanager
def style_restored():
    """A program may set the style of all its pictures; those of other tests keep theirs."""
    if importlib.util.find_spec("matplotlib") is None:
        yield
        return
    with importlib.import_module("matplotlib").rc_context():
        yield


@pytest.fixture
def example(monkeypatch):
    """The modules of examples/ by name."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    with style_restored():
        yield importlib.import_module
    for name in [path.stem for path in EXAMPLES.glob("*.py")]:
        sys.modules.pop(name, None)


def row(lines, name):
    """The numbers of a row of a printed table."""
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    rest = line.removeprefix(name)
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?(?:e[+-]\d+)?", rest)]


def is_wide_png(path):
    """Whether a file is a PNG of 1200 pixels a row, and no larger than the documents allow."""
    content = path.read_bytes()
    is_png = content.startswith(b"\x89PNG") and int.from_bytes(content[16:20], "big") == 1200
    return is_png and len(content) <= 60_000


# ---- short variants, as a reader runs them


def test_short_sequences_are_added_by_every_recurrent_layer():
    lines = run("adding_problem", "--length", 10, "--rows", 2000, "--epochs", 12)
    assert row(lines, "always 1")[0] == pytest.approx(1 / 6, abs=0.02)
    assert all(row(lines, name)[0] < 0.02 for name in ("SimpleRNN", "LSTM", "GRU"))


def test_gradients_reach_the_first_of_fifty_layers_with_every_remedy():
    lines = run("fifty_layers", "--epochs", 1)
    first = {name: row(lines, name)[0] for name in ("sigmoid", "ReLU, Glorot")}
    assert first["sigmoid"] < 1e-30
    assert first["ReLU, Glorot"] < 1e-8
    remedies = ("ReLU, He", "sigmoid, batch norm", "sigmoid, residual", "tanh, orthogonal")
    assert all(1e-4 < row(lines, name)[0] < 1 for name in remedies)


def test_convolutions_read_digits_after_a_few_thousand_images(shared_data):
    lines = run("mnist_convolution", "--data-home", shared_data, "--rows", 4000, "--epochs", 2)
    assert any(line.startswith("20,522 weights") for line in lines)
    accuracies = row(lines, "relu")[:2]
    assert 90 < accuracies[0] < accuracies[1] < 100


def test_mnist_that_is_not_there_is_named_in_a_sentence(example, tmp_path):
    module = example("mnist_convolution")
    with pytest.raises(module.dr.datasets.DatasetError, match="training images of MNIST are not"):
        module.main(["--data-home", str(tmp_path)])


@pytest.mark.parametrize(
    ("name", "options"),
    [("adding_problem", "--length 4 --rows 50"), ("fifty_layers", "--depth 3")],
)
def test_a_picture_is_drawn(name, options, tmp_path, example):
    pytest.importorskip("matplotlib", reason="Pictures are drawn with matplotlib: it is not there.")
    path = tmp_path / "picture.png"
    example(name).main([*options.split(), "--epochs", "1", "--plot", str(path)])
    assert is_wide_png(path)


def test_a_picture_of_misread_digits_is_drawn(shared_data, tmp_path, example):
    pytest.importorskip("matplotlib", reason="Pictures are drawn with matplotlib: it is not there.")
    path = tmp_path / "picture.png"
    options = ["--data-home", str(shared_data), "--rows", "500", "--epochs", "1"]
    example("mnist_convolution").main(
        [*options, "--activation", "tanh", "relu", "--plot", str(path)]
    )
    assert is_wide_png(path)


@pytest.mark.parametrize("name", ["adding_problem", "fifty_layers", "mnist_convolution"])
def test_a_picture_without_matplotlib_is_refused_before_training(
    name, example, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit):
        example(name).main(["--plot", "picture.png"])
    assert "pip install 'deltarule[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["adding_problem", "fifty_layers", "race", "vanishing"])
def test_the_pictures_of_the_documents_are_wide_and_small(name):
    assert is_wide_png(REPOSITORY / "docs" / "pictures" / f"{name}.png")


def test_marks_and_sums_are_those_of_the_adding_problem(example):
    x, sums = example("adding_problem").adding_problem(500, 20, np.random.default_rng(0))
    numbers, marks = x[..., 0], x[..., 1]
    assert np.isin(marks, (0, 1)).all()
    assert (marks[:, :10].sum(axis=1) == 1).all()
    assert (marks[:, 10:].sum(axis=1) == 1).all()
    chosen = numbers[marks == 1].reshape(500, 2)
    np.testing.assert_array_equal(sums[:, 0], chosen.sum(axis=1))


# ---- what the programs claim


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_steps_are_remembered_by_lstm_and_gru_only(example, seed):
    module = example("adding_problem")
    baseline = module.error_of_one(100, seed)
    errors = {name: module.learn(name, seed=seed).errors for name in module.LAYERS}
    assert errors["SimpleRNN"].min() > 0.97 * baseline
    assert errors["LSTM"][-1] < 0.005
    assert errors["GRU"][-1] < 0.005


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_every_remedy_lets_fifty_layers_learn(example, seed):
    module = example("fifty_layers")
    data = module.digits()
    least = {
        "ReLU, He": 0.85,
        "sigmoid, batch norm": 0.95,
        "sigmoid, residual": 0.95,
        "tanh, orthogonal": 0.94,
        "tanh, LSUV": 0.92,
    }
    assert module.NETS.keys() - least.keys() == {"sigmoid", "ReLU, Glorot"}
    accuracy = {name: module.learn(name, data, seed=seed).accuracy for name in module.NETS}
    assert all(accuracy[name] > bound for name, bound in least.items()), accuracy
    assert accuracy["sigmoid"] < 0.13
    assert accuracy["ReLU, Glorot"] < 0.13


@pytest.mark.slow
def test_a_last_batch_of_three_rows_spoils_batch_normalisation_without_clipping(example):
    module = example("fifty_layers")
    rows = 1347
    assert rows % module.BATCH == 3
    learn = functools.partial(module.learn, data=module.digits(rows))
    assert learn("sigmoid, batch norm", clip=np.inf).accuracy < 0.8
    assert learn("sigmoid, batch norm").accuracy > 0.93
    assert learn("sigmoid, residual", clip=np.inf).accuracy > 0.93


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "least"), [("relu", 0.988), ("tanh", 0.983)])
def test_three_epochs_of_mnist_are_enough(example, shared_data, activation, least):
    module = example("mnist_convolution")
    result = module.learn(activation, module.images(str(shared_data)))
    assert result.accuracies[-1] >= least
