"""Time per training step of nets with other layers than dense ones, of deltarule and its peers.

Softmax cross-entropy, Adam with a rate of 1e-3, whole batches.  A peer is a function (cell) ->
train, or -> None where it would only repeat another; train(epochs) goes on training and returns the
mean loss of the last epoch.  A step is the wall time of train over its steps; compiling is not
counted.  deltarule shuffles the rows of every epoch and gathers every batch; peers are given their
batches ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import common
import numpy as np
from apart import Absent, Options, load, selected
from jobs import EPSILON, RATE, Array
from records import Table

from deltarule import losses
from deltarule._engine import TRAINERS, initial_weights, make_net
from deltarule._training import settings_of
from deltarule.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
)
from deltarule.plan import Plan

Train = Callable[[int], float]

PEERS = {
    "deltarule": "layers.ours",
    "PyTorch eager": "layers_torch.eager",
    "PyTorch lean": "layers_torch.lean",
    "PyTorch channels last": "layers_torch.channels_last",
    "PyTorch compiled": "layers_torch.compiled",
    "JAX scan": "layers_jax.scan",
}
CLASSES = 10
SECONDS = 0.1  # of one timing, at least
CHECKED_EPOCHS = 10


@dataclass(frozen=True)
class Cell:
    """What to train, and on how many batches of how many rows.

    Rows are sequences (steps, features) or images (height, width, channels).
    """

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    batch: int
    steps: int  # of an epoch
    dtype: str = "float32"
    threads: int = 1

    @property
    def plan(self) -> Plan:
        layers = (*self.layers, Dense(CLASSES))
        return Plan(self.shape, layers, losses.softmax_cross_entropy)

    def initial_weights(self) -> dict[str, Array]:
        return initial_weights(self.plan, np.dtype(self.dtype), seed=0)

    def data(self) -> tuple[Array, Array]:
        """Batches (steps, batch, *shape), a pattern per class in noise; classes (steps, batch)."""
        random = np.random.default_rng(0)
        y = random.integers(0, CLASSES, (self.steps, self.batch))
        patterns = random.standard_normal((CLASSES, *self.shape))
        x = 0.3 * patterns[y] + random.standard_normal((*y.shape, *self.shape))
        return x.astype(self.dtype), y


NORMALISED = (Dense(256), BatchNorm(), Activation("relu"), Dropout(0.2))
IMAGES = (
    *(Conv2D(32, 3, activation="relu"), Conv2D(64, 3, activation="relu")),
    *(MaxPool(2), Dropout(0.25), Flatten()),
    *(Dense(128, activation="relu"), Dropout(0.5)),
)
SEQUENCES = (*(Conv1D(64, 3, activation="relu"),) * 2, GlobalPool())

CELLS: Mapping[str, Cell] = {
    "dense": Cell((64,), NORMALISED * 2, 128, 16),
    "lstm64": Cell((50, 64), (LSTM(64),), 32, 16),
    "lstm64x1": Cell((50, 1), (LSTM(64),), 32, 16),
    "lstm256": Cell((50, 256), (LSTM(256),), 32, 4),
    "gru64": Cell((50, 64), (GRU(64),), 32, 16),
    "conv1d": Cell((50, 64), SEQUENCES, 32, 16),
    "mnist": Cell((28, 28, 1), IMAGES, 128, 2),
}


def ours(cell: Cell) -> Train:
    dtype, plan = np.dtype(cell.dtype), cell.plan
    net = make_net(plan, dtype, cell.initial_weights())
    x, y = cell.data()
    x, y = x.reshape(y.size, -1), y.ravel()
    settings = settings_of(
        batch_size=cell.batch, learning_rate=RATE, epsilon=EPSILON, threads=cell.threads
    )
    trainer = TRAINERS[dtype](net, x, None, y, None, settings, None)

    def train(epochs: int) -> float:
        return [trainer.epoch() for _ in range(epochs)][-1]

    return train


def cells(options: Options) -> Iterator[tuple[str, Cell]]:
    for name, cell in CELLS.items():
        if not options.nets or name in options.nets:
            yield name, replace(cell, dtype=options.dtype, threads=options.threads)


def made(
    peers: Mapping[str, str], cell: Cell, absent: Absent
) -> Iterator[tuple[str, Train, float]]:
    """The peers that run here, compiled, each with the loss of its first epoch."""
    for name, where in peers.items():
        if name in absent.names:
            continue
        try:
            train: Train | None = load(where)(cell)
            if train:
                yield name, train, train(1)
        except Exception as error:
            absent.report(name, error)


def timing(train: Train, steps: int) -> Callable[[], float]:
    once = common.timed(lambda: train(1))()
    epochs = max(1, round(SECONDS / once))
    return common.timed(lambda: train(epochs), epochs * steps)


def check(options: Options) -> None:
    """Do all peers learn the same?  The loss of the first epoch and of a later one."""
    peers, absent = selected(PEERS, options), Absent()
    print(f"\n### Loss of epochs 1 and {1 + CHECKED_EPOCHS}, {options.words}\n")
    print(f"| | {' | '.join(peers)} |\n|{'---|' * (len(peers) + 1)}")
    for name, cell in cells(options):
        found = {
            peer: f"{first:.3f} {train(CHECKED_EPOCHS):.3f}"
            for peer, train, first in made(peers, cell, absent)
        }
        print(f"| {name} | {' | '.join(found.get(p, '') for p in peers)} |", flush=True)


def tables(options: Options) -> list[Table]:
    if options.check:
        check(options)
        return []
    peers, absent = selected(PEERS, options), Absent()
    title = f"Training step of other layers, {options.words}"
    table = Table(title, "microseconds", 1e6, list(peers))
    for name, cell in cells(options):
        cases: dict[str, Any] = {
            peer: timing(train, cell.steps) for peer, train, _ in made(peers, cell, absent)
        }
        table.add(name, common.interleaved(cases, options.rounds))
    return [table]
