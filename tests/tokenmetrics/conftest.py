"""The dev server, and the vendor's own example responses where they are beside the checkout."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from flows.devserver import DevServer
from tests.conftest import SHARED

# The vendor's clock in most tests: the middle of a day, so that today's rows are partial.
NOW = datetime(2026, 11, 22, 7, 30)


@pytest.fixture
def server() -> Iterator[DevServer]:
    """A vendor without faults and without limits."""
    with DevServer(now=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own key and `.env` out of the tests."""
    for name in list(os.environ):
        if name.startswith("TOKENMETRICS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The vendor's published example responses; never part of the project."""
    folder = SHARED / "vendor" / "samples"
    if not folder.is_dir():
        pytest.skip(f"VENDOR SAMPLES ABSENT: {folder} is not there, so no parser was held against the vendor's rows.")
    return folder
