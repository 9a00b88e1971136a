"""RealMLP as a plan: the layers, first weights, rates and schedules of its authors.

Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", NeurIPS 2024, the variant TD.  Numbers of the recipe that are no parameters of the
estimators stand here, and only here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from deltarule._training import Course
from deltarule.initialisers import AgainstPoints, Normal, UnitVariance
from deltarule.layers import (
    Columns,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    ParametricActivation,
    PeriodicEmbedding,
    Reshape,
    Scale,
    Withhold,
)
from deltarule.schedules import CosLog4

EMBEDDING = 8  # numbers that stand for a category
SLOW, FAST = 0.1, 6.0  # factors of learning rates
BETAS = 0.9, 0.95
# Rows up to which an ensemble has so many members, training so many epochs, a batch so many rows.
MEMBERS = ((30_000, 5), (math.inf, 1))
EPOCHS = ((5000, 256), (10_000, 128), (math.inf, 64))
BATCHES = ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512), (math.inf, 1024))


class Inputs(NamedTuple):
    """The columns of the matrix: numbers, then indicators and categories, then codes."""

    continuous: int
    flat: int
    cardinalities: tuple[int, ...]


class Body(NamedTuple):
    """What the estimators' parameters say of the network."""

    sizes: list[int]
    activation: Any
    dropout: float
    weight_decay: float
    numeric_embedding: bool
    frequency_scale: float


def member(inputs: Inputs, body: Body, outputs: int) -> list[Layer]:
    """One network of the ensemble, from the matrix to its raw predictions.

    The weight decay of a layer is multiplied by its factor of the learning rate here and again by
    the step, as in the authors' code.
    """
    decay = body.weight_decay
    layers = [*_features(inputs, body), Scale(learning_rate=FAST, weight_decay=FAST * decay)]
    for size in body.sizes:
        layers += [
            _dense(size, decay),
            ParametricActivation(body.activation, learning_rate=SLOW, weight_decay=SLOW * decay),
        ]
        if body.dropout:
            layers.append(Dropout(body.dropout))
    return [*layers, _dense(outputs, decay)]


def ensemble(one: list[Layer], outputs: int, members: int, width: int) -> tuple[Layer, ...]:
    """Networks side by side; member k does not learn from rows with k + 1 in the last column."""
    if members == 1:
        return tuple(one)
    branches = [[*one, Withhold(width - 1, k + 1, width)] for k in range(members)]
    return Concatenate(branches), Reshape((members, outputs))


def _dense(units: int, decay: float) -> Dense:
    return Dense(
        units,
        UnitVariance(),
        bias_init=AgainstPoints(),
        bias_learning_rate=SLOW,
        ntk=True,
        weight_decay=decay,
    )


def _features(inputs: Inputs, body: Body) -> list[Layer]:
    """What turns the matrix into what the first scale reads."""
    decay, first = body.weight_decay, 0
    branches: list[list[Layer]] = []
    if inputs.continuous:
        waves = PeriodicEmbedding(
            frequency_scale=body.frequency_scale, learning_rate=SLOW, weight_decay=SLOW * decay
        )
        numbers = [waves] if body.numeric_embedding else []
        branches.append([Columns(0, inputs.continuous), *numbers])
        first = inputs.continuous
    if inputs.flat:
        branches.append([Columns(first, inputs.flat)])
        first += inputs.flat
    for codes in inputs.cardinalities:
        table = Embedding(codes, EMBEDDING, Normal(0.0, 1.0), weight_decay=decay)
        branches.append([Columns(first, 1), table, Flatten()])
        first += 1
    return branches[0] if len(branches) == 1 else [Concatenate(branches)]


def chosen(table: Sequence[tuple[float, int]], rows: int) -> int:
    """What a table says for so many rows."""
    return next(count for most, count in table if rows <= most)


def flat_cos(done: float) -> float:
    """1 in the first half of a training, then half a cosine down to 0."""
    return 1.0 if done < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * done - 1)))


def course(rate: float, epochs: int, epoch: int, batches: int) -> Course:
    """Learning rates, and factors of weight decay and dropout, of the batches of an epoch."""
    schedule = CosLog4(rate, epochs)
    places = [epoch + batch / batches for batch in range(batches)]
    factors = [flat_cos(place / epochs) for place in places]
    return Course([schedule(place) for place in places], factors, factors)
