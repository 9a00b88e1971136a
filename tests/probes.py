"""Inputs that find wrong digits."""

from __future__ import annotations

import numpy as np


def special(dtype) -> np.ndarray:
    """Zeros, infinities, NaN, subnormals, the ends of the range, neighbours of 1 and 0."""
    info = np.finfo(dtype)
    positive = [
        0.0,
        info.smallest_subnormal,
        info.tiny / 8,
        info.tiny,
        info.eps,
        0.5,
        1,
        2,
        info.max,
    ]
    neighbours = [np.nextafter(dtype(v), dtype(w)) for v, w in [(1, 0), (1, 2), (0.5, 0), (0.5, 1)]]
    x = np.array([*positive, *neighbours, np.inf], dtype=dtype)
    return np.concatenate([x, -x, np.array([np.nan], dtype=dtype)])


def wide(dtype, n: int, seed: int = 0) -> np.ndarray:
    """Log-uniform in both signs over all exponents and over those that matter, uniform around 0,
    the tails."""
    rng = np.random.default_rng(seed)
    single = dtype == np.float32
    info = np.finfo(dtype)
    every = np.exp(rng.uniform(np.log(info.smallest_subnormal), np.log(info.max), n))
    middle = np.exp(rng.uniform(np.log(1e-3), np.log(110.0 if single else 750.0), n))
    tail = -rng.uniform(80, 104, n // 2) if single else -rng.uniform(690, 746, n // 2)
    gauss = -rng.uniform(*((10, 14.2) if single else (33, 38.6)), n // 2)
    parts = [every, -every, middle, -middle, tail, gauss]
    parts += [rng.uniform(-20, 20, n), rng.uniform(-2, 2, 2 * n)]
    return np.concatenate(parts).astype(dtype)


def around(dtype, places) -> np.ndarray:
    """The places and their neighbours among the floating-point numbers and a little further."""
    at = np.array(list(places), dtype=dtype)
    steps = [at, np.nextafter(at, dtype(np.inf)), np.nextafter(at, dtype(-np.inf))]
    for relative in (1e-6, 1e-4, 1e-2):
        steps += [at * dtype(1 + relative), at * dtype(1 - relative)]
    return np.concatenate(steps).astype(dtype)
