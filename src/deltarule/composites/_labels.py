"""Class labels: codes, one-hot rows, distributions, several classes per row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deltarule._labels import class_codes
from deltarule.composites._primitives import one_hot
from deltarule.composites._record import Array, Composite

# Rows that are distributions may miss the sum 1 by this much.
_SUM_SLACK = 1e-3


class Labels(NamedTuple):
    """Checked labels.

    Targets as compute takes them, the rows that are not ignored (None: all), and whether every row
    has a single class.
    """

    targets: Array
    kept: Array | None = None
    hard: bool = True

    def weights(self, classes: Array) -> Array:
        """The weight of each row, from one per class: w of its class, or the sum of t_k w_k."""
        if self.targets.dtype.kind == "i":
            return np.asarray(classes[self.targets])
        return np.asarray(self.targets @ classes)


def labelled(
    record: Composite, z: Array, t: Array, ignore_index: int | None, classes: int
) -> Labels:
    """The labels of the predictions z, as ``record.labels`` says.

    Parameters
    ----------
    record : Composite
    z : ndarray, shape (..., d)
    t : ndarray, shape (...) or (..., classes)
    ignore_index : int, optional
    classes : int

    Returns
    -------
    Labels
        Ignored rows hold the code 0.

    Raises
    ------
    ValueError, TypeError
        If the labels do not fit the predictions.
    """
    by_code = t.shape == z.shape[:-1] and t.dtype.kind in "iu"
    if ignore_index is not None and not by_code:
        raise TypeError(
            f"ignore_index of {record.name} needs integer class codes of the shape "
            f"{z.shape[:-1]}; met {t.dtype} of the shape {t.shape}. Use where= to leave rows out."
        )
    if by_code and record.labels != "multi-hot":
        return _codes(record, z, t, ignore_index, classes)
    shape = (*z.shape[:-1], classes)
    if record.labels == "groups" or t.shape != shape or t.dtype.kind not in "biuf":
        raise ValueError(_misfit(record, shape, t))
    rows = t.astype(z.dtype)
    if not ((rows >= 0) & (rows <= 1)).all():
        worst = float(t[~((t >= 0) & (t <= 1))].flat[0])
        raise ValueError(f"{record.name} needs rows of t with numbers in [0, 1]; met {worst!r}.")
    if record.labels == "multi-hot":
        return Labels(rows, hard=False)
    if record.labels == "codes":
        return Labels(_codes_of_one_hot(record, rows))
    sums = rows.sum(axis=-1, dtype=np.float64)
    if not (np.abs(sums - 1) <= _SUM_SLACK).all():
        off = sums.flat[np.abs(sums - 1).argmax()]
        raise ValueError(
            f"{record.name} needs rows of t that are distributions; met a row with the sum "
            f"{off:.6g}. Divide each row by its sum."
        )
    return Labels(rows, hard=bool(((rows == 0) | (rows == 1)).all()))


def _codes(record: Composite, z: Array, t: Array, ignore_index: int | None, classes: int) -> Labels:
    kept = None if ignore_index is None else np.asarray(t != ignore_index)
    codes = np.asarray(t if kept is None else np.where(kept, t, t.dtype.type(0)))
    if record.labels != "groups":
        codes = class_codes(record.name, codes, classes)
    codes = codes.astype(np.int64)
    if record.labels != "codes or rows" or record.classes is not None:
        return Labels(codes, kept)
    return Labels(one_hot(codes, z.shape[-1], z.dtype), kept)


def _codes_of_one_hot(record: Composite, rows: Array) -> Array:
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=-1) == 1).all()):
        raise ValueError(
            f"{record.name} needs one class per row: integer codes, or rows of t with a single 1. "
            "Met rows that are not one-hot."
        )
    return np.asarray(rows.argmax(axis=-1), dtype=np.int64)


def _misfit(record: Composite, shape: tuple[int, ...], t: Array) -> str:
    codes, rows = f"integer codes of the shape {shape[:-1]}", f"of the shape {shape}"
    wanted = {
        "codes": f"{codes} or one-hot rows {rows}",
        "codes or rows": f"{codes} or distributions {rows}",
        "multi-hot": f"numbers in [0, 1] {rows}",
        "groups": codes,
    }[str(record.labels)]
    return (
        f"{record.name} needs as t {wanted}; met {t.dtype} of the shape {t.shape}. Nothing is "
        "broadcast."
    )
