"""Model files: the safetensors layout, a digest over every byte, and never a pickle.

A file is an 8-byte little-endian header length, a JSON header padded with spaces to a multiple of
eight bytes, and the little-endian bytes of the arrays, without holes.  The header's `__metadata__`
holds the name and version of the format, the model's own metadata as JSON text, and the SHA-256 of
the whole file, taken while the digest itself reads as zeros.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np

from deltarule.replacing import replace_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from deltarule.preparation import Preparation

    Array = NDArray[Any]

__all__ = ["ModelFileError", "load", "load_with_preparation", "read_model", "save", "write_model"]

FORMAT = "deltarule model"
VERSION = "1"
# A thousand text columns of 255 categories each still fit; it bounds what a lie costs the parser.
MAX_HEADER_BYTES = 16 * 2**20
MAX_AXES = 32  # what every NumPy supports
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "BOOL": "|b1", "U8": "|u1"}
_KINDS = ("MLP", "Network", "Tabular")
ESTIMATORS = tuple(f"{kind}{task}" for kind in _KINDS for task in ("Classifier", "Regressor"))
_KNOWN = f"{', '.join(ESTIMATORS[:-1])} and {ESTIMATORS[-1]}"

_PREPARATION = "preparation"
_LENGTH_BYTES = 8
_ALIGNMENT = 8
_NO_DIGEST = "0" * 64


class ModelFileError(ValueError):
    """A model file that cannot be read, written or understood; the message is one sentence."""


class _FlawError(Exception):
    """What is wrong with a file's content, as the end of 'it is not a whole model, because ...'."""


