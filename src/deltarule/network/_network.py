"""Training of networks, and its files."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from deltarule import _core, schedules
from deltarule._engine import TRAINERS, put_weights, threads_of, weights_of
from deltarule._training import SOLVERS, Hooks, Rules, averaged, rule_of, run, settings_of
from deltarule._watching import watching
from deltarule.files import ModelFileError, read_model, write_model
from deltarule.network import _record
from deltarule.network._base import Stack
from deltarule.network._data import Array, Data
from deltarule.network._fit import Fit, Watch
from deltarule.schedules import Schedule
from deltarule.vitals import History


class Network(Stack):
    """A network of layers, a loss and weights.

    Parameters
    ----------
    layers : list of deltarule.layers.Layer
        The last one computes the raw predictions, whose link (softmax, sigmoid ...) belongs to the
        loss.
    loss : str or Loss, default="squared_error"
        A loss of raw predictions: the sum over the predictions of a row (of a time step), the mean
        over rows, and over time steps where the last layer gives several.
    input_shape : int or tuple of int, optional
        Of a row of X; else the first X says it.
    dtype : {"float32", "float64"}, default="float32"
    seed : int, default=0
        Of the initial weights, the order of the rows and what is dropped.

    Attributes
    ----------
    plan : Plan
        Layers with their shapes; set when the shape of a row is known.
    history_ : History
        The epochs of all calls of `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> import deltarule as dr
    >>> from deltarule.layers import BatchNorm, Dense
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 8))
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)
    >>> net = dr.Network(
    ...     [Dense(32, activation="relu"), BatchNorm(), Dense(2)], loss="softmax_cross_entropy"
    ... )
    >>> net = net.fit(X, y, epochs=60)
    >>> float((net.predict(X).argmax(axis=1) == y).mean()) > 0.95
    True
    """

    # ---- training

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        solver: str = "adam",
        learning_rate: float | Schedule | Callable[[int], float] = 1e-3,
        momentum: float = 0.9,
        nesterov: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        rho: float = 0.9,
        grad_clip_value: float | None = None,
        grad_clip_norm: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        swa_from: int | None = None,
        shuffle: bool = True,
        checkpoint: str | os.PathLike[str] | None = None,
        callback: Callable[[History], Any] | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> Self:
        """Train for some epochs; a later call goes on with the weights as they are.

        Parameters
        ----------
        X : array_like, shape (n_rows, ...)
        y : array_like
            Integer class codes from 0 on for losses with a softmax, (n_rows,) or (n_rows, steps);
            else values of the shape of the predictions.
        epochs : int, default=10
        batch_size : int, default=32
        sample_weight : array_like, shape (n_rows,), optional
            A weight of 2 counts as the row twice.
        validation : tuple (X, y), optional
            Rows whose loss is recorded after every epoch.
        solver : str, default="adam"
            ``"adam"``, ``"adamw"``, ``"nadam"``, ``"adagrad"``, ``"rmsprop"``, ``"lion"`` or
            ``"sgd"``; ``"momentum"`` and ``"nesterov"`` are ``"sgd"`` with the momentum so named.
        learning_rate : float, schedule or callable, default=1e-3
            A schedule of `deltarule.schedules` or a function gives the rate of an epoch of this
            call, counted from 0.
        momentum, nesterov
            Of ``"sgd"``.
        beta_1, beta_2, epsilon
            Of ``"adam"``, ``"adamw"``, ``"nadam"`` and ``"lion"``; epsilon of all that divide.
        rho
            Of ``"rmsprop"``: decay of the mean square.
        grad_clip_value : float, optional
            Every number of a gradient is clipped to [-grad_clip_value, grad_clip_value].
        grad_clip_norm : float, optional
            The gradient of all weights is scaled down to this norm (Pascanu et al. 2013).
        accumulate : int, default=1
            Batches whose gradients make one step, weighted by their rows.
        ema : float, optional
            Decay of an exponential moving average of the weights, such as 0.999, which becomes the
            weights at the end and is what the validation sees.
        swa_from : int, optional
            From the end of this epoch of this call on, counted from 0, the weights of the epochs
            are averaged (Izmailov et al. 2018); the average becomes the weights at the end.
        shuffle : bool, default=True
        checkpoint : path-like, optional
            Written after every epoch, whole or not at all: `load_checkpoint` and `resume` go on.
        callback : callable, optional
            Is given the history after every epoch; true: training ends.
        n_jobs : int, optional
            Threads; the same bits for any number of them.
        verbose : bool, default=False

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used, or the loss overflows.
        """
        if ema is not None and swa_from is not None:
            raise ValueError("Give one of ema and swa_from: both average the weights.")
        _check_counts(epochs=epochs, batch_size=batch_size, accumulate=accumulate)
        schedule = _schedule_of(learning_rate)
        settings = settings_of(
            **rule_of(_one_of("solver", solver, *SOLVERS), bool(nesterov)),
            batch_size=int(batch_size),
            seed=self._seed_of_fit(),
            shuffle=bool(shuffle),
            momentum=_fraction("momentum", momentum),
            beta_1=_fraction("beta_1", beta_1),
            beta_2=_fraction("beta_2", beta_2),
            epsilon=_positive("epsilon", epsilon),
            rho=_fraction("rho", rho),
            grad_clip_value=_positive("grad_clip_value", grad_clip_value),
            grad_clip_norm=_positive("grad_clip_norm", grad_clip_norm),
            accumulate=int(accumulate),
            average_decay=0.0 if ema is None else _share("ema", ema),
            average_from=-1 if swa_from is None else _epoch_of(swa_from, epochs),
        )
        watch = Watch(validation, checkpoint, callback, n_jobs, verbose)
        data = self._data(X, y, sample_weight)
        fit = Fit(settings, schedule, len(self.history_))
        return self._train(data, int(epochs), watch, fit, None)

    def resume(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        learning_rate: Schedule | Callable[[int], float] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        callback: Callable[[History], Any] | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> Self:
        """Go on with the last `fit`, or with that of a checkpoint, up to ``epochs`` in all.

        On the same rows the weights are to the bit those of a training that was not interrupted.

        Parameters
        ----------
        X, y, sample_weight
            As they were given to `fit`.
        epochs : int
            Of the whole training, those before included; nothing is done where so many are done.
        learning_rate : callable, optional
            The function that was given to `fit`, if one was: a checkpoint holds the schedules of
            `deltarule.schedules`, not functions.

        Raises
        ------
        ValueError
            If there is nothing to go on with, or a function is missing.
        """
        if self._fit is None or self._state is None:
            raise ValueError(
                "There is no training to go on with: call fit first, or load a checkpoint that was "
                "written while training."
            )
        fit = self._fit
        if learning_rate is not None:
            fit = replace(fit, schedule=learning_rate)
        if fit.schedule is None:
            raise ValueError(
                "The training of this checkpoint had a function for its learning rate, which no "
                "file can hold; give it again as learning_rate."
            )
        left = epochs - (len(self.history_) - fit.first)
        if left <= 0:
            return self
        watch = Watch(validation, checkpoint, callback, n_jobs, verbose)
        return self._train(self._data(X, y, sample_weight), left, watch, fit, self._state)

    def _seed_of_fit(self) -> int:
        """Of the order of rows and of what is dropped: another one for every further fit."""
        done = len(self.history_)
        return _core.philox(self.seed, _FITS, done)[0] if done else self.seed

    def _train(
        self, data: Data, epochs: int, watch: Watch, fit: Fit, state: dict[str, Any] | None
    ) -> Self:
        """Train for some more epochs; what fails leaves the network as it was."""
        weights = self._net and self.weights()
        before, done = (self._fit, self._state), len(self.history_)
        self._fit, self._state = fit, state
        try:
            self._train_on(data, epochs, watch)
        except BaseException:
            self._fit, self._state = before
            if weights is not None:
                put_weights(self._net, self.plan, weights, self.dtype)
            del self.history_.epochs[done:]
            raise
        return self

    def _train_on(self, data: Data, epochs: int, watch: Watch) -> None:
        assert self._fit is not None
        if not len(data[0]):
            raise ValueError("X has no rows.")
        fit, net, plan = self._fit, self._ready_for(data[0]), self.plan
        threads = threads_of(watch.n_jobs)
        settings = {**fit.settings, "threads": threads, **watching(plan)}
        trainer = TRAINERS[self.dtype](net, *data, settings, None)
        if self._state is not None:
            put_weights(net, plan, self._state["weights"], self.dtype)
            trainer.set_state(self._state)
        held_out = None if watch.validation is None else self._data(*watch.validation, None)

        def after(history: History) -> Any:
            if watch.checkpoint is not None:
                self._state = {**trainer.state(), "weights": weights_of(net, plan)}
                with averaged(trainer):  # what predicts is what the end of training would leave
                    self.save_checkpoint(watch.checkpoint)
            return watch.callback(history) if watch.callback else False

        course = fit.course(self.history_)
        hooks = Hooks(
            None if held_out is None else lambda: (float(net.loss(*held_out, threads)), None),
            watch.report(len(self.history_) + epochs),
            None if course else fit.rate,
            course,
            after=after,
        )
        rules = Rules(len(self.history_) + epochs, 0.0, math.inf)
        outcome = run(net, trainer, plan, rules, hooks, self.history_)
        own = weights_of(net, plan) if trainer.averages else outcome.last
        self._state = {**trainer.state(), "weights": own}
        put_weights(net, plan, outcome.last, self.dtype)

    # ---- files

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write layers, weights, history and where training is, as one file, whole or not at all.

        Raises
        ------
        ModelFileError
            If the file cannot be written; what was there before is then untouched.
        """
        metadata, arrays = self.to_record()
        write_model(path, {"checkpoint": "Network", **metadata}, arrays)

    @classmethod
    def load_checkpoint(cls, path: str | os.PathLike[str]) -> Self:
        """The network that `save_checkpoint` wrote, to predict or to `resume`.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged or of another kind.
        """
        metadata, arrays = read_model(path)
        if metadata.get("checkpoint") != "Network":
            raise ModelFileError(f"{path} holds no network that was being trained: use dr.load.")
        try:
            return cls.from_record(metadata, arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{path} is undamaged, but no network can be rebuilt from it ({error}): load it "
                "with the version of deltarule that wrote it."
            ) from error

    def to_record(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The network as plain data and arrays, for a file."""
        return _record.describe(self)

    @classmethod
    def from_record(cls, metadata: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The network that `to_record` described."""
        network: Self = _record.restore(cls, metadata, arrays)
        return network


_FITS = 1 << 60  # a stream of numbers beside those of the engine


def _schedule_of(
    rate: float | Schedule | Callable[[int], float],
) -> Schedule | Callable[[int], float]:
    if isinstance(rate, Schedule) or callable(rate):
        return rate
    return schedules.Constant(rate)


def _check_counts(**counts: Any) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise ValueError(f"{name} must be an integer >= 1; met {count!r}.")


def _one_of(name: str, value: str, *options: str) -> str:
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}; met {value!r}.")
    return value


def _positive(name: str, value: float | None) -> float:
    """A number above 0; None stands for infinity."""
    number = np.inf if value is None else float(value)
    if not number > 0:
        raise ValueError(f"{name} must be a number > 0; met {value!r}.")
    return number


def _fraction(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be in [0, 1); met {value!r}.")
    return float(value)


def _epoch_of(swa_from: int, epochs: int) -> int:
    if isinstance(swa_from, bool) or not 0 <= swa_from < epochs:
        raise ValueError(
            f"swa_from must be the number of an epoch, 0 ... {epochs - 1}; met {swa_from!r}."
        )
    return int(swa_from)


def _share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be in (0, 1); met {value!r}.")
    return float(value)
