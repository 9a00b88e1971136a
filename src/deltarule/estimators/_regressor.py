"""Regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from deltarule._activations import activations
from deltarule._labels import targets_of
from deltarule._losses import Loss, loss, losses
from deltarule.estimators._base import Array, Targets, _BaseMLP
from deltarule.estimators._doc import documented
from deltarule.estimators._parameters import of_raw_predictions


@documented
class MLPRegressor(RegressorMixin, _BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron for one target or several.

    Parameters and fitted names are scikit-learn's; losses beyond ``"squared_error"``, ``init``,
    ``dtype`` and activations beyond four, or per layer, are additions.  X must be dense.

    Parameters
    ----------
    {parameters}
    loss : str or Loss, default="squared_error"
        ``"squared_error"`` (or an alias of it, as text) means half the squared error, as in
        scikit-learn; any loss of the catalogue whose link is the identity fits, such as
        ``"huber"`` or ``"absolute_error"``, and those of log rates, such as ``"poisson_log"``, for
        which `predict` gives rates.  The losses of several targets are added.
    {own_parameters}

    Attributes
    ----------
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
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        init: str = "glorot_uniform",
        dtype: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.init = init
        self.dtype = dtype
        self.n_jobs = n_jobs

    def predict(self, X: ArrayLike) -> Array:
        """Predicted targets.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)
        """
        predicted = self._linked(self._raw(X))
        return predicted[:, 0] if self._flat else predicted

    _least_held_out = 2  # R^2 of one row is undefined

    def _predicted(self) -> tuple[Array | None, str]:
        return None, "number" if self._flat else "numbers"

    def _linked(self, raw: Array) -> Array:
        """Raw predictions as the user's: a loss of log rates predicts rates."""
        exponential = self._plan.loss.link == "exponential"
        return np.asarray(activations.exponential(raw)) if exponential else raw

    def _encode(self, y: Array, dtype: np.dtype[Any]) -> tuple[Targets, int, Loss]:
        chosen = of_raw_predictions(loss(self.loss))
        if isinstance(self.loss, str) and chosen == losses.squared_error:
            chosen = losses.half_squared_error
        if chosen.link not in ("identity", "exponential"):
            raise ValueError(
                f"The loss {chosen.name} is for classification; a regressor needs one of real "
                "targets, such as 'squared_error' or 'huber'."
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._flat = y.ndim == 1
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(y.reshape(len(y), -1), dtype=dtype)
        if not np.isfinite(values).all():
            raise ValueError(
                f"The targets go beyond {np.finfo(dtype).max:.2g}, the largest {dtype} there is. "
                "Scale them, or set dtype='float64'."
            )
        return Targets(targets_of(chosen, values, values), None), values.shape[1], chosen

    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        return float(r2_score(y.reshape(raw.shape), self._linked(raw), sample_weight=weights))
