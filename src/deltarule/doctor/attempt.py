"""A repair that was tried, and what it did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from deltarule.doctor._json import json_of
from deltarule.doctor.finding import Finding
from deltarule.doctor.repairs import Repair
from deltarule.language import Language, Text

USUAL_SCORE = Text("", "")  # that of the diagnosis


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
    measure : Text
        What the scores are, where that is not accuracy or R2.
    """

    finding: Finding
    repair: Repair
    before: float
    after: float
    kept: bool
    measure: Text = USUAL_SCORE

    def words(self) -> Text:
        """One line: what was tried, and what it did."""
        before, after = _shown(self.before), _shown(self.after)
        verdict = Text("kept", "保留") if self.kept else Text("rolled back", "撤销")
        if self.kept and self.after < self.before:
            verdict = Text("kept, as it is right in any case", "保留，因为无论如何都该这样做")
        title, cure = self.finding.rule.title, self.repair.words()
        of = Text(f"{self.measure.en} " * bool(self.measure.en), self.measure.zh)
        return Text(
            f"{title.en}: {cure.en}; {of.en}{before.en} → {after.en}, {verdict.en}",
            f"{title.zh}：{cure.zh}；{of.zh}{before.zh} → {after.zh}，{verdict.zh}",
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
            "measure": self.measure._asdict(),
        }
        return json_of(record)


def _shown(score: float) -> Text:
    if math.isnan(score):
        return Text("failed", "失败")
    return Text(f"{score:z.3f}", f"{score:z.3f}")
