"""Losses made of primitives of the catalogue: one module per group, one record per loss."""

from deltarule.composites import (
    boxes,
    divergence,
    margins,
    metric,
    multiclass,
    multilabel,
    regions,
    regression,
    sampled,
    sequence,
)
from deltarule.composites._record import Composite

__all__ = ["ROWS", "Composite"]

ROWS: tuple[Composite, ...] = (
    *multilabel.ROWS,
    *multiclass.ROWS,
    *margins.ROWS,
    *sampled.ROWS,
    *divergence.ROWS,
    *regression.ROWS,
    *regions.ROWS,
    *boxes.ROWS,
    *metric.ROWS,
    *sequence.ROWS,
)
