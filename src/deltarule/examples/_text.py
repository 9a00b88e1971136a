"""Words in two languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from deltarule.displays.text import width_of

Language = Literal["en", "zh"]


class Text(NamedTuple):
    """The same words in English and in Chinese."""

    en: str
    zh: str

    def said(self, lang: Language) -> str:
        """The words of a language.

        Raises
        ------
        ValueError
            If it is neither "en" nor "zh".
        """
        if lang not in ("en", "zh"):
            raise ValueError(f"Examples speak English ('en') and Chinese ('zh'); met {lang!r}.")
        return self.zh if lang == "zh" else self.en

    def with_numbers(self, **numbers: Any) -> Text:
        """The words with numbers, or other words, in the places of their names: ``{updates:,}``."""
        said = ({n: getattr(v, lang, v) for n, v in numbers.items()} for lang in Text._fields)
        return Text(self.en.format(**next(said)), self.zh.format(**next(said)))


def joined(texts: Iterable[Text]) -> Text:
    """Texts as parts of one sentence."""
    en, zh = zip(*texts, strict=True)
    return Text("; ".join(en), "；".join(zh))


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
