"""A rule, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deltarule.doctor._json import json_of
from deltarule.doctor.case import Case
from deltarule.doctor.repairs import Repair
from deltarule.language import Language, Text

SURE, SUSPECT = 0.7, 0.4  # a confidence from which a finding is stated, or suspected
SYMPTOM = 60  # a rank from which a finding is a mere symptom, and comes behind all others


@dataclass(frozen=True)
class Seen:
    """What a rule saw in a case.

    Attributes
    ----------
    words : Text
        A sentence or two with the layer, the number and what a healthy one is.
    confidence : float
        Between 0 and 1.
    layer : str
        Its name; empty: the whole network, or the data.
    epoch : int or None
        Counted from 0.
    numbers : dict of str to float
    repairs : tuple of Repair
        The likeliest first; empty: those of the rule.
    """

    words: Text
    confidence: float
    layer: str = ""
    epoch: int | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How one fault is recognised: one file of `deltarule.doctor.findings` each.

    Attributes
    ----------
    code : str
        Its name in results, such as ``"vanishing_gradient"``.
    title, meaning : Text
        What it is; why it keeps a network from learning.
    look : callable
        `Seen` of a case, or None.
    rank : int
        Causes before their symptoms: of two findings as sure, the one of the lower rank is named
        first.
    repairs : tuple of Repair
    source : str
    """

    code: str
    title: Text
    meaning: Text
    look: Callable[[Case], Seen | None] = field(repr=False)
    rank: int
    repairs: tuple[Repair, ...]
    source: str


@dataclass(frozen=True)
class Finding:
    """A fault with its evidence."""

    rule: Rule
    seen: Seen

    @property
    def code(self) -> str:
        """The name of the fault."""
        return self.rule.code

    @property
    def confidence(self) -> float:
        """Between 0 and 1."""
        return float(self.seen.confidence)

    @property
    def is_suspicion(self) -> bool:
        """Whether the evidence is weak."""
        return self.confidence < SURE

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What may help, the likeliest first."""
        known = tuple(repair for repair in self.seen.repairs if repair.is_known)
        return known or self.rule.repairs

    def parts(self, lang: Language = "en") -> tuple[str, ...]:
        """Sentences: what it is, what was seen, what it means, and what to do where that is known.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"
        """
        title = self.rule.title.said(lang)
        if self.is_suspicion:
            title = Text(f"Suspected: {title}", f"疑似：{title}").said(lang)
        first = Text(f"{title}.", f"{title}。").said(lang)
        said = (first, self.seen.words.said(lang), self.rule.meaning.said(lang))
        cures = [repair.words() for repair in self.repairs]
        if not cures:
            return said
        advice = Text(
            f"What to do: {'; if that does not help, '.join(cure.en for cure in cures)}.",
            f"建议：{'；若无效，'.join(cure.zh for cure in cures)}。",
        )
        return (*said, advice.said(lang))

    def explain(self, lang: Language = "en") -> str:
        """One paragraph: what was seen, what it means, what to do.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"
        """
        return ("" if lang == "zh" else " ").join(self.parts(lang))

    def to_record(self) -> dict[str, Any]:
        """As plain data: what JSON can say, null for a number that is not known."""
        record = {
            "code": self.code,
            "confidence": self.confidence,
            "layer": self.seen.layer,
            "epoch": self.seen.epoch,
            "numbers": dict(self.seen.numbers),
            "title": self.rule.title._asdict(),
            "explanation": {"en": self.explain("en"), "zh": self.explain("zh")},
            "repairs": [repair.to_record() for repair in self.repairs],
            "source": self.rule.source,
        }
        return json_of(record)
