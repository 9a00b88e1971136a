"""What a call of a composed loss is given: checked, and without the rows that count as absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from deltarule._reduction import (
    Reduction,
    class_weights_of,
    mask_of,
    reduced,
    times,
    weights_of,
    without,
)
from deltarule.composites._labels import Labels, labelled
from deltarule.composites._record import Array, Composite, Pullback


class Weights(NamedTuple):
    """Weights of the values, and what these weigh in a weighted mean; None where all weigh 1.

    The two differ where classes weigh inside the loss.
    """

    values: Any = None
    masses: Any = None

    def of(self, kept: Array) -> Weights:
        """Those of the rows that are kept."""
        return Weights(*(None if w is None else w[kept] for w in self))


class Case(NamedTuple):
    """A call.

    `arrays` are the operands without the rows that count as absent, `shapes` those before, `kept`
    which rows were left in, `axis` where the rows lie (None: last), `inside` what compute takes of
    the call.
    """

    record: Composite
    arrays: dict[str, Array]
    shapes: dict[str, tuple[int, ...]]
    kept: Array | None
    weights: Weights
    axis: int | None
    inside: dict[str, Any]

    def computed(self, settings: Mapping[str, Any]) -> tuple[Array, Pullback]:
        """The values and their pullback."""
        own = {k: v for k, v in settings.items() if k != "axis" or self.axis is None}
        return self.record.compute(*self.arrays.values(), **own, **self.inside)

    def reduced(self, values: Array, reduction: Reduction) -> tuple[Any, Array]:
        """The reduced loss, and its derivative with respect to each of the values."""
        name, (weights, masses) = self.record.name, self.weights
        if weights is not None:
            if self.record.per == "batch" and values.ndim == 0:
                raise TypeError(
                    f"{name} has one value for the whole batch, so its rows have no weights. Leave "
                    "sample_weight out; where= leaves rows out."
                )
            weights = weights_of(weights, values.shape, values.dtype)
        value, factor = reduced(name, values, weights, reduction, masses)
        cotangent = np.full_like(values, factor)
        if weights is not None:
            cotangent = times(weights, cotangent)
        if reduction == "none" and self.kept is not None and values.ndim:
            value = _scattered(value, self.kept)
        return value, cotangent

    def restored(self, name: str, gradient: Array) -> Array:
        """A gradient with zeros for the rows that were left out."""
        rows = self.record.rows
        if self.kept is not None and (rows is None or name in rows):
            gradient = _scattered(gradient, self.kept)
        gradient = gradient.reshape(self.shapes[name])
        return gradient if self.axis is None else np.moveaxis(gradient, -1, self.axis)


def _of_rows(
    record: Composite,
    arrays: dict[str, Array],
    sample_weight: ArrayLike | None,
    where: ArrayLike | None,
) -> tuple[dict[str, Array], Weights, Array | None]:
    """The rows that `where` leaves, their weights, and which they are (None: all)."""
    first = arrays[record.operands[0]]
    rows = first.shape if record.per == "element" else first.shape[:-1]
    kept = None if where is None else mask_of(where, rows)
    if kept is not None:
        sample_weight = without(kept, sample_weight, 0)
    weights = Weights(sample_weight)
    if sample_weight is not None:
        weights = Weights(weights_of(sample_weight, rows, first.dtype))
    if kept is not None:
        arrays, weights = _left(record, arrays, kept), weights.of(kept)
    return arrays, weights, kept


def case_of(
    record: Composite,
    settings: Mapping[str, Any],
    operands: Sequence[ArrayLike],
    sample_weight: ArrayLike | None,
    class_weight: Mapping[int, float] | ArrayLike | None,
    ignore_index: int | None,
    where: ArrayLike | None,
) -> Case:
    """The checked arguments of a call.

    Parameters
    ----------
    record : Composite
    settings : mapping
        Parameters and options in use.
    operands : sequence of array_like
    sample_weight, class_weight, ignore_index, where
        As the call has them.

    Returns
    -------
    Case

    Raises
    ------
    ValueError, TypeError
        As the call says.
    """
    _check_use(record, class_weight, ignore_index, where)
    axis = settings.get("axis") if record.per == "row" else None
    arrays = _arrays(record, axis, operands)
    shapes = {name: a.shape for name, a in arrays.items()}
    first = arrays[record.operands[0]]
    inside: dict[str, Any] = {"where": where}
    weights, kept = Weights(sample_weight), None
    if not ("where" in record.takes or record.without_where):
        arrays, weights, kept = _of_rows(record, arrays, sample_weight, where)
    if record.labels is not None:
        classes = first.shape[-1] if record.classes is None else len(arrays[record.classes])
        labels = labelled(record, arrays[record.operands[0]], arrays["t"], ignore_index, classes)
        arrays["t"] = labels.targets
        if class_weight is not None:
            each = class_weights_of(class_weight, classes, first.dtype)
            smoothing = settings.get("label_smoothing") or 0.0
            inside["class_weight"], weights = _by_class(record, each, labels, smoothing, weights)
        if labels.kept is not None:
            arrays, weights = _left(record, arrays, labels.kept), weights.of(labels.kept)
            kept = labels.kept if kept is None else _both(kept, labels.kept)
    if record.per == "batch" and arrays[record.operands[0]].size == 0:
        raise ValueError(f"{record.name} of an empty batch is undefined: no rows are left.")
    if "sample_weight" in record.takes and _sums_the_first_axis(settings, first.ndim):
        inside["sample_weight"], weights = weights.values, Weights()
    taken = {k: inside.get(k) for k in record.takes}
    return Case(record, arrays, shapes, kept, weights, axis, taken)


def _left(record: Composite, arrays: dict[str, Array], kept: Array) -> dict[str, Array]:
    """The operands with the rows that are kept."""
    left = dict(arrays)
    for name, a in arrays.items():
        if record.rows is None or name in record.rows:
            if a.shape[: kept.ndim] != kept.shape:
                raise ValueError(
                    f"{record.name} has {kept.shape} values, but {name} has the shape {a.shape}. "
                    "Nothing is broadcast."
                )
            left[name] = a[kept]
    return left


def _by_class(
    record: Composite, classes: Array, labels: Labels, smoothing: float, weights: Weights
) -> tuple[Array | None, Weights]:
    """Weights of the classes where they act inside the loss, and those of the rows."""
    each = labels.weights(classes)
    sharp = labels.hard and not smoothing
    if "class_weight" not in record.takes or sharp:
        values = each if weights.values is None else weights.values * each
        return None, Weights(values)
    if record.labels == "multi-hot":
        return classes, weights
    mass = (1 - smoothing) * each + smoothing * classes.mean()
    return classes, Weights(
        weights.values, mass if weights.values is None else weights.values * mass
    )


def _check_use(
    record: Composite, class_weight: object, ignore_index: int | None, where: ArrayLike | None
) -> None:
    if where is not None and record.without_where:
        raise TypeError(f"{record.name} has no where=. {record.without_where}")
    by_class = record.labels in ("codes", "codes or rows") or "class_weight" in record.takes
    if class_weight is not None and not by_class:
        raise TypeError(
            f"{record.name} has no single class per row, so class_weight means nothing to it. Use "
            "sample_weight."
        )
    if ignore_index is not None and record.labels in (None, "multi-hot"):
        raise TypeError(
            f"{record.name} has no class codes, so ignore_index means nothing to it. "
            + (record.without_where or "Use where= to leave values out.")
        )


def _arrays(record: Composite, axis: int | None, operands: Sequence[ArrayLike]) -> dict[str, Array]:
    """The operands by name, in one floating dtype, rows along the last axis."""
    if len(operands) != len(record.operands):
        raise TypeError(
            f"{record.name} takes {len(record.operands)} arrays ({', '.join(record.operands)}); "
            f"met {len(operands)}."
        )
    arrays = dict(zip(record.operands, map(np.asarray, operands), strict=True))
    dtype = _floating(record, arrays)
    for name, a in arrays.items():
        if name in record.integers:
            arrays[name] = _integers(record.name, name, a)
        elif not (name == "t" and record.labels is not None):
            arrays[name] = a.astype(dtype, copy=False)
        if axis is not None:
            arrays[name] = np.moveaxis(arrays[name], axis, -1)
    first = arrays[record.operands[0]]
    if record.per == "row" and (first.ndim == 0 or first.shape[-1] == 0):
        raise ValueError(
            f"{record.name} needs at least one entry along the last axis of "
            f"{record.operands[0]}; met the shape {first.shape}."
        )
    return arrays


def _floating(record: Composite, arrays: Mapping[str, Array]) -> np.dtype[Any]:
    """The widest floating dtype of the differentiable operands; float64 if all are integers."""
    itemsizes = []
    for name, a in arrays.items():
        if a.dtype.kind not in "biuf" or (a.dtype.kind == "f" and a.dtype.itemsize > 8):
            raise TypeError(
                f"{record.name} computes in float32 and float64; {name} is {a.dtype}, which has no "
                "safe conversion to either."
            )
        if name in record.differentiable and a.dtype.kind == "f":
            itemsizes.append(a.dtype.itemsize)
    return np.dtype(np.float32 if max(itemsizes, default=8) <= 4 else np.float64)


def _integers(loss: str, name: str, a: Array) -> Array:
    if a.dtype.kind not in "biu":
        raise TypeError(f"{loss} needs integers as {name}; met {a.dtype}.")
    return a if a.dtype.kind == "b" else a.astype(np.int64, copy=False)


def _sums_the_first_axis(options: Mapping[str, Any], ndim: int) -> bool:
    """Whether rows meet inside the loss, so that their weights belong there."""
    axis = options.get("axis")
    return axis is None or 0 in np.atleast_1d(axis) % max(ndim, 1)


def _both(kept: Array, of_those: Array) -> Array:
    """A mask of which a second one, of what the first keeps, keeps a part."""
    both = kept.copy()
    both[kept] = of_those
    return both


def _scattered(values: Array, kept: Array) -> Array:
    full = np.zeros(kept.shape + values.shape[1:], values.dtype)
    full[kept] = values
    return full
