"""The error of every row of the catalogue in ulp, against the oracle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import oracle
import probes
from mpmath import mpf

import deltarule as dr

DTYPES = [np.float32, np.float64]
ORDERS = ("value", "slope", "curve")
ERRORS = json.loads(Path(__file__).with_name("errors.json").read_text())
ELEMENTWISE = [f for f in dr.activations.values() if f.elementwise]
ELEMENT_LOSSES = [
    f
    for f in dr.losses.values()
    if f.facts["kind"] == "elementwise" and not f.facts["root_of_mean"]
]


def rounded(f, dtype):
    """The parameters as the kernel sees them: rounded to the dtype."""
    return tuple(
        (name, None if value is None else float(dtype(value)))
        for name, value in f.parameters.items()
    )


def other_parameters(f):
    """Values that are not the defaults, within their domains."""
    other = {}
    for name, default, domain in f.facts["parameters"]:
        value = 0.6 if default is None else 1.7 * default + 0.3
        if "unit_interval" in domain:
            value = 0.3 if default is None else 0.9 - 0.8 * default
        other[name] = float(round(value)) if domain == "count" else value
    return other


def variants(f):
    """The function with its defaults and, where it has parameters, with others."""
    yield f
    if f.parameters:
        yield f.with_parameters(other_parameters(f))


def places_of(f):
    """Kinks and stated roots at the parameters in use."""
    root = f.facts["slope_root"]
    return [at for at, _ in f.kinks] + ([float(root)] if root else [])


def points(f, dtype, n=60):
    """Where an element-wise activation is judged."""
    special = probes.special(dtype)
    near = probes.around(dtype, places_of(f))
    x = np.concatenate([special[np.isfinite(special)], near, probes.wide(dtype, n)])
    x = x[x > f.facts["defined_above"]]
    return x[np.abs(x) < np.finfo(dtype).max / 64] if f.parameters else x


def scale_of(formula, names, exact):
    """The size of the terms where they cancel to less than a quarter, else None."""
    if formula is None:
        return None
    size = oracle.evaluate(formula, names).v / 4
    return size if size > abs(exact) else None


class Worst:
    """The worst error per order, where it is, and the exact zeros that are none."""

    def __init__(self, dtype):
        self.dtype, self.ulp, self.at, self.lost = dtype, [0.0] * 3, [None] * 3, []

    def note(self, order, got, exact, scale, at):
        error = oracle.ulp_error(got, exact, self.dtype, scale)
        if error > self.ulp[order]:
            self.ulp[order], self.at[order] = error, at
        info = np.finfo(self.dtype)
        negligible = scale is not None and abs(exact) < float(info.eps) * scale
        if got == 0 and float(info.tiny) <= abs(exact) and not negligible:
            self.lost.append((ORDERS[order], *at))

    def check(self, f, g):
        """The bound of the row for every variant g, the record for f as it comes."""
        name = self.dtype.__name__
        assert not self.lost, f"{g!r}: exact zero where the result is normal: {self.lost[:3]}"
        key = f.name if f in ELEMENTWISE else f"loss {f.name}"
        bound, recorded = f.facts[f"ulp_{name}"], ERRORS[key][name]
        for k, what in enumerate(ORDERS):
            said = f"{g!r} {what}: {self.ulp[k]:.3f} ulp at {self.at[k]}"
            assert self.ulp[k] <= bound[k], f"{said}; the row states {bound[k]}"
            assert self.ulp[k] <= recorded[k] or g is not f, f"{said}; recorded {recorded[k]}"


def activation_errors(f, dtype, x) -> Worst:
    """Errors of an element-wise activation over x."""
    parameters, facts = rounded(f, dtype), f.facts
    worst = Worst(dtype)
    for xi, *got in zip(x, f(x), f.derivative(x), f.second_derivative(x), strict=True):
        exact = oracle.elementwise(facts["formula"], float(xi), parameters)
        names = {"x": oracle.Jet(float(xi)), **oracle.scalars(parameters)}
        for k in range(3):
            scale = scale_of(facts["scales"][k], names, exact[k])
            worst.note(k, got[k], exact[k], scale, (float(xi),))
    return worst


def predictions(f, dtype, n=30):
    """Raw predictions inside the domain of a loss."""
    rng = np.random.default_rng(3)
    low, high = f.facts["defined"]
    special = probes.special(dtype)
    if (low, high) == (0, 1):
        small = 10.0 ** rng.uniform(-30, 0, n)
        parts = [rng.uniform(0, 1, n), small, 1 - small, [0.5]]
    elif low > -np.inf:
        parts = [low + 10.0 ** rng.uniform(-12, 12, 2 * n), low + rng.uniform(0.1, 20, n)]
    else:
        span = 85 if dtype == np.float32 else 700
        parts = [rng.uniform(-s, s, n) for s in (3, 40, span)]
        parts += [probes.wide(dtype, 8), special[np.isfinite(special)]]
    z = np.concatenate(parts).astype(dtype)
    return z[(z > low) & (z < high)]


def targets(f, dtype, z):
    """Targets of the loss's domain, among them some close to the predictions."""
    rng = np.random.default_rng(4)
    kind, near = f.facts["targets"], z * dtype(1 - 1e-3)
    if kind == "signs":
        return [np.ones_like(z), -np.ones_like(z)]
    several = {
        "real": [0.0, 1.0, rng.normal(0, 5, z.shape), near],
        "non_negative": [0.0, 1.0, rng.uniform(0, 20, z.shape)],
        "positive": [0.1, 1.0, rng.uniform(0.01, 30, z.shape)],
        "above_minus_one": [-0.5, 0.0, np.maximum(near, -0.9)],
        "unit_interval": [0.0, 1.0, rng.uniform(0, 1, z.shape)],
    }[kind]
    return [np.broadcast_to(np.asarray(t, dtype=dtype), z.shape) for t in several]


def loss_errors(f, dtype) -> Worst:
    """Errors of an element-wise loss over predictions and targets."""
    z, facts, parameters = predictions(f, dtype), f.facts, rounded(f, dtype)
    worst = Worst(dtype)
    for t in targets(f, dtype, z):
        calls = (f, f.gradient, f.second_derivative)
        results = [call(z, t, reduction="none") for call in calls]
        for zi, ti, *got in zip(z, t, *results, strict=True):
            exact = oracle.elementwise_loss(facts["formula"], float(zi), float(ti), parameters)
            names = {"z": oracle.Jet(float(zi)), "t": oracle.Jet(float(ti))}
            names |= oracle.scalars(parameters)
            for k in range(3):
                scale = scale_of(facts["scales"][k], names, exact[k])
                worst.note(k, got[k], exact[k], scale, (float(zi), float(ti)))
    return worst


def largest(values) -> mpf:
    """The scale of a row of exact values."""
    return max(abs(v) for v in values)
