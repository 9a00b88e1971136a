"""Networks of any shape: a list of layers and a loss, trained, read off and taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core
from deltarule._activations import activations
from deltarule._engine import (
    NETS,
    Weights,
    initial_weights,
    make_net,
    named,
    put_weights,
    threads_of,
    weights_of,
)
from deltarule._gradient import GradientProblem
from deltarule._losses import Loss
from deltarule._losses import loss as loss_named
from deltarule._training import settings_of
from deltarule.layers import Layer
from deltarule.layers.structure import as_layers
from deltarule.network._data import Array, Data, data_of, require_numbers, rows_of
from deltarule.network._fit import Fit
from deltarule.network._summary import Summary, summarise
from deltarule.network._trace import Trace
from deltarule.plan import Plan, of_raw_predictions
from deltarule.vitals import History


class Stack:
    """Layers, a loss and weights, without training: see `deltarule.Network`."""

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | Loss = "squared_error",
        *,
        input_shape: int | tuple[int, ...] | None = None,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.layers = _layers(layers)
        self.loss = of_raw_predictions(loss_named(loss))
        self.dtype = np.dtype(dtype)
        if self.dtype not in NETS:
            raise ValueError(f"dtype must be 'float32' or 'float64'; met {dtype!r}.")
        self.seed = _seed(seed)
        self.history_ = History()
        self._plan: Plan | None = None
        self._net: Any = None
        self._fit: Fit | None = None  # what the last fit was told
        self._state: dict[str, Any] | None = None  # where its trainer is
        if input_shape is not None:
            self._settle(input_shape)

    # ---- shapes and weights

    @property
    def plan(self) -> Plan:
        """Layers with their shapes.

        Raises
        ------
        ValueError
            If no row has been seen and no ``input_shape`` was given.
        """
        if self._plan is None:
            raise ValueError(
                "The shape of a row of X is not known yet: give input_shape, or call fit or "
                "forward first."
            )
        return self._plan

    def _settle(self, shape: Any) -> None:
        axes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
        if not axes or not all(isinstance(n, int | np.integer) and n >= 1 for n in axes):
            raise ValueError(
                f"The shape of a row must be an integer >= 1 or several of them; met {shape!r}."
            )
        sizes = tuple(int(n) for n in axes)
        plan = Plan(sizes[0] if len(sizes) == 1 else sizes, self.layers, self.loss)
        _ = plan.nodes  # an impossible stack is refused before anything is kept
        self._plan = plan
        if any(p.init.needs_data for _, p in self._plan.parameters):
            return  # the first rows say the rest
        self.initialise()

    def initialise(self, seed: int | None = None, X: ArrayLike | None = None) -> Self:
        """Begin anew: initial weights, no history.

        Parameters
        ----------
        seed : int, optional
            Instead of the one given to the constructor.
        X : array_like, optional
            Rows for initialisers that look at the data (LSUV).
        """
        if seed is not None:
            self.seed = _seed(seed)
        x = None if X is None else self._rows(X)
        weights = initial_weights(self.plan, self.dtype, self.seed, x)
        self._net = make_net(self.plan, self.dtype, weights)
        self.history_, self._state = History(), None
        return self

    def weights(self) -> Weights:
        """A copy of all arrays of weights by name, as ``"dense_1.weight"``.

        Layouts: dense (inputs, units); convolutions (kernel height, kernel width, channels,
        filters); recurrent ``weight`` (inputs, gates * units) and ``recurrent`` (units,
        gates * units), gates in the order input, forget, candidate, output (LSTM) or reset, update,
        candidate (GRU); embeddings (codes, units).  `deltarule.interchange` has PyTorch's layouts.
        """
        return weights_of(self._ready(), self.plan)

    def set_weights(self, weights: Mapping[str, ArrayLike]) -> Self:
        """Replace arrays of weights by name; the others stay.

        Raises
        ------
        ValueError
            If a name is unknown or a shape differs.
        """
        given = {name: np.asarray(w) for name, w in weights.items()}
        for name, w in given.items():
            if w.dtype.kind not in "fiub":
                raise TypeError(f"The weights {name!r} must be real numbers; met {w.dtype}.")
        if self._net is None and given.keys() >= {name for name, _ in self.plan.parameters}:
            self._net = make_net(self.plan, self.dtype)
        own = self.weights()
        put_weights(self._ready(), self.plan, {**own, **given}, self.dtype)
        self._state = None
        return self

    def _ready(self) -> Any:
        if self._net is None:
            self.initialise()
        return self._net

    def _rows(self, X: ArrayLike) -> Array:
        x = np.asarray(X)
        if self._plan is None:
            require_numbers(x)
            self._settle(x.shape[1:] or (1,))
        return rows_of(self.plan, x, self.dtype)

    def _data(self, X: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> Data:
        x = self._rows(X)
        return data_of(self.plan, x, y, weights, self.dtype)

    # ---- passes

    def forward(
        self, X: ArrayLike, *, keep: bool = False, training: bool = False, step: int = 0
    ) -> Any:
        """The raw predictions of rows, or everything that is computed on the way.

        Parameters
        ----------
        X : array_like, shape (n_rows, ...)
        keep : bool, default=False
            Return a `Trace` of every layer instead of the raw predictions.
        training : bool, default=False
            Drop numbers and normalise by the batch as in training; nothing is learned and no
            running statistic follows.
        step : int, default=0
            What is dropped follows from the seed and this number.

        Returns
        -------
        ndarray, shape (n_rows, ...), or Trace
        """
        x = self._rows(X)
        plan = self.plan
        net = self._ready_for(x)
        if not keep and not training:
            raw: Array = net.predict(x, threads_of(None))
            return raw.reshape(len(x), *plan.output_shape)
        values = net.forward(x, training=training, seed=self.seed, step=step)
        names = tuple(n.name for n in plan.nodes)
        trace = Trace(names, np.asarray(X), self._by_layer(values))
        return trace if keep else trace.output

    def backward(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        training: bool = True,
        step: int = 0,
    ) -> Trace:
        """The loss of rows, every value on the way, every delta and every gradient.

        Parameters
        ----------
        X : array_like, shape (n_rows, ...)
        y : array_like
            Class codes, or values of the shape of the predictions.
        sample_weight : array_like, shape (n_rows,), optional
        training : bool, default=True
            As in `forward`.
        step : int, default=0

        Returns
        -------
        Trace
        """
        data = self._data(X, y, sample_weight)
        net, plan = self._ready_for(data[0]), self.plan
        value, gradients, values, deltas = net.gradient(
            *data, threads_of(None), training=training, keep=True, seed=self.seed, step=step
        )
        names = tuple(n.name for n in plan.nodes)
        trained = {
            f"{n.name}.{p.name}"
            for n in plan.nodes
            for p in n.parameters
            if p.trained and n.controls["trained"]
        }
        found = {k: g for k, g in named(plan, gradients).items() if k in trained}
        return Trace(
            names, np.asarray(X), self._by_layer(values), self._by_layer(deltas), found, value
        )

    def _gradient_problem(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> GradientProblem:
        """The loss on some rows by the weights, as `deltarule.check_gradient` asks for it."""
        weights = {name: w.astype(np.float64) for name, w in self.weights().items()}
        x = np.ascontiguousarray(self._rows(X), dtype=np.float64)
        rows = data_of(self.plan, x, y, sample_weight, np.dtype(np.float64))
        names = {name: name for name, p in self.plan.parameters if p.trained}
        return GradientProblem(self.plan, weights, rows, names)

    def _ready_for(self, x: Array) -> Any:
        """The net; its initial weights follow from these rows where they need any."""
        if self._net is None:
            weights = initial_weights(self.plan, self.dtype, self.seed, x)
            self._net = make_net(self.plan, self.dtype, weights)
        return self._net

    def _by_layer(self, arrays: Sequence[Array | None]) -> dict[str, Array]:
        nodes = self.plan.nodes
        return {
            node.name: a.reshape(len(a), *node.shape)
            for node, a in zip(nodes, arrays, strict=True)
            if a is not None
        }

    def predict(self, X: ArrayLike) -> Array:
        """Predictions: the link of the loss (softmax, sigmoid, exponential) of the raw ones.

        Parameters
        ----------
        X : array_like, shape (n_rows, ...)

        Returns
        -------
        ndarray, shape (n_rows, ...)
            Probabilities for losses of probabilities.
        """
        raw = self.forward(X)
        link = self.loss.link
        return np.asarray(activations[link](raw)) if link in _LINKS else np.asarray(raw)

    def evaluate(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The mean loss of rows, as in predictions: nothing is dropped."""
        data = self._data(X, y, sample_weight)
        return float(self._ready_for(data[0]).loss(*data, threads_of(None)))

    # ---- in words

    def summary(self, batch_size: int = 32, n_jobs: int | None = 1) -> Summary:
        """Layers with shapes, weights and operations, and the memory that a step takes.

        Parameters
        ----------
        batch_size : int, default=32
        n_jobs : int, optional
            Threads that would train.

        Returns
        -------
        Summary
            Prints as a table.
        """
        settings = settings_of(batch_size=int(batch_size), threads=threads_of(n_jobs))
        net = self._net if self._net is not None else make_net(self.plan, self.dtype)
        codes = self.loss.link == "softmax"
        trainer = _core.bytes_of_training(net, int(batch_size), codes, False, settings)
        numbers = sum(p.size for _, p in self.plan.parameters)
        copies = 4 * numbers * self.dtype.itemsize  # weights before and after, moments of Adam
        return summarise(self.plan, net.work, self.dtype, int(batch_size), trainer + copies)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._net is not None:
            state["_net"] = self.weights()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._net is not None:
            self._net = make_net(self.plan, self.dtype, self._net)

    def __repr__(self) -> str:
        listed = ", ".join(type(layer).__name__ for layer in self.layers)
        return f"Network([{listed}], loss={self.loss.name!r})"


_LINKS = ("softmax", "sigmoid", "exponential")


def _seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise ValueError(f"seed must be an integer in 0 ... 2**64 - 1; met {seed!r}.")
    return int(seed)


def _layers(given: Any) -> tuple[Layer, ...]:
    listed = list(given) if isinstance(given, list | tuple) else [given]
    return as_layers("The layers of a Network", listed)
