"""What layers compute, from the textbook: plain NumPy in float64, one position at a time.

A row of the batch comes first, channels or features last: (rows, steps, features), (rows, height,
width, channels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import singledispatch
from itertools import product

import numpy as np
from scipy.special import expit

import deltarule as dr
from deltarule import layers as L


@dataclass
class Reference:
    """Runs layers one after another.

    Attributes
    ----------
    weights : dict
        By name, in the order of the layers; each is taken once.
    training : bool
        BatchNorm uses the moments of the batch.
    row_weights : ndarray, optional
        A row of weight w counts as w equal rows.
    held : list of tuple of ndarray, optional
        The states that truncated recurrent layers go on from at their boundaries, in the order in
        which they meet them, instead of those that they reach.
    """

    weights: dict
    training: bool = False
    row_weights: np.ndarray | None = None
    held: list | None = None
    states: list = field(default_factory=list)  # met at boundaries of truncated layers
    mask: np.ndarray | None = None  # (rows, steps): which time steps exist

    def __post_init__(self):
        self._left = [(name, np.asarray(a, np.float64)) for name, a in self.weights.items()]

    def run(self, layers, x):
        for layer in layers:
            x = compute(layer, self, x)
        return x

    def __call__(self, layers, x):
        y = self.run(layers, np.asarray(x, np.float64))
        assert not self._left, f"nobody used {[name for name, _ in self._left]}"
        return y

    def take(self, kind):
        """The next array of weights, which must be of this kind."""
        name, array = self._left.pop(0)
        assert name.rpartition(".")[2] == kind, (name, kind)
        return array


@singledispatch
def compute(layer, run, x):
    raise NotImplementedError(type(layer).__name__)


def activate(function, x):
    """An activation of the catalogue, or none."""
    return x if function is None else dr.activation(function)(x)


# ---- fully connected layers and tables -----------------------------------------------------------


@compute.register
def _(layer: L.Dense, run, x):
    y = x @ run.take("weight")
    if layer.bias:
        y = y + run.take("bias")
    return activate(layer.activation, y)


@compute.register
def _(layer: L.Embedding, run, x):
    codes = x.astype(int)
    if layer.padding is not None:
        run.mask = codes != layer.padding
    return run.take("weight")[codes]


# ---- activations ---------------------------------------------------------------------------------


@compute.register
def _(layer: L.Activation, run, x):
    f = layer.activation
    if layer.learns:
        learned = run.take("parameters")
        f = f.with_parameters(dict(zip(f.parameters, learned.tolist(), strict=True)))
    return f(x)


@compute.register
def _(layer: L.PReLU, run, x):
    return np.where(x > 0, x, run.take("slope") * x)


@compute.register
def _(layer: L.ParametricActivation, run, x):
    return x + run.take("blend") * (layer.activation(x) - x)


@compute.register(L.Dropout)
@compute.register(L.AlphaDropout)
def _(layer, run, x):
    assert not run.training, "the reference draws no random numbers"
    return x


@compute.register
def _(layer: L.Ordered, run, x):
    steps = np.logaddexp(0, x)
    steps[..., 0] = x[..., 0]
    return np.cumsum(steps, axis=-1)


# ---- columns of tables ---------------------------------------------------------------------------


@compute.register
def _(layer: L.Scale, run, x):
    return run.take("weight") * x


@compute.register
def _(layer: L.PeriodicEmbedding, run, x):
    w, b, V, c = map(run.take, ("frequency", "phase", "weight", "bias"))
    columns = []
    for j in range(x.shape[-1]):
        one = x[..., j, None]
        columns += [one, np.cos(2 * np.pi * one * w[j] + b[j]) @ V[j] + c[j]]
    return np.concatenate(columns, axis=-1)


@compute.register
def _(layer: L.Withhold, run, x):
    return x


@compute.register
def _(layer: L.Columns, run, x):
    return x[..., layer.first : layer.first + layer.count]


# ---- normalisation -------------------------------------------------------------------------------


def batch_moments(x, row_weights=None):
    """Mean and variance of every channel, and of how many rows: as if rows stood there w times."""
    flat = x.reshape(-1, x.shape[-1])
    w = np.ones(len(x)) if row_weights is None else np.asarray(row_weights, np.float64)
    w = np.repeat(w, len(flat) // len(x))
    mean = w @ flat / w.sum()
    return mean, w @ (flat - mean) ** 2 / w.sum(), w.sum()


def renew(running, moments, momentum):
    """Running mean and variance after a batch."""
    mean, variance, n = moments
    new = mean, variance * n / (n - 1)
    return [(1 - momentum) * old + momentum * m for old, m in zip(running, new, strict=True)]


@compute.register
def _(layer: L.BatchNorm, run, x):
    names = ("gamma", "beta", "running_mean", "running_variance")
    gamma, beta, mean, variance = map(run.take, names)
    if run.training and layer.trainable:
        mean, variance, _ = batch_moments(x, run.row_weights)
    return gamma * (x - mean) / np.sqrt(variance + layer.epsilon) + beta


@compute.register
def _(layer: L.LayerNorm, run, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + layer.epsilon)
    return run.take("gamma") * centred / deviation + run.take("beta")


@compute.register
def _(layer: L.RMSNorm, run, x):
    square = (x**2).mean(axis=-1, keepdims=True)
    return run.take("gamma") * x / np.sqrt(square + layer.epsilon)


# ---- structure -----------------------------------------------------------------------------------


@compute.register
def _(layer: L.Residual, run, x):
    mask = run.mask
    branch = run.run(layer.layers, x)
    run.mask = mask
    if isinstance(layer.projection, L.Layer):
        x = run.run([layer.projection], x)
    elif x.shape != branch.shape:
        x = x @ run.take("weight")
    run.mask = mask
    return activate(layer.activation, branch + x)


@compute.register
def _(layer: L.Concatenate, run, x):
    mask, parts = run.mask, []
    for branch in layer.branches:
        run.mask = mask
        parts.append(run.run(branch, x))
    run.mask = mask
    return np.concatenate(parts, axis=-1)


@compute.register
def _(layer: L.Flatten, run, x):
    run.mask = None
    return x.reshape(len(x), -1)


@compute.register
def _(layer: L.Reshape, run, x):
    return x.reshape(len(x), *layer.shape)


@compute.register
def _(layer: L.Masking, run, x):
    padding = layer.padding
    steps = np.isnan(x) if math.isnan(padding) else x == padding
    run.mask = ~steps.all(axis=-1)
    return x


# ---- recurrent layers ----------------------------------------------------------------------------


def lstm_step(x, state, arrays, layer):
    h, c = state
    W, U, b = arrays
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=-1)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def gru_step(x, state, arrays, layer):
    (h,) = state
    W, U, b, q = arrays
    r_x, k_x, n_x = np.split(x @ W + b, 3, axis=-1)
    r_h, k_h, n_h = np.split(h @ U, 3, axis=-1)
    r, k = expit(r_x + r_h), expit(k_x + k_h)
    n = np.tanh(n_x + r * (n_h + q))
    return ((1 - k) * n + k * h,)


def simple_step(x, state, arrays, layer):
    (h,) = state
    W, U, b = arrays
    return (activate(layer.activation, x @ W + h @ U + b),)


ARRAYS = ("weight", "recurrent", "bias")
CELLS = {
    L.LSTM: (lstm_step, ARRAYS, ("initial_hidden", "initial_cell")),
    L.GRU: (gru_step, (*ARRAYS, "recurrent_bias"), ("initial_hidden",)),
    L.SimpleRNN: (simple_step, ARRAYS, ("initial_hidden",)),
}


def one_way(layer, run, x, times):
    """States h of all steps, visited in the order `times`, and the last one."""
    step, names, states = CELLS[type(layer)]
    arrays = [run.take(name) for name in names]
    state = tuple(np.zeros((len(x), layer.units)) for _ in states)
    if layer.initial_state == "learned":
        state = tuple(np.tile(run.take(name), (len(x), 1)) for name in states)
    outputs = np.empty((*x.shape[:2], layer.units))
    for number, t in enumerate(times):
        if layer.truncate and number and number % layer.truncate == 0:
            run.states.append(state)
            state = state if run.held is None else run.held[len(run.states) - 1]
        new = step(x[:, t], state, arrays, layer)
        if run.mask is not None:
            exists = run.mask[:, t, None]
            new = tuple(np.where(exists, a, b) for a, b in zip(new, state, strict=True))
        state = new
        outputs[:, t] = state[0]
    return outputs if layer.return_sequences else state[0]


@compute.register(L.LSTM)
@compute.register(L.GRU)
@compute.register(L.SimpleRNN)
def _(layer, run, x):
    times = range(x.shape[1])
    ways = [times, times[::-1]] if layer.bidirectional else [times]
    y = np.concatenate([one_way(layer, run, x, way) for way in ways], axis=-1)
    if not layer.return_sequences:
        run.mask = None
    return y


# ---- images and sequences ------------------------------------------------------------------------


def per_axis(value, axes):
    return (value,) * axes if isinstance(value, int | str) else tuple(value)


def before_and_out(size, window, stride, padding):
    """Zeros before the first number, and how often the window fits."""
    if padding == "same":
        out = math.ceil(size / stride)
        return max((out - 1) * stride + window - size, 0) // 2, out
    around = 0 if padding == "valid" else padding
    return around, (size + 2 * around - window) // stride + 1


@compute.register(L.Conv1D)
@compute.register(L.Conv2D)
def _(layer, run, x):
    run.mask = None
    axes = x.ndim - 2
    W = run.take("weight")
    b = run.take("bias") if layer.bias else 0.0
    kernel, stride, dilation, padding = (
        per_axis(v, axes) for v in (layer.kernel, layer.stride, layer.dilation, layer.padding)
    )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    fits = list(map(before_and_out, x.shape[1:-1], reach, stride, padding))
    y = np.zeros((len(x), *(out for _, out in fits), layer.filters)) + b
    for place in product(*(range(out) for _, out in fits)):
        for k in product(*map(range, kernel)):
            at = [
                p * s - before + i * d
                for p, s, (before, _), i, d in zip(place, stride, fits, k, dilation, strict=True)
            ]
            if all(0 <= a < n for a, n in zip(at, x.shape[1:-1], strict=True)):
                y[(slice(None), *place)] += x[(slice(None), *at)] @ W[k]
    return activate(layer.activation, y)


def pool(x, window, stride, padding, reduce):
    fits = list(map(before_and_out, x.shape[1:-1], window, stride, padding))
    y = np.empty((len(x), *(out for _, out in fits), x.shape[-1]))
    for place in product(*(range(out) for _, out in fits)):
        box = [
            slice(max(p * s - before, 0), p * s - before + w)
            for p, s, (before, _), w in zip(place, stride, fits, window, strict=True)
        ]
        y[(slice(None), *place)] = reduce(x[(slice(None), *box)], axis=tuple(range(1, x.ndim - 1)))
    return y


@compute.register(L.MaxPool)
@compute.register(L.AveragePool)
def _(layer, run, x):
    run.mask = None
    axes = x.ndim - 2
    window = per_axis(layer.window, axes)
    stride = window if layer.stride is None else per_axis(layer.stride, axes)
    reduce = np.max if isinstance(layer, L.MaxPool) else np.mean
    return pool(x, window, stride, per_axis(layer.padding, axes), reduce)


@compute.register
def _(layer: L.GlobalPool, run, x):
    run.mask = None
    positions = tuple(range(1, x.ndim - 1))
    return x.max(axis=positions) if layer.mode == "max" else x.mean(axis=positions)
