"""scikit-learn estimators."""

from deltarule.estimators._classifier import MLPClassifier
from deltarule.estimators._loop import InterruptedFitWarning
from deltarule.estimators._regressor import MLPRegressor

__all__ = ["InterruptedFitWarning", "MLPClassifier", "MLPRegressor"]
