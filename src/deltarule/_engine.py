"""From a plan to a compiled net, and its weights by name."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule import _core
from deltarule.initialisers import LSUV, adjust_to_data
from deltarule.plan import Plan

Array = NDArray[Any]
Weights = dict[str, Array]

NETS = {np.dtype(np.float32): _core.Net32, np.dtype(np.float64): _core.Net64}
TRAINERS = {np.dtype(np.float32): _core.Trainer32, np.dtype(np.float64): _core.Trainer64}


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
        codes = node.layer.codes
        right = (rows >= 0) & (rows < codes) & (rows == np.floor(rows))
        if not right.all():
            raise ValueError(
                f"The embedding {node.name!r} has the codes 0 ... {codes - 1}; X holds "
                f"{rows[~right][0].item()!r}."
            )


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


def initial_weights(plan: Plan, dtype: np.dtype[Any], seed: int, x: Array | None = None) -> Weights:
    """Where training begins: the same for the same seed.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_inputs), optional
        Rows for initialisers that look at what layers compute; needed where there are such.
    """
    weights: Weights = {}
    wanted: dict[str, LSUV] = {}
    for number, node in enumerate(plan.nodes):
        for block, p in enumerate(node.parameters):
            name = f"{node.name}.{p.name}"
            drawn = p.init.draw(p.shape, p.fans, seed, number + (block << 32))
            weights[name] = np.ascontiguousarray(drawn, dtype=dtype)
            if isinstance(p.init, LSUV):
                wanted[name] = p.init
    if wanted and x is None:
        raise ValueError("LSUV scales weights by what the layers compute of the data; give X.")
    if wanted and x is not None:
        _scale(plan, dtype, weights, wanted, x)
    return weights


def _scale(
    plan: Plan, dtype: np.dtype[Any], weights: Weights, wanted: dict[str, LSUV], x: Array
) -> None:
    most = 500  # rows that a variance is estimated from
    rows = np.ascontiguousarray(x[:most])
    described, loss = plan.compile()
    names = [name for name, _ in plan.parameters]
    places = {node.name: i for i, node in enumerate(plan.nodes)}

    def outputs(name: str) -> Array:
        nodes = described[: places[name.rpartition(".")[0]] + 1]  # what comes after is not asked
        net = NETS[dtype](nodes, rows.shape[1], loss)
        net.set_weights([weights[other] for other in names[: len(net.blocks())]])
        return net.predict(rows)

    adjust_to_data(weights, wanted, outputs)


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
