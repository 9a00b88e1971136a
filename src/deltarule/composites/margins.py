"""Losses that ask the score of the right class to lead by a margin.

Axes: n rows, K classes.  No loss acts at its kink: a row whose lead is exactly the margin has the
gradient 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule._reduction import times
from deltarule.composites._primitives import at_label, hinge, one_hot
from deltarule.composites._record import Array, Composite, Pullback


def _multi_margin(z: Array, t: Array, *, p: float, margin: float) -> tuple[Array, Pullback]:
    label = one_hot(t, z.shape[-1], z.dtype)
    power, classes = z.dtype.type(p), z.dtype.type(z.shape[-1])
    behind = (z - at_label(z, t)[..., None]) + z.dtype.type(margin)
    h, active = hinge(np.where(label == 1, z.dtype.type(-1), behind))
    slope = times(active, power * h ** (power - 1) / classes)
    slope -= label * slope.sum(axis=-1, keepdims=True)
    values = (h**power).sum(axis=-1) / classes
    return values, lambda g: (times(g[..., None], slope),)


def _categorical_hinge(z: Array, t: Array, *, margin: float) -> tuple[Array, Pullback]:
    label = one_hot(t, z.shape[-1], z.dtype)
    wrong = np.where(label == 1, z.dtype.type(-np.inf), z)
    best = one_hot(wrong.argmax(axis=-1), z.shape[-1], z.dtype)
    values, active = hinge((wrong.max(axis=-1) - at_label(z, t)) + z.dtype.type(margin))
    return values, lambda g: ((g * active)[..., None] * (best - label),)


def _multiclass_perceptron(z: Array, t: Array) -> tuple[Array, Pullback]:
    label = one_hot(t, z.shape[-1], z.dtype)
    best = one_hot(z.argmax(axis=-1), z.shape[-1], z.dtype)
    top, right = z.max(axis=-1), at_label(z, t)
    values, active = hinge(np.where(top == right, z.dtype.type(0), top - right))
    return values, lambda g: ((g * active)[..., None] * (best - label),)


def _margin_loss(name: str, **facts: Any) -> Composite:
    return Composite(
        name=name,
        group="multiclass",
        operands=("z", "t"),
        differentiable=("z",),
        labels="codes",
        **facts,
    )


ROWS = (
    _margin_loss(
        "multi_margin",
        formula="sum over i != t of max(0, margin - z[t] + z[i])**p / K",
        latex=r"\frac{1}{K} \sum_{i \neq t} \max(0, \mathrm{margin} - z_t + z_i)^p",
        gradient="p * max(0, margin - z[t] + z[i])**(p - 1) / K at i != t, 0 where that is not"
        " above 0; at t minus the sum of the others",
        source="Weston and Watkins (1999), Support vector machines for multi-class pattern"
        " recognition",
        compute=_multi_margin,
        parameters=(("p", 1.0, "at_least_one"), ("margin", 1.0, "real")),
        tolerance=(8, 8),
        scale="the value with |margin| + |z[i] - z[t]| in place of each difference; the"
        " same for the gradient at t",
    ),
    _margin_loss(
        "categorical_hinge",
        formula="max(0, margin + max over i != t of z[i] - z[t])",
        latex=r"\max\left(0, \mathrm{margin} + \max_{i \neq t} z_i - z_t\right)",
        gradient="1 at the first best wrong class, -1 at t; 0 where the value is 0",
        source="Crammer and Singer (2001), On the algorithmic implementation of multiclass"
        " kernel-based vector machines; the maximum is over the wrong classes only",
        compute=_categorical_hinge,
        aliases=("crammer_singer",),
        parameters=(("margin", 1.0, "real"),),
        tolerance=(1, 0),
        scale="margin + the value + the sum of |z| times |gradient|; exact",
    ),
    _margin_loss(
        "multiclass_perceptron",
        formula="max(z) - z[t]",
        latex=r"\max_i z_i - z_t",
        gradient="1 at the first largest entry, -1 at t; 0 where z[t] is the largest",
        source="Collins (2002), Discriminative training methods for hidden Markov models",
        compute=_multiclass_perceptron,
        tolerance=(1, 0),
        scale="the value; exact",
    ),
)
