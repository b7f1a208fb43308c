"""The published file has column comments, needs no other file, is swapped atomically, and is right about itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from flows.config import ROOT
from flows.warehouse.publish import PUBLIC_SCHEMAS, SCHEMA_VERSION

from .conftest import copy_of
from .desk import DAYS, FIRST_TOKENS, N_TOKENS, Answer, Desk, clean_folder

AS_OF_QUERY = (
    "select direction from {signal} where token_id = {token_id} and signal_at = timestamp '{signal_at}' "
    "and known_from <= timestamp '{moment}' and (known_to > timestamp '{moment}' or known_to is null)"
)
RESTATED_AT = DAYS[100]


@pytest.fixture(scope="module")
def restated(published_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, datetime, Answer]:
    """A desk whose vendor reversed one old signal in its second delivery, and a moment between the two."""
    desk = copy_of(published_desk, tmp_path_factory.mktemp("restated"))
    between = desk.ask_one("select as_of from ops.publish") + timedelta(seconds=1)
    signals = clean_folder()["signals"]
    is_restated = (signals["token_id"] == FIRST_TOKENS) & (signals["signal_at"] == RESTATED_AT)
    signals.loc[is_restated, "direction"] = 0
    desk.deliver("signals", signals)
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    return desk, between, answer


def direction_before(desk: Desk) -> int:
    signals = clean_folder()["signals"]
    is_restated = (signals["token_id"] == FIRST_TOKENS) & (signals["signal_at"] == RESTATED_AT)
    return int(signals.loc[is_restated, "direction"].iloc[0])


def test_every_public_table_and_column_has_a_comment(published_desk: Desk) -> None:
    assert (
        published_desk.ask(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and schema_name in ('core', 'marts', 'ops') and coalesce(trim(comment), '') = ''"
        )
        == []
    )
    for catalog in ("duckdb_tables()", "duckdb_views()", "duckdb_functions()"):
        assert (
            published_desk.ask(
                f"select schema_name from {catalog} where not internal and coalesce(trim(comment), '') = ''"
            )
            == []
        )
    assert published_desk.ask_one("select count(*) from duckdb_columns() where not internal") > 100


def test_it_holds_the_public_schemas_and_nothing_else(published_desk: Desk) -> None:
    schemas = published_desk.ask("select distinct schema_name from duckdb_tables() where not internal order by all")
    assert schemas == [(name,) for name in sorted(PUBLIC_SCHEMAS)]
    assert published_desk.ask("select distinct schema_name from duckdb_views() where not internal") == [("core",)]


def test_attached_under_any_name_it_answers_what_was_known_then(restated: tuple[Desk, datetime, Answer]) -> None:
    desk, between, _ = restated
    asked = {"signal": "theirs.core.signal", "token_id": FIRST_TOKENS, "signal_at": RESTATED_AT}
    with duckdb.connect() as own:
        own.execute(f"attach '{desk.published}' as theirs (read_only)")
        then = own.execute(AS_OF_QUERY.format(**asked, moment=between)).fetchall()
        now = own.execute(AS_OF_QUERY.format(**asked, moment="2199-01-01")).fetchall()
        never = own.execute(AS_OF_QUERY.format(**asked, moment="2020-01-01")).fetchall()

    assert then == [(direction_before(desk),)]
    assert now == [(0,)]
    assert never == []


def test_the_macros_return_the_same_as_the_query(restated: tuple[Desk, datetime, Answer]) -> None:
    desk, between, _ = restated
    for table in ("token", "price_bar", "signal"):
        by_query = desk.ask_one(
            f"select count(*) from core.{table} where known_from <= timestamp '{between}' "
            f"and (known_to > timestamp '{between}' or known_to is null)"
        )
        assert desk.ask_one(f"select count(*) from core.{table}_as_of(timestamp '{between}')") == by_query > 0
    assert desk.ask(
        f"select direction from core.signal_as_of(timestamp '{between}') "
        f"where token_id = {FIRST_TOKENS} and signal_at = timestamp '{RESTATED_AT}'"
    ) == [(direction_before(desk),)]


def test_with_two_files_attached_each_answers_for_itself(
    restated: tuple[Desk, datetime, Answer], published_desk: Desk
) -> None:
    desk, between, _ = restated
    where = f"token_id = {FIRST_TOKENS} and signal_at = timestamp '{RESTATED_AT}'"
    before, restated_to = [(direction_before(desk),)], [(0,)]
    with duckdb.connect() as own:
        own.execute(f"attach '{desk.published}' as \"the other\" (read_only)")
        own.execute(f"attach '{published_desk.published}' as mine (read_only)")
        own.execute("use mine")

        def ask(rows: str) -> list[tuple[object, ...]]:
            return own.execute(f"select direction from {rows} where {where}").fetchall()

        with pytest.raises(duckdb.Error, match="set variable as_of"):
            own.execute("from mine.core.signal_then")
        own.execute("set variable as_of = timestamp '2199-01-01'")
        assert ask('"the other".core.signal_then') == restated_to
        assert ask("core.signal_as_of('the other', timestamp '2199-01-01')") == restated_to
        assert ask("mine.core.signal_then") == ask("core.signal_as_of(timestamp '2199-01-01')") == before

        # A moment with a zone is the same moment whatever the session's zone is.
        own.execute("set TimeZone = 'Asia/Tokyo'")
        own.execute(f"set variable as_of = timestamptz '{between}+00'")
        assert ask('"the other".core.signal_then') == before
        assert ask(f"core.signal_as_of('the other', timestamptz '{between}+00')") == before
        own.execute("set variable as_of = '2020-01-01'")
        assert ask("mine.core.signal_then") == []


def test_the_long_view_of_the_windows_works_where_the_file_is_attached(published_desk: Desk) -> None:
    summary = "select horizon, count(*), count(forward_return) from {view} group by horizon order by horizon"
    opened = published_desk.ask(summary.format(view="core.forward_window"))
    with duckdb.connect() as own:
        # The reader's own schema of the same name must not be used instead.
        own.execute("create schema core")
        own.execute(f"attach '{published_desk.published}' as theirs (read_only)")
        attached = own.execute(summary.format(view="theirs.core.forward_window")).fetchall()

    assert attached == opened
    assert [(horizon, n) for horizon, n, _ in opened] == [(h, N_TOKENS * len(DAYS)) for h in (1, 7, 14, 30, 90)]


def test_it_is_in_a_format_that_duckdb_1_2_reads_and_no_reader_can_write(published_desk: Desk) -> None:
    with duckdb.connect() as own:
        own.execute(f"attach '{published_desk.published}' as theirs (read_only)")
        ((tags,),) = own.execute("select tags from duckdb_databases() where database_name = 'theirs'").fetchall()
        assert tags["storage_version"].startswith("v1.2.0")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            own.execute("delete from theirs.ops.publish")


def test_the_publish_row_is_true(restated: tuple[Desk, datetime, Answer]) -> None:
    desk, _, _ = restated
    (first, second) = desk.ask(
        "select run_id, as_of, schema_version, source, is_simulated, cost_bps, horizons, row_counts "
        "from ops.publish order by published_at"
    )

    assert first[0] != second[0]
    assert second[2:6] == (SCHEMA_VERSION, "files", False, 20.0)
    assert json.loads(second[6])["1d"] == [1, 7, 14, 30, 90]
    assert desk.ask(f"select as_of, state from ops.run where run_id = '{second[0]}'") == [(second[1], "published")]
    counts = json.loads(second[7])
    tables = desk.ask("select schema_name || '.' || table_name from duckdb_tables() where not internal")
    assert sorted(counts) == sorted(name for (name,) in tables)
    assert counts == {name: desk.ask_one(f"select count(*) from {name}") for name in counts}
    assert counts["ops.publish"] == 2
    assert counts["core.price_bar"] == N_TOKENS * len(DAYS)


READER = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as file:
    for _ in sys.stdin:
        told = file.execute(
            "select (select count(*) from ops.publish), (select max(run_id) from ops.publish), "
            "(select count(*) from core.signal), (select sum(hash(s)) from marts.signal_outcome as s)"
        ).fetchone()
        print(*told, flush=True)
"""


