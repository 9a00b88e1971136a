"""The stable forms: what is written one way and computed another.

A rule is two formulas; u, v stand for any formula, a, b, c for numbers.  Each rule is tested
against its own left side at 60 digits.  Rules are applied to operands first, so that a left side is
written with operands already in stable form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from deltarule.formula.build import build, multiply, negative
from deltarule.formula.expression import CONSTANT, NAME, Expression, transform
from deltarule.formula.operations import OPERATIONS
from deltarule.formula.parse import parse

VARIABLES: Final = ("u", "v")
NUMBERS: Final = ("a", "b", "c")
Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Rule:
    """``written`` is computed as ``computed`` where ``holds`` is true of the numbers."""

    name: str
    written: str
    computed: str
    holds: Callable[[Numbers], bool] = lambda numbers: True


def _positive(numbers: Numbers) -> bool:
    return all(value > 0 for value in numbers.values())


def _near(value: float) -> Callable[[Numbers], bool]:
    return lambda numbers: math.isclose(numbers["c"], value, rel_tol=4e-16)


_ROOT_2PI = repr(math.sqrt(2 * math.pi))

RULES: Final = (
    Rule("log_exp", "log(exp(u))", "u"),
    Rule("exp_quotient", "v / exp(u)", "v * exp(-u)"),
    Rule("exp_product", "exp(u) * exp(v)", "exp(u + v)"),
    Rule("exp_product", "exp(u)**2", "exp(2 * u)"),
    Rule("expm1", "exp(u) - 1", "expm1(u)"),
    Rule("expm1", "1 - exp(u)", "-expm1(u)"),
    Rule("sinh", "exp(u) - exp(-u)", "2 * sinh(u)"),
    Rule("cosh", "exp(u) + exp(-u)", "2 * cosh(u)"),
    Rule("softplus", "log(1 + exp(u))", "softplus(u)"),
    Rule("softplus", "log1p(exp(u))", "softplus(u)"),
    Rule("shifted_softplus", "softplus(u) - c", "shifted_softplus(u)", _near(math.log(2))),
    Rule("softplus_rest", "softplus(u) - u", "softplus(-u)"),
    Rule("cross_entropy", "softplus(u) - v * u", "(1 - v) * softplus(u) + v * softplus(-u)"),
    Rule("logaddexp", "log(exp(u) + exp(v))", "logaddexp(u, v)"),
    Rule("logaddexp", "log(c + exp(u))", "logaddexp(log(c), u)", _positive),
    Rule("log1mexp", "log(-expm1(u))", "log1mexp(u)"),
    Rule("log1mexp", "log1p(-exp(u))", "log1mexp(u)"),
    Rule("log_sigmoid", "log(sigmoid(u))", "-softplus(-u)"),
    Rule("log_cosh", "log(cosh(u))", "log_cosh(u)"),
    Rule("log_cosh", "log(c * cosh(u))", "log(c) + log_cosh(u)", _positive),
    Rule("log1p", "log(1 + u)", "log1p(u)"),
    Rule("log1p", "log(1 - u)", "log1p(-u)"),
    Rule("tanh", "sinh(u) / cosh(u)", "tanh(u)"),
    Rule("tanh", "expm1(u) / (1 + exp(u))", "tanh(0.5 * u)"),
    Rule("tanh", "2 * sigmoid(u) - 1", "tanh(0.5 * u)"),
    Rule("tanh", "1 - 2 * sigmoid(u)", "-tanh(0.5 * u)"),
    Rule("tanh", "sigmoid(u) - 0.5", "0.5 * tanh(0.5 * u)"),
    Rule("sigmoid", "1 / (1 + exp(u))", "sigmoid(-u)"),
    Rule("sigmoid", "exp(u) / (1 + exp(u))", "sigmoid(u)"),
    Rule("sigmoid", "v * exp(u) / (1 + exp(u))", "v * sigmoid(u)"),
    Rule("sigmoid", "exp(u) / (exp(u) + exp(v))", "sigmoid(u - v)"),
    Rule("sigmoid", "v / (1 + exp(u))", "v * sigmoid(-u)"),
    Rule("sigmoid", "v / (c + exp(u))", "v * sigmoid(log(c) - u) / c", _positive),
    Rule("sigmoid_rest", "1 - sigmoid(u)", "sigmoid(-u)"),
    Rule("sigmoid_of_tanh", "1 + tanh(u)", "2 * sigmoid(2 * u)"),
    Rule("sigmoid_of_tanh", "1 - tanh(u)", "2 * sigmoid(-2 * u)"),
    Rule("sigmoid_of_tanh", "tanh(u) - 1", "-2 * sigmoid(-2 * u)"),
    Rule("sigmoid_slope", "sigmoid(u) * sigmoid(-u)", "sigmoid_slope(u)"),
    Rule("sigmoid_slope", "sigmoid(u) - sigmoid(u)**2", "sigmoid_slope(u)"),
    Rule("sigmoid_slope", "exp(u) / (1 + exp(u))**2", "sigmoid_slope(u)"),
    Rule("sech2", "1 - tanh(u)**2", "sech2(u)"),
    Rule("sech2", "tanh(u)**2 - 1", "-sech2(u)"),
    Rule("sech2", "1 / cosh(u)**2", "sech2(u)"),
    Rule("tanh2", "1 - sech2(u)", "tanh(u)**2"),
    Rule("tanh_softplus", "tanh(softplus(u))", "tanh_softplus(u)"),
    Rule("hypot", "sqrt(u**2 + v**2)", "hypot(u, v)"),
    Rule("hypot", "sqrt(c + u**2)", "hypot(sqrt(c), u)", _positive),
    Rule("hypot", "sqrt(c + b * u**2)", "hypot(sqrt(c), sqrt(b) * u)", _positive),
    Rule("root_rest", "hypot(c, u) - c", "root_rest(c, u)", _positive),
    Rule("root_rest", "sqrt(1 + u) - 1", "sqrt1pm1(u)"),
    Rule("root_sum", "u + hypot(c, u)", "root_sum(c, u)", _positive),
    Rule("root_sum", "hypot(c, u) - u", "root_sum(c, -u)", _positive),
    Rule("root_sum", "1 + u / hypot(c, u)", "root_sum(c, u) / hypot(c, u)", _positive),
    Rule("root_sum", "1 - u / hypot(c, u)", "root_sum(c, -u) / hypot(c, u)", _positive),
    Rule("root_sum", "root_sum(c, u) * root_sum(c, -u)", "c**2", _positive),
    Rule("root_sum", "u - u * (v / hypot(c, v))", "u * (root_sum(c, -v) / hypot(c, v))", _positive),
    Rule("root_difference", "hypot(c, u) - u * (u / hypot(c, u))", "c * (c / hypot(c, u))"),
    Rule(
        "root_difference",
        "hypot(c, b * u) - a * (u * (u / hypot(c, b * u)))",
        "c * (c / hypot(c, b * u))",
        lambda numbers: math.isclose(numbers["a"], numbers["b"] ** 2, rel_tol=4e-16),
    ),
    Rule("abs", "sqrt(u**2)", "abs(u)"),
    Rule("abs", "u * sign(u)", "abs(u)"),
    Rule("abs", "maximum(u, -u)", "abs(u)"),
    Rule("haversine", "1 - cos(u)", "2 * sin(0.5 * u)**2"),
    Rule("haversine", "cos(u) - 1", "-2 * sin(0.5 * u)**2"),
    Rule("erfc", "1 - erf(u)", "erfc(u)"),
    Rule("erfc", "1 + erf(u)", "erfc(-u)"),
    Rule("erfc", "1 - erfc(u)", "erf(u)"),
    Rule("normcdf", "1 - normcdf(u)", "normcdf(-u)"),
    Rule("normcdf", "erfc(u / c)", "2 * normcdf(-u)", _near(math.sqrt(2))),
    Rule("normcdf", "erfc(-(u / c))", "2 * normcdf(u)", _near(math.sqrt(2))),
    Rule("normcdf", "erfc(c * u)", "2 * normcdf(-u)", _near(math.sqrt(0.5))),
    Rule("normcdf", "erfc(c * u)", "2 * normcdf(u)", _near(-math.sqrt(0.5))),
    Rule("gaussian", "exp(-u**2)", "gaussian(u)"),
    Rule("gaussian", "exp(c * u**2)", f"{_ROOT_2PI} * normpdf(u)", _near(-0.5)),
)

# Factors that win over any polynomial where they vanish: u * f(v) is f's limit there, not inf * 0.
VANISHING: Final = frozenset(
    {
        "sigmoid",
        "sigmoid_slope",
        "exp",
        "sech2",
        "tanh_softplus",
        "tanh_softplus_slope",
        "gaussian",
        "normpdf",
        "normcdf",
        "erfc",
    }
)

Bound = dict[str, Expression]


def rewrite(root: Expression) -> tuple[Expression, tuple[str, ...]]:
    """The formula in stable form, and the names of the rules that changed it, in order.

    The trivial algebra of `deltarule.formula.build` is done on the way and is not named.
    """
    names: list[str] = []

    def change(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
        new = build(node.operation, *arguments) if arguments else node
        for rule, written, computed in _rules_for(new.operation):
            for bound in _matches(written, new, {}):
                numbers = {k: e.value for k, e in bound.items() if k in NUMBERS}
                if rule.holds(numbers):
                    names.append(rule.name)
                    return _filled(computed, bound)
        return _limited(new)

    while True:
        before, root = root, transform(root, change)
        if before is root:
            return root, tuple(dict.fromkeys(names))


@cache
def _rules_for(operation: str) -> tuple[tuple[Rule, Expression, Expression], ...]:
    """The rules whose left side is this operation, with both sides as graphs."""
    names = (*VARIABLES, *NUMBERS)
    graphs = (
        (rule, _built(parse(rule.written, names)), parse(rule.computed, names)) for rule in RULES
    )
    return tuple(entry for entry in graphs if entry[1].operation == operation)


def _built(root: Expression) -> Expression:
    return transform(root, lambda node, a: build(node.operation, *a) if a else node)


def _filled(template: Expression, bound: Bound) -> Expression:
    def change(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
        if node.operation == NAME:
            return bound[node.name]
        return build(node.operation, *arguments) if arguments else node

    return transform(template, change)


def _matches(pattern: Expression, node: Expression, bound: Bound) -> Iterator[Bound]:
    """Every way in which the node has the pattern's form."""
    if pattern.operation == NAME:
        known = bound.get(pattern.name)
        if known is None:
            if pattern.name in VARIABLES or node.is_constant:
                yield {**bound, pattern.name: node}
        elif known is node:
            yield bound
    elif pattern.operation == CONSTANT:
        if pattern is node:
            yield bound
    elif pattern.operation == "negative":
        yield from _matches(pattern.arguments[0], negative(node), bound)
    elif pattern.operation == node.operation:
        yield from _match_all(pattern.arguments, node.arguments, bound)
        if OPERATIONS[pattern.operation].commutes:
            yield from _match_all(pattern.arguments, node.arguments[::-1], bound)


