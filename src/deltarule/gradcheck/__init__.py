"""An independent witness of gradients: it computes values only, and never imports the core."""

from deltarule.gradcheck._check import check_gradient
from deltarule.gradcheck._report import Element, GradientReport, Layer, Projection, Skipped

__all__ = ["Element", "GradientReport", "Layer", "Projection", "Skipped", "check_gradient"]
