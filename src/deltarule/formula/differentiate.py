"""The exact derivative of a formula, node by node.

Each rule gives the derivative of a node from the derivatives of its operands.  The derivative of a
function that vanishes is a function of its own (`sech2`, `sigmoid_slope`), so that it keeps its
digits in the tail.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from deltarule.formula.build import (
    ONE,
    TWO,
    ZERO,
    add,
    build,
    damp,
    divide,
    multiply,
    negative,
    power,
    select,
    subtract,
)
from deltarule.formula.expression import Expression, constant, in_order, name
from deltarule.formula.terms import numerator

Arguments = tuple[Expression, ...]
Rule = Callable[[Expression, Arguments, Arguments], Expression]


def derivative(root: Expression, variable: str) -> Expression:
    """The derivative with respect to one name, by the rules of `DERIVATIVES`.

    At a kink of ``maximum``, ``minimum`` and ``abs`` it is 0 if 0 lies between the one-sided
    slopes, else the slope from the left; ``a if c else b`` has the slope of the branch taken.
    """
    target = name(variable)
    slopes: dict[Expression, Expression] = {target: ONE}
    for node in in_order([root]):
        if node in slopes:
            continue
        inner = tuple(slopes[a] for a in node.arguments)
        constant_inside = all(s is ZERO for s in inner)
        slopes[node] = (
            ZERO if constant_inside else DERIVATIVES[node.operation](node, node.arguments, inner)
        )
    return slopes[root]


def _unary(slope: Callable[[Expression, Expression], Expression]) -> Rule:
    """The chain rule: slope(u, node) u'."""
    return lambda node, u, du: multiply(slope(u[0], node), du[0])


def _vanishing(slope: Callable[[Expression, Expression], Expression]) -> Rule:
    """The chain rule where the outer slope vanishes so fast that it wins over any u'."""
    return lambda node, u, du: damp(slope(u[0], node), du[0])


def _function(operation: str) -> Callable[[Expression, Expression], Expression]:
    return lambda u, node: build(operation, u)


def _one_plus_square(u: Expression) -> Expression:
    return add(ONE, build("square", u))


def _product(node: Expression, u: Arguments, du: Arguments) -> Expression:
    return add(multiply(du[0], u[1]), multiply(u[0], du[1]))


def _damped_product(node: Expression, u: Arguments, du: Arguments) -> Expression:
    return add(damp(du[0], u[1]), damp(u[0], du[1]))


def _quotient(node: Expression, u: Arguments, du: Arguments) -> Expression:
    """(u' v - u v') / v^2 where the numerator gets shorter, else (u' - (u/v) v') / v.

    The square of v, which may overflow, is not formed.
    """
    if du[1] is ZERO:
        return divide(du[0], u[1])
    shorter = numerator(multiply(du[0], u[1]), multiply(u[0], du[1]))
    if shorter is not None:
        return divide(divide(shorter, u[1]), u[1])
    if du[0] is ZERO:
        return negative(multiply(divide(node, u[1]), du[1]))
    return divide(subtract(du[0], multiply(node, du[1])), u[1])


def _power(node: Expression, u: Arguments, du: Arguments) -> Expression:
    total = ZERO
    if du[0] is not ZERO:
        lower = power(u[0], subtract(u[1], ONE))
        total = multiply(multiply(u[1], lower), du[0])
    if du[1] is not ZERO:
        log = select(build("equal", u[0], ZERO), ZERO, multiply(node, build("log", u[0])))
        total = add(total, multiply(log, du[1]))
    return total


def _extremum(larger: bool) -> Rule:
    def rule(node: Expression, u: Arguments, du: Arguments) -> Expression:
        compare = "greater" if larger else "less"
        first, second = build(compare, u[0], u[1]), build(compare, u[1], u[0])
        if du[1] is ZERO:
            return select(first, du[0], ZERO)
        if du[0] is ZERO:
            return select(second, du[1], ZERO)
        # From the left the flatter branch of a maximum is seen, the steeper one of a minimum.
        left, right = (
            build("minimum" if larger else "maximum", *du),
            build("maximum" if larger else "minimum", *du),
        )
        same_sign = build("greater", multiply(left, right), ZERO)
        return select(first, du[0], select(second, du[1], select(same_sign, left, ZERO)))

    return rule


def _selected(node: Expression, u: Arguments, du: Arguments) -> Expression:
    return select(u[0], du[1], du[2])


def _logaddexp(node: Expression, u: Arguments, du: Arguments) -> Expression:
    difference = subtract(u[0], u[1])
    return add(
        multiply(build("sigmoid", difference), du[0]),
        multiply(build("sigmoid", negative(difference)), du[1]),
    )


