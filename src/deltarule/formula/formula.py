"""A function given as a formula: as it was written, and as it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from deltarule.formula import condition
from deltarule.formula.build import multiply
from deltarule.formula.condition import LostDigits
from deltarule.formula.differentiate import derivative
from deltarule.formula.expression import Expression, constant, name, names_in, substitute
from deltarule.formula.parse import (
    MAX_DEPTH,
    MAX_LENGTH,
    FormulaError,
    check_parameters,
    finite,
    parse,
)
from deltarule.formula.program import Program, compile_formulas
from deltarule.formula.rules import rewrite
from deltarule.formula.text import to_text
from deltarule.formula.trace import check_trace, trace

ORDERS: Final = ("value", "slope", "curve")
# Targets at which a loss is searched for lost digits.
_TARGETS: Final = (0.0, 1.0, -1.0, 0.25, 3.0)


class Formula:
    """A formula in some variables and named parameters; derivatives are by the first variable.

    Attributes
    ----------
    expression : Expression
        The formula as it was written.
    variables : tuple of str
        ``("x",)`` for an activation, ``("z", "t")`` for a loss.
    parameters : Mapping[str, float]
        Parameters with their defaults.
    """

    def __init__(
        self,
        expression: Expression,
        variables: Sequence[str] = ("x",),
        parameters: Mapping[str, float] | None = None,
    ) -> None:
        self.expression = expression
        self.variables = tuple(variables)
        self.parameters: Mapping[str, float] = MappingProxyType(
            {p: finite(p, "the formula", value) for p, value in (parameters or {}).items()}
        )
        unknown = names_in(expression) - {*self.variables, *self.parameters}
        if unknown:
            raise FormulaError(f"The formula reads {sorted(unknown)}, of which nothing is known.")
        if expression.depth > MAX_DEPTH or len(self.text) > MAX_LENGTH:
            raise FormulaError(
                f"The formula has {len(self.text):,} characters and {expression.depth} levels; "
                f"{MAX_LENGTH:,} and {MAX_DEPTH} are allowed. Intermediate results that are used "
                "twice count twice: split the function into two."
            )

    @classmethod
    def read(
        cls,
        text: str,
        variables: Sequence[str] = ("x",),
        parameters: Mapping[str, float] | None = None,
    ) -> Formula:
        """The formula of a text; see `deltarule.formula.parse.parse`."""
        parameters = parameters or {}
        check_parameters(parameters, variables)
        return cls(parse(text, (*variables, *parameters)), variables, parameters)

    @classmethod
    def trace(cls, function: Callable[..., Any], variables: Sequence[str] = ("x",)) -> Formula:
        """The formula of a function of NumPy ufuncs; see `deltarule.formula.trace.trace`."""
        expression, parameters = trace(function, variables)
        check_trace(function, expression, variables)
        return cls(expression, variables, parameters)

    @property
    def text(self) -> str:
        """The formula as it was written, in canonical form."""
        return to_text(self.expression)

    def computed(self, order: str, parameters: Mapping[str, float]) -> Expression:
        """What is computed: the stable form, with parameters as numbers.

        Parameters
        ----------
        order : {"value", "slope", "curve", "target_slope"}
            f, its first and second derivative by the first variable, its derivative by the second.
        parameters : mapping of str to float
        """
        return self._form(order, parameters)[0]

    def rules(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The names of the rules that rewrote the formula or a derivative."""
        names = [rule for order in ORDERS for rule in self._form(order, parameters)[1]]
        return tuple(dict.fromkeys(names))

    def _form(
        self, order: str, parameters: Mapping[str, float]
    ) -> tuple[Expression, tuple[str, ...]]:
        numbers = tuple((p, float(parameters[p])) for p in self.parameters)
        return _form(self.expression, self.variables, numbers, order)

    def program(
        self, orders: Sequence[str], parameters: Mapping[str, float], *, factor: str | None = None
    ) -> Program:
        """The program of some orders together, for inputs in the order of the variables.

        Parameters
        ----------
        orders : sequence of str
            See `computed`.
        parameters : mapping of str to float
        factor : str, optional
            A further input by which each output is multiplied.
        """
        formulas = [self.computed(order, parameters) for order in orders]
        inputs = list(self.variables)
        if factor is not None:
            inputs.append(factor)
            formulas = [multiply(name(factor), f) for f in formulas]
        return compile_formulas(formulas, inputs)

    def pullback(self, parameters: Mapping[str, float]) -> Program:
        """The program of g * slope from x, y and g, where y = f(x) was kept."""
        value, slope = (self.computed(order, parameters) for order in ORDERS[:2])
        if value.arguments:
            slope = substitute(slope, {value: name("y")})
        inputs = (self.variables[0], "y", "g")
        return compile_formulas([multiply(name("g"), slope)], inputs)

    def lost_digits(
        self, parameters: Mapping[str, float], dtype: str = "float64"
    ) -> tuple[LostDigits, ...]:
        """Where value and slope lose more than half of their digits; empty is good."""
        rest = self.variables[1:]
        cases = [dict.fromkeys(rest, target) for target in _TARGETS] if rest else [{}]
        return tuple(
            loss
            for order in ORDERS[:2]
            for case in cases
            for loss in condition.lost_digits(
                self.computed(order, parameters),
                self.variables[0],
                case,
                of=order,
                dtype=dtype,
            )
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        return (self.expression, self.variables, dict(self.parameters)) == (
            other.expression,
            other.variables,
            dict(other.parameters),
        )

    def __hash__(self) -> int:
        return hash((self.expression, self.variables, tuple(self.parameters.items())))

    def __repr__(self) -> str:
        return f"<formula {self.text}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Formula.read, (self.text, self.variables, dict(self.parameters))


@lru_cache(maxsize=512)
def _form(
    expression: Expression,
    variables: tuple[str, ...],
    numbers: tuple[tuple[str, float], ...],
    order: str,
) -> tuple[Expression, tuple[str, ...]]:
    """The stable form of an order, and the names of the rules that made it."""
    if order == "value":
        values = {name(p): constant(v) for p, v in numbers}
        return rewrite(substitute(expression, values))
    lower = "slope" if order == "curve" else "value"
    variable = variables[1] if order == "target_slope" else variables[0]
    return rewrite(derivative(_form(expression, variables, numbers, lower)[0], variable))
