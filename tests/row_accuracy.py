"""The error of row-wise activations and losses in ulp, against the oracle."""

from __future__ import annotations

import numpy as np
import oracle
from accuracy import rounded

import deltarule as dr

# Those whose formula the oracle evaluates over a row.
ACTIVATIONS = [dr.activations[n] for n in ("softmax", "log_softmax", "softmin", "logsumexp")]
LOSSES = [dr.losses[n] for n in ("softmax_cross_entropy", "kl_divergence")]
WIDTHS = (1, 2, 3, 10, 33)


def rows(dtype, width):
    """Rows whose entries spread over 1, 10 and 40 times a standard normal, and tiny ones."""
    rng = np.random.default_rng(width)
    return [(s * rng.standard_normal(width)).astype(dtype) for s in (1, 10, 40, 1e-20)]


def activation_errors(f, dtype, width):
    """The worst errors of values, and of the Jacobian in ulp of the largest entry of its row."""
    worst, lost = [0.0, 0.0], []
    tiny = float(np.finfo(dtype).tiny)
    for x in rows(dtype, width):
        exact_values, exact_rows = oracle.rowwise(
            f.facts["formula"], tuple(map(float, x)), rounded(f, dtype)
        )
        for got, exact in zip(np.atleast_1d(f(x)), exact_values, strict=True):
            # A value near a root of log-sum-exp is a difference of terms of the size of x.
            size = max(map(abs, x)) / 4 if f.name == "logsumexp" else None
            worst[0] = max(
                worst[0], oracle.ulp_error(got, exact, dtype, size and oracle.mpf(float(size)))
            )
            if got == 0 and abs(exact) >= tiny:
                lost.append((f, x))
        for row, exact_row in zip(f.jacobian(x), exact_rows, strict=True):
            size = max(abs(v) for v in exact_row)
            for got, exact in zip(row, exact_row, strict=True):
                worst[1] = max(worst[1], oracle.ulp_error(got, exact, dtype, size))
    return worst, lost


def rows_and_targets(dtype, width):
    rng = np.random.default_rng(width)
    one_hot = np.eye(width, dtype=dtype)
    for scale in (1, 10, 60):
        z = (scale * rng.standard_normal(width)).astype(dtype)
        for t in [*one_hot[:3], rng.dirichlet(np.ones(width)).astype(dtype)]:
            yield z, t


def loss_errors(f, dtype, width):
    """The worst errors of value and gradient; for targets that are not one class, in ulp of the
    largest prediction and of 1."""
    worst, lost = [0.0, 0.0], []
    for z, t in rows_and_targets(dtype, width):
        exact, slope = oracle.rowwise_loss(
            f.facts["formula"], tuple(map(float, z)), tuple(map(float, t)), rounded(f, dtype)
        )
        certain = t.max() == 1 and not f.parameters.get("label_smoothing")
        size = None if certain else oracle.mpf(float(np.abs(z).max()))
        value, gradient = f.value_and_gradient(z, t, reduction="sum")
        worst[0] = max(worst[0], oracle.ulp_error(value, exact, dtype, size))
        for a, b in zip(gradient, slope, strict=True):
            scale = None if certain else oracle.mpf(1)
            worst[1] = max(worst[1], oracle.ulp_error(a, b, dtype, scale))
            if certain and a == 0 and abs(b) >= float(np.finfo(dtype).tiny):
                lost.append((f, z, t))
    return worst, lost


def measure(dtype):
    """The worst errors of every row over the widths, by the name of its record."""
    found = {}
    for f in ACTIVATIONS:
        each = [activation_errors(f, dtype, n)[0] for n in WIDTHS]
        found[f.name] = [max(e[k] for e in each) for k in (0, 1)]
    for f in LOSSES:
        each = [loss_errors(f, dtype, n)[0] for n in WIDTHS[1:]]
        found[f"loss {f.name}"] = [max(e[k] for e in each) for k in (0, 1)]
    return found
