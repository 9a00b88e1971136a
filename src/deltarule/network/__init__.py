"""Networks of any shape."""

from deltarule.network._network import Network
from deltarule.network._summary import Summary
from deltarule.network._trace import Trace

__all__ = ["Network", "Summary", "Trace"]
