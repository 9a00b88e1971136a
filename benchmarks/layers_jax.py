"""The nets of layers.py in JAX: an epoch as one jitted `lax.scan` over the batches.

A jitted step per batch, unrolled recurrence and other random bits took as long or longer.
A convolution is a product with patches: the gradients of `lax.conv` take many times as long on a
processor.  Sequences for a recurrent layer have their time steps before the rows of the batch.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree
from jobs import BETA_1, BETA_2, EPSILON, RATE
from layers import Cell, Train

Fields, Arrays = Any, Any
State = Any  # parameters, two moments, steps so far, running statistics, key


# ---- layers: (what the engine is told, arrays of weights, x, pass) -> y --------------------------


@dataclass
class Pass:
    """What a pass through the net draws from, and the running statistics that it leaves."""

    key: Any
    statistics: dict[str, Any] = field(default_factory=dict)


def dense(f: Fields, w: Arrays, x: Any, _: Pass) -> Any:
    return x.reshape(len(x), -1) @ w["weight"] + w["bias"]


def batch_norm(f: Fields, w: Arrays, x: Any, p: Pass) -> Any:
    n, mean = len(x), x.mean(0)
    centred = x - mean
    variance = jnp.square(centred).mean(0)
    for name, new in (("mean", mean), ("variance", variance * n / (n - 1))):
        running = w[f"running_{name}"]
        p.statistics[f"running_{name}"] = running + f["momentum"] * (new - running)
    return centred * (lax.rsqrt(variance + f["epsilon"]) * w["gamma"]) + w["beta"]


def activation(f: Fields, _: Arrays, x: Any, __: Pass) -> Any:
    return {"relu": jax.nn.relu}[f["name"]](x)


def dropout(f: Fields, _: Arrays, x: Any, p: Pass) -> Any:
    keep = 1 - f["rate"]
    return jnp.where(jax.random.bernoulli(p.key, keep, x.shape), x / keep, 0)


def lstm(f: Fields, w: Arrays, x: Any, _: Pass) -> Any:
    def step(state: Any, z: Any) -> tuple[Any, None]:
        h, c = state
        i, forget, g, o = jnp.split(z + h @ w["recurrent"], 4, -1)
        c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[1], f["units"]), x.dtype)
    return lax.scan(step, (zeros, zeros), x @ w["weight"] + w["bias"])[0][0]


def gru(f: Fields, w: Arrays, x: Any, _: Pass) -> Any:
    units = f["units"]

    def step(h: Any, z: Any) -> tuple[Any, None]:
        u = h @ w["recurrent"]
        gates = jax.nn.sigmoid(z[:, : 2 * units] + u[:, : 2 * units])
        reset, update = jnp.split(gates, 2, -1)
        part = u[:, 2 * units :] + w["recurrent_bias"]
        candidate = jnp.tanh(z[:, 2 * units :] + reset * part)
        return update * h + (1 - update) * candidate, None

    zeros = jnp.zeros((x.shape[1], units), x.dtype)
    return lax.scan(step, zeros, x @ w["weight"] + w["bias"])[0]


def as_images(f: Fields, x: Any) -> Any:
    return x.reshape(len(x), f["height"], f["width"], f["channels"])


def convolution(f: Fields, w: Arrays, x: Any, _: Pass) -> Any:
    x, height, width = as_images(f, x), f["out_height"], f["out_width"]
    places = itertools.product(range(f["kernel_height"]), range(f["kernel_width"]))
    patches = [x[:, i : i + height, j : j + width] for i, j in places]
    weights = w["weight"].reshape(-1, f["units"])
    return jnp.concatenate(patches, -1) @ weights + w["bias"]


def pool(f: Fields, _: Arrays, x: Any, __: Pass) -> Any:
    x = as_images(f, x)
    if not f["takes_largest"]:
        return x.mean((1, 2))
    high, wide = f["window_height"], f["window_width"]
    places = itertools.product(range(high), range(wide))
    return functools.reduce(jnp.maximum, (x[:, i::high, j::wide] for i, j in places))


LAYERS: dict[str, Callable[[Fields, Arrays, Any, Pass], Any]] = {
    "dense": dense,
    "batch_norm": batch_norm,
    "activation": activation,
    "dropout": dropout,
    "lstm": lstm,
    "gru": gru,
    "convolution": convolution,
    "pool": pool,
}


# ---- training ------------------------------------------------------------------------------------


def make_loss(cell: Cell, unravel: Any) -> Any:
    """(parameters, running statistics, key, x, y) -> loss, new running statistics."""
    nodes = cell.plan.nodes

    def loss(parameters: Any, running: Any, key: Any, x: Any, y: Any) -> tuple[Any, Any]:
        weights, new = {**unravel(parameters), **running}, {}
        for node, own in zip(nodes, jax.random.split(key, len(nodes)), strict=True):
            arrays = {p.name: weights[f"{node.name}.{p.name}"] for p in node.parameters}
            p = Pass(own)
            x = LAYERS[node.kind](node.fields, arrays, x, p)
            new |= {f"{node.name}.{name}": value for name, value in p.statistics.items()}
        right = jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1)
        return -right.mean(), new

    return loss


def make_epoch(cell: Cell, unravel: Any) -> Any:
    """(state, X, y) -> state, losses, compiled; the parameters are one flat vector."""
    gradient = jax.value_and_grad(make_loss(cell, unravel), has_aux=True)

    def step(state: State, batch: Any) -> tuple[State, Any]:
        p, m, v, t, running, key = state
        key, own = jax.random.split(key)
        (loss, running), g = gradient(p, running, own, *batch)
        t = t + 1
        m, v = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g * g
        rate = RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        return (p - rate * m / (jnp.sqrt(v) + EPSILON), m, v, t, running, key), loss

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(state: State, X: Any, y: Any) -> tuple[State, Any]:
        return lax.scan(step, state, (X, y))

    return epoch


def scan(cell: Cell) -> Train:
    weights = {name: jnp.array(w) for name, w in cell.initial_weights().items()}
    running = {n: weights.pop(n) for n, p in cell.plan.parameters if not p.trained}
    p, unravel = ravel_pytree(weights)
    key, steps = jax.random.key(0), jnp.zeros((), p.dtype)
    state = (p, jnp.zeros_like(p), jnp.zeros_like(p), steps, running, key)
    epoch = make_epoch(cell, unravel)
    X, y = map(jnp.array, cell.data())
    if cell.plan.nodes[0].kind in ("lstm", "gru"):
        X = X.swapaxes(1, 2)

    def train(epochs: int) -> float:
        nonlocal state
        for _ in range(epochs):
            state, losses = epoch(state, X, y)
        return float(jax.block_until_ready(losses).mean())

    return train
