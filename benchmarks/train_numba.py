"""An epoch as one function compiled by numba; products by `np.dot`, that is by SciPy's BLAS."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from jobs import BETA_1, BETA_2, EPSILON, RATE, Array, Job, Layers, Train, flattened, views

Arrays = tuple[Array, ...]
Pairs = tuple[tuple[Array, Array], ...]
compiled = numba.njit(cache=True, fastmath=True)


@compiled
def adam(p: Array, g: Array, m: Array, v: Array, numbers: Array, start: int, end: int) -> None:
    keep_m, add_m, keep_v, add_v, epsilon, rate = numbers[:6]
    for i in range(start, end):
        m[i] = keep_m * m[i] + add_m * g[i]
        v[i] = keep_v * v[i] + add_v * g[i] * g[i]
        p[i] -= rate * m[i] / (math.sqrt(v[i]) + epsilon)


@numba.njit(cache=True, fastmath=True, parallel=True)
def adam_shared(p: Array, g: Array, m: Array, v: Array, numbers: Array, threads: int) -> None:
    share = (p.size + threads - 1) // threads
    for k in numba.prange(threads):
        adam(p, g, m, v, numbers, k * share, min(p.size, (k + 1) * share))


@compiled
def activate(z: Array, b: Array, hidden: bool) -> None:
    """Add the biases; ReLU after a hidden layer."""
    for r in range(len(z)):
        for c in range(b.size):
            z[r, c] += b[c]
    if hidden:
        for r in range(len(z)):
            for c in range(b.size):
                z[r, c] = max(z[r, c], 0)


@compiled
def forward(layers: Pairs, outputs: Arrays, n: int) -> None:
    for k in range(len(layers)):
        w, b = layers[k]
        z = outputs[k + 1][:n]
        np.dot(outputs[k][:n], w, z)
        activate(z, b, k < len(layers) - 1)


@compiled
def top_delta(z: Array, target: Array, delta: Array, scale: float, softmax: bool) -> None:
    rows, width = z.shape
    for r in range(rows):
        if softmax:
            top = z[r].max()
            for c in range(width):
                delta[r, c] = math.exp(z[r, c] - top)
            factor = 1 / delta[r].sum()
            for c in range(width):
                delta[r, c] = (delta[r, c] * factor - target[r, c]) * scale
        else:
            for c in range(width):
                delta[r, c] = (z[r, c] - target[r, c]) * scale


@compiled
def backward(layers: Pairs, gradients: Pairs, outputs: Arrays, deltas: Arrays, n: int) -> None:
    for k in range(len(layers) - 1, -1, -1):
        x, d = outputs[k][:n], deltas[k + 1][:n]
        gw, gb = gradients[k]
        np.dot(x.T, d, gw)
        gb[:] = 0
        for r in range(n):
            for c in range(gb.size):
                gb[c] += d[r, c]
        if k > 0:
            below = deltas[k][:n]
            np.dot(d, layers[k][0].T, below)
            for r in range(n):
                for c in range(x.shape[1]):
                    if x[r, c] <= 0:
                        below[r, c] = 0


@compiled
def epoch(
    data: Arrays,
    batch: int,
    nets: tuple[Pairs, Pairs],
    buffers: Any,
    state: Arrays,
    numbers: Array,
    step: int,
    softmax: bool,
    threads: int,
) -> int:
    """An epoch of Adam; returns the steps done so far."""
    X, targets, order = data
    (layers, gradients), (outputs, deltas, target), (p, g, m, v) = nets, buffers, state
    for start in range(0, len(order), batch):
        n = min(batch, len(order) - start)
        for r in range(n):
            outputs[0][r] = X[order[start + r]]
            target[r] = targets[order[start + r]]
        forward(layers, outputs, n)
        numbers[6] = 1 / n
        top_delta(outputs[-1][:n], target[:n], deltas[-1][:n], numbers[6], softmax)
        backward(layers, gradients, outputs, deltas, n)
        step += 1
        numbers[5] = RATE * math.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        if threads > 1 and p.size > 100_000:
            adam_shared(p, g, m, v, numbers, threads)
        else:
            adam(p, g, m, v, numbers, 0, p.size)
    return step


def loop(job: Job) -> Train:
    start = flattened(job.initial_layers())
    state = p, g, m, v = tuple(start.copy() for _ in range(4))
    nets = tuple(views(p, job.sizes)), tuple(views(g, job.sizes))

    def buffers() -> tuple[Any, ...]:
        return tuple(np.empty((job.batch, n), job.X.dtype) for n in job.sizes)

    memory = buffers(), buffers(), buffers()[-1]
    # In the dtype of the data, so that the loops stay in it; the last two change with the step.
    numbers = np.array([BETA_1, 1 - BETA_1, BETA_2, 1 - BETA_2, EPSILON, 0, 0], job.X.dtype)
    targets, random = job.targets, np.random.default_rng(0)
    settings = bool(job.classes), job.threads

    def train(epochs: int) -> Layers:
        p[:], m[:], v[:] = start, 0, 0
        step = 0
        for _ in range(epochs):
            order = random.permutation(len(job.X))
            data = job.X, targets, order
            step = epoch(data, job.batch, nets, memory, state, numbers, step, *settings)
        return list(nets[0])

    return train
