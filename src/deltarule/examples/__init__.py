"""The textbook's worked examples, computed."""

from deltarule.examples._example import Example

__all__ = ["Example"]
