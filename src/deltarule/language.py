"""Words in two languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

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
            raise ValueError(
                f"Texts are in English (lang='en') and in Chinese (lang='zh'); met {lang!r}."
            )
        return self.zh if lang == "zh" else self.en

    def with_numbers(self, **numbers: Any) -> Text:
        """The words with numbers, or other words, in the places of their names: ``{updates:,}``."""
        said = ({n: getattr(v, lang, v) for n, v in numbers.items()} for lang in Text._fields)
        return Text(self.en.format(**next(said)), self.zh.format(**next(said)))


def joined(texts: Iterable[Text]) -> Text:
    """Texts as parts of one sentence."""
    en, zh = zip(*texts, strict=True)
    return Text("; ".join(en), "；".join(zh))
