"""What the verbs share: errors in one line, JSON, and where the data come from."""

from __future__ import annotations

import argparse
import difflib
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from deltarule.replacing import replace_file

_PICTURES = (".png", ".svg", ".pdf")
BUILT_IN_HELP = "digits, breast_cancer, wine, iris, diabetes, or mnist with --data-home"


class UsageError(ValueError):
    """Something the user can set right; the message is one sentence."""


def in_one_line(error: BaseException) -> str:
    """Give the message of an error without line breaks."""
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: use fewer rows or a smaller network."
    return " ".join(str(error).split()) or type(error).__name__


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; what JSON cannot say becomes null (NaN) or text (infinity)."""
    print(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def picture(path: str) -> Path:
    """The file of a picture, refused before any work where none could be drawn."""
    if find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError(
            "pictures are drawn with matplotlib, which is missing: pip install 'deltarule[plot]'"
        )
    if Path(path).suffix.lower() not in _PICTURES:
        raise argparse.ArgumentTypeError(f"{path} must end with .png, .svg or .pdf")
    if not Path(path).resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder of {path} does not exist: make it first")
    return Path(path)


def require_writable(option: str, path: str, read: Sequence[str | None]) -> None:
    """Refuse, before any work is done, what could not be written or should not be replaced."""
    folder = Path(path).resolve().parent
    for name in read:
        if name is not None and os.path.realpath(path) == os.path.realpath(name):
            raise UsageError(f"{option} {path} would replace what is read: choose another name.")
    if Path(path).is_dir():
        raise UsageError(f"{option} {path} is a folder: name a file in it.")
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} for {option} does not exist: make it first.")
    if not os.access(folder, os.W_OK):
        raise UsageError(
            f"The folder {folder} for {option} is not yours to write to: name another."
        )


def save_picture(figure: Any, path: Path) -> None:
    """Write a figure of matplotlib whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.lower()[1:], dpi=150)
    try:
        replace_file(path, [content.getvalue()])
    except OSError as error:
        raise UsageError(
            f"The picture could not be written to {path} ({error.strerror}): choose a name in a "
            "folder that is yours to write to and has space left."
        ) from error


def add_data_home(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where MNIST is."""
    parser.add_argument("--data-home", metavar="DIR", help="the folder with the files of mnist")


def names_a_file(data: str) -> bool:
    """Tell a file from a built-in data set; raise a `UsageError` for what is neither."""
    from deltarule import datasets

    if data in datasets.BUILT_IN:
        return False
    if Path(data).exists() or Path(data).suffix or Path(data).name != data:
        return True
    close = difflib.get_close_matches(data, datasets.BUILT_IN, n=1)
    hint = f"did you mean {close[0]}?" if close else f"built in are {', '.join(datasets.BUILT_IN)}."
    raise UsageError(f"There is no file and no built-in data set named {data!r}: {hint}")


def load_mnist(data_home: str | None) -> tuple[Any, Any, Any, Any]:
    """Read MNIST from the folder that the user named."""
    from deltarule import datasets

    if data_home is None:
        raise UsageError("mnist is read from its four original files: name their --data-home.")
    return datasets.load_mnist(data_home)


def pixel_names(count: int) -> list[str]:
    """Name the columns of a table of images."""
    return [f"pixel_{i}" for i in range(count)]
