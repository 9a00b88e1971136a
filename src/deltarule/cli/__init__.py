"""The console command ``deltarule``: train, predict, doctor, show, check, example.

What each verb needs is imported when the verb runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import deltarule
from deltarule.cli import check, doctor, example, predict, show, train
from deltarule.cli.output import UsageError, in_one_line

__all__ = ["main"]

# What a shell reports of a program that ended by itself, by bad input, by Ctrl-C, by a closed pipe.
DONE, BAD_INPUT, INTERRUPTED, PIPE_CLOSED = 0, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit status: 0, 1 if a check failed or the doctor found something, or 2 after bad input,
        of which standard error then says one sentence.
    """
    try:
        arguments = _make_parser().parse_args(argv)
        status = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_standard_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        print("deltarule: interrupted before anything was saved.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError, ModuleNotFoundError, MemoryError) as error:
        print(f"deltarule: {in_one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    return DONE if status is None else int(status)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help.")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="deltarule",
        description="Neural networks on CPU: train them on a table, predict, look up functions.",
    )
    parser.add_argument("--version", action="version", version=f"deltarule {deltarule.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in (train, predict, doctor, show, check, example):
        verb.add_parser(verbs)
    return parser


def _forget_standard_output() -> None:
    """Let the interpreter's last flush go nowhere; the reader has left."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