@contextmanager
def reader_of(published: Path) -> Iterator[Any]:
    """A process that keeps the published file open and answers queries."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(published)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask() -> list[str]:
            process.stdin.write("go\n")
            process.stdin.flush()
            return str(process.stdout.readline()).split()

        try:
            yield ask
        finally:
            process.stdin.close()


def test_a_reader_with_the_old_file_open_keeps_it_whole_while_a_new_one_sees_the_new(desk: Desk) -> None:
    signals = clean_folder()["signals"]
    desk.deliver("signals", signals.assign(score=1.0))
    with reader_of(desk.published) as ask:
        before = ask()
        answer = desk.nightly()
        after = ask()
    with reader_of(desk.published) as ask:
        new = ask()

    assert answer.exit_code == 0, answer.err
    assert before == after
    assert (before[0], new[0]) == ("1", "2")
    # Every restated row has both versions.
    assert int(new[2]) == 2 * int(before[2])


DIE_AFTER_THE_SWAP = """
import os, sys
from flows import cli, pipeline
swap = pipeline.publish
def publish_and_die(*arguments):
    swap(*arguments)
    os._exit(9)
pipeline.publish = publish_and_die
sys.argv = ["trackrecord", "nightly", "--source", "files", "--input", sys.argv[1], "--plain"]
cli.main()
"""


def test_a_crash_between_swap_and_bookkeeping_is_made_good_by_the_next_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKRECORD_HOME", str(desk.home))
    warehouse = desk.home / "warehouse.duckdb"
    died = subprocess.run(
        [sys.executable, "-c", DIE_AFTER_THE_SWAP, str(desk.folder)], cwd=ROOT, timeout=120, check=False
    )
    assert died.returncode == 9
    # Only the file has the row of its own publish.
    assert desk.ask_one("select count(*) from ops.publish") == 2
    assert desk.ask_one("select count(*) from ops.publish", database=warehouse) == 1
    died_run = desk.ask_one("select run_id from ops.publish order by published_at desc limit 1")

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    everywhere = "select run_id from ops.publish order by published_at"
    assert desk.ask(everywhere) == desk.ask(everywhere, database=warehouse)
    assert len(desk.ask(everywhere)) == 3
    assert desk.ask_one(f"select state from ops.run where run_id = '{died_run}'") == "published"
    assert desk.ask_one("select count(*) from ops.run where state <> 'published'") == 0


def test_publishing_the_same_folder_twice_changes_no_table_but_the_ledgers(desk: Desk) -> None:
    tables = [
        name
        for (name,) in desk.ask(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('core', 'marts')"
        )
    ]
    # A row count and a sum of row hashes, which do not depend on the order of rows.
    summary = {name: f"select count(*), sum(hash(t)) from {name} as t" for name in tables}
    before = {name: desk.ask(sql) for name, sql in summary.items()}

    answer = desk.nightly()

    assert "Nothing new was delivered." in answer.out
    assert {name: desk.ask(sql) for name, sql in summary.items()} == before
    assert desk.ask_one("select count(*) from ops.snapshot") == 3
    assert pd.Timestamp(desk.ask_one("select max(published_at) from ops.publish")) > pd.Timestamp("2026-01-01")