def save(
    estimator: Any, path: str | os.PathLike[str], *, preparation: Preparation | None = None
) -> None:
    """Write a fitted estimator to a model file, whole or not at all.

    Parameters
    ----------
    estimator : one of the estimators of this package, fitted
    path : str or path-like
        The file; one that exists is replaced in a single step.
    preparation : deltarule.preparation.Preparation, optional
        How a table becomes the estimator's input; kept in the same file.

    Raises
    ------
    ModelFileError
        If the estimator is of another class (a subclass too) or the file cannot be written; what
        was at `path` before is then untouched.
    """
    from deltarule import estimators

    if not any(type(estimator) is getattr(estimators, name) for name in ESTIMATORS):
        raise ModelFileError(
            f"An object of class {type(estimator).__qualname__} cannot be saved, as only "
            f"deltarule's own {_KNOWN}, not their subclasses, can be rebuilt: fit one of these."
        )
    metadata, arrays = estimator.to_record()
    if preparation is not None:
        own, own_arrays = preparation.to_record()
        metadata = {**metadata, _PREPARATION: own}
        arrays = {**arrays, **{f"{_PREPARATION}/{name}": a for name, a in own_arrays.items()}}
    write_model(path, metadata, arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a fitted estimator from a model file; no code in the file is ever run.

    Parameters
    ----------
    path : str or path-like
        A file written by `save` or by `deltarule train`.

    Returns
    -------
    estimator
        Of the class it was saved from, with the same weights to the bit.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, of another kind, or of a newer version.
    """
    return load_with_preparation(path)[0]


def load_with_preparation(path: str | os.PathLike[str]) -> tuple[Any, Preparation | None]:
    """Read a fitted estimator and, where the file has one, the preparation of its tables.

    Parameters
    ----------
    path : str or path-like
        A file written by `save` or by `deltarule train`.

    Returns
    -------
    estimator
        The fitted estimator.
    preparation : deltarule.preparation.Preparation or None
        None for a model that was fitted on a plain matrix.

    Raises
    ------
    ModelFileError
        As `load`.
    """
    metadata, arrays = read_model(path)
    name = metadata.get("estimator")
    if name not in ESTIMATORS:
        raise ModelFileError(
            f"{path} holds a model of kind {name!r}, which this version of deltarule does not know "
            f"(it knows {_KNOWN}): load it with the version that wrote it."
        )
    from deltarule import estimators
    from deltarule.preparation import Preparation

    prefix = f"{_PREPARATION}/"
    own = {key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)}
    rest = {key: a for key, a in arrays.items() if not key.startswith(prefix)}
    record = metadata.pop(_PREPARATION, None)
    try:
        preparation = None if record is None else Preparation.from_record(record, own)
        return getattr(estimators, name).from_record(metadata, rest), preparation
    except MemoryError as error:
        raise ModelFileError(
            f"There is not enough memory to rebuild the {name} that {path} describes: close other "
            "programs, or load it on a larger machine."
        ) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} is undamaged, but no {name} can be rebuilt from it ({_on_one_line(error)}): "
            "load it with the version of deltarule that wrote it."
        ) from error


def write_model(
    path: str | os.PathLike[str], metadata: Mapping[str, Any], arrays: Mapping[str, Array]
) -> None:
    """Write metadata and named arrays as one file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The file; one that exists is replaced in a single step.
    metadata : mapping
        Whatever JSON can say; NumPy scalars become numbers, tuples become lists.
    arrays : mapping of str to ndarray
        Arrays of dtype float32, float64, int64, int32, bool or uint8, of any shape.

    Raises
    ------
    ModelFileError
        If an argument cannot be stored or the file cannot be written; what was at `path` before is
        then untouched and no temporary file stays behind.
    """
    blocks = {name: _little_endian(name, array) for name, array in arrays.items()}
    header = _encode_header(metadata, blocks)
    # Wide elements first, so that every array starts at a multiple of its element size.
    data = [_bytes_of(blocks[name]) for name in _storage_order(blocks)]
    digest = hashlib.sha256(header)
    for block in data:
        digest.update(block)
    header = header.replace(_digest_entry(_NO_DIGEST), _digest_entry(digest.hexdigest()))
    try:
        replace_file(path, [header, *data])
    except OSError as error:
        raise ModelFileError(
            f"The model file {path} could not be written ({error.strerror}), and what was there "
            "before is unchanged: choose a name in a folder that exists, is yours to write to and "
            "has space left."
        ) from error


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `write_model` wrote, after checking every byte of it.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    metadata : dict
        As it was written, with lists for tuples.
    arrays : dict of str to ndarray
        In the order in which they were written; each owns its memory.

    Raises
    ------
    ModelFileError
        If the file is missing or unreadable, if it is no deltarule model, or if as little as one
        bit of it differs from what was written.
    """
    try:
        if not Path(path).is_file():
            met = "is not a regular file" if Path(path).exists() else "does not exist"
            raise ModelFileError(f"The model file {path} {met}: check its name and folder.")
        with Path(path).open("rb") as file:
            return _parse(file)
    except OSError as error:
        raise ModelFileError(
            f"The model file {path} cannot be read ({error.strerror}): "
            "check that you have permission and that the disk is healthy."
        ) from error
    except _FlawError as flaw:
        raise ModelFileError(
            f"{path} is not a whole deltarule model, because {flaw}: "
            "check that it is the file you meant, and copy it again or train anew if it is."
        ) from None


def _little_endian(name: str, array: Array) -> Array:
    wanted = np.asarray(array).dtype.newbyteorder("<")
    if wanted.str not in DTYPES.values():
        raise ModelFileError(
            f"The array {name!r} has dtype {wanted.name}, which a model file cannot hold: convert "
            "it to float32, float64, int64, int32, bool or uint8 first."
        )
    return np.asarray(array, dtype=wanted, order="C")


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _storage_order(blocks: Mapping[str, Array]) -> list[str]:
    return sorted(blocks, key=lambda name: -blocks[name].itemsize)


def _digest_entry(digits: str) -> bytes:
    return f'"sha256":"{digits}"'.encode()


def _encode_header(metadata: Mapping[str, Any], blocks: Mapping[str, Array]) -> bytes:
    """Give the length and the header, with zeros for the digest."""
    if "__metadata__" in blocks:
        raise ModelFileError("An array cannot be named '__metadata__': choose another name.")
    names = {dtype: name for name, dtype in DTYPES.items()}
    offset, offsets = 0, {}
    for name in _storage_order(blocks):
        offsets[name] = [offset, offset := offset + blocks[name].nbytes]
    own = {"format": FORMAT, "version": VERSION, "model": _encode_metadata(metadata)}
    header: dict[str, Any] = {"__metadata__": {**own, "sha256": _NO_DIGEST}}
    for name, a in blocks.items():
        entry = {"dtype": names[a.dtype.str], "shape": a.shape, "data_offsets": offsets[name]}
        header[name] = entry
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    if len(text) > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"The metadata take {len(text):,} bytes, more than the {MAX_HEADER_BYTES:,} a model "
            "file allows: store long lists as arrays."
        )
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _encode_metadata(metadata: Mapping[str, Any]) -> str:
    def plain(value: object) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        raise ModelFileError(
            f"The metadata hold a {type(value).__name__}, which a model file cannot: "
            "use numbers, text, lists and dictionaries, and pass arrays as arrays."
        )

    return json.dumps(dict(metadata), separators=(",", ":"), default=plain)


