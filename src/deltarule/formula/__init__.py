"""Functions as formulas: read from text or from NumPy code, differentiated, made stable, compiled.

Pure Python; nothing here evaluates text as code, and nothing here knows the compiled core.
"""

from deltarule.formula.condition import LostDigits
from deltarule.formula.formula import Formula
from deltarule.formula.operations import OPERATIONS
from deltarule.formula.parse import FormulaError, finite
from deltarule.formula.program import Instruction, Program
from deltarule.formula.rules import RULES
from deltarule.formula.switches import switches

__all__ = [
    "OPERATIONS",
    "RULES",
    "Formula",
    "FormulaError",
    "Instruction",
    "LostDigits",
    "Program",
    "finite",
    "switches",
]
