"""Fixtures that all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# No deadline per example, because a busy machine would make tests fail.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data beside the checkout on our build machines; never part of the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: {folder} is not there, so nothing was held against real prices and signals.")
    return folder
