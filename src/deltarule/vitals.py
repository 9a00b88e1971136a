"""What training leaves behind: one number per epoch of each kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    """

    loss: float | None
    validation_loss: float | None = None
    validation_score: float | None = None
    seconds: float | None = None
    learning_rate: float | None = None
    number: int = 0


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
    """

    epochs: list[Epoch] = field(default_factory=list)

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

    def as_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Every column by name."""
        return {name: self._column(name) for name in _COLUMNS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> History:
        """The history that `as_arrays` described."""
        length = len(arrays["loss"])
        known = {name: arrays.get(name, np.full(length, np.nan)).tolist() for name in _COLUMNS}
        rows = zip(*known.values(), strict=True)
        epochs: list[Epoch] = []
        for row in rows:
            numbers = [None if math.isnan(v) else v for v in row]
            stated: dict[str, Any] = dict(zip(_COLUMNS, numbers, strict=True))
            epochs.append(Epoch(**stated, number=len(epochs)))
        return cls(epochs)

    def _column(self, name: str) -> NDArray[np.float64]:
        values = [getattr(epoch, name) for epoch in self.epochs]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


_COLUMNS = ("loss", "validation_loss", "validation_score", "seconds", "learning_rate")
