"""Estimators over networks of any layers."""

from __future__ import annotations

from typing import Any

from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._classification import BaseClassifier
from deltarule.estimators._doc import documented
from deltarule.estimators._regression import BaseRegressor
from deltarule.layers.structure import as_layers
from deltarule.plan import Layer


class BaseLayered(BaseNetwork):
    """A network of the layers it is given; see the two concrete estimators."""

    _allows_nd = True

    def _hidden_layers(self) -> list[Layer]:
        return list(as_layers("layers", self.layers))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@documented
class NetworkClassifier(BaseLayered, BaseClassifier):
    """A network of any layers for two classes, many classes or many labels.

    X may have 2, 3 or 4 axes: (rows, features), (rows, steps, features) or (rows, height, width,
    channels).

    Parameters
    ----------
    layers : list of deltarule.layers.Layer, default=()
        What comes before the output layer, a `Dense` one with as many units as y asks for, which is
        added.  They must end with one row of numbers: `Flatten`, `GlobalPool` and recurrent layers
        make it.
    loss : str or Loss, default="cross_entropy"
        As in `MLPClassifier`.
    {training}
    {controls}
    {class_weight}
    {own_parameters}

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    weights_ : dict of str to ndarray
        All arrays of weights by name, as ``"dense_1.weight"``.
    {attributes}

    Examples
    --------
    >>> from deltarule import NetworkClassifier
    >>> from deltarule.layers import BatchNorm, Dense, Dropout
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> hidden = [BatchNorm(), Dense(32, activation="gelu"), Dropout(0.1)]
    >>> clf = NetworkClassifier(hidden, max_iter=300, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        layers: Any = (),
        loss: Any = "cross_entropy",
        *,
        solver: str = "adam",
        alpha: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        rho: float = 0.9,
        monitor: str = "score",
        callbacks: Any = None,
        grad_clip_value: float | None = None,
        grad_clip_norm: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        swa_from: int | None = None,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        init: Any = "glorot_uniform",
        dtype: str | None = None,
        n_jobs: int | None = None,
        doctor: str = "watch",
    ) -> None:
        self.layers = layers
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.rho = rho
        self.monitor = monitor
        self.callbacks = callbacks
        self.grad_clip_value = grad_clip_value
        self.grad_clip_norm = grad_clip_norm
        self.accumulate = accumulate
        self.ema = ema
        self.swa_from = swa_from
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.init = init
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.doctor = doctor


@documented
class NetworkRegressor(BaseLayered, BaseRegressor):
    """A network of any layers for one target or several.

    X may have 2, 3 or 4 axes: (rows, features), (rows, steps, features) or (rows, height, width,
    channels).

    Parameters
    ----------
    layers : list of deltarule.layers.Layer, default=()
        What comes before the output layer, a `Dense` one with as many units as y has columns, which
        is added.  They must end with one row of numbers: `Flatten`, `GlobalPool` and recurrent
        layers make it.
    loss : str or Loss, default="squared_error"
        As in `MLPRegressor`.
    {training}
    {controls}
    {quantiles}
    {own_parameters}

    Attributes
    ----------
    weights_ : dict of str to ndarray
        All arrays of weights by name, as ``"dense_1.weight"``.
    {attributes}

    Examples
    --------
    >>> import numpy as np
    >>> from deltarule import NetworkRegressor
    >>> from deltarule.layers import Dense, Residual
    >>> X = np.linspace(-3, 3, 200).reshape(-1, 1)
    >>> branch = [Dense(32, activation="tanh"), Dense(32)]
    >>> reg = NetworkRegressor([Dense(32), Residual(branch)], max_iter=500, random_state=0)
    >>> reg.fit(X, np.sin(2 * X[:, 0])).score(X, np.sin(2 * X[:, 0])) > 0.9
    True
    """

    def __init__(
        self,
        layers: Any = (),
        loss: Any = "squared_error",
        *,
        solver: str = "adam",
        alpha: float = 0.0,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        rho: float = 0.9,
        monitor: str = "score",
        callbacks: Any = None,
        grad_clip_value: float | None = None,
        grad_clip_norm: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        swa_from: int | None = None,
        quantiles: Any = None,
        init: Any = "glorot_uniform",
        dtype: str | None = None,
        n_jobs: int | None = None,
        doctor: str = "watch",
    ) -> None:
        self.layers = layers
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.rho = rho
        self.monitor = monitor
        self.callbacks = callbacks
        self.grad_clip_value = grad_clip_value
        self.grad_clip_norm = grad_clip_norm
        self.accumulate = accumulate
        self.ema = ema
        self.swa_from = swa_from
        self.quantiles = quantiles
        self.init = init
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.doctor = doctor
