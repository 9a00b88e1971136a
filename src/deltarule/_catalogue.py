"""What activations and losses share: rows of facts, found by name, with checked parameters."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from deltarule._latex import latex

Array = NDArray[Any]
Kind = Literal["activation", "loss"]

_DOMAINS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "real": ("a finite number", math.isfinite),
    "non_negative": ("a number >= 0", lambda v: 0 <= v < math.inf),
    "positive": ("a number > 0", lambda v: 0 < v < math.inf),
    "unit_interval": ("a number in [0, 1]", lambda v: 0 <= v <= 1),
    "optional_unit_interval": ("None or a number in [0, 1]", lambda v: 0 <= v <= 1),
    "at_least_one": ("a number >= 1", lambda v: v >= 1),
    "tweedie_power": (
        "a finite number other than 1 (that is poisson_log) and 2 (gamma_deviance_log)",
        lambda v: math.isfinite(v) and min(abs(v - 1), abs(v - 2)) > 1e-6,
    ),
    "flag": ("True or False", lambda v: v in (0, 1)),
    "count": ("an integer >= 1", lambda v: v >= 1 and math.isfinite(v) and v == int(v)),
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

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.name: str = facts["name"]
        self.facts: Mapping[str, Any] = MappingProxyType(dict(facts))
        self.parameters: Mapping[str, Any] = MappingProxyType(
            {name: default for name, default, _ in facts["parameters"]}
        )
        self.__name__ = self.name
        self.__doc__ = f"{self.formula}  ({facts['source']})"

    kind: ClassVar[Kind]

    @property
    def native_names(self) -> dict[str, str]:
        """What the function is called in each system that has it."""
        from deltarule import _systems

        return _systems.native_names(self.kind, self.name)

    @property
    def formula(self) -> str:
        """The formula as a Python expression."""
        return str(self.facts["formula"])

    @property
    def latex(self) -> str:
        """The formula as LaTeX, without the dollar signs."""
        return latex(self.formula)

    def error_bound(self, dtype: DTypeLike, order: int = 0) -> float:
        """The stated error in ulp of a result.

        Parameters
        ----------
        dtype : {float32, float64}
        order : {0, 1, 2}, default=0
            0 for the value, 1 for the first derivative, 2 for the second.

        Returns
        -------
        float
            The unit is the ulp of the exact result, or that of a quarter of the size of its terms
            where they cancel: ``facts["scales"]``, ``facts["error_scale"]``.

        Raises
        ------
        ValueError
            If there is no such order, or nothing is computed in that dtype.
        """
        name = np.dtype(dtype).name
        if name not in ("float32", "float64") or order not in (0, 1, 2):
            raise ValueError(
                "Bounds are stated for float32 and float64, and for the orders 0, 1 and 2; met "
                f"{name} and {order!r}."
            )
        return float(self.facts[f"ulp_{name}"][order])

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        """The same function with some parameters changed.

        Raises
        ------
        TypeError
            If the function has no such parameter.
        ValueError
            If a value is outside the parameter's range.
        """
        known = {name: domain for name, _, domain in self.facts["parameters"]}
        values = dict(self.parameters)
        for name, value in parameters.items():
            if name not in known:
                raise TypeError(unknown_parameter(self.name, name, list(known)))
            values[name] = _checked(self.name, name, value, known[name])
        new = type(self)(self.facts)
        new.parameters = MappingProxyType(values)
        return new

    @property
    def arguments(self) -> list[float]:
        """The parameters in catalogue order as the kernels take them (NaN: not given)."""
        return [math.nan if v is None else v for v in self.parameters.values()]

    def _explain(self, error: TypeError, *arrays: ArrayLike) -> TypeError:
        """What to raise for an error of a ufunc."""
        met = [np.asarray(a).dtype for a in arrays]
        if all(np.can_cast(dtype, np.float64) for dtype in met):
            return error
        return TypeError(
            f"{self.name} computes in float32 and float64; {', '.join(map(str, met))} has no "
            "safe conversion to either. Convert the input, for example with .astype('float64')."
        )

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
    ``more`` gives further functions; it is called when a name is not among the first.
    """

    def __init__(
        self,
        kind: Kind,
        functions: Iterable[F],
        more: Callable[[], Iterable[F]] | None = None,
    ) -> None:
        self._kind: Kind = kind
        self._functions: dict[str, F] = {}
        self._aliases: dict[str, str] = {}
        self._more = more
        self._add(functions)

    def _add(self, functions: Iterable[F]) -> None:
        for f in functions:
            self._functions[f.name] = f
            self._aliases |= dict.fromkeys(f.facts["aliases"], f.name)

    @property
    def kind(self) -> Kind:
        return self._kind

    def _first(self) -> dict[str, F]:
        """The functions that are there without loading more."""
        return self._functions

    def _all(self) -> dict[str, F]:
        """Every function by name."""
        if self._more is not None:
            more, self._more = self._more, None
            self._add(more())
        return self._functions

    def __getitem__(self, name: str) -> F:
        for load in (self._first, self._all):
            functions = load()
            try:
                return functions[self._aliases.get(name, name)]
            except (KeyError, TypeError):
                continue
        from deltarule import _systems  # reads a file

        native = _systems.resolve(self._kind, name)
        if native is None:
            raise UnknownFunctionError(self._unknown(name))
        return self._all()[native]

    if not TYPE_CHECKING:  # the signatures name every function

        def __getattr__(self, name: str) -> F:
            if name.startswith("_"):
                raise AttributeError(name)
            try:
                return self[name]
            except UnknownFunctionError as error:
                raise AttributeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._all(), *self._aliases]

    def __repr__(self) -> str:
        return f"<{len(self)} {self._kind} functions: {', '.join(self)}>"

    def find(self, spec: str | F, parameters: Mapping[str, Any]) -> F:
        """The function a user means: a name or an instance, with parameters."""
        if getattr(spec, "own_kind", None) == self._kind:
            return cast("F", spec).with_parameters(parameters)
        if isinstance(spec, Function):
            if spec.name not in self or type(spec) is not type(self[spec.name]):
                raise TypeError(f"{spec!r} is not a function of the {self._kind} catalogue.")
            return spec.with_parameters(parameters)
        if not isinstance(spec, str):
            raise TypeError(
                f"The {self._kind} must be a name or an instance of the catalogue; "
                f"met {type(spec).__name__}."
            )
        return self[spec].with_parameters(parameters)

    def _unknown(self, name: object) -> str:
        from deltarule import _systems

        several = _systems.ambiguity(self._kind, name) if isinstance(name, str) else None
        if several:
            return several
        names = [*self._all(), *self._aliases]
        close = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.55)
        listed = f"deltarule.{'activations' if self._kind == 'activation' else 'losses'}"
        hint = f"Did you mean {_either(close)}?" if close else f"{listed} lists them all."
        return f"There is no {self._kind} named {name!r}. {hint}"


class Chooser(Generic[F]):
    """A function of a catalogue with its parameters set, or one of the user's own.

    ``chooser(name, parameter=value)`` looks up; ``chooser.from_formula(text)`` makes.
    """

    def __init__(self, catalogue: Catalogue[F]) -> None:
        self._catalogue = catalogue

    def __call__(self, spec: str | F, /, *, profile: str | None = None, **parameters: Any) -> F:
        if profile is None:
            return self._catalogue.find(spec, parameters)
        from deltarule import _systems

        kind = self._catalogue.kind
        if not isinstance(spec, str):
            raise TypeError(
                f"profile={profile!r} gives a name the defaults of another system; met "
                f"{spec!r}, which has its parameters already."
            )
        row, theirs = _systems.profile(kind, spec, profile)
        return self._catalogue.find(row, {**theirs, **parameters})


def _either(names: list[str]) -> str:
    quoted = [repr(n) for n in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def unknown_parameter(function: str, name: str, known: list[str]) -> str:
    """The sentence for a parameter that a function does not have."""
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
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not holds(number):
        raise ValueError(f"The parameter {name} of {function} must be {words}; met {value!r}.")
    return bool(number) if domain == "flag" else number
