"""Pictures of functions, losses and training: numbers first, then drawn or told as text."""

from deltarule.displays._function import FunctionDisplay
from deltarule.displays._loss import LossDisplay

__all__ = ["FunctionDisplay", "LossDisplay"]
