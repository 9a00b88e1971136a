"""From a plan to a compiled net, and its weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule import _core
from deltarule.initialisers import FromData
from deltarule.plan import Plan

Array = NDArray[Any]
Weights = dict[str, Array]

NETS = {np.dtype(np.float32): _core.Net32, np.dtype(np.float64): _core.Net64}
TRAINERS = {np.dtype(np.float32): _core.Trainer32, np.dtype(np.float64): _core.Trainer64}
Csr = _core.Csr

_LARGEST_CODE = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}

N_JOBS = "None or an integer other than 0, at most 256"


def is_n_jobs(value: Any) -> bool:
    """Whether a value is `N_JOBS`."""
    if value is None:
        return True
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 != value <= 256


def threads_of(n_jobs: int | None) -> int:
    """How many threads may work: ``n_jobs`` as joblib counts them; None: as many as are allowed.

    Allowed are as many as DELTARULE_NUM_THREADS or OMP_NUM_THREADS says, which joblib and Dask set
    in their workers, else the processors of this process.

    Raises
    ------
    ValueError
        If ``n_jobs`` is no such number.
    """
    allowed = _core.thread_count()
    if n_jobs is None:
        return allowed
    if not is_n_jobs(n_jobs):
        raise ValueError(f"n_jobs must be {N_JOBS}; met {n_jobs!r}.")
    n_jobs = int(n_jobs)
    return n_jobs if n_jobs > 0 else max(1, allowed + 1 + n_jobs)


def make_net(plan: Plan, dtype: np.dtype[Any], weights: Mapping[str, Any] | None = None) -> Any:
    """A net of float32 or float64; its weights are 0 where none are given."""
    for node in plan.nodes:
        if node.kind == "embedding" and node.layer.codes > _LARGEST_CODE[dtype]:
            raise ValueError(
                f"{dtype} tells codes apart up to {_LARGEST_CODE[dtype]}; the embedding "
                f"{node.name!r} has {node.layer.codes}. Use dtype='float64'."
            )
    described, loss = plan.compile()
    net = NETS[dtype](described, int(np.prod(plan.shape)), loss, plan.positions)
    if weights is not None:
        put_weights(net, plan, weights, dtype)
    return net


def check_codes(plan: Plan, rows: Array) -> None:
    """Raise ValueError for a code in a matrix of rows that an embedding does not have."""
    for node in plan.nodes:
        if node.kind != "embedding" or not rows.size:
            continue
        codes, met = node.layer.codes, _part_of_x(plan, node.reads[0], rows)
        right = (met >= 0) & (met < codes) & (met == np.floor(met))
        if not right.all():
            raise ValueError(
                f"The embedding {node.name!r} has the codes 0 ... {codes - 1}; X holds "
                f"{met[~right][0].item()!r}."
            )


def _part_of_x(plan: Plan, index: int, rows: Array) -> Array:
    """The value of that number of a matrix of rows of X: X itself or columns of it."""
    if index == 0:
        return rows
    node = plan.nodes[index - 1]
    first, size = node.fields["first"], node.fields["columns"]
    whole = _part_of_x(plan, node.reads[0], rows).reshape(len(rows), -1, size)
    return whole[..., first : first + node.fields["count"]].reshape(len(rows), -1)


def put_weights(
    net: _core.Net32, plan: Plan, weights: Mapping[str, Any], dtype: np.dtype[Any]
) -> None:
    """Give a net its weights.

    Raises
    ------
    ValueError
        If one is missing, too many or of another shape.
    """
    names = [name for name, _ in plan.parameters]
    missing, unknown = set(names) - weights.keys(), weights.keys() - set(names)
    if missing or unknown:
        words = [f"{', '.join(sorted(missing))} missing"] if missing else []
        words += [f"{', '.join(sorted(unknown))} unknown"] if unknown else []
        raise ValueError(
            f"The weights do not belong to this network: {'; '.join(words)}. Its arrays are: "
            f"{', '.join(names)}."
        )
    arrays = []
    for name, parameter in plan.parameters:
        array = np.ascontiguousarray(weights[name], dtype=dtype)
        if array.shape != parameter.shape:
            raise ValueError(
                f"The weights {name!r} have the shape {parameter.shape}; met {array.shape}."
            )
        arrays.append(array)
    net.set_weights(arrays)


def weights_of(net: _core.Net32, plan: Plan) -> Weights:
    """A copy of the weights by name."""
    return named(plan, net.weights())


def named(plan: Plan, arrays: list[Array]) -> Weights:
    """Arrays in the engine's order, by name."""
    return dict(zip([name for name, _ in plan.parameters], arrays, strict=True))


