"""Multilayer perceptrons for regression."""

from __future__ import annotations

from typing import Any

from deltarule.estimators._doc import documented
from deltarule.estimators._mlp import BaseMLP
from deltarule.estimators._regression import BaseRegressor


@documented
class MLPRegressor(BaseRegressor, BaseMLP):
    """A multilayer perceptron for one target or several.

    Parameters and fitted names are scikit-learn's; what comes behind ``max_fun``, more losses, and
    activations beyond four or per layer, are additions.

    Parameters
    ----------
    {hidden}
    {training}
    loss : str or Loss, default="squared_error"
        ``"squared_error"`` (or an alias of it, as text) means half the squared error, as in
        scikit-learn; any loss of the catalogue whose link is the identity fits, such as
        ``"huber"`` or ``"absolute_error"``, and those of log rates, such as ``"poisson_log"``, for
        which `predict` gives rates.  The losses of several targets are added.
    {blocks}
    {controls}
    {quantiles}
    {own_parameters}

    Attributes
    ----------
    {weights}
    {attributes}

    Examples
    --------
    >>> from deltarule import MLPRegressor
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> reg = MLPRegressor(max_iter=2000, tol=1e-6, random_state=0).fit(X, X[:, 0] ** 2)
    >>> reg.score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _flat: bool  # y had one dimension

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
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
        dropout: float = 0.0,
        batch_norm: bool = False,
        residual: bool = False,
        out_activation: Any = None,
        l1: float = 0.0,
        weight_decay: float | None = None,
        max_norm: float | None = None,
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
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
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
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.residual = residual
        self.out_activation = out_activation
        self.l1 = l1
        self.weight_decay = weight_decay
        self.max_norm = max_norm
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
