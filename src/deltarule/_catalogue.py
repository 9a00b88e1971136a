"""What activations and losses share: rows of facts, found by name, with checked parameters."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

_DOMAINS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "real": ("a finite number", math.isfinite),
    "non_negative": ("a number >= 0", lambda v: 0 <= v < math.inf),
    "positive": ("a number > 0", lambda v: 0 < v < math.inf),
    "unit_interval": ("a number in [0, 1]", lambda v: 0 <= v <= 1),
    "optional_unit_interval": ("None or a number in [0, 1]", lambda v: 0 <= v <= 1),
}


class UnknownFunctionError(KeyError, ValueError):
    """A name that is in no catalogue; both a KeyError, for mappings, and a ValueError."""

    def __str__(self) -> str:
        return str(self.args[0])


class Function:
    """One row of a catalogue with its parameters set.

    Attributes
    ----------
    name : str
        The catalogue's name for the function.
    facts : Mapping[str, Any]
        What the catalogue states: formula, source, parameters, aliases, error bounds ...
    parameters : Mapping[str, float or None]
        The parameters in use.
    """

    def __init__(self, facts: dict[str, Any], ufuncs: dict[str, np.ufunc]) -> None:
        self.name: str = facts["name"]
        self.facts: Mapping[str, Any] = MappingProxyType(facts)
        self.parameters: Mapping[str, float | None] = MappingProxyType(
            {name: default for name, default, _ in facts["parameters"]}
        )
        self._ufuncs = ufuncs
        self.__name__ = self.name
        self.__doc__ = f"{self.formula}  ({facts['source']})"

    @property
    def formula(self) -> str:
        """The formula as a Python expression."""
        return str(self.facts["formula"])

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        """The same function with some parameters changed.

        Raises
        ------
        TypeError
            If the function has no such parameter.
        ValueError
            If a value is outside the parameter's range.
        """
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        known = {name: domain for name, _, domain in self.facts["parameters"]}
        values = dict(self.parameters)
        for name, value in parameters.items():
            if name not in known:
                raise TypeError(_unknown_parameter(self.name, name, list(known)))
            values[name] = _checked(self.name, name, value, known[name])
        new.parameters = MappingProxyType(values)
        return new

    @property
    def arguments(self) -> list[float]:
        """The parameters in catalogue order as the kernels take them (NaN: not given)."""
        return [math.nan if v is None else v for v in self.parameters.values()]

    def _call(self, which: str, *arrays: ArrayLike, **options: Any) -> Any:
        try:
            return self._ufuncs[which](*arrays, *self.arguments, **options)
        except TypeError as error:
            met = [np.asarray(a).dtype for a in arrays]
            if all(np.can_cast(dtype, np.float64) for dtype in met):
                raise
            raise TypeError(
                f"{self.name} computes in float32 and float64; {', '.join(map(str, met))} has no "
                "safe conversion to either. Convert the input, for example with .astype('float64')."
            ) from error

    def __repr__(self) -> str:
        changed = ", ".join(f"{k}={v!r}" for k, v in self.parameters.items())
        return f"{self.name}({changed})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.name == other.name and self.parameters == other.parameters

    def __hash__(self) -> int:
        return hash((self.name, *self.parameters.values()))


F = TypeVar("F", bound=Function)


class Catalogue(Mapping[str, F], Generic[F]):
    """The functions of a kind by name, in catalogue order; aliases resolve.

    ``catalogue["name"]`` and ``catalogue.name`` give the function with its default parameters.
    """

    def __init__(self, kind: str, functions: Iterable[F]) -> None:
        self._kind = kind
        self._functions = {f.name: f for f in functions}
        self._aliases = {a: f.name for f in self._functions.values() for a in f.facts["aliases"]}

    def __getitem__(self, name: str) -> F:
        try:
            return self._functions[self._aliases.get(name, name)]
        except (KeyError, TypeError):
            raise UnknownFunctionError(self._unknown(name)) from None

    def __getattr__(self, name: str) -> F:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except UnknownFunctionError as error:
            raise AttributeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._functions, *self._aliases]

    def __repr__(self) -> str:
        return f"<{len(self)} {self._kind} functions: {', '.join(self)}>"

    def find(self, spec: str | F, parameters: Mapping[str, Any]) -> F:
        """The function a user means: a name or an instance, with parameters."""
        if isinstance(spec, Function):
            if spec.name not in self._functions or type(spec) is not type(self[spec.name]):
                raise TypeError(f"{spec!r} is not a function of the {self._kind} catalogue.")
            return spec.with_parameters(parameters)
        if not isinstance(spec, str):
            raise TypeError(
                f"The {self._kind} must be a name or an instance of the catalogue; "
                f"met {type(spec).__name__}."
            )
        return self[spec].with_parameters(parameters)

    def _unknown(self, name: object) -> str:
        names = [*self._functions, *self._aliases]
        close = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.55)
        hint = f"Did you mean {_either(close)}?" if close else f"There are: {', '.join(self)}."
        return f"There is no {self._kind} named {name!r}. {hint}"


def _either(names: list[str]) -> str:
    quoted = [repr(n) for n in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _unknown_parameter(function: str, name: str, known: list[str]) -> str:
    if not known:
        return f"{function} has no parameters; met {name!r}."
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"It has: {', '.join(known)}."
    return f"{function} has no parameter named {name!r}. {hint}"


def _checked(function: str, name: str, value: Any, domain: str) -> float | None:
    words, holds = _DOMAINS[domain]
    if value is None and domain.startswith("optional"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not holds(number):
        raise ValueError(f"The parameter {name} of {function} must be {words}; met {value!r}.")
    return number
