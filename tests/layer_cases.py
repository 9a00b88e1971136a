"""Networks of one layer and more, in awkward shapes, for the tests of layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from layers_reference import Reference

import deltarule as dr
from deltarule import layers as L
from deltarule._engine import initial_weights, make_net, named
from deltarule.plan import Plan

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


@dataclass(frozen=True)
class Case:
    """Layers, and what their X looks like.

    Attributes
    ----------
    inputs : tuple of int
        The shape of a row.
    codes : int
        X holds codes below it; 0: real numbers.
    masked : bool
        Some time steps of X are 0 and do not exist.
    """

    inputs: tuple[int, ...]
    layers: tuple[L.Layer, ...]
    codes: int = 0
    masked: bool = False
    rows: int = 5

    @property
    def plan(self) -> Plan:
        first = (L.Masking(),) if self.masked else ()
        return Plan(self.inputs, (*first, *self.layers), dr.losses.half_squared_error)

    def behind_dense(self) -> Case:
        """The same behind a Dense layer, whose gradients depend on the slopes that reach it."""
        return replace(self, layers=(L.Dense(self.inputs[-1], name="before"), *self.layers))


class Given:
    """A net of a case, with weights, X and targets that follow from the seed."""

    def __init__(self, case: Case, dtype: np.dtype = F64, seed: int = 0) -> None:
        self.case, self.dtype, self.plan = case, dtype, case.plan
        rng = np.random.default_rng(seed)
        self.x = rows_of(case, rng).astype(dtype)
        self.weights = random_weights(self.plan, dtype, rng)
        self.targets = rng.normal(size=(case.rows, self.plan.outputs)).astype(dtype)
        self.row_weights = rng.uniform(0.2, 2.0, case.rows).astype(dtype)

    @cached_property
    def net(self):
        return make_net(self.plan, self.dtype, self.weights)

    @property
    def flat(self):
        """X as the engine takes it."""
        return np.ascontiguousarray(self.x.reshape(len(self.x), -1))

    def gradient(self, row_weights=None, threads=1, **options):
        """Loss, gradients by name, values and slopes of the nodes."""
        loss, gradients, values, slopes = self.net.gradient(
            self.flat, self.targets, None, row_weights, threads, keep=True, **options
        )
        return loss, named(self.plan, gradients), values, slopes

    def reference(self, **options):
        """What the reference computes of X, as rows."""
        y = Reference(self.weights, **options)(self.plan.layers, self.x)
        return y.reshape(len(y), -1)


def rows_of(case, rng):
    shape = (case.rows, *case.inputs)
    if case.codes:
        return rng.integers(0, case.codes, shape).astype(np.float64)
    x = rng.normal(size=shape)
    if case.masked:
        steps = case.inputs[0]
        x[1, steps // 2 :] = 0  # the end, the beginning, one in between, all but nothing
        x[2, : steps // 2] = 0
        x[3, steps // 2] = 0
        x[4, :] = 0
    return x


def random_weights(plan, dtype, rng):
    """No array is constant, so that none can be taken for another."""
    weights = {}
    for name, drawn in initial_weights(plan, F64, seed=1).items():
        noise = rng.normal(size=drawn.shape)
        kind = name.rpartition(".")[2]
        if kind == "running_variance":
            array = rng.uniform(0.5, 2.0, drawn.shape)
        elif kind == "parameters":  # of an activation: near those that it is meant for
            array = drawn * (1 + 0.05 * noise)
        else:
            array = drawn + 0.3 * noise
        weights[name] = array.astype(dtype)
    return weights


def of_recurrent(kind):
    """A recurrent layer in all its ways."""
    return {
        "last": Case((4, 3), (kind(5),)),
        "sequence": Case((4, 3), (kind(5, return_sequences=True),)),
        "one": Case((1, 1), (kind(1),)),
        "wide": Case((3, 2), (kind(17, return_sequences=True), kind(18)), rows=3),
        "learned": Case((3, 2), (kind(3, initial_state="learned"),)),
        "two_ways": Case((4, 2), (kind(3, return_sequences=True, bidirectional=True),)),
        "two_ways_last": Case((4, 2), (kind(3, bidirectional=True, initial_state="learned"),)),
        "masked": Case((5, 2), (kind(3),), masked=True),
        "masked_all": Case(
            (5, 2),
            (kind(3, True, bidirectional=True, initial_state="learned"), kind(2)),
            masked=True,
        ),
    }


def truncated(kind):
    """Steps are no multiple of what slopes flow through, or they are."""
    return {
        "last": Case((5, 2), (kind(3, truncate=2),)),
        "sequence": Case((6, 2), (kind(3, True, truncate=3, initial_state="learned"),)),
        "every": Case((4, 2), (kind(3, True, truncate=1),)),
        "long": Case((4, 2), (kind(3, True, truncate=9),)),
        "two_ways": Case((5, 2), (kind(3, True, bidirectional=True, truncate=2),)),
        "masked": Case((5, 2), (kind(3, True, truncate=2),), masked=True),
    }


DENSE = {
    "dense_one": Case((1,), (L.Dense(1),)),
    "dense": Case((3,), (L.Dense(5), L.Dense(2, bias=False))),
    "dense_odd": Case((17,), (L.Dense(33), L.Dense(18, activation="tanh")), rows=7),
    "dense_wide": Case((3,), (L.Dense(530), L.Dense(3)), rows=3),
    "dense_steps": Case((4, 3), (L.Dense(2, activation="softmax"),)),
    "dense_image": Case((2, 3, 5), (L.Dense(7),)),
    "embedding": Case((6,), (L.Embedding(4, 3),), codes=4),
    "embedding_parts": Case((9,), (L.Embedding(300, 64),), codes=300),
    "embedding_masked": Case((6,), (L.Embedding(3, 2, padding=0), L.LSTM(3)), codes=3),
    "embedding_image": Case((2, 3), (L.Embedding(5, 1), L.Conv2D(2, 2)), codes=5),
}
ACTIVATIONS = {
    "tanh": Case((1,), (L.Activation("tanh"),)),
    "gelu": Case((4, 5), (L.Activation("gelu"),)),
    "leaky_relu": Case((17,), (L.Activation(dr.activation("leaky_relu", negative_slope=0.2)),)),
    "softmax": Case((4, 5), (L.Activation("softmax"),)),
    "l2_normalize": Case((3, 2, 5), (L.Activation("l2_normalize"),)),
    "logsumexp": Case((4, 5), (L.Activation("logsumexp"),)),
    "glu": Case((3, 4), (L.Activation("glu"),)),
    "swiglu": Case((18,), (L.Activation("swiglu"),)),
    "maxout": Case((2, 9), (L.Activation(dr.activation("maxout", pieces=3)),)),
    "crelu": Case((2, 3), (L.Activation("crelu"),)),
    "own": Case((2, 3), (L.Activation(dr.activation.from_formula("x * exp(-x**2)")),)),
    "learned_prelu": Case((2, 3), (L.Activation("prelu"), L.Dense(2), L.Activation("prelu"))),
    "xielu": Case((17,), (L.Activation("xielu"),)),
    "prelu": Case((5,), (L.PReLU(),)),
    "prelu_image": Case((3, 2, 4), (L.PReLU(0.1),)),
    "ordered": Case((5,), (L.Ordered(),)),
    "ordered_one": Case((1,), (L.Ordered(), L.Dense(2))),
    "ordered_wide": Case((33,), (L.Activation("tanh"), L.Ordered(), L.Dense(3)), rows=300),
}
TABULAR = {
    "scale": Case((3,), (L.Scale(),)),
    "scale_steps": Case((4, 131), (L.Scale(), L.Dense(2)), rows=3),
    "scale_many": Case((2,), (L.Scale(), L.Scale()), rows=150),
    "parametric": Case((5,), (L.ParametricActivation("selu"),)),
    "parametric_image": Case((3, 2, 4), (L.ParametricActivation("mish"), L.Dense(2))),
    "parametric_set": Case(
        (17,), (L.Scale(), L.ParametricActivation(dr.activation("elu", alpha=0.7)), L.Dense(2))
    ),
    "periodic": Case((3,), (L.PeriodicEmbedding(),)),
    "periodic_one": Case((1,), (L.PeriodicEmbedding(1, 1), L.Dense(1))),
    "periodic_wide": Case((9,), (L.PeriodicEmbedding(5, 7), L.Dense(2)), rows=37),
    "periodic_steps": Case((5, 2), (L.PeriodicEmbedding(33, 2, 0.5), L.Dense(1)), rows=7),
    "periodic_groups": Case((2,), (L.PeriodicEmbedding(3), L.Dense(1)), rows=531),
    "columns": Case((6,), (L.Columns(1, 3), L.Dense(2))),
    "columns_all": Case((4, 3), (L.Dense(3), L.Columns(0, 3), L.Activation("tanh"))),
    "columns_image": Case((3, 2, 5), (L.Columns(4, 1),)),
    "columns_apart": Case(
        (6,),
        (
            L.Concatenate(
                [[L.Columns(4, 2)], [L.Columns(0, 4), L.PeriodicEmbedding(4, 2)], [L.Scale()]]
            ),
            L.Dense(2),
        ),
    ),
    "withhold": Case((4,), (L.Withhold(3, 9, 4), L.Dense(2))),
    "withhold_behind": Case((4,), (L.Dense(3), L.Withhold(0, 9, 4), L.Dense(2)), rows=9),
    "columns_codes": Case(
        (3,),
        (
            L.Concatenate(
                [
                    [L.Columns(0, 2), L.PeriodicEmbedding(4)],
                    [L.Columns(1, 2), L.Columns(1, 1), L.Embedding(5, 2), L.Flatten()],
                    [],
                ]
            ),
            L.Dense(2),
        ),
        codes=5,
    ),
}
NORMALISATIONS = {
    "batch_norm_one": Case((1,), (L.BatchNorm(),)),
    "batch_norm": Case((17,), (L.BatchNorm(epsilon=1e-3),), rows=70),
    "batch_norm_steps": Case((4, 3), (L.BatchNorm(),)),
    "batch_norm_image": Case((3, 5, 2), (L.BatchNorm(),), rows=9),
    "batch_norm_twice": Case((6,), (L.BatchNorm(), L.Dense(5), L.BatchNorm(), L.Dense(2))),
    "batch_norm_frozen": Case((3,), (L.BatchNorm(trainable=False),)),
    "layer_norm": Case((7,), (L.LayerNorm(),)),
    "layer_norm_wide": Case((131,), (L.LayerNorm(epsilon=1e-3),), rows=3),
    "layer_norm_steps": Case((3, 17), (L.LayerNorm(),)),
    "rms_norm_one": Case((4, 1), (L.RMSNorm(),)),
    "rms_norm": Case((2, 3, 6), (L.RMSNorm(),)),
}
BRANCHES = {
    "residual": Case((3,), (L.Residual([L.Dense(3, activation="tanh")]),)),
    "residual_projected": Case((4, 3), (L.Residual([L.Dense(5)], activation="gelu"),)),
    "residual_convolved": Case(
        (4, 4, 2),
        (
            L.Residual(
                [L.BatchNorm(), L.Conv2D(3, 3, stride=2, padding="same")],
                projection=L.Conv2D(3, 1, stride=2),
            ),
        ),
    ),
    "residual_nested": Case((3,), (L.Residual([L.Residual([L.Dense(3)]), L.LayerNorm()]),)),
    "concatenate": Case((3,), (L.Concatenate([[L.Dense(2)], [], [L.Dense(1), L.PReLU()]]),)),
    "concatenate_steps": Case(
        (3, 2), (L.Concatenate([[L.GRU(2, True)], [L.Conv1D(3, 3, padding="same")]]), L.LSTM(2))
    ),
    "concatenate_many": Case((3,), (L.Concatenate([[L.Dense(1 + i % 3)] for i in range(10)]),)),
    "masked_branches": Case(
        (4, 2),
        (L.Residual([L.Concatenate([[L.GRU(1, True)], [L.LSTM(1, True)]])]), L.SimpleRNN(2)),
        masked=True,
    ),
    "reshape": Case((6,), (L.Reshape((3, -1)), L.GRU(2, True), L.Flatten(), L.Dense(2))),
    "dropout": Case((3,), (L.Dropout(0.4), L.Dense(4), L.AlphaDropout(0.3), L.Dense(2))),
}
IMAGES = {
    "conv1d": Case((6, 2), (L.Conv1D(3, 3),)),
    "conv1d_one": Case((1, 1), (L.Conv1D(1, 1),)),
    "conv1d_whole": Case((5, 3), (L.Conv1D(2, 5, bias=False, activation="tanh"),)),
    "conv1d_same": Case((7, 2), (L.Conv1D(17, 4, stride=2, padding="same"),)),
    "conv1d_dilated": Case((9, 2), (L.Conv1D(3, 3, dilation=2, padding=3, stride=2),)),
    "conv2d": Case((5, 5, 1), (L.Conv2D(2, 3),)),
    "conv2d_whole": Case((3, 4, 2), (L.Conv2D(5, (3, 4)),)),
    "conv2d_same": Case((7, 5, 3), (L.Conv2D(4, (3, 2), stride=(2, 3), padding="same"),)),
    "conv2d_dilated": Case((7, 6, 2), (L.Conv2D(3, 3, dilation=(2, 1), padding=(1, 2)),)),
    "conv2d_wide_dilation": Case((6, 9, 2), (L.Conv2D(2, 2, dilation=(1, 3), padding="same"),)),
    "conv2d_points": Case((3, 4, 3), (L.Conv2D(2, 1),)),
    "conv2d_sparse_points": Case((5, 4, 3), (L.Conv2D(2, 1, stride=2),)),
    "conv2d_channels": Case((9, 8, 17), (L.Conv2D(18, 3, padding="same"),), rows=2),
    "max_pool": Case((5, 7, 3), (L.MaxPool(2),)),
    "max_pool_overlapping": Case((5, 6, 2), (L.MaxPool(3, stride=2, padding=1),)),
    "max_pool_same": Case((7, 2), (L.MaxPool(3, stride=2, padding="same"),)),
    "max_pool_whole": Case((3, 2, 17), (L.MaxPool((3, 2)),)),
    "average_pool": Case((6, 3), (L.AveragePool(2),)),
    "average_pool_same": Case((5, 4, 2), (L.AveragePool((2, 3), stride=(1, 2), padding="same"),)),
    "average_pool_padded": Case((5, 5, 1), (L.AveragePool(3, padding=1),)),
    "global_average": Case((3, 5, 4), (L.GlobalPool(),)),
    "global_max": Case((6, 3), (L.GlobalPool("max"), L.Dense(2))),
}
RECURRENT = {
    f"{kind.kind}_{name}": case
    for kind in (L.LSTM, L.GRU, L.SimpleRNN)
    for name, case in of_recurrent(kind).items()
} | {"simple_rnn_relu": Case((4, 3), (L.SimpleRNN(5, activation="softplus"),))}
TRUNCATED = {
    f"{kind.kind}_{name}": case
    for kind in (L.LSTM, L.GRU, L.SimpleRNN)
    for name, case in truncated(kind).items()
}
CASES = {**DENSE, **ACTIVATIONS, **TABULAR, **NORMALISATIONS, **BRANCHES, **IMAGES, **RECURRENT}


def difference(got, expected):
    """The largest error, relative to the largest number."""
    assert got.shape == expected.shape
    return np.abs(got - expected).max() / np.abs(expected).max()


def kinds_of(layers):
    """The classes of layers, and of those that they are made of."""
    kinds = set()
    for layer in layers:
        inner = [getattr(layer, "layers", ()), *getattr(layer, "branches", ())]
        kinds |= {type(layer)}.union(*map(kinds_of, inner))
    return kinds


def there_are():
    """All classes of layers."""
    classes = {v for v in vars(L).values() if isinstance(v, type) and issubclass(v, L.Layer)}
    return classes - {L.Layer}
