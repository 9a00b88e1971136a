"""Neural networks on CPU: exact functions and gradients, a fast trainer, estimators."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deltarule._activation_kinds import Activation
from deltarule._activations import activation, activations
from deltarule._build import build_info
from deltarule._losses import Loss, loss, losses

if TYPE_CHECKING:
    from deltarule import datasets as datasets
    from deltarule import displays as displays
    from deltarule import doctor as doctor
    from deltarule import examples as examples
    from deltarule import initialisers as initialisers
    from deltarule import interchange as interchange
    from deltarule import layers as layers
    from deltarule import schedules as schedules
    from deltarule._composite import CompositeLoss
    from deltarule._custom import CustomActivation, CustomLoss
    from deltarule._from_formula import FormulaWarning, custom_activation, custom_loss
    from deltarule._statistics import init_gain
    from deltarule.doctor import DiagnosisWarning
    from deltarule.estimators import (
        InterruptedFitWarning,
        MLPClassifier,
        MLPRegressor,
        NetworkClassifier,
        NetworkRegressor,
        TabularClassifier,
        TabularRegressor,
    )
    from deltarule.examination import examine, repair, watch_torch
    from deltarule.files import load, save
    from deltarule.formula import FormulaError
    from deltarule.gradcheck import check_gradient
    from deltarule.network import Network, Trace

__version__ = build_info()["version"]
__all__ = [
    "Activation",
    "CompositeLoss",
    "CustomActivation",
    "CustomLoss",
    "DiagnosisWarning",
    "FormulaError",
    "FormulaWarning",
    "InterruptedFitWarning",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "NetworkClassifier",
    "NetworkRegressor",
    "TabularClassifier",
    "TabularRegressor",
    "Trace",
    "activation",
    "activations",
    "build_info",
    "check_gradient",
    "custom_activation",
    "custom_loss",
    "datasets",
    "displays",
    "doctor",
    "examine",
    "examples",
    "init_gain",
    "initialisers",
    "interchange",
    "layers",
    "load",
    "loss",
    "losses",
    "repair",
    "save",
    "schedules",
    "watch_torch",
]

# Loaded when first used: they bring SciPy and scikit-learn.
_LAZY = {
    "CompositeLoss": "deltarule._composite",
    "CustomActivation": "deltarule._custom",
    "CustomLoss": "deltarule._custom",
    "FormulaError": "deltarule.formula",
    "FormulaWarning": "deltarule._from_formula",
    "custom_activation": "deltarule._from_formula",
    "custom_loss": "deltarule._from_formula",
    "InterruptedFitWarning": "deltarule.estimators",
    "MLPClassifier": "deltarule.estimators",
    "MLPRegressor": "deltarule.estimators",
    "Network": "deltarule.network",
    "NetworkClassifier": "deltarule.estimators",
    "NetworkRegressor": "deltarule.estimators",
    "TabularClassifier": "deltarule.estimators",
    "TabularRegressor": "deltarule.estimators",
    "Trace": "deltarule.network",
    "check_gradient": "deltarule.gradcheck",
    "datasets": "deltarule.datasets",
    "doctor": "deltarule.doctor",
    "DiagnosisWarning": "deltarule.doctor",
    "examine": "deltarule.examination",
    "repair": "deltarule.examination",
    "displays": "deltarule.displays",
    "examples": "deltarule.examples",
    "init_gain": "deltarule._statistics",
    "initialisers": "deltarule.initialisers",
    "interchange": "deltarule.interchange",
    "layers": "deltarule.layers",
    "load": "deltarule.files",
    "save": "deltarule.files",
    "schedules": "deltarule.schedules",
    "watch_torch": "deltarule.examination",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'deltarule' has no attribute {name!r}")
    module = import_module(_LAZY[name])
    return module if _LAZY[name] == f"deltarule.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