def initial_weights(plan: Plan, dtype: np.dtype[Any], seed: int, x: Any = None) -> Weights:
    """Where training begins: the same for the same seed.

    Parameters
    ----------
    x : array_like, shape (n_rows, n_inputs), optional
        Rows for initialisers that look at what layers compute, the first of which they take; needed
        where there are such.
    """
    weights: Weights = {}
    wanted: dict[str, tuple[FromData, int]] = {}
    for number, node in enumerate(plan.nodes):
        for block, p in enumerate(node.parameters):
            name, stream = f"{node.name}.{p.name}", number + (block << 32)
            drawn = p.init.draw(p.shape, p.fans, seed, stream)
            weights[name] = np.ascontiguousarray(drawn, dtype=dtype)
            if isinstance(p.init, FromData):
                wanted[name] = p.init, stream
    if wanted and x is None:
        rules = ", ".join(sorted({type(rule).__name__ for rule, _ in wanted.values()}))
        raise ValueError(f"{rules} sets weights by what the layers compute of the data; give X.")
    if wanted and x is not None:
        _adjust(plan, dtype, weights, wanted, seed, x)
    return weights


def _adjust(
    plan: Plan,
    dtype: np.dtype[Any],
    weights: Weights,
    wanted: Mapping[str, tuple[FromData, int]],
    seed: int,
    x: Any,
) -> None:
    """Let initialisers that look at the data change their arrays, layer after layer."""
    most = 500  # rows that they see
    rows = np.ascontiguousarray(x[:most])
    described, loss = plan.compile()
    places = {node.name: i for i, node in enumerate(plan.nodes)}

    def outputs(place: int) -> Array:
        needed = _behind(described, place)
        moved = {0: 0, **{old + 1: new + 1 for new, old in enumerate(needed)}}
        nodes = [
            {**described[i], "reads": [moved[r] for r in described[i]["reads"]]} for i in needed
        ]
        net = NETS[dtype](nodes, rows.shape[1], {**loss, "levels": []})
        names = [f"{plan.nodes[i].name}.{p.name}" for i in needed for p in plan.nodes[i].parameters]
        net.set_weights([weights[name] for name in names])
        computed: Array = net.predict(rows)
        return computed

    for name, (rule, stream) in wanted.items():
        place = places[name.rpartition(".")[0]]
        rule.adjust(weights[name], partial(outputs, place), name, seed, stream)


def _behind(described: list[dict[str, Any]], place: int) -> list[int]:
    """The nodes that one follows from, and itself, in their order."""
    needed = {place + 1}
    for i in range(place, -1, -1):
        if i + 1 in needed:
            needed.update(described[i]["reads"])
    return [i for i in range(place + 1) if i + 1 in needed]


def read_weights(plan: Plan, arrays: Mapping[str, Any]) -> Weights:
    """The weights among the arrays of a file ("weights.NAME"), checked against the plan.

    Raises
    ------
    ValueError
        If one is missing or has another shape or dtype than the others.
    """
    weights: Weights = {}
    for name, parameter in plan.parameters:
        array = arrays.get(f"weights.{name}")
        if array is None:
            raise ValueError(f"The record lacks the weights {name!r}.")
        if array.shape != parameter.shape:
            raise ValueError(
                f"The plan of the record has weights {name!r} of the shape {parameter.shape}; its "
                f"array has the shape {array.shape}."
            )
        first = next(iter(weights.values()), array)
        if array.dtype not in NETS or array.dtype != first.dtype:
            raise ValueError(f"The weights {name!r} are {array.dtype}.")
        weights[name] = array
    return weights
