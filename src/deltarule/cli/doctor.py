"""``deltarule doctor``: say what keeps a network from learning a table, and repair it."""

from __future__ import annotations

import argparse
import html
import shutil
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltarule.cli import subject as subjects
from deltarule.cli import train
from deltarule.cli.output import BUILT_IN_HELP, UsageError, print_json, require_writable

if TYPE_CHECKING:
    from deltarule.cli.subject import Subject
    from deltarule.doctor import Diagnosis, Finding

HEALTHY, FOUND = 0, 1  # exit status
_WIDTH = 100  # characters of a line, at most


def add_parser(verbs: Any) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "doctor",
        help="say what keeps a network from learning a table",
        description="Fit a network to a table as `deltarule train` would, or take one that it "
        "saved, and say in plain words what keeps it from learning.  Exit status: 0 healthy, 1 "
        "something was found, 2 bad input.",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        help="a file written by deltarule train; DATA is then what it was trained on",
    )
    parser.add_argument("data", metavar="DATA", help=f"a CSV or Parquet file, or {BUILT_IN_HELP}")
    parser.add_argument("--target", metavar="COLUMN", help="the column to be predicted")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="try what may help, and keep what does on rows held out",
    )
    parser.add_argument(
        "--raw", action="store_true", help="leave features and target unscaled, to see what it does"
    )
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="default: %(default)s")
    parser.add_argument("--html", metavar="FILE", help="write a page as well")
    train.add_data_options(parser)
    train.add_network_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    usual = {name: parser.get_default(name) for name in subjects.OF_TRAINING}
    parser.set_defaults(run=run, usual=usual)


def run(arguments: argparse.Namespace) -> int:
    """Examine, repair where that is wanted, report."""
    import deltarule

    if arguments.html is not None:
        require_writable("--html", arguments.html, (arguments.model, arguments.data))
    read = subjects.of_table if arguments.model is None else subjects.of_model
    subject = read(arguments)
    diagnosis = deltarule.examine(
        subject.model,
        subject.X,
        subject.y,
        *subject.held_out,
        random_state=arguments.seed,
        feature_names=subject.names,
    )
    if arguments.repair:
        tried = deltarule.repair(
            subject.network,
            subject.X,
            subject.learned,
            *subject.held_out,
            random_state=arguments.seed,
            feature_names=subject.names,
        ).diagnosis
        diagnosis = replace(diagnosis, attempts=tried.attempts, after=tried.after)
    if arguments.html is not None:
        _write_page(arguments, subject, diagnosis)
    if arguments.json:
        print_json(_record(arguments, subject, diagnosis))
    else:
        print("\n\n".join(_told(arguments, subject, diagnosis)))
    return HEALTHY if diagnosis.healthy else FOUND


# ---- the report ---------------------------------------------------------------------------------


def _told(arguments: argparse.Namespace, subject: Subject, diagnosis: Diagnosis) -> list[str]:
    """Paragraphs for a terminal."""
    from deltarule.language import Text

    lang = arguments.lang
    top = f"{_heading(subject).said(lang)}\n{diagnosis.scored().said(lang)}"
    found = [_of_finding(i, f, lang) for i, f in enumerate(diagnosis.findings, 1)]
    healthy = Text("Nothing wrong was found.", "没有发现问题。").said(lang)
    unknown = [_lines(text.said(lang), lang) for text in diagnosis.case.unknown]
    paragraphs = [top, *(found or [healthy]), *unknown]
    if diagnosis.attempts:
        tried = [_lines(f"- {a.explain(lang)}", lang, "  ") for a in diagnosis.attempts]
        paragraphs.append("\n".join([diagnosis.outcome().said(lang), *tried]))
    if arguments.html is not None:
        said = Text("The page is in {path}.", "页面已写入 {path}。")
        paragraphs.append(said.with_numbers(path=arguments.html).said(lang))
    return paragraphs


def _heading(subject: Subject) -> Any:
    from deltarule.language import Text

    name, (rows, inputs) = Path(subject.data).name, subject.X.shape
    return Text(
        f"{name}: {rows:,} rows, {inputs:,} inputs, target {subject.target!r}",
        f"{name}：{rows:,} 行，{inputs:,} 个输入，目标列 {subject.target!r}",
    )


def _of_finding(number: int, finding: Finding, lang: Any) -> str:
    """Its title, and what is behind it a little to the right."""
    title, *parts = finding.parts(lang)
    return "\n".join([f"{number}. {title}", *(_lines(f"   {p}", lang, "   ") for p in parts)])


def _lines(text: str, lang: Any, indent: str = "") -> str:
    """A paragraph in lines; Chinese is left to the terminal, which may break it anywhere."""
    if lang == "zh":
        return text
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    return textwrap.fill(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _record(
    arguments: argparse.Namespace, subject: Subject, diagnosis: Diagnosis
) -> dict[str, Any]:
    files = {name: getattr(arguments, name) for name in ("model", "html")}
    return {
        "data": subject.data,
        "target": subject.target,
        "task": subject.kind,
        "rows": subject.X.shape[0],
        "inputs": subject.X.shape[1],
        **diagnosis.to_record(),
        **{name: path for name, path in files.items() if path is not None},
    }


# ---- the page -----------------------------------------------------------------------------------


def _write_page(arguments: argparse.Namespace, subject: Subject, diagnosis: Diagnosis) -> None:
    from deltarule.replacing import replace_file

    lang = arguments.lang
    page = _PAGE.format(
        lang=lang,
        title=html.escape(Path(subject.data).name),
        heading=html.escape(_heading(subject).said(lang)),
        body=diagnosis.to_html(lang),
    )
    try:
        replace_file(arguments.html, [page.encode("utf-8")])
    except OSError as error:
        raise UsageError(
            f"The page could not be written to {arguments.html} ({error.strerror}): choose a name "
            "in a folder that is yours to write to and has space left."
        ) from error


_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 1rem auto; padding: 0 1rem; max-width: 49rem; }}
h1 {{ font: bold 1.2rem system-ui, sans-serif; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{heading}</h1>
{body}
</body>
</html>
"""
