"""Data sets: the original files are read as they are, and nothing else is."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from deltarule import datasets
from deltarule.datasets import DatasetError, load_idx, load_mnist

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([7, 255], dtype=np.uint8)


def idx(values: np.ndarray, magic: int | None = None) -> bytes:
    sizes = [0x800 + values.ndim if magic is None else magic, *values.shape]
    return b"".join(n.to_bytes(4, "big") for n in sizes) + values.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def assert_refused(images: Path, labels: Path, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason) as caught:
        load_idx(images, labels)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files(tmp_path: Path, suffix: str) -> None:
    images = write(tmp_path / f"images{suffix}", idx(IMAGES))
    labels = write(tmp_path / f"labels{suffix}", idx(LABELS))
    X, y = load_idx(images, labels)
    assert X.dtype == np.uint8
    assert X.tolist() == IMAGES.reshape(2, 12).tolist()
    assert y.dtype == np.int64
    assert y.tolist() == [7, 255]
    assert X.flags.c_contiguous
    assert X.flags.writeable


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not start like an IDX file of images"),
        (idx(IMAGES)[:15], "does not start like"),
        (idx(IMAGES, 0x801), "does not start like"),
        (idx(IMAGES, 0xD03), "does not start like"),
        (b"<!DOCTYPE html><html></html>", "does not start like"),
        (idx(IMAGES[:0]), "holds nothing"),
        (idx(IMAGES)[:-1], "2 x 3 x 4 values but has fewer"),
        (idx(IMAGES) + b"\0", "2 x 3 x 4 values but has more"),
        (idx(IMAGES[:1]), "1 images but .* 2 labels"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "4294967295 x 4294967295 x 4294967295 .* fewer"),
        (b"\0\0\x08\x03\0\0\0\x10\0\0\0\x10\0\0\0\x10", "16 x 16 x 16 values but has fewer"),
    ],
)
def test_images_that_are_not_what_they_say(
    tmp_path: Path, suffix: str, content: bytes, reason: str
) -> None:
    images = write(tmp_path / f"images{suffix}", content)
    assert_refused(images, write(tmp_path / "labels", idx(LABELS)), reason)


def test_labels_that_are_not_what_they_say(tmp_path: Path) -> None:
    images = write(tmp_path / "images", idx(IMAGES))
    assert_refused(images, write(tmp_path / "labels", idx(IMAGES)), "IDX file of labels")
    assert_refused(images, write(tmp_path / "labels", idx(LABELS)[:-1]), "2 values but has fewer")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    images = write(tmp_path / "images.gz", idx(IMAGES))
    assert_refused(images, tmp_path / "absent", "No such file")
    assert_refused(images, tmp_path, "Is a directory")
    whole = images.read_bytes()
    for damaged in (whole[:-5], whole[:12], whole[:20] + b"\xff" * 9, b"plain", whole + b"more"):
        images.write_bytes(damaged)
        assert_refused(images, tmp_path / "absent", "cannot be read|fewer")


NAMES = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]


@pytest.mark.parametrize("spelling", ["{}-ubyte", "{}-ubyte.gz", "dotted", "dotted.gz"])
@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
def test_mnist_is_found(tmp_path: Path, spelling: str, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        file = spelling.format(name)
        if spelling.startswith("dotted"):
            file = name.replace("-idx", ".idx") + "-ubyte" + spelling.removeprefix("dotted")
        write(tmp_path / folder / file, idx(IMAGES if "images" in name else LABELS))
    X_train, y_train, X_test, y_test = load_mnist(tmp_path)
    assert X_train.shape == X_test.shape == (2, 12)
    assert y_train.tolist() == y_test.tolist() == [7, 255]


def test_mnist_that_is_incomplete(tmp_path: Path) -> None:
    write(tmp_path / f"{NAMES[0]}-ubyte", idx(IMAGES))
    with pytest.raises(DatasetError, match=r"training labels of MNIST are not in .*: put train-l"):
        load_mnist(tmp_path)
    for name in NAMES:
        values = IMAGES[:, :2] if name.startswith("t10k-images") else IMAGES
        write(tmp_path / f"{name}-ubyte", idx(values if "images" in name else LABELS))
    with pytest.raises(DatasetError, match="12 pixels and the test images 8"):
        load_mnist(tmp_path)


def test_mnist_itself(shared_data: Path) -> None:
    X_train, y_train, X_test, y_test = load_mnist(shared_data)
    assert X_train.shape == (60_000, 784)
    assert X_test.shape == (10_000, 784)
    digest = hashlib.md5(idx(X_train.reshape(-1, 28, 28)), usedforsecurity=False).hexdigest()
    assert digest == "6bbc9ace898e44ae57da46a324031adb"
    assert np.bincount(y_train).tolist()[:3] == [5923, 6742, 5958]
    assert np.bincount(y_test).sum() == 10_000


@pytest.mark.parametrize(
    ("name", "shape", "first", "target"),
    [
        ("digits", (1797, 64), "pixel_0_0", 0),
        ("iris", (150, 4), "sepal length (cm)", "setosa"),
        ("wine", (178, 13), "alcohol", "class_0"),
        ("breast_cancer", (569, 30), "mean radius", "malignant"),
        ("diabetes", (442, 10), "age", 151.0),
    ],
)
def test_built_in(name: str, shape: tuple[int, int], first: str, target: object) -> None:
    table = datasets.load_built_in(name)
    *features, last = table.columns
    assert (table.rows, len(features)) == shape
    assert features[0] == first
    assert last == datasets.TARGET
    assert table.columns[last][0] == target


def test_unknown_built_in() -> None:
    with pytest.raises(DatasetError, match="no small data set named 'boston'"):
        datasets.load_built_in("boston")
