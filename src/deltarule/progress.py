"""What a fit shows while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["EpochReport", "LongFitReport"]

_TEXT_WIDTH = 75  # of everything beside the bar, so that 80 columns suffice


class EpochReport:
    """Shows each epoch of a fit; used as a context manager.

    On a terminal a bar shows the epoch, the losses and the validation score.  Elsewhere each epoch
    gives lines in scikit-learn's wording, ``Iteration 1, loss = 0.12345678`` and, where there is a
    score, ``Validation score: 0.987654``.

    Parameters
    ----------
    total_epochs : int
        The largest number of epochs; a fit may end earlier.
    stream : file-like, optional
        Where to write; standard output by default.
    """

    def __init__(self, total_epochs: int, stream: TextIO | None = None) -> None:
        self._total = total_epochs
        self._stream = sys.stdout if stream is None else stream
        self._epoch = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._bar = _make_bar(self._stream)
            self._bar.add_task("", total=self._total, facts="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is None:
            return
        if kind is None:  # a fit that ended early has done all it had to do
            self._bar.update(self._bar.task_ids[0], total=max(self._epoch, 1))
        self._bar.stop()
        self._bar = None

    def update(
        self,
        epoch: int,
        loss: float,
        validation_loss: float | None = None,
        validation_score: float | None = None,
    ) -> None:
        """Show the numbers of an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        loss : float
            The mean loss over the training rows.
        validation_loss, validation_score : float, optional
            Loss, and accuracy or R2, on the rows held out for validation.
        """
        self._epoch = epoch
        if self._bar is not None:
            facts = _facts(loss, validation_loss, validation_score)
            self._bar.update(self._bar.task_ids[0], completed=epoch, facts=facts)
            return
        print(f"Iteration {epoch}, loss = {loss:.8f}", file=self._stream)
        if validation_score is not None:
            print(f"Validation score: {validation_score:f}", file=self._stream)
        self._stream.flush()


class LongFitReport(EpochReport):
    """A bar for those who wait: shown on a terminal or in a notebook once a fit takes long.

    It appears on standard error and is gone when the fit ends.

    Parameters
    ----------
    total_epochs : int
    patience : float, default=5.0
        Seconds before the bar is shown.
    stream : file-like, optional
        Where to write; standard error by default.
    """

    def __init__(
        self, total_epochs: int, patience: float = 5.0, stream: TextIO | None = None
    ) -> None:
        super().__init__(total_epochs, sys.stderr if stream is None else stream)
        self._started = time.monotonic()
        self._begins = self._started + patience

    def __enter__(self) -> Self:
        return self

    def update(
        self,
        epoch: int,
        loss: float,
        validation_loss: float | None = None,
        validation_score: float | None = None,
    ) -> None:
        if self._bar is None:
            if time.monotonic() < self._begins:
                return
            self._begins = math.inf
            if not (_is_alone() and (_is_terminal(self._stream) or _shows_widgets())):
                return
            self._bar = _make_bar(self._stream, transient=True)
            self._bar.add_task("", total=self._total, facts="")
            self._bar.start()
            since = time.monotonic() - self._started
            self._bar.tasks[0].start_time = self._bar.get_time() - since
        super().update(epoch, loss, validation_loss, validation_score)


def _is_alone() -> bool:
    """Whether this is no worker, several of which may share a terminal."""
    from multiprocessing import current_process

    return current_process().name == "MainProcess"


def _is_terminal(stream: TextIO) -> bool:
    return bool(getattr(stream, "isatty", lambda: False)())


def _shows_widgets() -> bool:
    """Whether this is a notebook that can show a bar."""
    from importlib.util import find_spec

    shell = sys.modules.get("IPython")
    kernel = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return kernel and find_spec("ipywidgets") is not None


def _make_bar(stream: TextIO, transient: bool = False) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=stream)
    return Progress(
        TextColumn("Epoch {task.completed}/{task.total}"),
        BarColumn(bar_width=min(max(console.width - _TEXT_WIDTH, 4), 20)),
        TextColumn("{task.fields[facts]}"),
        TimeElapsedColumn(),
        console=console,
        transient=transient,
    )


def _facts(loss: float, validation_loss: float | None, validation_score: float | None) -> str:
    named = {"loss": f"{loss:.3g}"}
    if validation_loss is not None:
        named["validation loss"] = f"{validation_loss:.3g}"
    if validation_score is not None:
        named["score"] = f"{validation_score:.4f}"
    return "  ".join(f"{name} {value}" for name, value in named.items())
