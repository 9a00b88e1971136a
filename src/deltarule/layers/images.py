"""Convolutions and pooling: images (height, width, channels), sequences (steps, channels)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Literal

from deltarule._activation_kinds import Activation as Function
from deltarule.initialisers import Initialiser, initialiser
from deltarule.layers._graph import Graph, Shape, Value, constant, weight
from deltarule.layers._layer import Layer, Weighted, settle_counts
from deltarule.layers.activation import Activation

Pair = tuple[int, int]
Padding = int | tuple[int, ...] | Literal["same", "valid"]


def _per_axis(name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """One integer for all axes or one per axis, as a tuple."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(values) != axes or any(not isinstance(v, Integral) or v < least for v in values):
        raise ValueError(f"{name} must be an integer >= {least}, or {axes} of them; met {value!r}.")
    return tuple(int(v) for v in values)


def _plain(value: Any) -> Any:
    """Python's integers for those of NumPy."""
    return tuple(int(v) for v in value) if isinstance(value, tuple | list) else int(value)


@dataclass(frozen=True)
class _Window:
    """Where a window begins along one axis, and how often it fits."""

    out: int
    before: int

    @classmethod
    def fit(cls, size: int, window: int, stride: int, padding: int | str) -> _Window:
        if padding == "same":
            out = -(-size // stride)
            return cls(out, max((out - 1) * stride + window - size, 0) // 2)
        around = 0 if padding == "valid" else int(padding)
        return cls((size + 2 * around - window) // stride + 1, around)


def _check_padding(padding: Any, axes: int) -> None:
    if padding not in ("same", "valid"):
        _per_axis("padding", padding, axes, least=0)


def _paddings(padding: Any, axes: int) -> tuple[Any, ...]:
    if padding in ("same", "valid"):
        return (padding,) * axes
    return _per_axis("padding", padding, axes, least=0)


@dataclass(frozen=True)
class _Convolution(Weighted):
    filters: int
    kernel: Any = 3
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    init: str | Initialiser = "glorot_uniform"
    activation: str | Function | None = None
    bias: bool = True
    _axes: ClassVar[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_counts(self, "filters")
        for name in ("kernel", "stride", "dilation"):
            value = getattr(self, name)
            _per_axis(name, value, self._axes)
            object.__setattr__(self, name, _plain(value))
        _check_padding(self.padding, self._axes)
        initialiser(self.init)

    def add_to(self, graph: Graph, value: Value) -> Value:
        axes, shape = self._axes, value.shape
        if len(shape) != axes + 1:
            raise self.refuse(graph, value, _KINDS[axes])
        kernel = _per_axis("kernel", self.kernel, axes)
        fits = self._fits(graph, value, kernel)
        channels, out = shape[-1], tuple(f.out for f in fits)
        weights = (*kernel, channels, self.filters)
        fields = {
            **_two("", shape[:-1]),
            **_two("kernel_", kernel),
            **_two("stride_", _per_axis("stride", self.stride, axes)),
            **_two("dilation_", _per_axis("dilation", self.dilation, axes)),
            **_two("out_", out),
            **_pads(fits),
            "channels": channels,
            "units": self.filters,
            "bias": bool(self.bias),
            "shape": [float(n) for n in weights],
        }
        area = math.prod(kernel)
        arrays = [weight("weight", weights, self.init, area * channels, area * self.filters)]
        if self.bias:
            arrays.append(constant("bias", (self.filters,)))
        shape = (*out, self.filters)
        y = graph.add(self, "convolution", value, shape, fields, arrays)
        return y if self.activation is None else Activation(self.activation).add_to(graph, y)

    def _fits(self, graph: Graph, value: Value, kernel: tuple[int, ...]) -> list[_Window]:
        axes, shape = self._axes, value.shape
        dilation = _per_axis("dilation", self.dilation, axes)
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        stride, pads = _per_axis("stride", self.stride, axes), _paddings(self.padding, axes)
        fits = [
            _Window.fit(n, w, s, p) for n, w, s, p in zip(shape, reach, stride, pads, strict=False)
        ]
        if any(f.out < 1 for f in fits):
            raise self.refuse(graph, value, f"rows at least as large as its kernel {kernel}")
        return fits


_KINDS = {1: "sequences (steps, channels)", 2: "images (height, width, channels)"}


def _two(prefix: str, values: tuple[int, ...]) -> dict[str, int]:
    """Height and width; a sequence has the height 1."""
    height, width = (1, *values)[-2:]
    return {f"{prefix}height": height, f"{prefix}width": width}


def _pads(fits: list[_Window]) -> dict[str, int]:
    top, left = (0, *(f.before for f in fits))[-2:]
    return {"pad_top": top, "pad_left": left}


@dataclass(frozen=True)
class Conv1D(_Convolution):
    """Convolution of sequences (steps, channels): cross-correlation, as everywhere in this field.

    The attributes are those of `Conv2D` with one axis; the weights have the shape (kernel,
    channels, filters).
    """

    kind: ClassVar[str] = "conv1d"
    _axes: ClassVar[int] = 1


@dataclass(frozen=True)
class Conv2D(_Convolution):
    """Convolution of images (height, width, channels): cross-correlation, as everywhere.

    Attributes
    ----------
    filters : int
    kernel, stride, dilation : int or tuple of int
    padding : "valid", "same", int or tuple of int
        Zeros around: none, as many as keep the size at stride 1 (one more behind where their number
        is odd), or so many on either side.
    init : str or Initialiser
        Of the weights, shape (kernel height, kernel width, channels, filters).
    activation : str or Activation, optional
        Applied to the result.
    bias : bool
    """

    kind: ClassVar[str] = "conv2d"
    _axes: ClassVar[int] = 2


@dataclass(frozen=True)
class _Pool(Layer):
    window: Any = 2
    stride: Any = None
    padding: Any = "valid"
    _takes_largest: ClassVar[bool]

    def __post_init__(self) -> None:
        for axes in (1, 2):
            if not isinstance(self.window, tuple | list) or len(self.window) == axes:
                _per_axis("window", self.window, axes)
                object.__setattr__(self, "window", _plain(self.window))
                if self.stride is not None:
                    _per_axis("stride", self.stride, axes)
                    object.__setattr__(self, "stride", _plain(self.stride))
                _check_padding(self.padding, axes)
                return
        raise ValueError(f"window must have one or two axes; met {self.window!r}.")

    def add_to(self, graph: Graph, value: Value) -> Value:
        shape = value.shape
        if len(shape) not in (2, 3):
            raise self.refuse(graph, value, f"{_KINDS[1]} or {_KINDS[2]}")
        axes = len(shape) - 1
        window = _per_axis("window", self.window, axes)
        stride = window if self.stride is None else _per_axis("stride", self.stride, axes)
        fits = [
            _Window.fit(n, w, s, p)
            for n, w, s, p in zip(
                shape, window, stride, _paddings(self.padding, axes), strict=False
            )
        ]
        wrong = any(f.out < 1 or f.before >= w for f, w in zip(fits, window, strict=True))
        if wrong:
            raise self.refuse(graph, value, f"rows at least as large as its window {window}")
        return _add_pool(graph, self, value, window, stride, fits, self._takes_largest)


def _add_pool(
    graph: Graph,
    layer: Layer,
    value: Value,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    fits: list[_Window],
    takes_largest: bool,
    shape: Shape | None = None,
) -> Value:
    channels, out = value.shape[-1], tuple(f.out for f in fits)
    fields = {
        **_two("", value.shape[:-1]),
        **_two("window_", window),
        **_two("stride_", stride),
        **_two("out_", out),
        **_pads(fits),
        "channels": channels,
        "takes_largest": takes_largest,
    }
    return graph.add(layer, "pool", value, shape or (*out, channels), fields)


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest number of every window, channel by channel; its slope goes to the first of them.

    Attributes
    ----------
    window : int or tuple of int
    stride : int or tuple of int, optional
        The window where not given.
    padding : "valid", "same", int or tuple of int
        What lies outside of the image does not count.
    """

    kind: ClassVar[str] = "max_pool"
    _takes_largest: ClassVar[bool] = True


@dataclass(frozen=True)
class AveragePool(_Pool):
    """The mean of every window, channel by channel, over what lies inside of the image.

    The attributes are those of `MaxPool`.
    """

    kind: ClassVar[str] = "average_pool"
    _takes_largest: ClassVar[bool] = False


@dataclass(frozen=True)
class GlobalPool(Layer):
    """The mean, or the largest number, of every channel over all positions: (channels,).

    Attributes
    ----------
    mode : {"average", "max"}
    """

    kind: ClassVar[str] = "global_pool"
    mode: Literal["average", "max"] = "average"

    def __post_init__(self) -> None:
        if self.mode not in ("average", "max"):
            raise ValueError(f"mode must be 'average' or 'max'; met {self.mode!r}.")

    def add_to(self, graph: Graph, value: Value) -> Value:
        shape = value.shape
        if len(shape) not in (2, 3):
            raise self.refuse(graph, value, f"{_KINDS[1]} or {_KINDS[2]}")
        window = shape[:-1]
        fits = [_Window(1, 0) for _ in window]
        largest = self.mode == "max"
        return _add_pool(graph, self, value, window, window, fits, largest, (shape[-1],))