def _hypot(node: Expression, u: Arguments, du: Arguments) -> Expression:
    def share(i: int) -> Expression:
        return multiply(divide(u[i], node), du[i])

    total = add(share(0), share(1))
    if any(a.is_constant and a.value != 0 for a in u):
        return total
    return select(build("equal", node, ZERO), ZERO, total)  # the tip of a cone


def _root_rest(node: Expression, u: Arguments, du: Arguments) -> Expression:
    h = build("hypot", *u)
    return subtract(multiply(divide(u[1], h), du[1]), multiply(divide(node, h), du[0]))


def _root_sum(node: Expression, u: Arguments, du: Arguments) -> Expression:
    h = build("hypot", *u)
    return add(multiply(divide(node, h), du[1]), multiply(divide(u[0], h), du[0]))


def _second_slope_of_tanh_softplus(u: Expression, node: Expression) -> Expression:
    below = build("sigmoid", negative(u))
    above = multiply(multiply(TWO, build("tanh_softplus", u)), build("sigmoid", u))
    return multiply(node, subtract(below, above))


def _flat(node: Expression, u: Arguments, du: Arguments) -> Expression:
    return ZERO


DERIVATIVES: dict[str, Rule] = {
    "add": lambda node, u, du: add(*du),
    "subtract": lambda node, u, du: subtract(*du),
    "multiply": _product,
    "divide": _quotient,
    "power": _power,
    "negative": lambda node, u, du: negative(du[0]),
    "square": _unary(lambda u, node: multiply(TWO, u)),
    "exp": _vanishing(lambda u, node: node),
    "expm1": _vanishing(_function("exp")),
    "log": lambda node, u, du: divide(du[0], u[0]),
    "log1p": lambda node, u, du: divide(du[0], add(ONE, u[0])),
    "log2": _unary(lambda u, node: divide(constant(1 / math.log(2)), u)),
    "log10": _unary(lambda u, node: divide(constant(1 / math.log(10)), u)),
    "sqrt": lambda node, u, du: divide(multiply(constant(0.5), du[0]), node),
    "abs": _unary(_function("sign")),
    "sign": _flat,
    "sin": _unary(_function("cos")),
    "cos": _unary(lambda u, node: negative(build("sin", u))),
    "tan": _unary(lambda u, node: _one_plus_square(node)),
    "arctan": lambda node, u, du: divide(du[0], _one_plus_square(u[0])),
    "sinh": _unary(_function("cosh")),
    "cosh": _unary(_function("sinh")),
    "tanh": _vanishing(_function("sech2")),
    "arcsinh": lambda node, u, du: divide(du[0], build("hypot", ONE, u[0])),
    "arctanh": lambda node, u, du: divide(du[0], multiply(subtract(ONE, u[0]), add(ONE, u[0]))),
    "erf": _vanishing(
        lambda u, node: multiply(constant(2 / math.sqrt(math.pi)), build("gaussian", u))
    ),
    "erfc": _vanishing(
        lambda u, node: multiply(constant(-2 / math.sqrt(math.pi)), build("gaussian", u))
    ),
    "normcdf": _vanishing(_function("normpdf")),
    "normpdf": _vanishing(lambda u, node: negative(damp(node, u))),
    "gaussian": _vanishing(lambda u, node: multiply(constant(-2), damp(node, u))),
    "sigmoid": _vanishing(_function("sigmoid_slope")),
    "sigmoid_slope": _vanishing(
        lambda u, node: negative(multiply(node, build("tanh", multiply(constant(0.5), u))))
    ),
    "softplus": _unary(_function("sigmoid")),
    "shifted_softplus": _unary(_function("sigmoid")),
    "sech2": _vanishing(lambda u, node: multiply(constant(-2), multiply(node, build("tanh", u)))),
    "log_cosh": _unary(_function("tanh")),
    "tanh_softplus": _vanishing(_function("tanh_softplus_slope")),
    "tanh_softplus_slope": _vanishing(_second_slope_of_tanh_softplus),
    "log1mexp": _unary(lambda u, node: divide(ONE, negative(build("expm1", negative(u))))),
    "sqrt1pm1": lambda node, u, du: divide(
        multiply(constant(0.5), du[0]), build("sqrt", add(ONE, u[0]))
    ),
    "maximum": _extremum(larger=True),
    "minimum": _extremum(larger=False),
    "logaddexp": _logaddexp,
    "hypot": _hypot,
    "root_rest": _root_rest,
    "root_sum": _root_sum,
    "damp": _damped_product,
    "less": _flat,
    "less_equal": _flat,
    "greater": _flat,
    "greater_equal": _flat,
    "equal": _flat,
    "not_equal": _flat,
    "logical_and": _flat,
    "logical_or": _flat,
    "logical_not": _flat,
    "select": _selected,
}
