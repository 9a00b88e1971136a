"""The parameters and attributes that several estimators document."""

from __future__ import annotations

from typing import TypeVar

_HIDDEN = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : str, Activation or list of them, default="relu"
        Any activation of the catalogue, for all hidden layers or one per layer."""

_TRAINING = """\
solver : str, default="adam"
        ``"sgd"`` is mini-batch gradient descent with momentum (``"momentum"`` and ``"nesterov"``:
        without and with look-ahead, whatever ``nesterovs_momentum``); ``"adam"``, ``"adamw"`` (with
        the decoupled ``weight_decay``, of the layers where these are given), ``"nadam"``,
        ``"adagrad"``, ``"rmsprop"`` and ``"lion"`` adapt the step of every weight; ``"lbfgs"`` is
        SciPy's L-BFGS-B on all rows at once.
    alpha : float, default=0.0001
        Strength of the L2 penalty: each batch adds ``alpha / (2 batch weight)`` times the sum of
        the squared weights to its loss; biases are free.
    batch_size : int or "auto", default="auto"
        Rows per step; ``"auto"`` is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"} or schedule, default="constant"
        For sgd: ``"invscaling"`` divides by ``(t_ + 1)**power_t``, ``"adaptive"`` divides by 5
        where training would stop, until 1e-6.  A schedule of `deltarule.schedules` gives the rate
        of every epoch, or batch, for every solver but lbfgs, instead of ``learning_rate_init``.
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
        Show a progress bar in a terminal, a line per epoch elsewhere.  Without it a fit of more
        than five seconds shows a bar in terminals and notebooks while it lasts.
    warm_start : bool, default=False
        Whether a further ``fit`` begins with the weights as they are.
    momentum : float in [0, 1], default=0.9
        For sgd.
    nesterovs_momentum : bool, default=True
        For sgd.
    early_stopping : bool, default=False
        Hold out ``validation_fraction`` of the rows (or look at ``eval_set`` of ``fit``), stop when
        their score stops improving, keep the best epoch's weights; of equal epochs the last, where
        scikit-learn keeps the first.  Not for lbfgs, which ends by itself.
    validation_fraction : float in [0, 1), default=0.1
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        For adam, adamw, nadam and lion: decay of the two moments; of lion the second is usually
        0.99.
    epsilon : float, default=1e-08
        For all adaptive solvers but lion: added to the root of the second moment.
    n_iter_no_change : int or inf, default=10
        Epochs without change after which training stops.
    max_fun : int, default=15000
        For lbfgs: most evaluations of the loss.
    rho : float in [0, 1), default=0.9
        For rmsprop: decay of the mean square.
    monitor : {"score", "loss"}, default="score"
        What early stopping looks at on the rows held out.
    callbacks : list, optional
        Functions, or objects with ``on_epoch_end``, that are given the record of every epoch
        (`deltarule.vitals.Epoch`); true: training ends.  scikit-learn's callbacks are set by
        ``set_callbacks``."""

_OWN_PARAMETERS = """\
init : str or Initialiser, default="glorot_uniform"
        Initial weights, by a name of `deltarule.initialisers` or as an object.
    dtype : {None, "float32", "float64"}, default=None
        None computes in the dtype of X (float32 or float64).  "float32" for X of float64 rounds
        each batch when it is needed; X is not copied.
    n_jobs : int or None, default=None
        Threads at most; None: as many as OMP_NUM_THREADS, joblib or Dask allow, else as the process
        has processors; -1: all of these.  Small batches use fewer.  The results are the same bits
        for any number.
    doctor : {"off", "watch", "repair"}, default="watch"
        "watch": `fit` warns once, in plain words, if the network learned nothing and the reason is
        plain.  "repair": rows are held out (``validation_fraction``), the network is examined, and
        repairs that help on them are kept, as by `deltarule.repair`; ``diagnosis_`` tells
        what was found and tried."""

_BLOCKS = """\
dropout : float in [0, 1), default=0.0
        Share of the numbers of every hidden layer that is dropped in training.
    batch_norm : bool, default=False
        Whether hidden layers are normalised over the batch before their activation.
    residual : bool, default=False
        Whether a connection goes past every hidden layer, projected where the sizes differ.
    l1 : float, default=0.0
        Adds ``l1 * sum |w|`` over the weights to the loss.
    out_activation : str or Activation, optional
        Applied to the outputs before the loss and its link, such as ``"softplus"`` for targets that
        are never negative.
    weight_decay : float, optional
        Weights shrink by the learning rate times this in every step, apart from the gradient; None:
        0.01 for adamw, 0 for other solvers.
    max_norm : float, optional
        Largest norm of the weights that a hidden unit reads."""

_CLASS_WEIGHT = """\
label_smoothing : float in [0, 1), default=0.0
        Share of the target that goes to all classes alike (Szegedy et al. 2016).
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

