"""A warehouse of every earlier version is migrated to the newest schema, and the next run works on it."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from flows import pipeline
from flows.config import Settings
from flows.errors import WarehouseError
from flows.warehouse.build import build
from flows.warehouse.connection import open_warehouse, prepare
from flows.warehouse.migrate import newest_version
from flows.warehouse.publish import adopt_publishes, publish, stamp_of
from tests.point_in_time.markets import Step, random_market
from tests.product import make_run, snapshot_without_gate

OLD_FILES = sorted(Path(__file__).parent.glob("v*.sql"))


def old_warehouse(settings: Settings, ddl: Path) -> None:
    settings.home.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        for schema in ("raw", "staging", "work", "core", "marts", "ops"):
            warehouse.execute(f"create schema {schema}")
        warehouse.execute(ddl.read_text(encoding="utf-8"))


def shape(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    return set(
        connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where schema_name in ('ops', 'raw') and database_name = current_database()"
        ).fetchall()
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", horizons_1d=(1, 7), horizons_1h=(1, 4), _env_file=None)  # type: ignore[call-arg]


@pytest.mark.parametrize("ddl", OLD_FILES, ids=lambda path: path.stem)
def test_an_old_file_gets_the_shape_of_a_new_one_and_keeps_its_rows(settings: Settings, ddl: Path) -> None:
    old_warehouse(settings, ddl)
    for _ in range(2):
        with open_warehouse(settings) as warehouse, duckdb.connect() as fresh:
            prepare(fresh, settings)
            assert shape(warehouse) == shape(fresh)
            assert warehouse.execute("select max(version) from ops.schema_version").fetchone() == (newest_version(),)
            assert warehouse.execute("select count(*) from ops.schema_version").fetchone() == (
                newest_version() - int(ddl.stem[1:]),
            )
            assert warehouse.execute("select run_id, git_commit from ops.run").fetchall() == [
                ("20260101T002000-aaaaaa", None)
            ]
            assert warehouse.execute("select count(*) from raw.signals").fetchone() == (1,)


@pytest.mark.parametrize("ddl", OLD_FILES, ids=lambda path: path.stem)
def test_an_old_home_goes_on_publishing(settings: Settings, ddl: Path, tmp_path: Path) -> None:
    old_warehouse(settings, ddl)
    # A published file of an old version has the old schema, too.
    settings.published.parent.mkdir()
    with duckdb.connect(str(settings.published)) as file:
        file.execute(f"attach '{settings.warehouse}' as held (read_only)")
        file.execute("create schema ops")
        file.execute("create table ops.publish as from held.ops.publish")
        file.execute("insert into ops.publish by name select 'adopted' as run_id, * exclude (run_id) from ops.publish")
    market = random_market(3, n_tokens=4, n_days=70, has_known_at=False)
    now = market.advance(Step(days=65, hour=0))
    market.deliver(tmp_path / "vendor", is_archive=False)
    run = make_run(tmp_path / "vendor", settings, as_of=now)
    pipeline.begin(run)
    with open_warehouse(settings) as warehouse:
        # A working table that no model builds any more is dropped.
        warehouse.execute("create table work.of_an_older_version as select 1 as x")
        snapshot_without_gate(warehouse, run)
        build(warehouse, settings, as_of=now, run_id=run.run_id)
        assert not warehouse.execute("from duckdb_tables() where table_name = 'of_an_older_version'").fetchall()
        publish(warehouse, stamp_of(run), settings.published)
        adopt_publishes(warehouse, settings)
    with duckdb.connect(str(settings.published), read_only=True) as file:
        assert file.execute("select run_id, last_snapshot_id from ops.publish order by all").fetchall() == [
            ("20260101T002000-aaaaaa", None),
            (run.run_id, 6),
            ("adopted", None),
        ]
        # The old version's row becomes the first of the scorecard's history.
        assert file.execute(
            "select known_from from core.signal where signal_at = '2025-02-28' and token_id = 1 and vendor = 'vendor'"
        ).fetchall() == [(datetime(2025, 3, 1, 0, 20),)]


def test_a_file_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    with open_warehouse(settings) as warehouse:
        warehouse.execute("insert into ops.schema_version values (1000, current_timestamp::timestamp)")
    with pytest.raises(WarehouseError, match="schema version 1000; this trackrecord knows"), open_warehouse(settings):
        pass
