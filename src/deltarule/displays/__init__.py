"""Pictures of functions, losses and training: numbers first, then drawn or told as text."""

from deltarule.displays._boundary import DecisionBoundaryDisplay
from deltarule.displays._function import FunctionDisplay
from deltarule.displays._loss import LossDisplay
from deltarule.displays._network import NetworkDisplay
from deltarule.displays._surface import LossSurfaceDisplay

__all__ = [
    "DecisionBoundaryDisplay",
    "FunctionDisplay",
    "LossDisplay",
    "LossSurfaceDisplay",
    "NetworkDisplay",
]