def _match_all(
    patterns: tuple[Expression, ...], nodes: tuple[Expression, ...], bound: Bound
) -> Iterator[Bound]:
    if not patterns:
        yield bound
        return
    for found in _matches(patterns[0], nodes[0], bound):
        yield from _match_all(patterns[1:], nodes[1:], found)


def _limited(node: Expression) -> Expression:
    """Write x * f(v) as damp(f(v), x) where f vanishes and only x itself can be infinite."""
    if node.operation != "multiply":
        return node
    for u, f in (node.arguments, node.arguments[::-1]):
        if _vanishes(f) and _is_linear(u):
            return build("damp", f, u)
        if f.operation == "multiply" and _is_linear(u):
            for a, b in (f.arguments, f.arguments[::-1]):
                if _vanishes(a):
                    return multiply(build("damp", a, u), b)
    return node


def _vanishes(u: Expression) -> bool:
    return u.operation in VANISHING or (
        u.operation == "damp" and u.arguments[0].operation in VANISHING
    )


def _is_linear(u: Expression) -> bool:
    """A name, or a name plus or times a number."""
    if u.operation in ("add", "subtract", "multiply", "divide"):
        a, b = u.arguments
        return (a.is_constant and b.operation == NAME) or (b.is_constant and a.operation == NAME)
    return u.operation == NAME
