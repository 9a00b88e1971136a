"""Sums as collections of terms, so that what cancels in symbols is never computed."""

from __future__ import annotations

from deltarule.formula.build import ONE, ZERO, add, multiply, split_factor, subtract
from deltarule.formula.expression import Expression, constant, make
from deltarule.formula.rules import rewrite


def numerator(u: Expression, v: Expression) -> Expression | None:
    """Give u - v where it gets shorter: like terms gathered, or a rule that knows it; else None."""
    terms: dict[Expression, float] = {}
    count = _gather(u, 1.0, terms) + _gather(v, -1.0, terms)
    kept = {term: factor for term, factor in terms.items() if factor != 0}
    if len(kept) == count:
        difference, names = rewrite(subtract(u, v))
        return difference if names else None
    total = ZERO
    for term, factor in kept.items():
        part = constant(abs(factor)) if term is ONE else multiply(constant(abs(factor)), term)
        total = add(total, part) if factor > 0 else subtract(total, part)
    return total


def _gather(u: Expression, factor: float, terms: dict[Expression, float]) -> int:
    """Add the terms of factor * u to `terms`; how many they are."""
    if u is ZERO:
        return 0
    if u.operation in ("add", "subtract"):
        sign = 1.0 if u.operation == "add" else -1.0
        return _gather(u.arguments[0], factor, terms) + _gather(
            u.arguments[1], sign * factor, terms
        )
    if u.operation == "negative":
        return _gather(u.arguments[0], -factor, terms)
    number, rest = split_factor(u)
    if number is not ONE:
        return _gather(rest, factor * number.value, terms)
    if u.is_constant:
        u, factor = ONE, factor * u.value
    u = _signed_product(u)
    terms[u] = terms.get(u, 0.0) + factor
    return 1


def _signed_product(u: Expression) -> Expression:
    """|a| for a sign(a)."""
    if u.operation == "multiply":
        a, b = u.arguments
        if b is make("sign", a):
            return make("abs", a)
        if a is make("sign", b):
            return make("abs", b)
    return u
