"""Texts in lines of a terminal."""

from __future__ import annotations

import re

from deltarule.displays.text import width_of

# A word with the blank before it, or one Chinese character, with the marks that must follow it.
_UNIT = re.compile(r" ?[!-~]+[，。；：、）！？」”]*|.[，。；：、）！？」”]*", re.DOTALL)


def wrapped(text: str, columns: int = 88) -> str:
    """Paragraphs, between empty lines, in lines of a terminal; Chinese breaks between characters.

    Parameters
    ----------
    text : str
    columns : int, default=88
        A Chinese character takes two.
    """
    return "\n\n".join(_filled(paragraph, columns) for paragraph in text.split("\n\n"))


def _filled(paragraph: str, columns: int) -> str:
    lines = [""]
    for unit in _UNIT.findall(paragraph):
        if width_of(lines[-1] + unit) > columns:
            lines.append("")
        lines[-1] += unit if lines[-1] else unit.lstrip(" ")
    return "\n".join(line.rstrip() for line in lines)
