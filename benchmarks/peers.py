"""What other libraries offer for a row of the catalogue.

The compiled kernels of PyTorch where it has the function, and for every row the expression a user
would write from its formula with NumPy and with JAX (compiled by `jax.jit`).  PyTorch computes the
slopes of sigmoid and tanh from the result y: its derivative at x makes y first, its vector-Jacobian
product is given it, as in training.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Call = Callable[[], object]
UFUNCS = ["exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "tanh", "abs", "sign"]
# Row -> forward and backward operators of PyTorch; {x} the input, {y} the result, {g} the gradient.
TORCH: Mapping[str, tuple[str, str | None]] = {
    "sigmoid": (
        "sigmoid.out({x}, out={o})",
        "sigmoid_backward.grad_input({g}, {y}, grad_input={o})",
    ),
    "tanh": ("tanh.out({x}, out={o})", "tanh_backward.grad_input({g}, {y}, grad_input={o})"),
    "relu": (
        "relu.out({x}, out={o})",
        "threshold_backward.grad_input({g}, {y}, 0, grad_input={o})",
    ),
    "gelu": ("gelu.out({x}, out={o})", "gelu_backward.grad_input({g}, {x}, grad_input={o})"),
    "gelu_tanh": (
        "gelu.out({x}, approximate='tanh', out={o})",
        "gelu_backward.grad_input({g}, {x}, approximate='tanh', grad_input={o})",
    ),
    "silu": ("silu.out({x}, out={o})", "silu_backward.grad_input({g}, {x}, grad_input={o})"),
    "mish": ("mish.out({x}, out={o})", "mish_backward({g}, {x})"),
    "softplus": (
        "softplus.out({x}, out={o})",
        "softplus_backward.grad_input({g}, {x}, 1, 20, grad_input={o})",
    ),
    "elu": (
        "elu.out({x}, out={o})",
        "elu_backward.grad_input({g}, 1, 1, 1, False, {x}, grad_input={o})",
    ),
    "selu": ("selu({x})", None),
    "celu": ("celu({x})", None),
    "leaky_relu": (
        "leaky_relu.out({x}, 0.01, out={o})",
        "leaky_relu_backward.grad_input({g}, {x}, 0.01, False, grad_input={o})",
    ),
    "hard_swish": ("hardswish.out({x}, out={o})", "hardswish_backward({g}, {x})"),
    "hard_sigmoid": (
        "hardsigmoid.out({x}, out={o})",
        "hardsigmoid_backward.grad_input({g}, {x}, grad_input={o})",
    ),
    "hard_tanh": (
        "hardtanh.out({x}, -1, 1, out={o})",
        "hardtanh_backward.grad_input({g}, {x}, -1, 1, grad_input={o})",
    ),
    "relu6": (
        "hardtanh.out({x}, 0, 6, out={o})",
        "hardtanh_backward.grad_input({g}, {x}, 0, 6, grad_input={o})",
    ),
    "log_sigmoid": ("log_sigmoid({x})", None),
    "hard_shrink": (
        "hardshrink.out({x}, 0.5, out={o})",
        "hardshrink_backward.grad_input({g}, {x}, 0.5, grad_input={o})",
    ),
    "soft_shrink": (
        "softshrink.out({x}, 0.5, out={o})",
        "softshrink_backward.grad_input({g}, {x}, 0.5, grad_input={o})",
    ),
    "threshold": ("threshold.out({x}, 0, 0, out={o})", None),
    "erf": ("erf.out({x}, out={o})", None),
    "exponential": ("exp.out({x}, out={o})", None),
    "sign": ("sign.out({x}, out={o})", None),
}
SCIPY = {"sigmoid": "expit", "log_sigmoid": "log_expit", "erf": "erf", "exponential": "exp1"}


def expression(formula: str, parameters: Mapping[str, float | None], where: str) -> str:
    """The formula as vectorised source: `a if c else b` becomes a call of `where`."""

    class Vectorise(ast.NodeTransformer):
        def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
            self.generic_visit(node)
            return ast.Call(
                ast.Name(where, ast.Load()), [_test(node.test), node.body, node.orelse], []
            )

        def visit_Name(self, node: ast.Name) -> ast.AST:
            value = parameters.get(node.id)
            return node if value is None else ast.Constant(value)

    tree = Vectorise().visit(ast.parse(formula, mode="eval"))
    return ast.unparse(ast.fix_missing_locations(tree))


def _test(node: ast.expr) -> ast.expr:
    """Chained comparisons and `and` as products of masks."""
    if isinstance(node, ast.BoolOp):
        result = _test(node.values[0])
        for value in node.values[1:]:
            op = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
            result = ast.BinOp(result, op, _test(value))
        return result
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        sides = [node.left, *node.comparators]
        parts = [
            ast.Compare(a, [op], [b]) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)
        ]
        result: ast.expr = parts[0]
        for part in parts[1:]:
            result = ast.BinOp(result, ast.BitAnd(), part)
        return result
    return node


def numpy_names() -> dict[str, Any]:
    from scipy import special

    names = {n: getattr(np, n) for n in UFUNCS}
    return {
        **names,
        "where": np.where,
        "min": np.minimum,
        "max": np.maximum,
        "erf": special.erf,
        "normcdf": special.ndtr,
        "normpdf": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
        "sigmoid": special.expit,
        "softplus": lambda x: np.logaddexp(0, x),
        "log_cosh": lambda x: np.logaddexp(x, -x) - np.log(2),
        "pi": np.pi,
    }


def jax_names() -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    names = {n: getattr(jnp, n) for n in UFUNCS}
    return {
        **names,
        "where": jnp.where,
        "min": jnp.minimum,
        "max": jnp.maximum,
        "erf": jax.scipy.special.erf,
        "normcdf": jax.scipy.stats.norm.cdf,
        "normpdf": jax.scipy.stats.norm.pdf,
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "log_cosh": lambda x: jnp.logaddexp(x, -x) - jnp.log(2.0),
        "pi": np.pi,
    }


def compiled(source: str, names: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A function of x; the source comes from the catalogue of the library."""
    return eval(f"lambda x: {source}", dict(names))


