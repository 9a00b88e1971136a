"""Pictures of functions, losses and training: numbers first, then drawn or told as text."""

from deltarule.displays._activations import ActivationDisplay
from deltarule.displays._boundary import DecisionBoundaryDisplay
from deltarule.displays._diagnosis import DiagnosisDisplay
from deltarule.displays._function import FunctionDisplay
from deltarule.displays._gradient_flow import GradientFlowDisplay
from deltarule.displays._learning_curve import LearningCurveDisplay
from deltarule.displays._loss import LossDisplay
from deltarule.displays._network import NetworkDisplay
from deltarule.displays._surface import LossSurfaceDisplay
from deltarule.displays._update_ratio import UpdateRatioDisplay

__all__ = [
    "ActivationDisplay",
    "DecisionBoundaryDisplay",
    "DiagnosisDisplay",
    "FunctionDisplay",
    "GradientFlowDisplay",
    "LearningCurveDisplay",
    "LossDisplay",
    "LossSurfaceDisplay",
    "NetworkDisplay",
    "UpdateRatioDisplay",
]
