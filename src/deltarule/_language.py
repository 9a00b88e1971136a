"""Words in two languages."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
            raise ValueError(f"Explanations are English ('en') or Chinese ('zh'); met {lang!r}.")
        return self.zh if lang == "zh" else self.en
