"""The doctor at the end of a fit."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike


def consult(estimator: Any, X: ArrayLike, y: ArrayLike) -> None:
    """Watch, or repair, as the parameter ``doctor`` says.

    The doctor's rooms lie above the estimators, which they fit; this is the one call up to them.
    """
    from deltarule.examination import after_fit

    if estimator.doctor == "repair":
        after_fit.mend(estimator, X, y)
    else:
        after_fit.watch(estimator, X, y)
