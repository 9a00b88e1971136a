"""The fastest way found to train a small network in JAX: an epoch as one jitted `lax.scan`.

The parameters are one flat vector (Adam then runs as a few fused loops), the targets one-hot, the
order of the rows comes from NumPy (JAX sorts to shuffle) and every step gathers its rows.  Trees of
parameters, gathering all rows first and unrolling were slower or made no difference.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jobs import BETA_1, BETA_2, EPSILON, RATE, Job, Layers, Train

State = Any  # parameters, two moments, steps so far


def make_loss(job: Job, unravel: Any) -> Any:
    def loss(parameters: Any, x: Any, target: Any) -> Any:
        layers = unravel(parameters)
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w + b)
        z = x @ layers[-1][0] + layers[-1][1]
        if job.classes:
            return -jnp.mean(jnp.sum(jax.nn.log_softmax(z) * target, 1))
        return jnp.mean((z - target) ** 2) / 2

    return loss


def make_epoch(job: Job, unravel: Any) -> Any:
    """(state, order, X, targets) -> state, compiled."""
    loss = make_loss(job, unravel)

    def step(state: State, x: Any, target: Any) -> State:
        p, m, v, t = state
        g = jax.grad(loss)(p, x, target)
        t = t + 1
        m, v = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g * g
        rate = RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        return p - rate * m / (jnp.sqrt(v) + EPSILON), m, v, t

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(state: State, order: Any, X: Any, targets: Any) -> State:
        whole = len(order) // job.batch * job.batch

        def part(state: State, rows: Any) -> tuple[State, None]:
            return step(state, X[rows], targets[rows]), None

        state, _ = jax.lax.scan(part, state, order[:whole].reshape(-1, job.batch))
        rest = order[whole:]
        return part(state, rest)[0] if len(rest) else state

    return epoch


def scan(job: Job) -> Train:
    flat, unravel = ravel_pytree(job.initial_layers())
    epoch = make_epoch(job, unravel)
    X, targets = jnp.array(job.X), jnp.array(job.targets)
    random = np.random.default_rng(0)

    def train(epochs: int) -> Layers:
        state = (
            jnp.copy(flat),
            jnp.zeros_like(flat),
            jnp.zeros_like(flat),
            jnp.zeros((), flat.dtype),
        )
        for _ in range(epochs):
            order = random.permutation(len(job.X)).astype(np.int32)
            state = epoch(state, order, X, targets)
        return [(np.asarray(w), np.asarray(b)) for w, b in unravel(state[0])]

    return train
