"""What the functions of the catalogue are called elsewhere, and which defaults differ there.

``systems.json`` is the home of these facts.  For each kind and row it lists, by system, the native
names: a string, or an object with the parameters of the row that give the native default and a note
on what parameters cannot express.  A name with arguments, ``"gelu(approximate='tanh')"``, is what
that call computes; without, what the bare name does.  The first of a system is its usual one.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["activation", "loss"]


class Native(NamedTuple):
    """A function of a system and the row of ours that it is."""

    system: str
    name: str
    row: str
    parameters: Mapping[str, float]
    note: str | None


@cache
def _facts() -> dict[str, Any]:
    text = Path(__file__).with_name("systems.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _natives(kind: Kind) -> tuple[Native, ...]:
    natives = []
    for row, by_system in _facts()[kind].items():
        for system, entries in by_system.items():
            for entry in () if system == "aliases" else entries:
                facts: dict[str, Any] = {"name": entry} if isinstance(entry, str) else entry
                parameters = facts.get("parameters", {})
                natives.append(Native(system, facts["name"], row, parameters, facts.get("note")))
    return tuple(natives)


@cache
def _rows(kind: Kind) -> dict[str, str]:
    """Rows and their aliases -> row."""
    rows = _facts()[kind]
    return {alias: row for row in rows for alias in rows[row].get("aliases", ())} | {
        row: row for row in rows
    }


def systems() -> dict[str, dict[str, str]]:
    """What is known of each system.

    Returns
    -------
    dict of dict
        By the names that `profile` takes: title, version, default reduction, argument order, labels
        of margin losses, as far as the system has them.

    Examples
    --------
    >>> from deltarule._systems import systems
    >>> systems()["torch"]["reduction"]
    'mean'
    """
    return {system: dict(facts) for system, facts in _facts()["systems"].items()}


def profile(kind: Kind, name: str, system: str) -> tuple[str, dict[str, float]]:
    """The row and the parameters that give the numbers of another system.

    Parameters
    ----------
    kind : {"activation", "loss"}
    name : str
        A native name of the system, with or without its modules (``"nn.leaky_relu"``), or a name or
        alias of ours.  A native name keeps its native meaning: gelu is the tanh form in JAX.
    system : str
        One of `systems`, such as ``"torch"`` or ``"keras"``.

    Returns
    -------
    row : str
    parameters : dict
        Those whose default there differs from ours.

    Raises
    ------
    ValueError
        If the system is unknown or has no such function.

    Examples
    --------
    >>> from deltarule._systems import profile
    >>> profile("activation", "leaky_relu", "keras")
    ('leaky_relu', {'negative_slope': 0.2})
    >>> profile("activation", "gelu", "jax")
    ('gelu_tanh', {})
    """
    native = _native(kind, name, system)
    return native.row, dict(native.parameters)


def note(kind: Kind, name: str, system: str) -> str | None:
    """What no parameter expresses of a function elsewhere: labels, clipping, axes.

    Parameters and errors are those of `profile`.

    Returns
    -------
    str or None
    """
    return _native(kind, name, system).note


def native_names(kind: Kind, name: str) -> dict[str, str]:
    """What a function is called in each system that has it.

    Parameters
    ----------
    kind : {"activation", "loss"}
    name : str
        A name or alias of ours.

    Returns
    -------
    dict
        System -> its usual name for the function; empty if it is known of none.
    """
    _check_kind(kind)
    row = _rows(kind).get(name)
    names: dict[str, str] = {}
    for native in _natives(kind):
        if native.row == row:
            names.setdefault(native.system, native.name)
    return names


def coverage(kind: Kind | None = None) -> dict[str, list[tuple[str, str]]]:
    """The functions of each system and ours.

    Parameters
    ----------
    kind : {"activation", "loss"}, optional
        Both, if left out.

    Returns
    -------
    dict
        System -> pairs of native name and name of ours, in catalogue order.
    """
    kinds: tuple[Kind, ...] = ("activation", "loss") if kind is None else (kind,)
    pairs: dict[str, list[tuple[str, str]]] = {system: [] for system in _facts()["systems"]}
    for each in kinds:
        _check_kind(each)
        for native in _natives(each):
            pairs[native.system].append((native.name, native.row))
    return pairs


def resolve(kind: Kind, name: str) -> str | None:
    """The row that a name means in all systems that have it.

    Parameters
    ----------
    kind : {"activation", "loss"}
    name : str
        Such as ``"BCEWithLogitsLoss"`` or ``"optax.softmax_cross_entropy_with_integer_labels"``;
        names of ours also in other spellings, ``"LeakyReLU"``.

    Returns
    -------
    str or None
        None if no system knows the name, or if systems mean different functions by it.

    Examples
    --------
    >>> from deltarule._systems import resolve
    >>> resolve("loss", "CategoricalCrossentropy")
    'categorical_cross_entropy'
    """
    meanings = {row for _, row in _meanings(kind, name)}
    return meanings.pop() if len(meanings) == 1 else None


def ambiguity(kind: Kind, name: str) -> str | None:
    """A sentence on a name that systems use for different functions; None for any other name."""
    meanings = _meanings(kind, name)
    if len({row for _, row in meanings}) < 2:
        return None
    titles = {system: facts["title"] for system, facts in _facts()["systems"].items()}
    parts = [f"{row!r} in {titles.get(system, 'another spelling')}" for system, row in meanings]
    return f"{name!r} means {', '.join(parts[:-1])} and {parts[-1]}: pass one of these names."


def _meanings(kind: Kind, name: object) -> list[tuple[str, str]]:
    """(system, row) of a name, one for each row; the name of a row of ours has no system."""
    _check_kind(kind)
    if not isinstance(name, str):
        return []
    for spelled, row in _rows(kind).items():
        if spelled.lower() == name.lower():
            return [("", row)]
    spellings = {suffix.lower() for suffix in _suffixes(name)}
    matches = [n for n in _natives(kind) if n.name.lower() in spellings]
    matches = matches or [n for n in _natives(kind) if _plain(n.name) == _plain(name)]
    first = {n.row: n.system for n in reversed(matches)}
    ours = [row for spelled, row in _rows(kind).items() if _plain(spelled) == _plain(name)]
    return [("", row) for row in ours[:1] if row not in first] + [
        (system, row) for row, system in first.items()
    ]


def _native(kind: Kind, name: str, system: str) -> Native:
    _check_kind(kind)
    if system not in _facts()["systems"]:
        raise ValueError(_unknown("profile", system, [*_facts()["systems"]]))
    natives = [n for n in _natives(kind) if n.system == system]
    row, plain = _rows(kind).get(name), _plain(name)
    spellings = list(_suffixes(name))
    found = sorted((n for n in natives if n.name in spellings), key=lambda n: -len(n.name))
    found += [n for n in natives if n.row == row]
    found += [n for n in natives if _plain(n.name) == plain]
    if found:
        return found[0]
    title = _facts()["systems"][system]["title"]
    if row is None:
        known = [*(n.name for n in natives), *_rows(kind)]
        raise ValueError(f"{title} has none such: {_unknown(kind, name, known)}")
    others = [_facts()["systems"][s]["title"] for s in native_names(kind, row)]
    raise ValueError(
        f"{title} has no {kind} that is {name!r}; "
        + (f"found in {', '.join(others)}. " if others else "no other system has it. ")
        + "Leave profile= out for the defaults here."
    )


def _suffixes(name: str) -> Iterator[str]:
    """The name with all its modules, then with fewer."""
    head, bracket, rest = name.strip().partition("(")
    parts = head.split(".")
    for first in range(len(parts)):
        yield ".".join(parts[first:]) + bracket + rest


def _plain(name: str) -> str:
    """A bare name without modules, case and underscores; a name with arguments is only itself."""
    return name if "(" in name else re.sub(r"\W|_", "", name.rpartition(".")[2]).lower()


def _check_kind(kind: object) -> None:
    if kind not in ("activation", "loss"):
        raise ValueError(f"The kind must be 'activation' or 'loss'; met {kind!r}.")


def _unknown(what: str, name: object, known: list[str]) -> str:
    close = difflib.get_close_matches(str(name), list(dict.fromkeys(known)), n=3, cutoff=0.55)
    quoted = ", ".join(map(repr, close))
    hint = f"Did you mean {quoted}?" if close else f"There are: {', '.join(known)}."
    return f"There is no {what} named {name!r}. {hint}"
