"""The values that options take; what they refuse ends ``argument --option: ...`` as a sentence."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable

_SHOWN = 40  # characters of a refused value


def fraction(text: str) -> float:
    """Read a share of the rows."""
    return _number(text, lambda v: 0 <= v < 1, "a number of at least 0 and below 1")


def positive(text: str) -> float:
    """Read a finite number above 0."""
    return _number(text, lambda v: 0 < v < math.inf, "a finite number above 0")


def non_negative(text: str) -> float:
    """Read a finite number of at least 0."""
    return _number(text, lambda v: 0 <= v < math.inf, "a finite number of at least 0")


def natural(text: str) -> int:
    """Read a whole number, such as a seed."""
    return _whole_number(text, 0)


def count(text: str) -> int:
    """Read how many of something there are to be: at least one."""
    return _whole_number(text, 1)


def names(text: str) -> str | list[str]:
    """Read one name, or several between commas."""
    return text.split(",") if "," in text else text


def sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers."""
    try:
        return () if text == "none" else tuple(int(size) for size in text.split(","))
    except ValueError:
        raise _refusal("like 100 or 256,128", text) from None


def _number(text: str, holds: Callable[[float], bool], wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not holds(value):
        raise _refusal(wanted, text)
    return value


def _whole_number(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not least <= value < 2**32:
        raise _refusal(f"a whole number from {least} to 2**32 - 1", text)
    return value


def _refusal(wanted: str, text: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"must be {wanted}, not {text[:_SHOWN]!r}")
