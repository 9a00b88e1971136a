"""Neural networks on CPU: exact functions and gradients, a fast trainer, estimators."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deltarule._activations import Activation, activation, activations
from deltarule._build import build_info
from deltarule._losses import Loss, loss, losses

if TYPE_CHECKING:
    from deltarule import datasets as datasets
    from deltarule.estimators import InterruptedFitWarning, MLPClassifier, MLPRegressor
    from deltarule.files import load, save

__version__ = build_info()["version"]
__all__ = [
    "Activation",
    "InterruptedFitWarning",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "activation",
    "activations",
    "build_info",
    "datasets",
    "load",
    "loss",
    "losses",
    "save",
]

# Loaded when first used: they bring SciPy and scikit-learn.
_LAZY = {
    "InterruptedFitWarning": "deltarule.estimators",
    "MLPClassifier": "deltarule.estimators",
    "MLPRegressor": "deltarule.estimators",
    "datasets": "deltarule.datasets",
    "load": "deltarule.files",
    "save": "deltarule.files",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'deltarule' has no attribute {name!r}")
    module = import_module(_LAZY[name])
    return module if name == "datasets" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
