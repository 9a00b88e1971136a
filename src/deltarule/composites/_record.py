"""The record of a loss that is written in NumPy over compiled primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Pullback = Callable[[Array], tuple[Array, ...]]
Compute = Callable[..., tuple[Array, Pullback]]


@dataclass(frozen=True)
class Composite:
    """What is known of one loss; everything else is derived from it.

    Attributes
    ----------
    name, group, formula, latex, gradient, source : str
        Catalogue name and group, formula of the value for readers and as LaTeX, formula of the
        gradient, paper or textbook.
    operands : tuple of str
        The positional arrays in call order, predictions first.
    differentiable : tuple of str
        Those that ``compute``'s pullback returns gradients for, in that order.
    compute : callable
        ``compute(*arrays, **parameters) -> (values, pullback)``.  The arrays have the floating
        dtype of the predictions; those in `integers` are int64, and labels are as `labels` says.
        ``pullback(cotangent of the shape of values)`` gives one gradient per differentiable
        operand, of its shape and dtype.
    per : {"row", "element", "batch"}
        What one value belongs to: ``values`` has the shape of the first operand without its last
        axis, or the shape of the first operand; where it needs more than a row, the shape that the
        loss says: () for the whole batch, (n,) for each entry of the first axis.
    parameters : tuple of (name, default, domain)
        Numbers, checked when they are set.
    options : Mapping
        Other settings by name, with defaults; ``compute`` checks them against the arrays.
    check : callable, optional
        ``check(**options)`` raises for options that no arrays can fit; called when they are set.
    aliases : tuple of str
    labels : {None, "codes", "codes or rows", "multi-hot", "groups"}
        What the operand ``t`` holds, which settles what ``class_weight`` and ``ignore_index`` mean.

        =================  ======================================================================
        ``"codes"``        class codes of shape z.shape[:-1], or one-hot rows; compute gets codes
        ``"codes or rows"``  codes or distributions over the classes; compute gets rows
        ``"multi-hot"``    rows of numbers in [0, 1], one per class
        ``"groups"``       any integers, one per row of the first operand
        =================  ======================================================================
    classes : str, optional
        The operand whose first axis counts the classes, where that is not the last axis of the
        first operand; ``"codes or rows"`` then leaves codes as they are.
    integers : tuple of str
        Operands that stay integers.
    rows : tuple of str, optional
        Operands with one entry per value along their leading axes, from which ``where`` and
        ``ignore_index`` delete; all, if None.
    takes : tuple of str
        Arguments of the call that ``compute`` takes itself, as keywords, because they act inside
        the loss: ``"sample_weight"`` (times the class weights, where rows meet inside the loss),
        ``"class_weight"`` (shape (K,), where a label is soft; a hard one weighs its row),
        ``"where"`` (as given; then weights are as given too).
    without_where : str
        For a loss whose first axis counts no rows that could be deleted alone, and which therefore
        has no ``where=``: a sentence that says how to leave rows out.  Weights are as given.
    tolerance : tuple of two numbers
        Largest error of value and of gradient, in units of eps times `scale`.
    scale : str
        What these errors are relative to.
    """

    name: str
    group: str
    formula: str
    latex: str
    gradient: str
    source: str
    operands: tuple[str, ...]
    differentiable: tuple[str, ...]
    compute: Compute
    per: str = "row"
    parameters: tuple[tuple[str, float | None, str], ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    check: Callable[..., None] | None = None
    aliases: tuple[str, ...] = ()
    labels: str | None = None
    classes: str | None = None
    integers: tuple[str, ...] = ()
    rows: tuple[str, ...] | None = None
    takes: tuple[str, ...] = ()
    without_where: str = ""
    tolerance: tuple[float, float] = (8, 16)
    scale: str = "the value; the largest entry of the gradient"
