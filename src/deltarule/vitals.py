"""What training leaves behind: numbers of every epoch, and of every layer in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What the engine gathers of a layer in an epoch, in its order; NaN where a layer has none.
NUMBERS = (
    "value_mean",
    "value_std",
    "value_largest",
    "not_finite",
    "delta_mean",
    "delta_rms",
    "delta_zeros",
    "saturated",
    "dead",
    "dying",
    "weight_rms",
    "gradient_rms",
    "update_rms",
    "signal",
)
QUANTILES = 17  # of a sample of the values, from the smallest to the largest


@dataclass(frozen=True)
class Vitals:
    """What the layers did in every epoch, gathered from some of its batches while it trained.

    Attributes
    ----------
    layers : tuple of str
        The layers of the engine in their order, by the names of `deltarule.Trace`: a dense layer
        with an activation is two of them, and the value of the first is the pre-activation.
    numbers : ndarray of float32, shape (n_epochs, n_layers, n_numbers)
        ``vitals["delta_rms"]`` is the array (n_epochs, n_layers) of one of them:

        value_mean, value_std, value_largest
            Of what the layer computed; the largest by size.
        not_finite
            Share of its values that were infinite or not a number.
        delta_mean, delta_rms, delta_zeros
            Of dL/dvalue, L being the mean loss of a batch; the share that is exactly 0.
        saturated
            Of an activation: share of its inputs where its slope is below 5 % of its largest on
            a side to which it goes to 0.
        dead, dying
            Of an activation: share of units whose slope was below 0.1 % of the largest for every
            row seen in the epoch, for more than 95 % of them (the dead ones included).
        weight_rms, gradient_rms, update_rms
            Of the parameters that penalties are meant for (weights, not biases; all of them where
            a layer has no such), of dL/dw, of the change in a step.
        signal
            Gradient signal-to-noise: size of the mean gradient over that of its deviations from
            batch to batch; 0 where the batches do not agree on a direction.
    quantiles : ndarray of float32, shape (n_epochs, n_layers, 17)
        Of a sample of the values in an epoch, from the smallest to the largest in equal steps.
    """

    layers: tuple[str, ...]
    numbers: NDArray[np.float32]
    quantiles: NDArray[np.float32]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        if name not in NUMBERS:
            raise KeyError(f"Vitals have no {name!r}; they have {', '.join(NUMBERS)}.")
        return self.numbers[:, :, NUMBERS.index(name)]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def update_ratio(self) -> NDArray[np.float32]:
        """Size of a step over the size of the weights, shape (n_epochs, n_layers)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self["update_rms"] / self["weight_rms"])

    def having(self, name: str) -> list[int]:
        """Places of the layers that have such a number, as columns of its array."""
        return [int(i) for i in np.flatnonzero(~np.isnan(self[name]).all(axis=0))]


@dataclass(frozen=True)
class Epoch:
    """One epoch.

    Attributes
    ----------
    loss : float
        Mean over the training rows, penalty included.
    validation_loss, validation_score : float or None
        On held-out rows where there are any.
    seconds : float
        Of training.
    learning_rate : float or None
        Of the last step; None for a solver without one.
    number : int
        Counted from 0 over all fits that went on with the same weights.
    clipped : float or None
        Share of the steps whose gradient was scaled down to the largest norm allowed.
    vitals : ndarray of float32, shape (n_layers, n_numbers + 17), or None
        What `Vitals` has of this epoch: its numbers, and behind them its quantiles.
    """

    loss: float | None
    validation_loss: float | None = None
    validation_score: float | None = None
    seconds: float | None = None
    learning_rate: float | None = None
    number: int = 0
    clipped: float | None = None
    vitals: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


@dataclass
class History:
    """The epochs of a fit, recorded always.

    Attributes
    ----------
    loss, seconds : ndarray of float64, shape (n_epochs,)
        Mean loss over the training rows, penalty included; duration of the epoch's training.
    validation_loss, validation_score : ndarray of float64, shape (n_epochs,)
        Mean loss and score on the held-out rows; NaN where no rows were held out.
    learning_rate : ndarray of float64, shape (n_epochs,)
        Of the last step of the epoch; NaN for a solver without one.
    clipped : ndarray of float64, shape (n_epochs,)
        Share of the steps whose gradient was scaled down to ``grad_clip_norm``.
    vitals : Vitals
        What every layer did.
    layers : tuple of str
        Of the engine, by name: those that the vitals are of.
    """

    epochs: list[Epoch] = field(default_factory=list)
    layers: tuple[str, ...] = ()

    def append(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def loss(self) -> NDArray[np.float64]:
        return self._column("loss")

    @property
    def validation_loss(self) -> NDArray[np.float64]:
        return self._column("validation_loss")

    @property
    def validation_score(self) -> NDArray[np.float64]:
        return self._column("validation_score")

    @property
    def seconds(self) -> NDArray[np.float64]:
        return self._column("seconds")

    @property
    def learning_rate(self) -> NDArray[np.float64]:
        return self._column("learning_rate")

    @property
    def clipped(self) -> NDArray[np.float64]:
        return self._column("clipped")

    @property
    def vitals(self) -> Vitals:
        split = np.split(self._vitals(), [len(NUMBERS)], axis=2)
        return Vitals(self.layers, split[0], split[1])

    def _vitals(self) -> NDArray[np.float32]:
        """Of all epochs; NaN where layers were not watched."""
        shape = (len(self.layers), len(NUMBERS) + QUANTILES)
        nothing = np.full(shape, np.nan, np.float32)
        rows = [nothing if epoch.vitals is None else epoch.vitals for epoch in self.epochs]
        return np.array(rows, np.float32).reshape(len(rows), *shape)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """Every column by name, and the vitals where layers were watched."""
        columns: dict[str, NDArray[Any]] = {name: self._column(name) for name in _COLUMNS}
        return columns | ({"vitals": self._vitals()} if self.layers else {})

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], layers: tuple[str, ...] = ()) -> History:
        """The history that `as_arrays` described; ``layers`` names those of the network.

        Raises
        ------
        ValueError
            If the vitals are not of these layers.
        """
        length = len(arrays["loss"])
        vitals = arrays.get("vitals")
        shape = (length, len(layers), len(NUMBERS) + QUANTILES)
        if vitals is not None and vitals.shape != shape:
            raise ValueError(f"Vitals of the shape {vitals.shape} are not those of {shape}.")
        known = {name: arrays.get(name, np.full(length, np.nan)).tolist() for name in _COLUMNS}
        rows = zip(*known.values(), strict=True)
        epochs: list[Epoch] = []
        for row in rows:
            numbers = [None if math.isnan(v) else v for v in row]
            stated: dict[str, Any] = dict(zip(_COLUMNS, numbers, strict=True))
            watched = None if vitals is None else vitals[len(epochs)].astype(np.float32)
            epochs.append(Epoch(**stated, number=len(epochs), vitals=watched))
        return cls(epochs, () if vitals is None else layers)

    def _column(self, name: str) -> NDArray[np.float64]:
        values = [getattr(epoch, name) for epoch in self.epochs]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


_COLUMNS = (
    "loss",
    "validation_loss",
    "validation_score",
    "seconds",
    "learning_rate",
    "clipped",
)
