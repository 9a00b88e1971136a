"""The parameters and attributes that several estimators document."""

from __future__ import annotations

from typing import TypeVar

_HIDDEN = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : str, Activation or list of them, default="relu"
        Any activation of the catalogue, for all hidden layers or one per layer."""

_TRAINING = """\
solver : {"adam", "sgd", "lbfgs"}, default="adam"
        ``"sgd"`` is mini-batch gradient descent with momentum, ``"lbfgs"`` SciPy's L-BFGS-B on all
        rows at once.
    alpha : float, default=0.0001
        Strength of the L2 penalty: each batch adds ``alpha / (2 batch weight)`` times the sum of
        the squared weights to its loss; biases are free.
    batch_size : int or "auto", default="auto"
        Rows per step; ``"auto"`` is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"} or schedule, default="constant"
        For sgd: ``"invscaling"`` divides by ``(t_ + 1)**power_t``, ``"adaptive"`` divides by 5
        where training would stop, until 1e-6.  A schedule of `deltarule.schedules` gives the rate
        of every epoch, for adam too, instead of ``learning_rate_init``.
    learning_rate_init : float, default=0.001
    power_t : float, default=0.5
    max_iter : int, default=200
        Epochs at most.
    shuffle : bool, default=True
        Whether each epoch visits the rows in a new random order.
    random_state : int, RandomState or None, default=None
        The same integer gives the same bits.
    tol : float, default=0.0001
        An epoch that improves the loss (or the validation score) by less counts as no change.
    verbose : bool, default=False
        Show a progress bar in a terminal, a line per epoch elsewhere.
    warm_start : bool, default=False
        Whether a further ``fit`` begins with the weights as they are.
    momentum : float in [0, 1], default=0.9
        For sgd.
    nesterovs_momentum : bool, default=True
        For sgd.
    early_stopping : bool, default=False
        Hold out ``validation_fraction`` of the rows, stop when their score stops improving, keep
        the best epoch's weights; of equal epochs the last, where scikit-learn keeps the first.
    validation_fraction : float in [0, 1), default=0.1
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        For adam: decay of the two moments.
    epsilon : float, default=1e-08
        For adam: added to the root of the second moment.
    n_iter_no_change : int or inf, default=10
        Epochs without change after which training stops.
    max_fun : int, default=15000
        For lbfgs: most evaluations of the loss."""

_OWN_PARAMETERS = """\
init : str or Initialiser, default="glorot_uniform"
        Initial weights, by a name of `deltarule.initialisers` or as an object.
    dtype : {None, "float32", "float64"}, default=None
        None computes in the dtype of X (float32 or float64).  "float32" for X of float64 rounds
        each batch when it is needed; X is not copied.
    n_jobs : int or None, default=None
        Threads at most; None: as many as OMP_NUM_THREADS, joblib or Dask allow, else as the process
        has processors; -1: all of these.  Small batches use fewer.  The results are the same bits
        for any number."""

_BLOCKS = """\
dropout : float in [0, 1), default=0.0
        Share of the numbers of every hidden layer that is dropped in training.
    batch_norm : bool, default=False
        Whether hidden layers are normalised over the batch before their activation.
    residual : bool, default=False
        Whether a connection goes past every hidden layer, projected where the sizes differ.
    l1 : float, default=0.0
        Adds ``l1 * sum |w|`` over the weights to the loss.
    weight_decay : float, default=0.0
        Weights shrink by the learning rate times this in every step, apart from the gradient: with
        ``solver="adam"`` that is AdamW.
    max_norm : float, optional
        Largest norm of the weights that a hidden unit reads."""

_CLASS_WEIGHT = """\
class_weight : dict, "balanced" or None, default=None
        Factors of the weights of rows by their class; "balanced": n_samples / (n_classes * rows of
        the class)."""

_CONTROLS = """\
grad_clip_value : float, optional
        Every number of a gradient is clipped to [-grad_clip_value, grad_clip_value].
    grad_clip_norm : float, optional
        The gradient of all weights is scaled down to this norm (Pascanu et al. 2013).
    accumulate : int, default=1
        Batches whose gradients make one step.
    ema : float, optional
        Decay of an exponential moving average of the weights, which is what scores and predicts.
    swa_from : int, optional
        From the end of this epoch on, counted from 0, the weights of the epochs are averaged
        (Izmailov et al. 2018)."""

_WEIGHTS = """\
coefs_, intercepts_ : list of ndarray, shapes (fan_in, fan_out) and (fan_out,)
        Weights and biases of each layer."""

_ATTRIBUTES = """\
history_ : History
        Loss and seconds of every epoch; loss and score on the held-out rows.
    loss_curve_ : list of float
        Training loss per epoch, penalty included; ``loss_`` is the last.
    best_loss_ : float or None
        The smallest; None with early stopping.
    validation_scores_ : list of float or None
        Score per epoch on the held-out rows; ``best_validation_score_`` is the largest.
    n_iter_, t_ : int
        Epochs, and rows seen by the solver.
    n_layers_, n_outputs_ : int
    out_activation_ : {"identity", "logistic", "softmax"}
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had column names."""

C = TypeVar("C", bound=type)


def documented(cls: C) -> C:
    """Fill the shared parts into a class's docstring."""
    assert cls.__doc__ is not None
    cls.__doc__ = cls.__doc__.format(
        hidden=_HIDDEN,
        training=_TRAINING,
        own_parameters=_OWN_PARAMETERS,
        blocks=_BLOCKS,
        class_weight=_CLASS_WEIGHT,
        controls=_CONTROLS,
        weights=_WEIGHTS,
        attributes=_ATTRIBUTES,
    )
    return cls
