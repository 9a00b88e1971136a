"""A repair that was tried, and what it did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from deltarule.doctor._json import json_of
from deltarule.doctor.finding import Finding
from deltarule.doctor.repairs import Repair
from deltarule.language import Language, Text


@dataclass(frozen=True)
class Attempt:
    """A repair that was tried.

    Attributes
    ----------
    finding : Finding
        What it was to cure.
    repair : Repair
    before, after : float
        Score on held-out rows without it and with it; NaN: training failed.
    kept : bool
        Whether it helped; else it was rolled back.
    """

    finding: Finding
    repair: Repair
    before: float
    after: float
    kept: bool

    def words(self) -> Text:
        """One line: what was tried, and what it did."""
        before, after = _shown(self.before), _shown(self.after)
        verdict = Text("kept", "保留") if self.kept else Text("rolled back", "撤销")
        title, cure = self.finding.rule.title, self.repair.words()
        return Text(
            f"{title.en}: {cure.en}; {before.en} → {after.en}, {verdict.en}",
            f"{title.zh}：{cure.zh}；{before.zh} → {after.zh}，{verdict.zh}",
        )

    def explain(self, lang: Language = "en") -> str:
        """One line: what was tried, and what it did.

        Parameters
        ----------
        lang : {"en", "zh"}, default="en"
        """
        return self.words().said(lang)

    def to_record(self) -> dict[str, Any]:
        """As plain data: what JSON can say, null for a score that is not known."""
        record = {
            "finding": self.finding.code,
            "repair": self.repair.to_record(),
            "before": self.before,
            "after": self.after,
            "kept": self.kept,
        }
        return json_of(record)


def _shown(score: float) -> Text:
    if math.isnan(score):
        return Text("failed", "失败")
    return Text(f"{score:z.3f}", f"{score:z.3f}")