def _parse(file: BinaryIO) -> tuple[dict[str, Any], dict[str, Array]]:
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(_LENGTH_BYTES)
    length = int.from_bytes(prefix, "little")
    if size <= _LENGTH_BYTES:
        raise _FlawError(f"it has only {size} bytes")
    if length > size - _LENGTH_BYTES:
        raise _FlawError(f"its {size:,} bytes are fewer than its beginning announces")
    if length > MAX_HEADER_BYTES:
        raise _FlawError(f"its header of {length:,} bytes is longer than any that deltarule writes")
    text = file.read(length)
    header = _decode_json(text, "header")
    own = _check_metadata(header.pop("__metadata__", None))
    layout = _check_layout(header, size - _LENGTH_BYTES - length)
    data = file.read()
    _check_digest(own["sha256"], prefix + text, data)
    arrays = {name: _array(data, *place) for name, place in layout.items()}
    return _decode_json(own["model"], "metadata"), arrays


def _decode_json(text: bytes | str, what: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) < len(pairs):
            raise _FlawError(f"its {what} uses a name twice")
        return out

    try:
        readable = text if isinstance(text, str) else text.decode("utf-8")
        value = json.loads(readable, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise _FlawError(f"its {what} cannot be read as JSON") from None
    if not isinstance(value, dict):
        raise _FlawError(f"its {what} is not a JSON object")
    return value


def _check_metadata(own: object) -> dict[str, str]:
    if not isinstance(own, dict) or own.get("format") != FORMAT:
        raise _FlawError("its header does not say that deltarule wrote it")
    if own.get("version") != VERSION:
        raise _FlawError(
            f"it names version {str(own.get('version'))[:20]!r} of the format while this version "
            f"of deltarule reads {VERSION!r}"
        )
    if not all(isinstance(own.get(key), str) for key in ("model", "sha256")):
        raise _FlawError("its header lacks an entry that every model has")
    return own


def _check_layout(header: dict[str, Any], size: int) -> dict[str, tuple[str, list[int], int, int]]:
    """Give (dtype, shape, begin, end) per array; they fill the data's `size` bytes exactly."""
    layout = {name: _check_entry(name, entry) for name, entry in header.items()}
    position = 0
    for name, (_, _, begin, end) in sorted(layout.items(), key=lambda item: item[1][2:]):
        if begin != position:
            raise _FlawError(f"its array {name[:60]!r} does not start where the one before it ends")
        position = end
    if position != size:
        raise _FlawError(f"its arrays take {position:,} bytes while {size:,} follow the header")
    return layout


def _check_entry(name: str, entry: object) -> tuple[str, list[int], int, int]:
    def flaw() -> NoReturn:
        raise _FlawError(f"the description of its array {name[:60]!r} makes no sense")

    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        flaw()
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not (isinstance(entry["dtype"], str) and _are_counts(shape) and _are_counts(offsets)):
        flaw()
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None or len(shape) > MAX_AXES or len(offsets) != 2:
        flaw()
    itemsize = np.dtype(dtype).itemsize
    # NumPy refuses axes whose product overflows, even where another axis has length zero.
    if math.prod(max(n, 1) for n in shape) * itemsize >= 2**63:
        flaw()
    if offsets[1] - offsets[0] != math.prod(shape) * itemsize:
        flaw()
    return dtype, shape, offsets[0], offsets[1]


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _check_digest(digits: str, header: bytes, data: bytes) -> None:
    if not re.fullmatch("[0-9a-f]{64}", digits) or header.count(_digest_entry(digits)) != 1:
        raise _FlawError("its digest is not where it belongs")
    digest = hashlib.sha256(header.replace(_digest_entry(digits), _digest_entry(_NO_DIGEST)))
    digest.update(data)
    if digest.hexdigest() != digits:
        raise _FlawError("its content differs from what was written")


def _array(data: bytes, dtype: str, shape: list[int], begin: int, end: int) -> Array:
    flat = np.frombuffer(data, dtype=np.uint8)[begin:end]
    if dtype == DTYPES["BOOL"] and flat.size and flat.max() > 1:
        raise _FlawError("one of its truth values is neither 0 nor 1")
    return flat.copy().view(dtype).reshape(shape)


def _on_one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
