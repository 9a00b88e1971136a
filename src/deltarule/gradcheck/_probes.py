"""Default places: both sides of 0 and of every kink, and the tails.

They are chosen from the facts that a function of the catalogue states about itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from deltarule.gradcheck._structure import Array

# Uneven, as round numbers are where functions change their formula.
SIZES = (1e-6, 1e-3, 0.037, 0.21, 0.55, 0.97, 1.31, 1.9, 2.7, 4.1, 6.3, 9.7, 14.0, 21.0, 37.0, 80.0)
NEAR = (0.0, 1e-6, -1e-6, 1e-3, -1e-3)  # from a kink
PREDICTIONS = (-30.0, -7.3, -2.1, -1.02, -0.4, -1e-3, 2e-3, 0.3, 0.9, 1.7, 3.1, 8.2, 25.0)
TARGETS: Mapping[str, tuple[float, ...]] = {
    "real": (-1.5, 0.0, 0.7, 3.0),
    "non_negative": (0.0, 0.5, 3.0),
    "positive": (0.2, 1.0, 4.0),
    "above_minus_one": (-0.5, 0.0, 2.0),
    "unit_interval": (0.0, 0.3, 1.0),
    "signs": (-1.0, 1.0),
}
WIDTH = 12  # of a row: 2, 3 and 4 divide it
CLASSES = 5
ROWS = 6


def probes(f: Any, dtype: np.dtype[Any]) -> list[tuple[Any, ...]]:
    """Choose operands at which a function of the catalogue is checked, one tuple per check.

    Raises
    ------
    ValueError
        If it takes arrays that these rules do not know.
    """
    facts = f.facts
    if "operands" in facts:
        return [_composite(f, facts, dtype)]
    if not hasattr(f, "value_and_gradient"):
        x = _numbers(f, facts) if f.elementwise else _rows(WIDTH)
        return [(x.astype(dtype),)]
    if f.elementwise:
        return [tuple(a.astype(dtype) for a in _pairs(facts))]
    z = _rows(CLASSES).astype(dtype)
    codes = np.arange(len(z)) % CLASSES
    shares = np.random.default_rng(1).dirichlet(np.ones(CLASSES), len(z)).astype(dtype)
    return [(z, targets) for targets in (codes, shares) if _accepts(f, z, targets)]


def _numbers(f: Any, facts: Mapping[str, Any]) -> Array:
    x = np.array([-s for s in reversed(SIZES)] + [0.0, *SIZES])
    for at, _ in facts.get("kinks", ()):
        kink = _number(at, f.parameters)
        if kink is not None:
            x = np.concatenate([x, kink + max(1.0, abs(kink)) * np.array(NEAR)])
    return np.unique(x[x > facts.get("defined_above", -np.inf)])


_OPERATIONS = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__"}


def _number(text: str, parameters: Mapping[str, Any]) -> float | None:
    """The value of a sum or product of numbers and parameters; None if it is anything else."""

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return float(parameters[node.id])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            return float(getattr(left, _OPERATIONS[type(node.op)])(right))
        raise TypeError(f"{text!r} is no arithmetic.")

    try:
        return value(ast.parse(text, mode="eval").body)
    except (KeyError, TypeError, ValueError, ArithmeticError, SyntaxError):
        return None


def _rows(width: int) -> Array:
    """Rows of numbers: ordinary ones, far apart ones, one that dominates, equal ones."""
    x = np.random.default_rng(0).standard_normal((ROWS, width))
    x[1] *= 10
    x[2, width // 2] += 40
    x[3] = x[3, 0]
    return x


def _pairs(facts: Mapping[str, Any]) -> tuple[Array, Array]:
    """Predictions and targets of an element-wise loss."""
    low, high = facts.get("defined", (-np.inf, np.inf))
    z: Array = np.array(PREDICTIONS)
    if np.isfinite(high - low):
        z = low + (high - low) / (1 + np.exp(-z / 2))
    elif np.isfinite(low):
        z = low + np.array(SIZES[1:-2])
    targets = TARGETS[facts.get("targets", "real")]
    pairs = [*product(z, targets), *((t + d, t) for t, d in product(targets, NEAR))]
    inside = [(z, t) for z, t in pairs if low < z < high]
    table = np.array(inside)
    return table[:, 0].copy(), table[:, 1].copy()


# ---- losses of several arrays -------------------------------------------------------------------


def _composite(f: Any, facts: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Operands that the loss accepts, or else the row with its default settings."""
    operands = _accepted(f, facts, dtype)
    if operands is not None:
        return operands
    operands = _accepted(type(f)(facts), facts, dtype)
    if operands is not None:
        f(*operands)  # raises what is wrong with the settings
    raise ValueError(
        f"There are no default places for {f.name}: pass its arrays in Python, "
        f"check_gradient(f, {', '.join(facts['operands'])})."
    )


def _accepted(f: Any, facts: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Any, ...] | None:
    """The first targets that the loss accepts with predictions of some kind."""
    for make, targets in product((_scores, _square, _boxes), _targets(dtype)):
        makers = {"p": _shares, "v": _positive, "W": _weights, "b": _bias}
        operands = [
            targets if name == "t" else makers.get(name, make)(i, dtype)
            for i, name in enumerate(facts["operands"])
        ]
        if _accepts(f, *operands):
            return tuple(operands)
    return None


def _targets(dtype: np.dtype[Any]) -> list[Any]:
    """Classes, groups, labels of many classes, signs, shares, positive numbers, boxes."""
    random = np.random.default_rng(2)
    return [
        np.arange(ROWS) % CLASSES,
        np.arange(ROWS) // 2,
        (random.random((ROWS, CLASSES)) < 0.4).astype(dtype),
        random.choice([-1, 1], ROWS),
        random.choice([-1, 1], (ROWS, CLASSES)),
        _shares(2, dtype),
        _positive(2, dtype),
        _boxes(2, dtype),
    ]


def _scores(seed: int, dtype: np.dtype[Any]) -> Array:
    return np.random.default_rng(seed).standard_normal((ROWS, CLASSES)).astype(dtype)


def _square(seed: int, dtype: np.dtype[Any]) -> Array:
    return np.random.default_rng(seed).standard_normal((ROWS, ROWS)).astype(dtype)


def _weights(seed: int, dtype: np.dtype[Any]) -> Array:
    """Of a layer from the width of a row to the classes."""
    return _scores(seed, dtype)[:CLASSES]


def _bias(seed: int, dtype: np.dtype[Any]) -> Array:
    return np.array(_scores(seed, dtype)[0])


def _positive(seed: int, dtype: np.dtype[Any]) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 2, (ROWS, CLASSES)).astype(dtype)


def _shares(seed: int, dtype: np.dtype[Any]) -> Array:
    x = _positive(seed, np.dtype(np.float64))
    return np.asarray(x / x.sum(axis=-1, keepdims=True)).astype(dtype)


def _boxes(seed: int, dtype: np.dtype[Any]) -> Array:
    """Left, top, right and bottom."""
    corner, size = np.random.default_rng(seed).uniform(0.5, 1.5, (2, ROWS, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(dtype)


def _accepts(f: Callable[..., Any], *operands: Any) -> bool:
    try:
        value = f(*operands)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(value).all())
