"""Tensors of PyTorch as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ROWS, _NUMBERS = 64, 1 << 20  # of a batch that are summed, at most
_SAMPLE = 4096  # weights of an array that are compared with what they become


def number(value: Any) -> float | None:
    """A number, or a tensor of one; None stays."""
    return None if value is None else float(getattr(value, "detach", lambda: value)())


def tensor_of(given: Any) -> Any:
    """The first tensor of what a module takes or gives."""
    if isinstance(given, tuple | list):
        return next((t for t in map(tensor_of, given) if t is not None), None)
    if isinstance(given, dict):
        return tensor_of(list(given.values()))
    return given if hasattr(given, "requires_grad") else None


def rows_of(args: Any) -> int:
    """Of the first tensor that a module takes."""
    tensor = tensor_of(args)
    return 1 if tensor is None or not tensor.dim() else int(tensor.shape[0])


def few(value: Any) -> Any:
    """Some first rows."""
    rows = max(min(_ROWS, _NUMBERS * len(value) // max(value.numel(), 1)), 1) if value.dim() else 1
    return value[:rows] if value.dim() else value


def array_of(tensor: Any) -> Array:
    """On the CPU, without its graph."""
    import torch

    t = tensor.detach()
    if t.dtype in (torch.bfloat16, torch.float16):
        t = t.float()
    return np.asarray(t.cpu().numpy())


def sample_of(array: Array) -> Array:
    """Some numbers of an array, evenly chosen, in double."""
    flat = np.ravel(array)
    places = np.linspace(0, flat.size - 1, min(flat.size, _SAMPLE)).astype(int)
    return np.asarray(flat[places], dtype=np.float64)
