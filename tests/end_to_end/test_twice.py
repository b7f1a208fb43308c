"""The same bytes twice add nothing; a changed value is added beside the old one; no row in raw is ever changed."""

import duckdb
import pandas as pd
import pytest

from tests.point_in_time.homes import fingerprints

from .desk import Desk, clean_folder


def tables(desk: Desk, *schemas: str) -> dict[str, str]:
    with duckdb.connect(str(desk.home / "warehouse.duckdb"), read_only=True) as warehouse:
        return fingerprints(warehouse, *schemas)


def raw_rows(desk: Desk, dataset: str) -> list[tuple[object, ...]]:
    return desk.ask(f"from raw.{dataset} order by all", database=desk.home / "warehouse.duckdb")


def test_the_second_run_of_a_folder_adds_nothing(desk: Desk) -> None:
    files, before = desk.raw_files(), tables(desk, "raw", "core", "marts")
    manifest = (desk.home / "journal" / "raw.jsonl").read_text(encoding="utf-8")
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    assert "Nothing new was delivered." in answer.out
    assert desk.raw_files() == files
    assert tables(desk, "raw", "core", "marts") == before
    assert (desk.home / "journal" / "raw.jsonl").read_text(encoding="utf-8") == manifest


@pytest.mark.parametrize("dataset", ["prices", "signals"])
def test_a_changed_value_is_a_revision_beside_the_old(desk: Desk, dataset: str) -> None:
    frame = clean_folder()[dataset]
    column = "close" if dataset == "prices" else "direction"
    changed = frame.copy()
    # Another close within its bar's range, and the opposite signal.
    changed.loc[200, column] = changed.loc[200, "open"] if dataset == "prices" else -changed.loc[200, column]
    before, files = raw_rows(desk, dataset), desk.raw_files()
    desk.deliver(dataset, changed)
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    after = raw_rows(desk, dataset)
    assert len(after) == len(before) + 1
    assert set(before) <= set(after), "a row of raw was changed or taken away"
    assert files.items() <= desk.raw_files().items(), "a kept file was changed or taken away"
    table, moment = ("price_bar", "bar_start") if dataset == "prices" else ("signal", "signal_at")
    row = frame.loc[200]
    versions = desk.ask(
        f"select revision, {column}, known_to is null from core.{table} "
        f"where token_id = {row['token_id']} and {moment} = '{row[moment]}' order by revision"
    )
    assert versions == [(0, frame.loc[200, column], False), (1, changed.loc[200, column], True)]


def test_a_bar_seen_before_its_close_is_preliminary_until_it_is_seen_again(desk: Desk) -> None:
    """Today's bar is open by our clock, and no call, window or restatement may use it."""
    today = desk.ask_one("select date_trunc('day', current_timestamp at time zone 'UTC')::timestamp")
    prices = clean_folder()["prices"]
    open_bar = prices.iloc[[-1]].assign(bar_start=today)
    desk.deliver("prices", pd.concat([prices, open_bar], ignore_index=True))
    before = tables(desk, "marts")
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    found = desk.ask(f"select revision, is_preliminary from core.price_bar where bar_start = '{today}'")
    assert found == [(None, True)]
    assert tables(desk, "marts") == before
