"""One warehouse in memory a test, and one market on two nights that tests of single models share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from flows.config import Settings
from flows.warehouse.connection import prepare
from flows.warehouse.days import write_days
from tests.warehouse import market
from tests.warehouse.scene import Scene


@contextmanager
def empty_scene(tmp_path: Path) -> Iterator[Scene]:
    """Horizons of 1, 2 and 3 bars; costs of 20 bps."""
    folder = tmp_path / "vendor"
    folder.mkdir()
    settings = Settings(home=tmp_path / "home", horizons_1d=(1, 2, 3), horizons_1h=(1, 2), _env_file=None)
    with duckdb.connect() as connection:
        prepare(connection, settings)
        yield Scene(connection, folder, settings)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with empty_scene(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The market after its first night, a full build. Only to be read."""
    with empty_scene(tmp_path_factory.mktemp("first")) as made:
        _run_first(made)
        yield made


@pytest.fixture(scope="session")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The market after its second night, an increment. Only to be read."""
    with empty_scene(tmp_path_factory.mktemp("second")) as made:
        _run_first(made)
        market.lay_out_the_night_after(made)
        assert not made.run(market.SECOND_NIGHT).is_full
        write_days(made.connection, made.settings, datetime.fromisoformat(market.SECOND_NIGHT))
        yield made


def _run_first(scene: Scene) -> None:
    market.lay_out(scene)
    assert scene.run(market.FIRST_NIGHT).is_full
    write_days(scene.connection, scene.settings, datetime.fromisoformat(market.FIRST_NIGHT))
