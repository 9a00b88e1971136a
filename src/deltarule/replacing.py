"""Files that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

__all__ = ["replace_file"]

_PREFIX, _SUFFIX = ".deltarule-", ".tmp"


def replace_file(path: str | os.PathLike[str], parts: Iterable[bytes | memoryview]) -> None:
    """Write a file whole or not at all, also when the process or the machine dies half-way.

    The parts go to a temporary file in the same folder, which is flushed to the disk and then takes
    the place of `path` in one step.  A temporary file of a process that was killed is removed by
    the next call that writes into the folder.

    Parameters
    ----------
    path : str or path-like
        The file; a link is followed, and the mode of a file that exists is kept.
    parts : iterable of bytes or memoryview
        The content.

    Raises
    ------
    OSError
        If it cannot be written; what was at `path` before is then untouched.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    _sweep(target.parent)
    temporary, descriptor = _create_temporary(target.parent)
    with os.fdopen(descriptor, "wb") as file:  # open, hence locked, until the rename is done
        try:
            if target.exists():
                os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(descriptor)
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    with contextlib.suppress(OSError):  # the file is whole; some file systems cannot sync a folder
        _sync_folder(target.parent)


def _create_temporary(folder: Path) -> tuple[Path, int]:
    while True:
        temporary = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # where locks do not work, nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)  # swept by another process before the lock was taken


def _sweep(folder: Path) -> None:
    """Remove the temporary files of writers that died: those that nobody holds locked."""
    for left_over in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(left_over, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left_over.unlink()
            finally:
                os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
