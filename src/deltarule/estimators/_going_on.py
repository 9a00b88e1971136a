"""What training that goes on from fitted weights keeps of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule._engine import Weights
from deltarule.plan import Plan


def dtype_to_go_on_with(weights: Weights, wanted: str | None, incremental: bool) -> np.dtype[Any]:
    """The dtype of the net: the one that is asked for, else that of its weights.

    Raises
    ------
    ValueError
        If `partial_fit` would change it: the state of the optimizer has the old one.
    """
    fitted = next(iter(weights.values())).dtype
    dtype = np.dtype(wanted or fitted)
    if incremental and dtype != fitted:
        raise ValueError(
            f"The network was fitted in {fitted} and dtype is now {dtype}, which partial_fit "
            "cannot change; set dtype back, or begin anew with fit."
        )
    return dtype


def weights_to_go_on_with(weights: Weights, plan: Plan, dtype: np.dtype[Any]) -> Weights:
    """Copies of the weights, of the dtype.

    Raises
    ------
    ValueError
        If they are not those of the plan.
    """
    shapes = [(name, p.shape) for name, p in plan.parameters]
    if shapes != [(name, w.shape) for name, w in weights.items()]:
        raise ValueError(
            "The layers or the targets are not those of the network that was fitted before; "
            "set warm_start=False to begin anew."
        )
    return {name: w.astype(dtype) for name, w in weights.items()}
