"""A diagnosis as part of a page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal

from deltarule.language import Language, Text

if TYPE_CHECKING:
    from deltarule.doctor.diagnosis import Diagnosis
    from deltarule.doctor.finding import Finding

Shown = Literal["en", "zh", "both"]

_STYLE = """
.deltarule-diagnosis {
  --ink: #222; --soft: #666; --line: #ddd; --paper: #fff; --bar: #0072b2; --warn: #b34700;
  --good: #00704f;
  color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif;
  max-width: 46rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem;
}
@media (prefers-color-scheme: dark) {
  .deltarule-diagnosis {
    --ink: #e8e8e8; --soft: #a0a0a0; --line: #3c3c3c; --paper: #181818; --bar: #56b4e9;
    --warn: #ff9d5c; --good: #4cc9a0;
  }
}
.deltarule-diagnosis h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
.deltarule-diagnosis h3 { font-size: 1rem; margin: 0 0 .25rem; color: var(--warn); }
.deltarule-diagnosis .healthy { color: var(--good); }
.deltarule-diagnosis article { border-top: 1px solid var(--line); padding: .75rem 0 0; }
.deltarule-diagnosis p, .deltarule-diagnosis ul { margin: .25rem 0 .5rem; }
.deltarule-diagnosis small { color: var(--soft); font-weight: normal; }
.deltarule-diagnosis table { border-collapse: collapse; margin: 0 0 .75rem; }
.deltarule-diagnosis caption { text-align: left; font-weight: bold; }
.deltarule-diagnosis th { font-weight: normal; text-align: left; padding: .1rem 1rem .1rem 0; }
.deltarule-diagnosis td { font-variant-numeric: tabular-nums; padding: .1rem .75rem .1rem 0; }
.deltarule-diagnosis .bar { display: inline-block; height: .6rem; background: var(--bar); }
""".strip()

_WIDTH = 10  # rem, of a score of 1


def html_of(diagnosis: Diagnosis, lang: Shown) -> str:
    """The section, with its style.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    if lang not in ("en", "zh", "both"):
        raise ValueError(f"lang must be 'en', 'zh' or 'both'; met {lang!r}.")
    langs: tuple[Language, ...] = ("en", "zh") if lang == "both" else (lang,)
    parts = [
        _heading(diagnosis, langs),
        _scores(diagnosis, langs),
        *(_article(i, f, langs) for i, f in enumerate(diagnosis.findings, 1)),
        *(f"<p><small>{_said(text, langs)}</small></p>" for text in diagnosis.case.unknown),
        _attempts(diagnosis, langs),
    ]
    body = "\n".join(filter(None, parts))
    return (
        f'<section class="deltarule-diagnosis" lang="{langs[0]}">\n<style>\n{_STYLE}\n</style>\n'
        f"{body}\n</section>"
    )


def _said(text: Text, langs: tuple[Language, ...], between: str = "<br>") -> str:
    """The words, escaped; those of each language say which it is."""
    if len(langs) == 1:
        return escape(text.said(langs[0]))
    return between.join(f'<span lang="{lang}">{escape(text.said(lang))}</span>' for lang in langs)


def _heading(diagnosis: Diagnosis, langs: tuple[Language, ...]) -> str:
    if diagnosis.healthy:
        words = Text("Nothing wrong was found", "没有发现问题")
        return f'<h2 class="healthy">{_said(words, langs, " · ")}</h2>'
    count = len(diagnosis.findings)
    words = Text(f"{count} finding{'s' * (count > 1)}", f"{count} 项发现")
    return f"<h2>{_said(words, langs, ' · ')}</h2>"


def _scores(diagnosis: Diagnosis, langs: tuple[Language, ...]) -> str:
    named = diagnosis.case.scores.named
    if not named:
        return ""
    measure = _said(diagnosis.case.measure, langs, " · ")
    rows = "\n".join(
        f"<tr><th>{_said(what, langs, ' · ')}</th><td>{v:z.3f}</td>"
        f'<td><span class="bar" style="width: {_WIDTH * min(max(v, 0.0), 1.0):.2f}rem"></span></td>'
        "</tr>"
        for what, v in named
    )
    return f"<table>\n<caption>{measure}</caption>\n{rows}\n</table>"


def _attempts(diagnosis: Diagnosis, langs: tuple[Language, ...]) -> str:
    if not diagnosis.attempts:
        return ""
    tried = "\n".join(f"<li>{_said(a.words(), langs)}</li>" for a in diagnosis.attempts)
    heading = _said(diagnosis.outcome(), langs, " · ")
    return f"<article>\n<p>{heading}</p>\n<ul>\n{tried}\n</ul>\n</article>"


def _article(number: int, finding: Finding, langs: tuple[Language, ...]) -> str:
    rule, seen = finding.rule, finding.seen
    sure = f"{finding.confidence:.0%}"
    how = Text(f"{sure} sure", f"把握 {sure}")
    if finding.is_suspicion:
        how = Text(f"suspected, {sure} sure", f"疑似，把握 {sure}")
    heading = (
        f"{number}. {_said(rule.title, langs, ' · ')} <small>{_said(how, langs, ' · ')}</small>"
    )
    cures = "\n".join(f"<li>{_said(cure.words(), langs)}</li>" for cure in finding.repairs)
    parts = [
        f"<h3>{heading}</h3>",
        f"<p>{_said(seen.words, langs)}</p>",
        f"<p>{_said(rule.meaning, langs)}</p>",
        f"<p>{_said(_ADVICE, langs, ' · ')}</p>\n<ul>\n{cures}\n</ul>" if cures else "",
        f"<p><small>{escape(rule.source)}</small></p>" if rule.source else "",
    ]
    return "<article>\n" + "\n".join(filter(None, parts)) + "\n</article>"


_ADVICE = Text("What to do, the likeliest cure first", "建议（最可能有效的在前）")
