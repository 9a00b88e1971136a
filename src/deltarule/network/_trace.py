"""What a pass through a network computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Trace:
    """What a pass through a network computed, by the names of its layers.

    In the four equations of backpropagation, for a dense layer l with B rows: ``values[l]`` is
    z^l (B, units), ``values`` of the activation behind it a^l, ``deltas[l]`` is
    delta^l = dL/dz^l, ``gradients["l.weight"]`` is (a^(l-1))^T delta^l and ``gradients["l.bias"]``
    the sum of delta^l over the rows.

    Attributes
    ----------
    names : tuple of str
        The layers of the engine in their order.
    x : ndarray
        The rows, (B, ...).
    values : dict of str to ndarray
        What each computed, (B, ...).
    deltas : dict of str to ndarray
        dL/dvalue; empty after a forward pass; a value on which no trained weight has an influence
        has none.
    gradients : dict of str to ndarray
        dL/dw of every trained array of weights; empty after a forward pass.
    loss : float or None
    """

    names: tuple[str, ...]
    x: Array
    values: dict[str, Array]
    deltas: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array] = field(default_factory=dict)
    loss: float | None = None

    @property
    def output(self) -> Array:
        """The raw predictions: what the last layer computed."""
        return self.values[self.names[-1]]
