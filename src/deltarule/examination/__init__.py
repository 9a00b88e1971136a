"""Networks, their data and their histories as the doctor reads them."""

from deltarule.examination._examine import examine

__all__ = ["examine"]
