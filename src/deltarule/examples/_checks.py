"""What the parameters of examples must be."""

from __future__ import annotations

import math


def require_positive(**numbers: float) -> None:
    """Raise a sentence for a number that is not finite and above 0.

    Raises
    ------
    ValueError
    """
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number above 0; met {value!r}.")


def require_finite(**numbers: float) -> None:
    """Raise a sentence for a number that is infinite or not a number.

    Raises
    ------
    ValueError
    """
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number; met {value!r}.")
