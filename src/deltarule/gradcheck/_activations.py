"""The claims of an activation: derivative, vector-Jacobian product, Jacobian, second derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from deltarule.gradcheck._problem import Function, Problem, claim
from deltarule.gradcheck._structure import Array, Index, Structure

WIDEST_JACOBIAN = 32  # wider rows are checked with random cotangents only
COTANGENTS = 3
SECOND = "second_derivative"


def read(
    f: Any, x: Any, options: Mapping[str, Any], second: bool | None, seed: int
) -> list[Problem]:
    """Find the claims that an activation makes at x.

    Parameters
    ----------
    f : object
        With ``f(x, **options)``, and ``derivative`` and ``vjp`` as those of the catalogue, or some
        of them.
    x : array_like
    options : Mapping
        Keyword arguments of all three.  Where they take ``rng``, it is `seed` by default.
    second : bool, optional
    seed : int
        Of cotangents.

    Raises
    ------
    TypeError
        If it has no second derivative, and `second` is True.
    """
    random = np.random.default_rng(seed)
    elementwise = getattr(f, "elementwise", hasattr(f, "derivative"))
    name = repr(f)
    f = _Bound(f, {**({"rng": seed} if _is_random(f) else {}), **options})
    if second and not (elementwise and hasattr(f, SECOND)):
        raise TypeError(f"{name} has no second derivative element by element.")
    if not elementwise:
        return list(_rowwise(f, x, random))
    problems = [_first(f, x, random)]
    if second is not False and hasattr(f, SECOND):
        structure, flat = Structure.of(x, SECOND)
        claimed = np.ravel(f.second_derivative(structure.build(flat)))[:, None]
        function = Function(lambda x: f.derivative(structure.build(x)))
        problems.append(claim(function, structure, flat, claimed, structure.shapes[0]))
    facts = getattr(f, "facts", {})
    if facts.get("trainable", False) and hasattr(f, "parameter_derivative"):
        problems += [_parameter(f, name, x) for name in f.parameters]
    return problems


class _Bound:
    """An activation whose keyword arguments are settled."""

    def __init__(self, f: Any, options: Mapping[str, Any]) -> None:
        self._f, self._options = f, options

    def __call__(self, x: Any, **more: Any) -> Any:
        return self._f(x, **self._options, **more)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._f, name)
        if name in ("derivative", "vjp"):
            return partial(found, **self._options)
        if name == "jacobian" and "rng" in self._options:
            return partial(found, rng=self._options["rng"])
        return found


def _is_random(f: Any) -> bool:
    try:
        return "rng" in signature(f).parameters
    except (TypeError, ValueError):
        return False


def _first(f: Any, x: Any, random: np.random.Generator) -> Problem:
    """The derivative, and its product with a cotangent where the activation has a vjp."""
    structure, flat = Structure.of(x, "derivative")
    shape = structure.shapes[0]
    point = structure.build(flat)
    g = _cotangent(random, shape, point.dtype)
    labels, claims = ["derivative"], [np.ravel(f.derivative(point))]
    if hasattr(f, "vjp"):
        labels.append("vjp")
        claims.append(np.ravel(f.vjp(point, g)))

    def value(x: Array) -> Array:
        y = np.asarray(f(structure.build(x)))
        return np.stack([y, y * g.astype(y.dtype)][: len(labels)], axis=-1)

    def place(lane: int, which: int) -> tuple[str, Index]:
        return labels[which], structure.place(lane)[1]

    return claim(Function(value), structure, flat, np.stack(claims, axis=-1), shape, place)


def _parameter(f: Any, name: str, x: Any) -> Problem:
    """The derivative by a parameter that can be learned, at every x."""
    structure, flat = Structure.of(f.parameters[name], name)
    point = Structure.of(x)[0].build(Structure.of(x)[1])
    claimed = np.asarray(f.parameter_derivative(point, name))

    def value(parameter: Array) -> Array:
        return np.ravel(f.with_parameters({name: float(parameter[0])})(point))

    def place(lane: int, which: int) -> tuple[str, Index]:
        index = tuple(map(int, np.unravel_index(which, claimed.shape)))
        return f"parameter_derivative({name})", index

    return claim(Function(value), structure, flat, claimed.reshape(1, -1), place=place)


def _cotangent(random: np.random.Generator, shape: Index, dtype: Any) -> Array:
    """Numbers of both signs, none of them small."""
    signs = random.choice([-1.0, 1.0], shape)
    return np.asarray(signs * random.uniform(0.5, 2, shape)).astype(dtype)


# ---- whole rows ---------------------------------------------------------------------------------


def _rowwise(f: Any, x: Any, random: np.random.Generator) -> Iterator[Problem]:
    """The Jacobian, for rows that are not wide, and its products with random cotangents."""
    structure, flat = Structure.of(x, "vjp")
    point = structure.build(flat)
    if point.ndim == 0:
        raise ValueError("An activation of whole rows needs an array; met a scalar.")
    call, vjp = _along_the_last_axis(f, point)
    y = np.asarray(call(point))
    rows = point.shape[:-1]
    width = y.shape[-1] if y.ndim == point.ndim else 1
    cotangents = _cotangent(random, (COTANGENTS, width), y.dtype)

    def products(of: Array) -> Array:
        """Shape (n, m): J^T g for each g."""
        each = [np.broadcast_to(g if y.ndim == point.ndim else g[0], y.shape) for g in of]
        return np.stack([np.ravel(vjp(point, g.copy())) for g in each], axis=-1)

    def along(of: Array) -> Function:
        return Function(lambda x: np.reshape(call(structure.build(x)), (-1, width)) @ of.T)

    yield claim(along(cotangents), structure, flat, products(cotangents), rows)
    if max(width, point.shape[-1]) > WIDEST_JACOBIAN:
        return
    units = np.eye(width, dtype=y.dtype)
    if hasattr(f, "jacobian"):
        matrices = np.reshape(f.jacobian(point), (-1, width, point.shape[-1]))
        claimed = matrices.transpose(0, 2, 1).reshape(-1, width)
    else:
        claimed = products(units)

    def place(lane: int, value: int) -> tuple[str, Index]:
        *row, j = structure.place(lane)[1]
        return "jacobian", (*row, value, j)

    yield claim(along(units), structure, flat, claimed, rows, place)


def _along_the_last_axis(f: Any, x: Array) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The function and its vjp, told the axis if they take one."""
    try:
        f(x, axis=-1)
    except TypeError:
        return f, f.vjp
    return lambda x: f(x, axis=-1), lambda x, g: f.vjp(x, g, axis=-1)