_QUANTILES = """\
quantiles : sequence of float in (0, 1), optional
        For the losses ``"quantile"`` (``"pinball"``) and ``"expectile"`` of a single target: the
        levels that are learned together and never cross.  ``predict`` then gives the one at 1/2,
        ``predict(X, quantiles=[...])`` any between the first and the last."""

_TABLE = """\
hidden_layer_sizes : int or sequence of int, default=(256, 256, 256)
    activation : str, Activation or None, default=None
        Element-wise, of all hidden layers; None: that of the recipe (selu for classes, mish for
        numbers).
    n_members : int or "auto", default="auto"
        Networks that are trained side by side, as one, and averaged; ``"auto"``: 5 up to 30,000
        rows, then 1.
    numeric_embedding : bool, default=True
        Whether waves of every number stand beside it.
    frequency_scale : float, default=0.1
        Of the waves: a larger one follows finer structure.
    dropout : float in [0, 1), default=0.15
    weight_decay : float, default=0.02"""

_TABLE_TRAINING = """\
batch_size : int or "auto", default="auto"
        ``"auto"``: 64 up to 1024 rows, 128 up to 8192, 256 up to 30,000, 512 up to 100,000, then
        1024.  A last batch of fewer rows is left out of its epoch.
    learning_rate_init : float, optional
        Top of the learning rate; None: 0.04 for classes, 0.2 for numbers.
    max_iter : int or "auto", default="auto"
        Epochs; ``"auto"``: 256 up to 5000 rows, 128 up to 10,000, then 64.  The learning rate and
        the rates of dropout and weight decay follow from it.
    early_stopping : bool, default=True
        Keep the weights of the epoch that is best on rows held out, of 40 rows or more: those of
        ``eval_set`` of ``fit``; else, of one network, ``validation_fraction`` of the rows; else
        every row, which one of the members has not learned from.
    validation_fraction : float in [0, 1), default=0.2
    n_iter_no_change : int or inf, default=inf
        Epochs without a better one after which training ends; by default it goes to the end of its
        schedule, where the best epoch mostly is.
    monitor : {"score", "loss"}, default="loss"
        What decides which epoch is best.
    categorical_features : array_like, optional
        Names or indices of columns, or a bool for each, that are categories whatever their dtype;
        by default text, booleans and categorical columns are.
    callbacks : list, optional
        As in `MLPClassifier`.
    random_state : int, RandomState or None, default=None
    verbose : bool, default=False
    n_jobs : int or None, default=None
        Threads at most.
    doctor : {"off", "watch", "repair"}, default="watch"
        As in `MLPClassifier`."""

_TABLE_ATTRIBUTES = """\
encoder_ : ColumnEncoder
        How columns become what the network reads.
    weights_ : dict of str to ndarray
        All arrays of weights by name.
    history_ : History
        Loss, learning rate and seconds of every epoch; loss and score on the held-out rows.
    n_iter_, t_ : int
        Epochs, and rows seen.
    n_layers_, n_outputs_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had column names."""

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
    validation_loss_curve_ : list of float or None
        Loss per epoch on the held-out rows.
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
        quantiles=_QUANTILES,
        table=_TABLE,
        table_training=_TABLE_TRAINING,
        table_attributes=_TABLE_ATTRIBUTES,
        weights=_WEIGHTS,
        attributes=_ATTRIBUTES,
    )
    return cls
