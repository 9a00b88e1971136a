"""Who is told of every epoch: the estimator's own callbacks and those of scikit-learn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Self, TypeVar, cast

from deltarule._engine import Weights
from deltarule.vitals import History

__all__ = ["KEPT_ON_FAILURE", "CallbackSupport", "EpochTasks", "is_callbacks", "with_callbacks"]

F = TypeVar("F", bound=Callable[..., Any])

# What `with_callbacks` needs to end the callbacks of a fit that failed.
KEPT_ON_FAILURE = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


class CallbackSupport:
    """scikit-learn's `CallbackSupportMixin`, imported where it is used: it brings rich with it."""

    def set_callbacks(self, *callbacks: Any) -> Self:
        """Set scikit-learn's callbacks, such as `sklearn.callback.ProgressBar`.

        Parameters
        ----------
        *callbacks : objects of the protocol `sklearn.callback.FitCallback`

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If one is no such object.
        ImportError
            If this scikit-learn has no callbacks.
        """
        _support().set_callbacks(self, *callbacks)
        return self

    def _init_callback_context(self, **options: Any) -> Any:
        return _support()._init_callback_context(self, **options)


def _support() -> Any:
    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError as error:
        raise ImportError(
            "Callbacks of scikit-learn need scikit-learn 1.9 or newer; the parameter callbacks "
            "takes functions with any version."
        ) from error
    return CallbackSupportMixin


def with_callbacks(method: F) -> F:
    """Let scikit-learn end the callbacks of a call, where there are any."""

    @wraps(method)
    def managed(estimator: Any, *args: Any, **options: Any) -> Any:
        if not _is_watched(estimator):
            return method(estimator, *args, **options)
        from sklearn.callback import with_callbacks

        return with_callbacks(method)(estimator, *args, **options)

    return cast(F, managed)


def _is_watched(estimator: Any) -> bool:
    """Whether callbacks were set, or a meta-estimator that has some fits this one."""
    return bool(getattr(estimator, "_skl_callbacks", None)) or hasattr(
        estimator, "_parent_callback_ctx"
    )


def is_callbacks(value: Any) -> bool:
    """Whether a parameter is a list of callbacks, or None."""
    if value is None:
        return True
    return isinstance(value, list | tuple) and all(
        callable(one) or callable(getattr(one, "on_epoch_end", None)) for one in value
    )


class EpochTasks:
    """The epochs of a fit, as its callbacks see them.

    Parameters
    ----------
    estimator : estimator
        That is being fitted.
    data : mapping
        ``X``, ``y`` and ``metadata``, as the user gave them.
    listens : bool
        False: scikit-learn's callbacks are not told, as in `partial_fit`.
    """

    def __init__(self, estimator: Any, data: Mapping[str, Any], listens: bool) -> None:
        self._estimator, self._data = estimator, data
        self._own = [getattr(c, "on_epoch_end", c) for c in estimator.callbacks or ()]
        self._context = None
        if listens and _is_watched(estimator):
            self._context = estimator._init_callback_context(max_subtasks=estimator._most_epochs())
            self._context.call_on_fit_task_begin(estimator=estimator, **data)
        # of a meta-estimator, or set on this one
        self.watched = bool(getattr(estimator, "_skl_callbacks", None))
        self._epoch: Any = None

    @property
    def told(self) -> bool:
        """Whether there is anybody to tell."""
        return self.watched or bool(self._own)

    def begin(self) -> None:
        """Before an epoch."""
        if self.watched and self._context is not None:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end(self, history: History, weights: Callable[[], Weights]) -> bool:
        """After an epoch; true: training is to end."""
        stops = [bool(told(history.epochs[-1])) for told in self._own]
        if self._epoch is not None:
            stops.append(bool(self._told(self._epoch, history, weights)))
        return any(stops)

    def close(self, history: History, weights: Weights) -> None:
        """After the last epoch."""
        if self._context is not None:
            self._told(self._context, history, lambda: weights)

    def _told(self, task: Any, history: History, weights: Callable[[], Weights]) -> Any:
        return task.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=lambda: self._fitted(history, weights()),
        )

    def _fitted(self, history: History, weights: Weights) -> dict[str, Any]:
        """What the estimator lacks to predict with some weights."""
        like = copy.copy(self._estimator)
        like.history_ = History(list(history.epochs), history.layers)
        like._set_weights(weights)
        like._name_outputs()
        known = vars(self._estimator)
        return {name: v for name, v in vars(like).items() if known.get(name) is not v}
