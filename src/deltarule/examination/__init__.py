"""Networks, their data and their histories as the doctor reads them; repairs that are proved."""

from deltarule.examination._examine import examine
from deltarule.examination._repair import Repaired, repair
from deltarule.examination._torch import Watch, watch_torch

__all__ = ["Repaired", "Watch", "examine", "repair", "watch_torch"]
