"""A slow network in plain NumPy, as the textbook writes it; it never imports the core."""

from __future__ import annotations

import numpy as np

ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    """Mean loss and delta of softmax with log-likelihood; y one-hot."""
    a = softmax(z)
    return -np.mean(np.sum(y * np.log(a), axis=1)), (a - y) / len(z)


def bce_with_logits(z, y):
    a = 1 / (1 + np.exp(-z))
    value = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(z)
    return value, (a - y) / len(z)


def half_squared_error(z, y):
    return np.sum((z - y) ** 2) / 2 / len(z), (z - y) / len(z)


LOSSES = {
    "cross_entropy": cross_entropy,
    "bce_with_logits": bce_with_logits,
    "half_squared_error": half_squared_error,
}


def backpropagate(weights, activation, loss, x, y):
    """The four equations: loss, and (dW, db) per layer."""
    f, slope = ACTIVATIONS[activation]
    a, zs = [x], []
    for layer, (w, b) in enumerate(weights):
        zs.append(a[-1] @ w + b)
        a.append(f(zs[-1]) if layer < len(weights) - 1 else zs[-1])
    value, delta = LOSSES[loss](zs[-1], y)
    gradients = []
    for layer in reversed(range(len(weights))):
        gradients.append((a[layer].T @ delta, delta.sum(axis=0)))
        if layer:
            delta = (delta @ weights[layer][0].T) * slope(zs[layer - 1])
    return value, gradients[::-1]


class Momentum:
    def __init__(self, rate, momentum, nesterov):
        self.rate, self.momentum, self.nesterov = rate, momentum, nesterov
        self.velocity = {}

    def step(self, key, w, g):
        v = self.momentum * self.velocity.get(key, 0) - self.rate * g
        self.velocity[key] = v
        return w + (self.momentum * v - self.rate * g if self.nesterov else v)


class Adam:
    def __init__(self, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.rate, self.betas, self.epsilon = rate, (beta_1, beta_2), epsilon
        self.moments, self.t = {}, {}

    def step(self, key, w, g):
        b1, b2 = self.betas
        m, v = self.moments.get(key, (0, 0))
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        self.moments[key] = m, v
        t = self.t[key] = self.t.get(key, 0) + 1
        rate = self.rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        return w - rate * m / (np.sqrt(v) + self.epsilon)


def train(weights, activation, loss, x, y, *, optimizer, batch_size, epochs, l2=0.0):
    """Mini-batches in order; weights as a list of (W, b)."""
    losses = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            value, gradients = backpropagate(weights, activation, loss, x[part], y[part])
            n = len(x[part])
            total += n * (value + l2 / (2 * n) * sum(np.sum(w**2) for w, _ in weights))
            weights = [
                (
                    optimizer.step((i, "w"), w, gw + l2 / n * w),
                    optimizer.step((i, "b"), b, gb),
                )
                for i, ((w, b), (gw, gb)) in enumerate(zip(weights, gradients, strict=True))
            ]
        losses.append(total / len(x))
    return weights, losses
