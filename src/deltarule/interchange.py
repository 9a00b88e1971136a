"""Weights between a network and the equivalent PyTorch modules, as NumPy arrays.

A PyTorch module that is named as a layer of the network has its weights: "dense_1.weight".  What is
channels last here is channels first there.  Letters: I inputs, U units, C channels (of a
convolution: read), F filters, K kernel sizes, G gates, H units of a recurrent layer.

=======================  ==============================  =====================================
PyTorch's module         here                            there
=======================  ==============================  =====================================
Linear                   weight (I, U)                   weight (U, I)
..                       bias (U)                        bias (U)
Conv1d, Conv2d           weight (K ..., C, F)            weight (F, C, K ...)
..                       bias (F)                        bias (F)
BatchNorm1d, 2d          gamma, beta (C)                 weight, bias (C)
..                       running_mean (C)                running_mean (C)
..                       running_variance (C)            running_var (C)
..                       none                            num_batches_tracked (): 0, not read
LayerNorm, RMSNorm       gamma (C)                       weight (C)
.. (LayerNorm only)      beta (C)                        bias (C)
LSTM, GRU, RNN           weight (I, G H)                 weight_ih_l0 (G H, I)
..                       recurrent (H, G H)              weight_hh_l0 (G H, H)
..                       bias (G H)                      bias_ih_l0 + bias_hh_l0 (G H)
.. (GRU only)            recurrent_bias (H)              the candidate's part of bias_hh_l0
.. (learned state only)  initial_hidden, _cell (H)       h_0, c_0 (H)
Embedding                weight (codes, U)               weight (codes, U)
PReLU                    slope (C)                       weight (C)
PReLU (activation)       parameters (1)                  weight (1)
none (other learned)     parameters (n)                  parameters (n)
none (layers of tables)  arrays of columns (C, ...)      the same, by the same names
=======================  ==============================  =====================================

Recurrent layers: gates lie in the same order, input, forget, candidate, output (LSTM) or reset,
update, candidate (GRU).  To PyTorch, ``bias_hh_l0`` is 0, but for the candidate of a GRU; from
PyTorch the two are added.  A bidirectional layer is one module, under its own name; the arrays of
the way back end in "_reverse".  A learned initial state is no parameter of a PyTorch module but its
argument: ``h_0.expand(1, n_rows, -1)``.

Flattened images: what a convolution or a pooling computed, (height, width, C), PyTorch flattens in
the order (C, height, width), and sequences (steps, C) likewise.  The weights of the `Dense` layer
that reads it, and of a normalisation or a PReLU between, are brought into that order.  Any other
`Reshape` is PyTorch's behind a permutation that brings the channels to the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deltarule.layers import Node
    from deltarule.plan import Plan

__all__ = ["from_torch", "to_torch"]

Array = NDArray[Any]
Arrays = dict[str, Array]


def to_torch(network_or_plan: Any, weights: Mapping[str, Any]) -> Arrays:
    """The weights of a network as the ``state_dict`` of the equivalent PyTorch modules.

    Parameters
    ----------
    network_or_plan : Network or Plan
    weights : mapping of str to array_like
        All arrays of the network by name.

    Returns
    -------
    dict of str to ndarray
        By "<layer name>.<parameter of the module>", copies of the same dtype; `torch.from_numpy`
        makes tensors of them.

    Raises
    ------
    ValueError
        If an array is missing, unknown or of another shape, or a layer has no equivalent.
    """
    plan = _plan_of(network_or_plan)
    arrays = {name: np.asarray(w) for name, w in weights.items()}
    _require(arrays, {name: p.shape for name, p in plan.parameters}, "weights")
    return {name: np.array(a, order="C") for name, a in _given(plan, arrays).items()}


def from_torch(network_or_plan: Any, state: Any) -> Arrays:
    """The weights of a network from the ``state_dict`` of the equivalent PyTorch modules.

    Parameters
    ----------
    network_or_plan : Network or Plan
    state : torch.nn.Module or mapping of str to (Tensor or array_like)
        A module or its ``state_dict``.

    Returns
    -------
    dict of str to ndarray
        All arrays of the network by name, copies of the same dtype.

    Raises
    ------
    ValueError
        If an array is missing, unknown or of another shape, or a layer has no equivalent.
    """
    plan = _plan_of(network_or_plan)
    arrays = {name: _as_array(a) for name, a in _state_of(state).items()}
    empty = {name: np.broadcast_to(np.float32(0), p.shape) for name, p in plan.parameters}
    wanted = {name: a.shape for name, a in _given(plan, empty).items()}
    _require(arrays, wanted, "arrays from PyTorch", optional=_COUNT)
    found: Arrays = {}
    for part in _parts(plan):
        found |= part.take(arrays)
    return {name: np.array(found[name], order="C") for name, _ in plan.parameters}


# ---- what is met --------------------------------------------------------------------------------


def _plan_of(network_or_plan: Any) -> Plan:
    plan = getattr(network_or_plan, "plan", network_or_plan)
    if not (hasattr(plan, "nodes") and hasattr(plan, "parameters")):
        raise TypeError(f"Give a Network or a Plan; met {type(plan).__name__}.")
    found: Plan = plan
    return found


def _state_of(state: Any) -> Mapping[str, Any]:
    found = state.state_dict() if callable(getattr(state, "state_dict", None)) else state
    if not isinstance(found, Mapping):
        raise TypeError(
            f"The state is a PyTorch module or its state_dict, arrays by name; met "
            f"{type(found).__name__}."
        )
    return found


def _as_array(value: Any) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _require(
    met: Mapping[str, Array],
    wanted: Mapping[str, tuple[int, ...]],
    what: str,
    optional: str | None = None,
) -> None:
    """Raise where names or shapes differ; names that end in ``optional`` may be missing."""
    missing = [n for n in wanted if n not in met and n.rpartition(".")[2] != optional]
    unknown = [n for n in met if n not in wanted]
    if missing or unknown:
        words = [f"{', '.join(missing)} missing"] if missing else []
        words += [f"{', '.join(unknown)} unknown"] if unknown else []
        raise ValueError(
            f"The {what} do not belong to this network: {'; '.join(words)}. Its arrays are: "
            f"{', '.join(wanted)}."
        )
    for name, array in met.items():
        if array.shape != wanted[name]:
            raise ValueError(
                f"The array {name!r} of this network has the shape {wanted[name]}; met "
                f"{array.shape}."
            )


# ---- layouts ------------------------------------------------------------------------------------

_COUNT = "num_batches_tracked"
_SECOND_BIAS = "bias_hh_l0"


def _filters_first(array: Array) -> Array:
    return array if array.ndim == 1 else np.moveaxis(array, (-1, -2), (0, 1))


def _filters_last(array: Array) -> Array:
    return array if array.ndim == 1 else np.moveaxis(array, (0, 1), (-1, -2))


def _count(ours: Arrays) -> Arrays:
    return {_COUNT: np.zeros((), dtype=np.int64)}


def _second_bias(ours: Arrays) -> Arrays:
    second = np.zeros_like(ours["bias"])
    if "recurrent_bias" in ours:
        own = ours["recurrent_bias"]
        second[-len(own) :] = own
    return {_SECOND_BIAS: second}


def _add_second_bias(ours: Arrays, others: Arrays) -> Arrays:
    return {**ours, "bias": ours["bias"] + others[_SECOND_BIAS]}


def _split_second_bias(ours: Arrays, others: Arrays) -> Arrays:
    gates, candidate = np.split(others[_SECOND_BIAS], [2 * len(ours["recurrent"])])
    bias = ours["bias"].copy()
    bias[: len(gates)] += gates
    return {**ours, "bias": bias, "recurrent_bias": candidate}


@dataclass(frozen=True)
class _Layout:
    """How the arrays of one kind of node lie in PyTorch.

    ``turn`` brings an array from our axes to PyTorch's.  ``beside`` makes of our arrays what
    PyTorch has beside them, ``absorb`` brings that back into ours.  ``per_input`` are those of ours
    whose first axis is that of the numbers that the node reads.
    """

    names: Mapping[str, str]  # ours to PyTorch's
    turn: Callable[[Array], Array] = np.asarray
    turn_back: Callable[[Array], Array] = np.asarray
    beside: Callable[[Arrays], Arrays] = lambda ours: {}
    absorb: Callable[[Arrays, Arrays], Arrays] = lambda ours, others: ours
    per_input: tuple[str, ...] = ()


def _recurrent(absorb: Callable[[Arrays, Arrays], Arrays]) -> _Layout:
    names = {
        "weight": "weight_ih_l0",
        "recurrent": "weight_hh_l0",
        "bias": "bias_ih_l0",
        "initial_hidden": "h_0",
        "initial_cell": "c_0",
    }
    return _Layout(names, np.transpose, np.transpose, _second_bias, absorb)


_WEIGHT_AND_BIAS = {"weight": "weight", "bias": "bias"}
_SCALE_AND_SHIFT = {"gamma": "weight", "beta": "bias"}
_STATISTICS = {"running_mean": "running_mean", "running_variance": "running_var"}
_WAVES = {name: name for name in ("frequency", "phase", "weight", "bias")}

_LAYOUTS: Mapping[str, _Layout] = {
    "dense": _Layout(_WEIGHT_AND_BIAS, np.transpose, np.transpose, per_input=("weight",)),
    "convolution": _Layout(_WEIGHT_AND_BIAS, _filters_first, _filters_last),
    "batch_norm": _Layout(
        {**_SCALE_AND_SHIFT, **_STATISTICS},
        beside=_count,
        per_input=(*_SCALE_AND_SHIFT, *_STATISTICS),
    ),
    "row_norm": _Layout(_SCALE_AND_SHIFT, per_input=tuple(_SCALE_AND_SHIFT)),
    "lstm": _recurrent(_add_second_bias),
    "gru": _recurrent(_split_second_bias),
    "simple_rnn": _recurrent(_add_second_bias),
    "embedding": _Layout({"weight": "weight"}),
    "channel_activation": _Layout({"slope": "weight"}, per_input=("slope",)),
    "trainable_activation": _Layout({"parameters": "parameters"}),
    "scale": _Layout({"weight": "weight"}, per_input=("weight",)),
    "parametric_activation": _Layout({"blend": "blend"}, per_input=("blend",)),
    "periodic_embedding": _Layout(_WAVES, per_input=tuple(_WAVES)),
}
_PRELU = _Layout({"parameters": "weight"})


def _layout_of(node: Node) -> _Layout:
    if node.kind == "trainable_activation" and node.fields["name"] == "prelu":
        return _PRELU
    if node.kind not in _LAYOUTS:
        raise ValueError(
            f"The weights of the layer {node.name!r}, of the kind {node.kind!r}, have no layout in "
            "PyTorch."
        )
    return _LAYOUTS[node.kind]


# ---- the nodes of a network ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """A node with weights, and where its arrays are in PyTorch: "<module>.<name><suffix>".

    ``order`` says which of our numbers those that PyTorch reads are; None: they lie alike.
    """

    node: Node
    module: str
    suffix: str
    order: Array | None

    def _key(self, name: str) -> str:
        return f"{self.module}.{name}{self.suffix}"

    def _order_of(self, name: str) -> Any:
        """The index that brings the first axis of one of our arrays into PyTorch's order."""
        is_ordered = self.order is not None and name in _layout_of(self.node).per_input
        return self.order if is_ordered else ...

    def give(self, weights: Mapping[str, Array]) -> Arrays:
        """The arrays of the node for PyTorch, from those of the network."""
        layout = _layout_of(self.node)
        ours = {p.name: weights[f"{self.node.name}.{p.name}"] for p in self.node.parameters}
        theirs = {
            layout.names[name]: layout.turn(array[self._order_of(name)])
            for name, array in ours.items()
            if name in layout.names
        }
        return {self._key(name): a for name, a in (theirs | layout.beside(ours)).items()}

    def take(self, state: Mapping[str, Array]) -> Arrays:
        """The arrays of the network that are the node's, from those of PyTorch."""
        layout = _layout_of(self.node)
        ours = {}
        for p in self.node.parameters:
            if p.name in layout.names:
                array = layout.turn_back(state[self._key(layout.names[p.name])])
                ours[p.name] = np.empty_like(array)
                ours[p.name][self._order_of(p.name)] = array
        others = {n: state[self._key(n)] for n in (_SECOND_BIAS,) if self._key(n) in state}
        return {f"{self.node.name}.{n}": a for n, a in layout.absorb(ours, others).items()}


