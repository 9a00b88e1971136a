"""Data sets: MNIST from its original files, and the small ones that scikit-learn brings."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from deltarule.tables import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Images = NDArray[np.uint8]
    Labels = NDArray[np.int64]

__all__ = ["BUILT_IN", "TARGET", "DatasetError", "load_built_in", "load_idx", "load_mnist"]

# Each name's loader in sklearn.datasets; MNIST comes from files.
_LOADERS = {
    "digits": "load_digits",
    "breast_cancer": "load_breast_cancer",
    "wine": "load_wine",
    "iris": "load_iris",
    "diabetes": "load_diabetes",
}
BUILT_IN = (*_LOADERS, "mnist")
TARGET = "target"

_IMAGES_MAGIC, _LABELS_MAGIC = 0x803, 0x801  # unsigned bytes in three axes, and in one
_MNIST = {
    "training images": "train-images-idx3-ubyte",
    "training labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}
_MNIST_FOLDERS = ("", "mnist", "MNIST/raw")
# Deflate spends at least two bits on a run of 258 bytes.
_LARGEST_GZIP_RATIO = 1032
_READ_ERRORS = (OSError, EOFError, zlib.error)


class DatasetError(ValueError):
    """A data set that is absent or damaged; the message is one sentence."""


def load_built_in(name: str) -> Table:
    """Give one of the small data sets that scikit-learn brings along.

    Parameters
    ----------
    name : {"digits", "breast_cancer", "wine", "iris", "diabetes"}
        Which one.

    Returns
    -------
    deltarule.tables.Table
        Features under the loader's own names; the column ``target`` holds the name of the class, a
        digit, or the quantity to be predicted.

    Raises
    ------
    DatasetError
        If there is no such data set.
    """
    if name not in _LOADERS:
        raise DatasetError(
            f"There is no small data set named {name!r}: choose one of {', '.join(_LOADERS)}."
        )
    from sklearn import datasets

    bunch = getattr(datasets, _LOADERS[name])()
    columns = dict(zip(map(str, bunch.feature_names), bunch.data.T, strict=True))
    named = getattr(bunch, "target_names", None)
    columns[TARGET] = bunch.target if named is None else np.asarray(named)[bunch.target]
    return Table.from_arrays(columns, f"the data set {name}")


def load_mnist(data_home: str | os.PathLike[str]) -> tuple[Images, Labels, Images, Labels]:
    """Read MNIST from its four original files.

    Parameters
    ----------
    data_home : str or path-like
        The folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, with or without ``.gz``, also
        in the spelling ``train-images.idx3-ubyte``; its subfolders ``mnist`` and ``MNIST/raw`` are
        searched too.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarray
        uint8 of shape (n, 784) and int64 of shape (n,).

    Raises
    ------
    DatasetError
        If a file is absent or is not what it should be.
    """
    paths = {what: _find(Path(data_home), what, name) for what, name in _MNIST.items()}
    train = load_idx(paths["training images"], paths["training labels"])
    test = load_idx(paths["test images"], paths["test labels"])
    if train[0].shape[1] != test[0].shape[1]:
        raise DatasetError(
            f"The training images in {data_home} have {train[0].shape[1]} pixels and the test "
            f"images {test[0].shape[1]}, so that they do not belong together: fetch them anew."
        )
    return *train, *test


def load_idx(
    images: str | os.PathLike[str], labels: str | os.PathLike[str]
) -> tuple[Images, Labels]:
    """Read images and their labels from files in the IDX format, with gzip or without.

    Parameters
    ----------
    images : str or path-like
        A file of bytes in three axes (image, row, column).
    labels : str or path-like
        A file of bytes in one axis.

    Returns
    -------
    X : ndarray of uint8, shape (n, rows * columns)
        One image per row.
    y : ndarray of int64, shape (n,)
        Their labels.

    Raises
    ------
    DatasetError
        If a file is absent, of another format, shorter or longer than it says, or if there are not
        as many labels as images.
    """
    pixels = _read_idx(images, _IMAGES_MAGIC, 3)
    codes = _read_idx(labels, _LABELS_MAGIC, 1)
    if len(pixels) != len(codes):
        raise DatasetError(
            f"{images} holds {len(pixels):,} images but {labels} holds {len(codes):,} labels, so "
            "that they do not belong together: pass the two files of one set."
        )
    return pixels.reshape(len(pixels), -1), codes.astype(np.int64)


def _find(data_home: Path, what: str, name: str) -> Path:
    spellings = (name, name.replace("-idx", ".idx"))
    for folder in _MNIST_FOLDERS:
        for file in (data_home / folder / (s + gz) for s in spellings for gz in ("", ".gz")):
            if file.is_file():
                return file
    raise DatasetError(
        f"The {what} of MNIST are not in {data_home}: put {name} or {name}.gz there, or name the "
        "folder that has it."
    )


def _read_idx(path: str | os.PathLike[str], magic: int, axes: int) -> Images:
    """Read unsigned bytes of the shape that the file states."""
    try:
        zipped = str(path).endswith(".gz")
        size = Path(path).stat().st_size * (_LARGEST_GZIP_RATIO if zipped else 1)
        with gzip.open(path) if zipped else Path(path).open("rb") as file:
            shape = _read_shape(file, path, magic, axes)
            count = math.prod(shape)
            if count > size:
                raise _mismatch(path, shape, "fewer")
            return _read_bytes(file, path, shape)
    except _READ_ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise DatasetError(
            f"{path} cannot be read ({reason}): check its name, or fetch it anew."
        ) from error


def _read_shape(
    file: BinaryIO | gzip.GzipFile, path: str | os.PathLike[str], magic: int, axes: int
) -> list[int]:
    header = file.read(4 * (1 + axes))
    met, *shape = (int.from_bytes(header[4 * i :][:4], "big") for i in range(1 + axes))
    if len(header) < 4 * (1 + axes) or met != magic:
        kind = {_IMAGES_MAGIC: "images", _LABELS_MAGIC: "labels"}[magic]
        raise DatasetError(
            f"{path} does not start like an IDX file of {kind} ({magic:#010x}), so it is another "
            "kind of file or damaged: check its name, or fetch it anew."
        )
    if 0 in shape:
        raise DatasetError(f"{path} says that it holds nothing: fetch it anew.")
    return shape


def _read_bytes(
    file: BinaryIO | gzip.GzipFile, path: str | os.PathLike[str], shape: list[int]
) -> Images:
    values = np.empty(math.prod(shape), dtype=np.uint8)
    view, filled = values.data, 0
    while filled < len(values):
        met = file.readinto(view[filled:])  # type: ignore[union-attr]
        if not met:
            raise _mismatch(path, shape, "fewer")
        filled += met
    if file.read(1):
        raise _mismatch(path, shape, "more")
    return values.reshape(shape)


def _mismatch(path: str | os.PathLike[str], shape: list[int], which: str) -> DatasetError:
    return DatasetError(
        f"{path} says that it holds {' x '.join(map(str, shape))} values but has {which}, so it is "
        "damaged: fetch it anew."
    )
