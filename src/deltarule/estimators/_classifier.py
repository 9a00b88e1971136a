"""Multilayer perceptrons for classification."""

from __future__ import annotations

from typing import Any

from deltarule.estimators._classification import BaseClassifier
from deltarule.estimators._doc import documented
from deltarule.estimators._mlp import BaseMLP


@documented
class MLPClassifier(BaseClassifier, BaseMLP):
    """A multilayer perceptron for two classes, many classes or many labels.

    Parameters and fitted names are scikit-learn's; what comes behind ``max_fun``, and activations
    beyond four or per layer, are additions.

    Parameters
    ----------
    {hidden}
    {training}
    loss : str or Loss, default="cross_entropy"
        ``"cross_entropy"`` is softmax with cross-entropy for more than two classes, sigmoid with
        cross-entropy for two and for multilabel targets.  Any loss whose link is a softmax or a
        sigmoid fits, such as ``dr.loss("cross_entropy", label_smoothing=0.1)``.
    {blocks}
    {controls}
    {class_weight}
    {own_parameters}

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    {weights}
    {attributes}

    Examples
    --------
    >>> from deltarule import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(max_iter=400, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    """

    def __init__(
        self,
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
        loss: Any = "cross_entropy",
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
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        init: Any = "glorot_uniform",
        dtype: str | None = None,
        n_jobs: int | None = None,
        doctor: str = "watch",
    ) -> None:
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
        self.loss = loss
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
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.init = init
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.doctor = doctor
