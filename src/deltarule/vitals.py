"""What training leaves behind: one number per epoch of each kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Epoch:
    """One epoch: mean training loss, and loss and score on held-out rows where there are any."""

    loss: float | None
    validation_loss: float | None = None
    validation_score: float | None = None
    seconds: float | None = None


@dataclass
class History:
    """The epochs of a fit, recorded always.

    Attributes
    ----------
    loss, seconds : ndarray of float64, shape (n_epochs,)
        Mean loss over the training rows, penalty included; duration of the epoch's training.
    validation_loss, validation_score : ndarray of float64, shape (n_epochs,)
        Mean loss and score on the held-out rows; NaN where no rows were held out.
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

    def as_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Every column by name."""
        return {name: self._column(name) for name in _COLUMNS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> History:
        """The history that `as_arrays` described."""
        rows = zip(*(arrays[name].tolist() for name in _COLUMNS), strict=True)
        return cls([Epoch(*(None if math.isnan(v) else v for v in row)) for row in rows])

    def _column(self, name: str) -> NDArray[np.float64]:
        values = [getattr(epoch, name) for epoch in self.epochs]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


_COLUMNS = ("loss", "validation_loss", "validation_score", "seconds")
