"""The rows of a fit: those to learn from, and those held out or given to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from deltarule.estimators._rows import Array, Rows


class Parts(NamedTuple):
    """All rows, which of them to learn from (None: all), and rows to look at after every epoch."""

    data: Rows
    kept: Array | None
    held_out: Rows | None

    @property
    def rows(self) -> int:
        """Rows to learn from."""
        return len(self.data.x) if self.kept is None else len(self.kept)

    def measure(self, estimator: Any, threads: int) -> Callable[[Any], tuple[float, float]] | None:
        """What gives loss and score of a net on the rows held out."""
        rows = self.held_out
        if rows is None:
            return None

        return lambda net: estimator._measured(net, rows, threads)


def parts_of(
    estimator: Any, data: Rows, eval_set: Any, dtype: Any, random: np.random.RandomState
) -> Parts:
    """The rows given to look at, else, with early stopping, a part of the data.

    Raises
    ------
    ValueError
        If a part cannot be used.
    """
    if eval_set is not None:
        return Parts(data, None, _given(estimator, eval_set, dtype))
    if not estimator._holds_out(len(data.x)):
        return Parts(data, None, None)
    from sklearn.model_selection import train_test_split

    kept, out = train_test_split(
        np.arange(len(data.x), dtype=np.uint32),
        test_size=estimator.validation_fraction,
        random_state=random,
        stratify=estimator._strata(data.y),
    )
    _check(estimator, data, kept, out)
    return Parts(data, kept, data.take(out))


def _check(estimator: Any, data: Rows, kept: Array, out: Array) -> None:
    advice = "Change validation_fraction or random_state, or set early_stopping=False."
    if len(out) < estimator._least_held_out:
        raise ValueError(
            f"The validation set is too small: early_stopping holds out {len(out)} of "
            f"{len(data.x)} rows. {advice}"
        )
    for part, words in ((kept, "to learn from"), (out, "held out for early_stopping")):
        if data.weights is not None and not data.weights[part].any():
            raise ValueError(f"All rows {words} have a sample weight of zero. {advice}")


def _given(estimator: Any, eval_set: Any, dtype: Any) -> Rows:
    if isinstance(eval_set, list) and len(eval_set) == 1:
        eval_set = eval_set[0]  # as other libraries write it
    if not isinstance(eval_set, tuple) or len(eval_set) not in (2, 3):
        raise ValueError(
            "eval_set must be a tuple (X, y) or (X, y, sample_weight); met "
            f"{type(eval_set).__name__} of {len(eval_set) if hasattr(eval_set, '__len__') else 1}."
        )
    try:
        rows: Rows = estimator._further_rows(dtype, *eval_set)
    except (TypeError, ValueError) as error:
        words = str(error) if "eval_set" in str(error) else f"eval_set: {error}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(words) from error
    if len(rows.x) < estimator._least_held_out:
        raise ValueError(
            f"eval_set has {len(rows.x)} row, from which no score can be computed: give at least "
            f"{estimator._least_held_out}."
        )
    return rows
