"""RealMLP-TD as plain NumPy in float64: layers, gradients by hand, Adam, schedules, first weights.

From Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
trees on tabular data, NeurIPS 2024, and the code of its authors.  Nothing here is random but the
initial weights: the rows of each batch and the dropout masks are arguments.

Axes: n rows of a batch, c continuous columns, f frequencies, e numbers that an embedding gives.
The weights, by name:

    frequencies (c, f), phases (c, f), mix (c, f, e), mix_bias (c, e)   where c > 0
    embedding.0 (cardinality, size), ...                                one per column of codes
    scale (inputs,)
    hidden.0.weight (inputs, units), hidden.0.bias, hidden.0.slope (units,), ...
    output.weight (units, outputs), output.bias (outputs,)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_softmax, softmax

BETAS, EPSILON = (0.9, 0.95), 1e-8
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


@dataclass(frozen=True)
class Recipe:
    """What a training is made of beside its data; the defaults are those of RealMLP-TD."""

    classification: bool
    steps: int  # of the whole training
    rate: float  # 0.04 for classes, 0.2 for numbers
    dropout: float = 0.15
    weight_decay: float = 0.02
    smoothing: float = 0.1


@dataclass(frozen=True)
class Batch:
    """Rows: continuous (n, c), flat (n, any), codes (n, any); class codes (n,) or targets."""

    continuous: np.ndarray
    flat: np.ndarray
    codes: np.ndarray
    y: np.ndarray

    def rows(self, which):
        return Batch(self.continuous[which], self.flat[which], self.codes[which], self.y[which])


def coslog4(t):
    """The learning rate at the fraction t of the steps: four cycles, each twice as long."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))


def flat_cos(t):
    """Dropout and weight decay: 1 in the first half, then half a cosine down to 0."""
    return 1.0 if t < 0.5 else 0.5 * (1 + np.cos(np.pi * (2 * t - 1)))


def rate_factor(name):
    """What the learning rate of these weights is multiplied by."""
    if name == "scale":
        return 6.0
    slow = ("frequencies", "phases", "mix", "mix_bias")
    return 0.1 if name in slow or name.endswith((".bias", ".slope")) else 1.0


def decays(name):
    """Whether weight decay acts: on all but the biases of dense layers, phases included."""
    return not name.endswith(".bias")


def activation(x, classification):
    """SELU or Mish, and the derivative."""
    if classification:
        tail = SELU_ALPHA * np.exp(np.minimum(x, 0))
        value = np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))
        return SELU_SCALE * value, SELU_SCALE * np.where(x > 0, 1.0, tail)
    t = np.tanh(np.logaddexp(0, x))
    return x * t, t + x * (1 - t * t) * expit(x)


def hidden_layers(weights):
    return sum(name.endswith(".slope") for name in weights)


def embed(weights, batch):
    """The inputs of the first layer, (n, inputs): each number and its embedding, flat, codes."""
    n, c = batch.continuous.shape
    parts = []
    if c:
        x = batch.continuous[:, :, None]
        waves = np.cos(2 * np.pi * x * weights["frequencies"] + weights["phases"])
        mixed = np.einsum("ncf,cfe->nce", waves, weights["mix"]) + weights["mix_bias"]
        parts.append(np.concatenate([x, mixed], axis=2).reshape(n, -1))
    parts.append(batch.flat)
    parts += [weights[f"embedding.{j}"][codes] for j, codes in enumerate(batch.codes.T)]
    return np.concatenate(parts, axis=1)


def forward(weights, batch, recipe, masks=None, p=0.0):
    """Raw predictions (n, outputs) and, per hidden layer, what the backward pass reads.

    ``masks`` holds one array (n, units) of zeros and ones per hidden layer; None: no dropout.
    """
    x = embed(weights, batch) * weights["scale"]
    seen = []
    for i in range(hidden_layers(weights)):
        w, slope = weights[f"hidden.{i}.weight"], weights[f"hidden.{i}.slope"]
        z = x @ w / np.sqrt(len(w)) + weights[f"hidden.{i}.bias"]
        value, derivative = activation(z, recipe.classification)
        kept = 1.0 if masks is None else masks[i] / (1 - p)
        seen.append((x, value - z, 1 + slope * (derivative - 1), kept))
        x = (z + slope * (value - z)) * kept
    w = weights["output.weight"]
    return x @ w / np.sqrt(len(w)) + weights["output.bias"], [*seen, x]


def loss(raw, y, recipe):
    """The mean loss of a batch, and its gradient in the raw predictions.

    Cross-entropy with labels smoothed towards the uniform distribution; or squared error, not
    halved, the mean over rows and outputs.
    """
    if not recipe.classification:
        error = raw - y.reshape(raw.shape)
        return np.mean(error**2), 2 * error / error.size
    n, k = raw.shape
    target = (1 - recipe.smoothing) * np.eye(k)[y] + recipe.smoothing / k
    return -np.sum(target * log_softmax(raw, axis=1)) / n, (softmax(raw, axis=1) - target) / n


