"""What was found in a case, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from deltarule.doctor import findings as _findings
from deltarule.doctor._html import Shown, html_of
from deltarule.doctor._json import json_of
from deltarule.doctor.attempt import Attempt
from deltarule.doctor.case import Case
from deltarule.doctor.finding import SUSPECT, SYMPTOM, Finding, Rule
from deltarule.doctor.lagging import RULE as LAGGING
from deltarule.language import Language, Text


def rules() -> tuple[Rule, ...]:
    """Every rule there is, causes before symptoms."""
    names = [module.name for module in iter_modules(_findings.__path__)]
    found = [import_module(f"{_findings.__name__}.{name}").RULE for name in names]
    return tuple(sorted(found, key=lambda rule: (rule.rank, rule.code)))


def diagnose(case: Case) -> Diagnosis:
    """Ask every rule, and if none found anything whether the network lags behind plain models.

    Parameters
    ----------
    case : Case

    Returns
    -------
    Diagnosis
    """
    found = _asked(rules(), case) or _asked((LAGGING,), case)
    found.sort(key=lambda f: (f.rule.rank >= SYMPTOM, -round(float(f.confidence), 1), f.rule.rank))
    return Diagnosis(tuple(found), case)


def _asked(asked: Iterable[Rule], case: Case) -> list[Finding]:
    seen = [(rule, rule.look(case)) for rule in asked]
    return [Finding(rule, s) for rule, s in seen if s is not None and s.confidence >= SUSPECT]


@dataclass(frozen=True)
class Diagnosis:
    """The findings of an examination.

    Attributes
    ----------
    findings : tuple of Finding
        The likeliest cause first.
    case : Case
        What they were found in.
    attempts : tuple of Attempt
        The repairs that were tried, in their order; empty where none was to be.
    after : Diagnosis or None
        Of the repaired network; None where nothing helped, or nothing was tried.
    """

    findings: tuple[Finding, ...]
    case: Case = field(repr=False)
    attempts: tuple[Attempt, ...] = ()
    after: Diagnosis | None = field(default=None, repr=False)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __contains__(self, code: str) -> bool:
        return any(f.code == code for f in self.findings)

    def explain(self, lang: Language = "en") -> str:
        """In plain words, one paragraph a finding, and what was tried.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"
        """
        parts = [f"{i}. {f.explain(lang)}" for i, f in enumerate(self.findings, 1)]
        parts = parts or [Text("Nothing wrong was found.", "没有发现问题。").said(lang)]
        parts += [text.said(lang) for text in self.case.unknown]
        if self.attempts:
            tried = "\n".join(f"- {attempt.explain(lang)}" for attempt in self.attempts)
            parts.append(f"{self.outcome().said(lang)}\n{tried}")
        return "\n\n".join(parts)

    def scored(self) -> Text:
        """The scores that are known, in one line."""
        measure, named = self.case.measure, self.case.scores.named
        return Text(
            f"{measure.en}: {', '.join(f'{name.en} {v:z.3f}' for name, v in named)}",
            f"{measure.zh}：{'，'.join(f'{name.zh} {v:z.3f}' for name, v in named)}",
        )

    def outcome(self) -> Text:
        """What the repairs came to, as the heading of their list."""
        if self.after is None:
            return Text("No repair helped:", "试过的修复都没有效果：")
        score = f"{self.after.case.scores.shown:z.3f}"
        left = [finding.rule.title for finding in self.after.findings]
        still = Text("nothing wrong is found any more", "不再发现问题")
        if left:
            still = Text(
                f"still found: {', '.join(t.en for t in left)}",
                f"仍有：{'、'.join(t.zh for t in left)}",
            )
        return Text(
            f"Repaired, the score on other rows is {score} ({still.en}):",
            f"修复之后，在其他样本上的得分为 {score}（{still.zh}）：",
        )

    def __str__(self) -> str:
        return self.explain()

    def to_record(self) -> dict[str, Any]:
        """As plain data: what JSON can say, null for a number that is not known."""
        record = {
            "healthy": self.healthy,
            "scores": vars(self.case.scores),
            "findings": [f.to_record() for f in self.findings],
            "unknown": [text._asdict() for text in self.case.unknown],
            "attempts": [attempt.to_record() for attempt in self.attempts],
            "after": None if self.after is None else self.after.to_record(),
        }
        return json_of(record)

    def to_json(self) -> str:
        """As JSON: `to_record` in one line."""
        return json.dumps(self.to_record(), ensure_ascii=False, allow_nan=False)

    def to_html(self, lang: Shown = "en") -> str:
        """As part of a page: scores and findings, readable on light and on dark screens.

        Parameters
        ----------
        lang : {"en", "zh", "both"}, default="en"

        Returns
        -------
        str
            One ``<section>`` with its own style; all words are escaped.

        Raises
        ------
        ValueError
            If there is no such language.
        """
        return html_of(self, lang)

    def _repr_html_(self) -> str:
        return self.to_html()


class DiagnosisWarning(UserWarning):
    """A network learned nothing, and the doctor knows why.

    Attributes
    ----------
    diagnosis : Diagnosis
    """

    def __init__(self, words: str, diagnosis: Diagnosis) -> None:
        super().__init__(words)
        self.diagnosis = diagnosis
