"""A change that may cure."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

from deltarule.language import Text


@dataclass(frozen=True)
class Repair(ABC):
    """A change that may cure: the subclasses are closed, whoever applies them knows each."""

    @property
    def is_known(self) -> bool:
        """Whether its numbers are: a learning rate that nobody gave cannot be divided by 10."""
        return not any(isinstance(v, float) and math.isnan(v) for v in vars(self).values())

    @abstractmethod
    def words(self) -> Text:
        """What to do, as a clause."""

    def to_record(self) -> dict[str, Any]:
        """The change as plain data."""
        return {"type": type(self).__name__, **asdict(self)}