def gradients(weights, batch, recipe, masks=None, p=0.0):
    """The loss, and its gradient in every weight, by name."""
    raw, (*seen, x) = forward(weights, batch, recipe, masks, p)
    value, back = loss(raw, batch.y, recipe)
    found = {}
    w = weights["output.weight"]
    found["output.weight"] = x.T @ back / np.sqrt(len(w))
    found["output.bias"] = back.sum(axis=0)
    back = back @ w.T / np.sqrt(len(w))
    for i, (x, bend, slope, kept) in reversed(list(enumerate(seen))):
        w = weights[f"hidden.{i}.weight"]
        back = back * kept
        found[f"hidden.{i}.slope"] = np.sum(back * bend, axis=0)
        back = back * slope
        found[f"hidden.{i}.weight"] = x.T @ back / np.sqrt(len(w))
        found[f"hidden.{i}.bias"] = back.sum(axis=0)
        back = back @ w.T / np.sqrt(len(w))
    found["scale"] = np.sum(back * embed(weights, batch), axis=0)
    found |= embedding_gradients(weights, batch, back * weights["scale"])
    return value, {name: found[name] for name in weights}


def embedding_gradients(weights, batch, back):
    """The gradient in what `embed` reads; ``back`` is that in what it returns."""
    found = {}
    n, c = batch.continuous.shape
    first = 0
    if c:
        mix = weights["mix"]
        first = c * (1 + mix.shape[2])
        mixed = back[:, :first].reshape(n, c, -1)[:, :, 1:]
        x = batch.continuous[:, :, None]
        angle = 2 * np.pi * x * weights["frequencies"] + weights["phases"]
        found["mix"] = np.einsum("ncf,nce->cfe", np.cos(angle), mixed)
        found["mix_bias"] = mixed.sum(axis=0)
        turn = -np.sin(angle) * np.einsum("nce,cfe->ncf", mixed, mix)
        found["phases"] = turn.sum(axis=0)
        found["frequencies"] = np.sum(2 * np.pi * x * turn, axis=0)
    first += batch.flat.shape[1]
    for j, codes in enumerate(batch.codes.T):
        table = weights[f"embedding.{j}"]
        found[f"embedding.{j}"] = np.zeros_like(table)
        np.add.at(found[f"embedding.{j}"], codes, back[:, first : first + table.shape[1]])
        first += table.shape[1]
    return found


def train(weights, data, recipe, batches, masks=None):
    """All weights after each step, a list of dicts: Adam, weight decay before its update.

    ``batches`` holds the rows of each step, ``masks`` per step what `forward` takes.
    """
    weights = {name: np.array(w, dtype=np.float64) for name, w in weights.items()}
    first = {name: np.zeros_like(w) for name, w in weights.items()}  # the moments
    second = {name: np.zeros_like(w) for name, w in weights.items()}
    after = []
    for i, rows in enumerate(batches):
        t = i / recipe.steps
        mask = None if masks is None else masks[i]
        p = recipe.dropout * flat_cos(t)
        for name, slope in gradients(weights, data.rows(rows), recipe, mask, p)[1].items():
            w, m, v, factor = weights[name], first[name], second[name], rate_factor(name)
            rate = recipe.rate * coslog4(t) * factor
            if decays(name):  # the factor counts twice, once in the rate, as in the authors' code
                w *= 1 - recipe.weight_decay * flat_cos(t) * rate * factor
            m += (1 - BETAS[0]) * (slope - m)
            v += (1 - BETAS[1]) * (slope**2 - v)
            unbiased = m / (1 - BETAS[0] ** (i + 1))
            w -= rate * unbiased / (np.sqrt(v / (1 - BETAS[1] ** (i + 1))) + EPSILON)
        after.append({name: w.copy() for name, w in weights.items()})
    return after


def unit_variance(x, normal):
    """'std': ``normal`` (fan_in, units) rescaled so that over x each unit varies with std 1."""
    return normal / np.std(x @ normal / np.sqrt(len(normal)), axis=0)


def simplex_bias(z, rows, exponential):
    """'he+5': minus a random convex combination of pre-activations z (n, units) of each unit.

    ``rows`` and ``exponential``, both (units, 5), are the rows drawn and Exp(1) numbers.
    """
    share = exponential / exponential.sum(axis=1, keepdims=True)
    return -np.sum(z[rows, np.arange(z.shape[1])[:, None]] * share, axis=1)


def initial_weights(
    data, cardinalities, recipe, outputs, random, hidden=(256, 256, 256), frequencies=16, size=8
):
    """Weights as RealMLP-TD begins with; ``random`` is a numpy.random.Generator."""
    weights = {}
    c = data.continuous.shape[1]
    if c:
        bound = 1 / np.sqrt(frequencies)
        weights["frequencies"] = 0.1 * random.standard_normal((c, frequencies))
        weights["phases"] = random.uniform(-np.pi, np.pi, (c, frequencies))
        weights["mix"] = random.uniform(-bound, bound, (c, frequencies, 3))
        weights["mix_bias"] = random.uniform(-bound, bound, (c, 3))
    for j, cardinality in enumerate(cardinalities):
        weights[f"embedding.{j}"] = random.standard_normal((cardinality, size))
    x = embed(weights, data)
    weights["scale"] = np.ones(x.shape[1])
    for i, units in enumerate([*hidden, outputs]):
        name = "output" if i == len(hidden) else f"hidden.{i}"
        w = unit_variance(x, random.standard_normal((x.shape[1], units)))
        z = x @ w / np.sqrt(len(w))
        rows = random.integers(0, len(z), (units, 5))
        weights[f"{name}.weight"] = w
        weights[f"{name}.bias"] = simplex_bias(z, rows, random.exponential(size=(units, 5)))
        if name != "output":
            weights[f"{name}.slope"] = np.ones(units)
            x = activation(z + weights[f"{name}.bias"], recipe.classification)[0]
    return weights