def _given(plan: Plan, weights: Mapping[str, Array]) -> Arrays:
    return {name: a for part in _parts(plan) for name, a in part.give(weights).items()}


def _parts(plan: Plan) -> Iterator[_Part]:
    nodes = plan.nodes
    orders, modules = _orders(nodes), _modules(nodes)
    for node in nodes:
        if node.parameters:
            flat = node.fields.get("positions") == 1
            yield _Part(node, *modules[node.name], orders[node.reads[0]] if flat else None)


def _modules(nodes: Sequence[Node]) -> dict[str, tuple[str, str]]:
    """The module and the suffix of every node: both ways of a bidirectional layer are one module.

    It is named as the node that joins them; no other joins a way back directly.
    """
    modules = {node.name: (node.name, "") for node in nodes}
    for node in nodes:
        read = [nodes[i - 1] for i in node.reads if i > 0]
        if node.kind == "concatenate" and any(n.fields.get("backwards") for n in read):
            for n in read:
                modules[n.name] = (node.name, "_reverse" if n.fields["backwards"] else "")
    return modules


# ---- the order of flattened images --------------------------------------------------------------

# Kinds of nodes whose numbers lie as those that they read.
_FOLLOWING = {
    *("activation", "add", "batch_norm", "channel_activation", "columns", "concatenate"),
    *("custom_activation", "dropout", "parametric_activation", "periodic_embedding", "row_norm"),
    *("scale", "trainable_activation"),
}


