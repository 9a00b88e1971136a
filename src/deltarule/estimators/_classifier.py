"""Classification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from deltarule._activations import activations
from deltarule._losses import Loss, loss, losses
from deltarule.estimators._base import Array, Targets, _BaseMLP
from deltarule.estimators._doc import documented
from deltarule.estimators._parameters import of_raw_predictions


@documented
class MLPClassifier(ClassifierMixin, _BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron for two classes, many classes or many labels.

    Parameters and fitted names are scikit-learn's; ``loss``, ``init``, ``dtype`` and activations
    beyond four, or per layer, are additions.  X must be dense.

    Parameters
    ----------
    {parameters}
    loss : str or Loss, default="cross_entropy"
        ``"cross_entropy"`` is softmax with cross-entropy for more than two classes, sigmoid with
        cross-entropy for two and for multilabel targets.  Any loss whose link is a softmax or a
        sigmoid fits, such as ``dr.loss("cross_entropy", label_smoothing=0.1)``.
    {own_parameters}

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
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

    classes_: Array
    _multilabel: bool

    def __init__(
        self,
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
        loss: Any = "cross_entropy",
        init: str = "glorot_uniform",
        dtype: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
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
        self.loss = loss
        self.init = init
        self.dtype = dtype
        self.n_jobs = n_jobs

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class (or the labels above 1/2) of each row.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_labels)
        """
        return self._decide(self._raw(X))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities, shape (n_samples, n_classes); for multilabel targets, of each label."""
        raw = self._raw(X)
        if raw.shape[1] > 1 or self._multilabel:
            return np.asarray(activations[self._plan.loss.link](raw))
        sides = activations.sigmoid(np.hstack([-raw, raw]))
        return np.asarray(sides[:, : len(self.classes_)])

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithms of the probabilities, exact where the probability itself underflows."""
        raw = self._raw(X)
        softplus = activations.softplus
        if self._plan.loss.link == "softmax":
            return np.asarray(activations.log_softmax(raw))
        if self._multilabel:
            return np.asarray(-softplus(-raw))
        return np.asarray(-softplus(np.hstack([raw, -raw]))[:, : len(self.classes_)])

    def _encode(self, y: Array, dtype: np.dtype[Any]) -> tuple[Targets, int, Loss]:
        self._multilabel = type_of_target(y) == "multilabel-indicator"
        if self._multilabel:
            check_classification_targets(y)
            self.classes_ = np.arange(y.shape[1])
            chosen = self._loss_for("sigmoid", y.shape[1])
            return Targets(np.ascontiguousarray(y, dtype=dtype), None), y.shape[1], chosen
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        codes = codes.astype(np.int64, copy=False)
        chosen = self._loss_for(None, len(self.classes_))
        if chosen.link == "softmax":
            return Targets(None, np.ascontiguousarray(codes)), len(self.classes_), chosen
        return Targets(codes.astype(dtype).reshape(-1, 1), None), 1, chosen

    def _loss_for(self, link: str | None, classes: int) -> Loss:
        """The loss the user means for these targets; `link` is required of it if given."""
        chosen = of_raw_predictions(loss(self.loss))
        plain = chosen == losses.softmax_cross_entropy
        if plain and (link == "sigmoid" or classes <= 2):
            return losses.bce_with_logits
        if chosen.link not in ("softmax", "sigmoid"):
            raise ValueError(
                f"The loss {chosen.name} is not for probabilities; a classifier needs one with a "
                "softmax or a sigmoid, such as 'cross_entropy'."
            )
        if link == "sigmoid" and chosen.link != "sigmoid":
            raise ValueError(
                f"The loss {chosen.name} assumes that exactly one class is right, but y has many "
                "labels per row. Use 'bce_with_logits'."
            )
        if link is None and chosen.link == "sigmoid" and classes > 2:
            raise ValueError(
                f"The loss {chosen.name} is for two classes or many labels; y has {classes} "
                "classes. Use 'cross_entropy'."
            )
        return chosen

    def _predicted(self) -> tuple[Array | None, str]:
        return self.classes_.copy(), "labels" if self._multilabel else "class"

    def _decide(self, raw: Array) -> Array:
        if self._multilabel:
            return np.asarray((raw > 0).astype(np.int64))
        if raw.shape[1] == 1 and self._plan.loss.link == "sigmoid":
            above = (raw[:, 0] > 0) & (len(self.classes_) > 1)
            return np.asarray(self.classes_[above.astype(np.int64)])
        return np.asarray(self.classes_[raw.argmax(axis=1)])

    def _score_raw(self, raw: Array, y: Array, weights: Array | None) -> float:
        right = self._decide(raw) == (y if self._multilabel else np.ravel(y))
        return float(np.average(right.all(axis=1) if self._multilabel else right, weights=weights))

    def _strata(self, y: Array) -> Array | None:
        """The classes, where each has two rows and both parts have room for all of them."""
        if self._multilabel:
            return None
        counts = np.unique(np.ravel(y), return_counts=True)[1]
        held_out = int(np.ceil(self.validation_fraction * len(y)))
        fits = counts.min() >= 2 and len(counts) <= min(held_out, len(y) - held_out)
        return np.ravel(y) if fits else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
