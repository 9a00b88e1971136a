"""Networks, their data and their histories as the doctor reads them; repairs that are proved."""

from deltarule.examination._examine import examine
from deltarule.examination._repair import Attempt, Repaired, repair

__all__ = ["Attempt", "Repaired", "examine", "repair"]
