"""One warehouse in memory a test."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.config import Settings
from flows.warehouse.connection import prepare
from tests.warehouse.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Horizons of 1, 2 and 3 bars; costs of 20 bps."""
    folder = tmp_path / "vendor"
    folder.mkdir()
    settings = Settings(home=tmp_path / "home", horizons_1d=(1, 2, 3), horizons_1h=(1, 2), _env_file=None)
    with duckdb.connect() as connection:
        prepare(connection, settings)
        yield Scene(connection, folder, settings)
