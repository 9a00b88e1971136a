"""The textbook's worked examples, computed: tables, a story in two languages, a picture.

``deltarule.examples.one_neuron(step=0.1)`` and ``deltarule.examples.run("one_neuron", step=0.1)``
are the same; ``names()`` lists them.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from deltarule.examples._contents import CONTENTS
from deltarule.examples._example import Example, Table
from deltarule.language import Text

__all__ = ["Example", "Table", "Text", "names", "run", "titles"]


def names() -> list[str]:
    """The worked examples by name."""
    return list(CONTENTS)


def titles() -> dict[str, Text]:
    """What each of them shows, by name, in two languages."""
    return {name: entry.title for name, entry in CONTENTS.items()}


def run(name: str, **parameters: Any) -> Example:
    """Compute a worked example.

    Parameters
    ----------
    name : str
        One of `names`.
    **parameters
        Of its function; those of the textbook by default.

    Returns
    -------
    Example

    Raises
    ------
    ValueError
        If there is no such example, or a parameter is out of its range.
    TypeError
        If it has no such parameter.
    """
    function = _function(name)
    known = inspect.signature(function).parameters
    for parameter in parameters:
        if parameter not in known:
            raise TypeError(
                f"The example {name} has no parameter {parameter!r}; it has {', '.join(known)}."
            )
    return function(**parameters)


def _function(name: str) -> Callable[..., Example]:
    if name not in CONTENTS:
        close = difflib.get_close_matches(name.lower(), CONTENTS, n=3, cutoff=0.5)
        known = f"did you mean {' or '.join(close)}?" if close else f"known are {_known()}."
        raise ValueError(f"There is no example named {name!r}: {known}")
    module = import_module(f"deltarule.examples.{CONTENTS[name].module}")
    function: Callable[..., Example] = getattr(module, name)
    return function


def _known() -> str:
    return ", ".join(CONTENTS)


def __getattr__(name: str) -> Any:
    if name not in CONTENTS:
        raise AttributeError(f"module 'deltarule.examples' has no attribute {name!r}")
    return _function(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *CONTENTS])
