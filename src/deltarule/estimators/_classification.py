"""What classifiers share, whatever their layers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)
from sklearn.utils.validation import column_or_1d

from deltarule._activations import activations
from deltarule._losses import Loss, loss, losses
from deltarule.estimators._base import BaseNetwork
from deltarule.estimators._parameters import LABEL_SMOOTHING, check_parameters
from deltarule.estimators._rows import Array, Rows, Targets
from deltarule.plan import of_raw_predictions


class BaseClassifier(ClassifierMixin, BaseNetwork):  # type: ignore[misc]
    """A network for two classes, many classes or many labels; see the concrete classifiers."""

    classes_: Array
    _multilabel: bool

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

    def _encode(self, y: Array, dtype: np.dtype[Any], continues: bool) -> tuple[Targets, int, Loss]:
        known = self.classes_ if continues or self._announced else None
        self._multilabel = type_of_target(y) == "multilabel-indicator"
        if self._multilabel:
            check_classification_targets(y)
            self.classes_ = np.arange(y.shape[1])
            chosen = self._smoothed(self._loss_for("sigmoid", y.shape[1]))
            return Targets(np.ascontiguousarray(y, dtype=dtype), None), y.shape[1], chosen
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        found, codes = np.unique(y, return_inverse=True)
        self.classes_ = found if known is None else known
        if known is not None:
            codes = self._codes_of_known(y, found)
        chosen = self._smoothed(self._loss_for(None, len(self.classes_)))
        outputs = len(self.classes_) if chosen.link == "softmax" else 1
        return _targets(codes, chosen, dtype), outputs, chosen

    def _encode_further(self, y: Array, dtype: np.dtype[Any]) -> Targets:
        if self._multilabel:
            if type_of_target(y) != "multilabel-indicator" or y.shape[1] != len(self.classes_):
                raise ValueError(
                    f"The y of eval_set must be {len(self.classes_)} labels per row, 0 or 1, as "
                    "the y to learn from."
                )
            return Targets(np.ascontiguousarray(y, dtype=dtype), None)
        y = column_or_1d(y, warn=True)
        codes, wrong = self._codes_of(y)
        if wrong.any():
            unknown = y[wrong].tolist()[0]
            raise ValueError(
                f"eval_set has the class {unknown!r}, which is not among those to learn from: "
                f"{self.classes_}."
            )
        return _targets(codes, self._plan.loss, dtype)

    def _smoothed(self, chosen: Loss) -> Loss:
        check_parameters(self, LABEL_SMOOTHING)
        if not self.label_smoothing:
            return chosen
        if "label_smoothing" not in chosen.parameters:
            raise ValueError(
                f"The loss {chosen.name} has no label smoothing: set label_smoothing=0, or choose "
                "'cross_entropy'."
            )
        return chosen.with_parameters({"label_smoothing": float(self.label_smoothing)})

    def _validate_training_data(
        self, X: ArrayLike, y: ArrayLike, weights: Any, fitted: np.dtype[Any] | None
    ) -> tuple[Rows, np.dtype[Any]]:
        data, dtype = super()._validate_training_data(X, y, weights, fitted)
        if self.class_weight is None:
            return data, dtype
        if self._partial and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees some of "
                "them: give the weights as a dict."
            )
        factors = compute_sample_weight(self.class_weight, data.y).astype(dtype)
        if data.weights is not None:
            factors = factors * data.weights
        if not (factors >= 0).all() or not factors.any():
            raise ValueError(
                "With class_weight, rows must have weights >= 0, and some of them > 0; met "
                f"{self.class_weight!r}, which gives rows weights from {factors.min()} to "
                f"{factors.max()}."
            )
        return data._replace(weights=factors), dtype

    def _codes_of_known(self, y: Array, found: Array) -> Array:
        """The codes of y, of the classes found, among those of earlier rows."""
        known = self.classes_
        if self.warm_start and not self._announced and set(found) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {known}, `y` has {found}"
            )
        codes, wrong = self._codes_of(y)
        if wrong.any():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. `y` has "
                f"{found}."
            )
        return codes

    def _codes_of(self, y: Array) -> tuple[Array, Array]:
        """Codes among the known classes, and where there is none."""
        try:
            codes = np.minimum(np.searchsorted(self.classes_, y), len(self.classes_) - 1)
        except TypeError as error:
            raise ValueError(
                f"y holds classes that cannot be compared with those to learn from, "
                f"{self.classes_}: {error}."
            ) from error
        return np.asarray(codes), np.asarray(self.classes_[codes] != y)

    @available_if(lambda estimator: estimator._learns_by_steps())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on some rows, from where training is.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : array_like, shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array_like, shape (n_samples,), optional
        classes : array_like, shape (n_classes,), optional
            All classes that later rows may have; needed in the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If classes are missing in the first call or change later, and as `fit`.
        """
        before = dict(self.__dict__)
        try:
            first = _check_partial_fit_first_call(self, classes)
            self._announced = first and not type_of_target(y).startswith("multilabel")
            self._partial = True
            self._whole_or_not_at_all(X, y, sample_weight, incremental=True)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        finally:
            self.__dict__.pop("_announced", None)
            self.__dict__.pop("_partial", None)
        return self

    _announced = False  # classes_ is known before the first rows
    _partial = False  # the rows are some of many

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
        """The classes; of more than two where each has two rows and both parts have room."""
        if self._multilabel:
            return None
        if len(self.classes_) == 2:
            return np.asarray(np.reshape(y, (-1, 1)) == self.classes_[1])
        counts = np.unique(np.ravel(y), return_counts=True)[1]
        held_out = int(np.ceil(self.validation_fraction * len(y)))
        fits = counts.min() >= 2 and len(counts) <= min(held_out, len(y) - held_out)
        return np.ravel(y) if fits else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _targets(codes: Array, chosen: Loss, dtype: np.dtype[Any]) -> Targets:
    """Codes of classes as the loss takes them."""
    if chosen.link == "softmax":
        return Targets(None, np.ascontiguousarray(codes, dtype=np.int64))
    return Targets(codes.astype(dtype).reshape(-1, 1), None)