def _as_array(result: Any, x: Any, out: Any) -> Any:
    """The result as a new array, where an expression gives x itself or one number for all."""
    return np.copyto(out, result) if result is x or np.ndim(result) == 0 else result


def peers(f: Any, which: str, x: Any, g: Any, out: Any) -> dict[str, Call]:
    """The peers of one operation (value, derivative, vjp) of a row on one array."""
    import jax
    import torch

    cases: dict[str, Call] = {}
    facts = f.facts
    formula = facts["formula"] if which == "value" else facts["derivative"]
    vectorised = compiled(expression(formula, f.parameters, "where"), numpy_names())
    with np.errstate(all="ignore"):
        vectorised(x[:1])
    if which == "vjp":
        cases["NumPy"] = lambda: np.multiply(vectorised(x), g, out=out)
    else:
        cases["NumPy"] = lambda: _as_array(vectorised(x), x, out)
    value = compiled(expression(facts["formula"], f.parameters, "where"), jax_names())
    jx, jg = jax.numpy.asarray(x), jax.numpy.asarray(g)
    ones = jax.numpy.ones_like(jx)
    if which == "value":
        forward = jax.jit(value)
        cases["JAX"] = lambda: forward(jx).block_until_ready()
    else:
        backward = jax.jit(lambda a, b: jax.vjp(value, a)[1](b)[0])
        given = jg if which == "vjp" else ones
        cases["JAX"] = lambda: backward(jx, given).block_until_ready()
    if f.name in TORCH and TORCH[f.name][which != "value"]:
        tensors = {"x": torch.from_numpy(x), "g": torch.from_numpy(g), "o": torch.from_numpy(out)}
        if which == "derivative":
            tensors["g"] = torch.ones_like(tensors["x"])
        tensors["y"] = torch.from_numpy(np.asarray(f(x)))
        source = TORCH[f.name][which != "value"]
        assert source is not None
        call = source.format(x="x", y="y", g="g", o="o")
        if which == "derivative" and "{y}" in source:  # at x: the result must be made first
            call = f"{TORCH[f.name][0].format(x='x', o='y')}, aten.{call}"
        cases["PyTorch"] = eval(f"lambda: (aten.{call})", {**tensors, "aten": torch.ops.aten})
    if f.name in ("sigmoid", "log_sigmoid") and which == "value":
        from scipy import special

        ufunc = getattr(special, SCIPY[f.name])
        cases["SciPy"] = lambda: ufunc(x, out=out)
    return cases