def _orders(nodes: Sequence[Node]) -> list[Array | None]:
    """Of every value: which of our numbers PyTorch's, flattened, are; None: they lie alike."""
    orders: list[Array | None] = [None]
    for node in nodes:
        read = [orders[i] for i in node.reads]
        if node.kind in ("convolution", "pool"):
            orders.append(_channels_first(node.shape))
        elif node.kind not in _FOLLOWING or all(order is None for order in read):
            orders.append(None)
        elif len(node.shape) == 1:
            orders.append(_flat_order(node, read))
        else:
            before = [nodes[i - 1].shape[:-1] for i in node.reads if i > 0]
            is_reshaped = any(shape != node.shape[:-1] for shape in before)
            orders.append(None if is_reshaped else _channels_first(node.shape))
    return orders


def _channels_first(shape: tuple[int, ...]) -> Array | None:
    if len(shape) == 1:
        return None
    return np.moveaxis(np.arange(math.prod(shape)).reshape(shape), -1, 0).ravel()


def _flat_order(node: Node, read: Sequence[Array | None]) -> Array:
    """The order of what a node computes of flattened images."""
    if node.kind == "concatenate":
        widths = [int(width) for width in node.fields["widths"]]
        parts = [np.arange(n) if o is None else o for n, o in zip(widths, read, strict=True)]
        begins = np.cumsum([0, *widths[:-1]])
        return np.concatenate([o + begin for o, begin in zip(parts, begins, strict=True)])
    size = math.prod(node.shape)
    if node.kind == "periodic_embedding" and read[0] is not None:
        width = size // len(read[0])  # numbers side by side for each that is read
        return (read[0][:, None] * width + np.arange(width)).ravel()
    distinct = {None if order is None else order.tobytes() for order in read}
    if len(distinct) > 1 or read[0] is None or len(read[0]) != size:
        raise ValueError(
            f"The layer {node.name!r} brings numbers of a flattened image together with others, by "
            "their order, which PyTorch's is not: it has no equivalent. Flatten behind it."
        )
    return read[0]
