"""The doctor at the end of a fit."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike


def watch(estimator: Any, X: ArrayLike, y: ArrayLike) -> None:
    """Warn if a fitted estimator learned nothing and the reason is plain.

    The doctor's rooms lie above the estimators, which they fit; these are the calls up to them.
    """
    from deltarule.examination import after_fit

    after_fit.watch(estimator, X, y)


def fit_repaired(
    estimator: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, eval_set: Any
) -> None:
    """Fit with ``doctor="repair"``.

    Raises
    ------
    ValueError
        If rows have weights, or weights are to go on from a fit before.
    """
    from deltarule.examination import after_fit

    if sample_weight is not None or (eval_set is not None and len(eval_set) > 2):
        raise ValueError(
            "doctor='repair' compares networks on rows that count alike, and sample_weight was "
            "given: fit with doctor='watch' or 'off', or leave the weights out."
        )
    if estimator.warm_start:
        raise ValueError(
            "doctor='repair' trains anew, and warm_start=True goes on from the last weights: set "
            "one of them only."
        )
    after_fit.mend(estimator, X, y, *(eval_set or ()))
