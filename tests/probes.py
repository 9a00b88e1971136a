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
    """Log-uniform in both signs over the exponents that matter, uniform around 0, the tails."""
    rng = np.random.default_rng(seed)
    single = dtype == np.float32
    smallest, largest = (1e-37, 110.0) if single else (1e-300, 750.0)
    log = np.exp(rng.uniform(np.log(smallest), np.log(largest), n))
    middle = np.exp(rng.uniform(np.log(1e-3), np.log(largest), n))
    tail = -rng.uniform(80, 104, n // 2) if single else -rng.uniform(690, 746, n // 2)
    gauss = -rng.uniform(*((10, 14.2) if single else (33, 38.6)), n // 2)
    parts = [log, -log, middle, -middle, tail, gauss]
    parts += [rng.uniform(-20, 20, n), rng.uniform(-2, 2, 2 * n)]
    return np.concatenate(parts).astype(dtype)
