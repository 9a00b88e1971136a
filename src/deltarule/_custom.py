"""A user's own functions: activations and losses that are formulas instead of catalogue rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from deltarule import _core
from deltarule._activation_kinds import ElementwiseActivation
from deltarule._catalogue import Array, unknown_parameter
from deltarule._losses import Loss
from deltarule._statistics import REACH
from deltarule.formula import Formula, LostDigits, finite, switches

_LINKS: Final = ("identity", "sigmoid")
_LONGEST_NAME: Final = 100
_READABLE: Final = 50  # nodes of a formula whose derivatives are shown
# How far beside a switch its sides are looked at, and which difference is a jump.
_BESIDE: Final = 1e-7
_JUMP: Final = 1e-4
# Where a saved formula is evaluated, to be compared when it is loaded.
_WITNESSES: Final = (-1.75, 0.3125, 2.5)


class _OwnFunction:
    """What own activations and losses share: a formula, and its parameters in use."""

    own_kind: str  # "activation" or "loss"
    definition: Formula
    name: str
    parameters: Mapping[str, Any]

    def _set_parameters(self, parameters: Mapping[str, Any] | None) -> None:
        values: dict[str, float] = dict(self.definition.parameters)
        for parameter, value in (parameters or {}).items():
            if parameter not in values:
                raise TypeError(unknown_parameter(self.name, parameter, list(values)))
            values[parameter] = finite(parameter, self.name, value)
        self.parameters = MappingProxyType(values)

    @property
    def rewrites(self) -> tuple[str, ...]:
        """The names of the rules by which the formula or a derivative was made stable."""
        return self.definition.rules(self.parameters)

    def lost_digits(self, dtype: DTypeLike = np.float64) -> tuple[LostDigits, ...]:
        """The ranges in which value or slope lose more than half of their digits.

        Parameters
        ----------
        dtype : {float64, float32}, default=float64

        Returns
        -------
        tuple of LostDigits
            Each with its range and a sentence, ``str(lost)``; empty if no digits are lost.
        """
        return self.definition.lost_digits(self.parameters, np.dtype(dtype).name)

    def error_bound(self, dtype: DTypeLike, order: int = 0) -> float:
        """Raise TypeError: nothing is stated of own formulas; see `lost_digits`."""
        raise TypeError(
            f"{self.name} is an own formula, of which no error is stated; lost_digits() searches "
            "for what it loses."
        )

    def _program_of(self, *orders: str, factor: str | None = None) -> Any:
        return self.definition.program(orders, self.parameters, factor=factor).describe()

    def _ufunc_of(
        self, suffix: str, outputs: int, *orders: str, factor: str | None = None
    ) -> np.ufunc:
        inputs = len(self.definition.variables) + (factor is not None)
        program = self._program_of(*orders, factor=factor)
        return _core.tape_ufunc(self.name + suffix, program, inputs, outputs)

    def to_record(self) -> dict[str, Any]:
        """The function as plain data, for a model file."""
        return {
            "formula": self.definition.text,
            "name": self.name,
            "parameters": dict(self.parameters),
            "values": self._witness(),
        }

    def _witness(self) -> list[float | None]:
        """Values at fixed points; None for what is not finite."""
        points = [np.roll(_WITNESSES, i) for i in range(len(self.definition.variables))]
        with np.errstate(all="ignore"):
            values = self._ufunc_of("", 1, "value")(*points)
        return [float(v) if math.isfinite(v) else None for v in values]

    def _check_witness(self, record: Mapping[str, Any]) -> None:
        same = len(record["values"]) == len(_WITNESSES) and all(
            (a is None and b is None)
            or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-6))
            for a, b in zip(record["values"], self._witness(), strict=True)
        )
        if not same:
            raise ValueError(
                f"The formula {record['formula']!r} does not give the values that were stored with "
                "it: the formula or its parameters were changed."
            )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, _OwnFunction)
        return (
            self.name == other.name
            and self.definition.expression is other.definition.expression
            and self.parameters == other.parameters
        )

    def __hash__(self) -> int:
        return hash((self.name, self.definition.expression, *self.parameters.values()))


class CustomActivation(_OwnFunction, ElementwiseActivation):
    """An own activation, with the methods of those of the catalogue.

    Made by `activation.from_formula` and `custom_activation`.

    Attributes
    ----------
    definition : Formula
        The formula as it was written.
    parameters : Mapping[str, float]
        The parameters in use.
    """

    own_kind = "activation"

    def __init__(
        self, definition: Formula, name: str, parameters: Mapping[str, Any] | None = None
    ) -> None:
        self.definition = definition
        facts = _facts(definition, name) | {
            "derivative": _readable(definition, "slope"),
            "slope_reads": "x",
            "low": -math.inf,
            "high": math.inf,
        }
        ElementwiseActivation.__init__(self, facts)
        self._set_parameters(parameters)

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        if not parameters:
            return self
        return type(self)(self.definition, self.name, {**self.parameters, **parameters})

    @property
    def _ufuncs(self) -> Mapping[str, np.ufunc]:
        return {
            "value": self._value,
            "derivative": self._derivative,
            "second_derivative": self._second_derivative,
            "vjp": self._vjp,
        }

    @cached_property
    def _value(self) -> np.ufunc:
        return self._ufunc_of("", 1, "value")

    @cached_property
    def _derivative(self) -> np.ufunc:
        return self._ufunc_of("_derivative", 1, "slope")

    @cached_property
    def _second_derivative(self) -> np.ufunc:
        return self._ufunc_of("_second_derivative", 1, "curve")

    @cached_property
    def _vjp(self) -> np.ufunc:
        return self._ufunc_of("_vjp", 1, "slope", factor="g")

    @cached_property
    def switches(self) -> tuple[float, ...]:
        """Where the formula changes its piece, for abs(x) < 40: kinks, jumps and smooth seams."""
        value = self.definition.computed("value", self.parameters)
        return switches(value, self.definition.variables[0], -REACH, REACH)

    @property
    def kinks(self) -> list[tuple[float, float]]:
        """Where value or slope jumps, for abs(x) < 40, and the slope taken there."""
        at = np.array(self.switches)
        step = _BESIDE * np.maximum(1, np.abs(at))
        with np.errstate(all="ignore"):
            left, right = (
                np.array([f(at + side * step) for f in (self._value, self._derivative)])
                for side in (-1, 1)
            )
            smooth = np.abs(right - left) <= _JUMP * np.maximum(1, np.abs(left))
            slopes = self._derivative(at)
        jumps = ~smooth.all(axis=0)
        return [(float(a), float(s)) for a, s in zip(at[jumps], slopes[jumps], strict=True)]

    @property
    def ufunc(self) -> np.ufunc:
        """The function as a NumPy ufunc, its parameters fixed in it."""
        return self._value

    @property
    def programs(self) -> dict[str, Any]:
        """What the engine is built from: y of x, and g f'(x) of x, y and g."""
        pullback = self.definition.pullback(self.parameters)
        return {"value": self._program_of("value"), "pullback": pullback.describe()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The activation that `to_record` described; text and values are checked again."""
        new = cls(_read(record, ("x",)), check_name(record["name"]))
        new._check_witness(record)
        return new

    def __repr__(self) -> str:
        return f"activation.from_formula({_arguments(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CustomActivation, (self.definition, self.name, dict(self.parameters))

    __hash__ = _OwnFunction.__hash__


class CustomLoss(_OwnFunction, Loss):
    """An own element-wise loss of predictions z and targets t, with the methods of `Loss`.

    Made by `loss.from_formula` and `custom_loss`.

    Attributes
    ----------
    definition : Formula
        The formula as it was written, in z and t.
    parameters : Mapping[str, float]
        The parameters in use.
    """

    own_kind = "loss"

    def __init__(
        self,
        definition: Formula,
        name: str,
        link: str = "identity",
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        if link not in _LINKS:
            raise ValueError(
                f"The link of an own loss must be one of {', '.join(_LINKS)}; met {link!r}."
            )
        self.definition = definition
        facts = _facts(definition, name) | {
            "gradient": _readable(definition, "slope"),
            "link": link,
            "targets": "real",
            "input": "prediction",
            "root_of_mean": False,
            "z_above": -math.inf,
            "z_below": math.inf,
            "kink": None,
        }
        Loss.__init__(self, facts)
        self._set_parameters(parameters)

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        if not parameters:
            return self
        values = {**self.parameters, **parameters}
        return type(self)(self.definition, self.name, self.link, values)

    @cached_property
    def _ufuncs(self) -> Mapping[str, np.ufunc]:
        return {
            "value": self._ufunc_of("", 1, "value"),
            "gradient": self._ufunc_of("_gradient", 1, "slope"),
            "value_and_gradient": self._ufunc_of("_value_and_gradient", 2, "value", "slope"),
            "second_derivative": self._ufunc_of("_second_derivative", 1, "curve"),
            "target_gradient": self._ufunc_of("_target_gradient", 1, "target_slope"),
        }

    def _in_one_pass(
        self, z: ArrayLike, y: ArrayLike, reduction: str, out: Array | None
    ) -> tuple[Any, Array] | None:
        return None

    @property
    def programs(self) -> dict[str, Any]:
        """What the engine is built from: the value, and value and slope together, of z and t."""
        return {"value": self._program_of("value"), "both": self._program_of("value", "slope")}

    def to_record(self) -> dict[str, Any]:
        return {**super().to_record(), "link": self.link}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The loss that `to_record` described; text and values are checked again."""
        new = cls(_read(record, ("z", "t")), check_name(record["name"]), record["link"])
        new._check_witness(record)
        return new

    def __repr__(self) -> str:
        link = f", link={self.link!r}" if self.link != "identity" else ""
        return f"loss.from_formula({_arguments(self)}{link})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CustomLoss, (self.definition, self.name, self.link, dict(self.parameters))

    __hash__ = _OwnFunction.__hash__


def _facts(definition: Formula, name: str) -> dict[str, Any]:
    """What the catalogue states of a row, as far as it is known of an own formula."""
    return {
        "name": name,
        "kind": "elementwise",
        "formula": definition.text,
        "source": "own formula",
        "second_derivative": _readable(definition, "curve"),
        "parameters": [(p, value, "real") for p, value in definition.parameters.items()],
        "aliases": [],
        "kinks": [],
        "trainable": False,
    }


def _readable(definition: Formula, order: str) -> str | None:
    """A derivative as text; None where nobody would read it."""
    if definition.expression.size > _READABLE:
        return None
    computed = definition.computed(order, definition.parameters)
    return repr(computed) if computed.size <= 10 * _READABLE else None


def _read(record: Mapping[str, Any], variables: tuple[str, ...]) -> Formula:
    """The formula of a record; it must be as `to_record` writes it."""
    formula = Formula.read(record["formula"], variables, dict(record["parameters"]))
    if formula.text != record["formula"]:
        raise ValueError(f"The formula {record['formula']!r} is not in the form it is saved in.")
    return formula


def check_name(name: str) -> str:
    """The name of an own function, which is a Python name.

    Raises
    ------
    ValueError
        If it is not.
    """
    if name == "<lambda>":
        return "formula"
    if not isinstance(name, str) or not name.isidentifier() or len(name) > _LONGEST_NAME:
        raise ValueError(f"The name of an own function is a Python name; met {name!r}.")
    return name


def _arguments(function: CustomActivation | CustomLoss) -> str:
    name = f", name={function.name!r}" if function.name != "formula" else ""
    values = dict(function.parameters)
    return f"{function.definition.text!r}{name}{f', parameters={values}' if values else ''}"
