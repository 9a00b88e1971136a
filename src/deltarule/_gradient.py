"""The loss of a network as a function of its weights, for a gradient check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._engine import make_net, named
from deltarule.plan import Plan

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class GradientProblem:
    """The mean loss of some rows, without penalties, by the weights of a fitted network.

    It is computed in float64, also for a network of float32, so that differences of its values
    are sharp, and as in predictions: nothing is dropped, batch normalisation uses its running
    statistics.
    """

    def __init__(self, plan: Plan, weights: Arrays, rows: Any, names: Mapping[str, str]) -> None:
        self._plan, self._rows, self._names = plan, rows, names
        self._fixed = {name: a for name, a in weights.items() if name not in names}
        self._parameters = {
            shown: weights[name].astype(np.float64) for name, shown in names.items()
        }

    def parameters(self) -> dict[str, Array]:
        """The weights by the names under which the fitted estimator shows them."""
        return dict(self._parameters)

    def loss(self, parameters: Arrays) -> float:
        """The loss at some weights."""
        return float(self._net(parameters).loss(*self._rows))

    def loss_and_gradient(self, parameters: Arrays) -> tuple[float, dict[str, Array]]:
        """The loss at some weights, and the gradient of backpropagation by name."""
        net = self._net(parameters)
        loss, gradients, _, _ = net.gradient(*self._rows, training=False)
        found = named(self._plan, gradients)
        return float(loss), {shown: found[name] for name, shown in self._names.items()}

    def _net(self, parameters: Arrays) -> Any:
        weights = {name: parameters[shown] for name, shown in self._names.items()}
        return make_net(self._plan, np.dtype(np.float64), {**self._fixed, **weights})
