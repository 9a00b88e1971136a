"""What all records of layers share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

from deltarule.layers._graph import UNCONTROLLED, Graph, Value


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """A layer as a record: what it is, not what it has learned.

    Attributes
    ----------
    name : str, optional
        By which its arrays and values are found; given where there is none.
    """

    kind: ClassVar[str]
    name: str | None = None

    @abstractmethod
    def add_to(self, graph: Graph, value: Value) -> Value:
        """Add the nodes of this layer behind a value; the value that it computes."""

    @property
    def controls(self) -> Mapping[str, Any]:
        return UNCONTROLLED

    def refuse(self, graph: Graph, value: Value, wanted: str) -> ValueError:
        """The error for a value that the layer cannot read."""
        own = type(self).__name__ + (f" {self.name!r}" if self.name else "")
        return ValueError(
            f"The layer {own} reads {wanted}; what comes before it, {graph.describe(value)}, has "
            f"the shape {value.shape} per row."
        )


@dataclass(frozen=True, kw_only=True)
class Weighted(Layer):
    """A layer with weights, and how they are trained.

    Attributes
    ----------
    l1, l2 : float
        Adds ``l1 * sum |w| + l2 / 2 * sum w**2`` over its weights (not its biases) to the loss.
    weight_decay : float
        Weights shrink by the learning rate times this in every step, apart from the gradient
        (Loshchilov and Hutter 2019).
    max_norm : float, optional
        Largest norm of the weights that a unit reads; longer ones are scaled down after a step.
    learning_rate : float
        Factor of the learning rate.
    trainable : bool
        False: the weights stay.  A frozen BatchNorm also uses its running statistics.
    """

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    max_norm: float | None = None
    learning_rate: float = 1.0
    trainable: bool = True

    def __post_init__(self) -> None:
        for name in ("l1", "l2", "weight_decay", "learning_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number >= 0; met {value!r}.")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"max_norm must be a number > 0; met {self.max_norm!r}.")

    @property
    def controls(self) -> Mapping[str, Any]:
        return {
            "trained": bool(self.trainable),
            "rate": float(self.learning_rate),
            "l1": float(self.l1),
            "l2": float(self.l2),
            "decay": float(self.weight_decay),
            "largest_norm": math.inf if self.max_norm is None else float(self.max_norm),
            "bias_rate": 1.0,
            "scale": 1.0,
        }


def settle_counts(layer: Layer, *names: str) -> None:
    """Make fields Python's integers; raise for those that are no integers >= 1."""
    for name in names:
        count = getattr(layer, name)
        if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
            raise ValueError(f"{name} must be an integer >= 1; met {count!r}.")
        object.__setattr__(layer, name, int(count))
