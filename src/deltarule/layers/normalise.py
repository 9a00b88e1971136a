"""Normalisations: of channels over the batch, and of rows over their numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from deltarule.layers._graph import Graph, Value, constant, positions
from deltarule.layers._layer import Weighted


def _require_epsilon(epsilon: float) -> None:
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise ValueError(f"epsilon must be a number > 0; met {epsilon!r}.")


@dataclass(frozen=True)
class BatchNorm(Weighted):
    """Every channel (the last axis) to mean 0 and variance 1 over the batch and the positions.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta with learned gamma and beta (Ioffe and
    Szegedy 2015).  Predictions use running statistics, which follow the batches:
    running = (1 - momentum) running + momentum of-the-batch, the variance of a batch being that of
    its population in training and n / (n - 1) times it in the running one.  Weights of rows count
    as so many equal rows.

    Attributes
    ----------
    momentum : float
        As in PyTorch, whose default is 0.1 too; Keras writes 1 - momentum, 0.99 by default, and
        keeps the population variance.
    epsilon : float
        PyTorch: 1e-5; Keras: 1e-3.
    """

    kind: ClassVar[str] = "batch_norm"
    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_epsilon(self.epsilon)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1]; met {self.momentum!r}.")

    def add_to(self, graph: Graph, value: Value) -> Value:
        channels, rows = value.shape[-1], positions(value.shape)
        fields = {
            "positions": rows,
            "columns": channels,
            "momentum": float(self.momentum),
            "epsilon": float(self.epsilon),
            "frozen": not self.trainable,
        }
        arrays = [
            constant("gamma", (channels,), 1.0),
            constant("beta", (channels,)),
            constant("running_mean", (channels,), 0.0, trained=False),
            constant("running_variance", (channels,), 1.0, trained=False),
        ]
        return graph.add(
            self,
            "batch_norm",
            value,
            value.shape,
            fields,
            arrays,
            mask=value.mask,
        )


@dataclass(frozen=True)
class _RowNorm(Weighted):
    epsilon: float = 1e-5
    _centred: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_epsilon(self.epsilon)

    def add_to(self, graph: Graph, value: Value) -> Value:
        columns, rows = value.shape[-1], positions(value.shape)
        fields = {
            "positions": rows,
            "columns": columns,
            "epsilon": float(self.epsilon),
            "centred": self._centred,
        }
        arrays = [constant("gamma", (columns,), 1.0)]
        if self._centred:
            arrays.append(constant("beta", (columns,)))
        return graph.add(
            self,
            "row_norm",
            value,
            value.shape,
            fields,
            arrays,
            mask=value.mask,
        )


@dataclass(frozen=True)
class LayerNorm(_RowNorm):
    """Every row (the last axis) to mean 0 and variance 1, then gamma and beta (Ba et al. 2016)."""

    kind: ClassVar[str] = "layer_norm"
    _centred: ClassVar[bool] = True


@dataclass(frozen=True)
class RMSNorm(_RowNorm):
    """Every row (the last axis) to root mean square 1, then gamma (Zhang and Sennrich 2019)."""

    kind: ClassVar[str] = "rms_norm"
    _centred: ClassVar[bool] = False
