"""A memory of a hundred steps: the adding problem, for three recurrent layers.

A sequence of 100 steps has two features: a number between 0 and 1, and a mark, which is 1 at two
steps and 0 at all others.  The network sees the steps one after the other and then has to name the
sum of the two marked numbers (Hochreiter and Schmidhuber 1997).  Who remembers nothing says 1, the
mean of all sums, with a mean squared error of 1/6 = 0.167.

What a SimpleRNN says depends on a number seen n steps ago by a slope that is a product of n
factors, and vanishes: its error stays at 0.167.  In an LSTM and in a GRU these factors are gates,
which learn to stay open, and both solve the problem.  With ``--length 10`` the SimpleRNN learns it
as well.

    python examples/adding_problem.py --plot adding_problem.png

takes about 10 seconds on one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from drawing import COLOURS, add_plot_option, figure, legend_beside, plain, save

import deltarule as dr
from deltarule.layers import GRU, LSTM, Dense, SimpleRNN

LAYERS = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
SOLVED = 0.01  # of the mean squared error
TEST_ROWS = 2000

Problem = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Result:
    """How a network learned: its error on the test sequences after every epoch."""

    errors: np.ndarray
    seconds: float

    @property
    def solved_after(self) -> int | None:
        """The first epoch with an error below `SOLVED`, counted from 1."""
        below = np.flatnonzero(self.errors < SOLVED)
        return int(below[0]) + 1 if len(below) else None


def adding_problem(rows: int, length: int, rng: np.random.Generator) -> Problem:
    """Sequences (rows, length, 2) and their sums (rows, 1); one mark lies in either half."""
    numbers = rng.random((rows, length))
    marks = np.zeros((rows, length))
    every = np.arange(rows)
    marks[every, rng.integers(0, length // 2, rows)] = 1
    marks[every, rng.integers(length // 2, length, rows)] = 1
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1, keepdims=True)


def error_of_one(length: int, seed: int) -> float:
    """The mean squared error of always saying 1, on the test sequences."""
    _, (_, sums) = problems(1, length, seed)
    return float(np.mean((sums - 1) ** 2))


def problems(rows: int, length: int, seed: int) -> tuple[Problem, Problem]:
    """Sequences for training, and others for the test."""
    train, test = np.random.SeedSequence(seed).spawn(2)
    return (
        adding_problem(rows, length, np.random.default_rng(train)),
        adding_problem(TEST_ROWS, length, np.random.default_rng(test)),
    )


def learn(
    name: str,
    *,
    length: int = 100,
    rows: int = 5000,
    epochs: int = 20,
    units: int = 32,
    seed: int = 0,
) -> Result:
    """Train a network of one recurrent layer."""
    train, test = problems(rows, length, seed)
    network = dr.Network([LAYERS[name](units), Dense(1)], loss="squared_error", seed=seed)
    start = time.perf_counter()
    network.fit(
        *train,
        epochs=epochs,
        batch_size=50,
        learning_rate=dr.schedules.Cosine(0.01, epochs),
        grad_clip_norm=1.0,  # now and then a gradient explodes instead of vanishing
        validation=test,
    )
    return Result(network.history_.validation_loss, time.perf_counter() - start)


def print_table(results: dict[str, Result], baseline: float) -> None:
    print(f"{'network':<12}{'test error':>12}{'below 0.01':>18}{'time':>10}")
    print(f"{'always 1':<12}{baseline:>12.4f}{'never':>18}")
    for name, result in results.items():
        epoch = result.solved_after
        solved = "never" if epoch is None else f"after epoch {epoch}"
        print(f"{name:<12}{result.errors[-1]:>12.4f}{solved:>18}{result.seconds:>8.1f} s")


def draw(results: dict[str, Result], baseline: float, length: int, path: Path) -> None:
    picture = figure(height=600)
    axes = picture.add_subplot()
    axes.axhline(baseline, color="#666666", linestyle="--", label=f"{baseline:.3f}: always 1")
    axes.axhline(SOLVED, color="#666666", linestyle=":", label=f"{SOLVED}: solved")
    for (name, result), colour in zip(results.items(), COLOURS, strict=False):
        epochs = np.arange(1, len(result.errors) + 1)
        axes.plot(epochs, result.errors, "o-", color=colour, linewidth=2.5, label=name)
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(f"Adding two marked numbers out of {length}: who remembers them?")
    axes.set_xlabel("epochs of training")
    axes.set_ylabel("mean squared error on test sequences")
    plain(axes)
    legend_beside(axes)
    save(picture, path)


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--length", type=int, default=100, help="steps of a sequence (100)")
    parser.add_argument("--rows", type=int, default=5000, help="sequences to train on (5000)")
    parser.add_argument("--epochs", type=int, default=20, help="passes over them (20)")
    parser.add_argument("--units", type=int, default=32, help="of the recurrent layer (32)")
    parser.add_argument("--seed", type=int, default=0, help="of sequences and weights (0)")
    add_plot_option(parser)
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    chosen = arguments(given)
    settings = {k: v for k, v in vars(chosen).items() if k != "plot"}
    results = {name: learn(name, **settings) for name in LAYERS}
    baseline = error_of_one(chosen.length, chosen.seed)
    print_table(results, baseline)
    if chosen.plot:
        draw(results, baseline, chosen.length, chosen.plot)


if __name__ == "__main__":
    main()
