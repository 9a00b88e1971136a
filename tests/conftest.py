"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the data that the repository does not hold (mnist/, tabular/)."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("DELTARULE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"The data folder {folder} is absent: set DELTARULE_DATA to run this test.")
    return folder
