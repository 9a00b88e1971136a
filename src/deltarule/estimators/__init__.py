"""scikit-learn estimators."""

from deltarule._training import InterruptedFitWarning
from deltarule.estimators._classifier import MLPClassifier
from deltarule.estimators._layered import NetworkClassifier, NetworkRegressor
from deltarule.estimators._regressor import MLPRegressor
from deltarule.estimators._tabular_classifier import TabularClassifier
from deltarule.estimators._tabular_regressor import TabularRegressor

__all__ = [
    "InterruptedFitWarning",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "TabularClassifier",
    "TabularRegressor",
]
