"""Calls on bars of four hours and of weeks, which are off by default, are scored as the oracle scores them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.config import Settings
from flows.pipeline import Outcome
from flows.quality.results import GateStopped
from flows.run import Run
from flows.warehouse.connection import prepare
from tests.oracle_agreement.comparing import TABLES, OracleTables, compare, in_words, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.point_in_time.homes import Home, assert_same_tables, new_home
from tests.product import make_run, run_main_job

OPTIONAL = ("4h", "1w")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("optional") / "vendor"
    write_synthetic(folder, OPTIONAL)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    settings = Settings(home=folder.parent / "home", timeframes=("1d", *OPTIONAL), _env_file=None)
    # Early enough for calls of weeks that are witnessed and yet have outcomes.
    return make_run(folder, settings, as_of=AS_OF, fetched_at=FETCHED_AT - timedelta(days=21))


@pytest.fixture(scope="module")
def outcome(run: Run) -> Outcome:
    return run_main_job(run)


@pytest.fixture(scope="module")
def expected(run: Run, folder: Path) -> OracleTables:
    return oracle_tables(run, folder)


@pytest.mark.parametrize("table", TABLES)
def test_the_published_table_is_the_oracles(outcome: Outcome, run: Run, expected: OracleTables, table: str) -> None:
    assert set(expected[table]["timeframe"]) == set(OPTIONAL)
    with duckdb.connect(str(run.settings.published), read_only=True) as published:
        found = compare(published, expected, [table])
    assert not found, in_words(found)


def test_the_gate_quarantined_nothing(outcome: Outcome) -> None:
    assert [one.n_quarantined for one in outcome.snapshots] == [0, 0, 0]


@pytest.mark.parametrize("timeframe", OPTIONAL)
def test_everything_happens(expected: OracleTables, timeframe: str) -> None:
    """Agreement means little where a case does not occur: halts, every status and provenance, entries that wait."""
    windows, outcomes = (expected[name] for name in ("core.forward_window", "marts.signal_outcome"))
    windows, outcomes = (table[table["timeframe"] == timeframe] for table in (windows, outcomes))
    assert set(windows["status"]) == {"matured", "truncated", "open", "excluded"}
    assert set(outcomes["status"]) == {"matured", "truncated", "open", "excluded", "unpriced"}
    scored = outcomes[outcomes["hit"].notna()]
    assert set(scored["provenance"]) == {"witnessed", "attested", "backfill"}
    waited = scored[scored["entry_at"] - scored["signal_at"] > pd.Timedelta(timeframe.replace("1w", "7D"))]
    assert set(waited["entry_rule"]) == {"tradable"}


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    in_use = {"timeframes": ("1d", *OPTIONAL), "horizons_4h": (1, 6, 42), "horizons_1w": (1, 4)}
    with new_home(tmp_path / "nightly", **in_use) as nightly, new_home(tmp_path / "full", **in_use) as full:
        yield nightly, full


@pytest.mark.slow
def test_an_increment_equals_a_full_rebuild(folder: Path, homes: tuple[Home, Home]) -> None:
    """Night after night, over a Monday, and after weeks without a run."""
    nightly, full = homes
    reasons = []
    for days in (40, 12, 5, 4.5, 0):
        moment = AS_OF - timedelta(days=days)
        reasons.append(nightly.replay(folder, moment).reason)
        full.replay(folder, moment, is_full=True)
        assert_same_tables(nightly, full, "core", "marts", "work", message=f"{days} days before the end")
    assert reasons[1:] == ["new rows only"] * 4


def test_a_folder_with_bars_that_are_not_in_use_is_answered_with_what_to_set(folder: Path, tmp_path: Path) -> None:
    run = make_run(folder, Settings(home=tmp_path, _env_file=None), as_of=AS_OF)
    with pytest.raises(GateStopped) as stopped:
        run_main_job(run)
    assert "add it to TRACKRECORD_TIMEFRAMES" in str(stopped.value)


@pytest.mark.slow
def test_a_timeframe_out_of_use_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    """Its rows stay in `raw`, but every table is as if they had never come."""
    without = tmp_path / "without_weeks" / folder.name
    write_synthetic(without, OPTIONAL)
    for name in ("prices", "signals"):
        rows = pd.read_parquet(without / f"{name}.parquet")
        rows[rows["timeframe"] != "1w"].to_parquet(without / f"{name}.parquet", index=False)
    with (
        new_home(tmp_path / "home", timeframes=("1d", *OPTIONAL)) as home,
        new_home(tmp_path / "other", timeframes=("1d", "4h")) as other,
    ):
        home.replay(folder, AS_OF)
        home.settings = other.settings.model_copy(update={"home": home.settings.home})
        prepare(home.connection, home.settings)
        assert home.rebuild(AS_OF).is_full
        other.replay(without, AS_OF)
        assert_same_tables(home, other, "core", "marts", "work")


@pytest.mark.slow
def test_a_timeframe_taken_into_use_reads_what_had_been_quarantined(tmp_path: Path) -> None:
    """The folder has not changed: its bytes are read again for the rows that were kept out."""
    folder = tmp_path / "vendor"
    write_synthetic(folder, ("1d", "1w"))
    settings = Settings(home=tmp_path / "home", max_quarantined_share=1, _env_file=None)
    run_main_job(make_run(folder, settings, as_of=AS_OF))
    wider = Settings(home=settings.home, timeframes=("1d", "1w"), max_quarantined_share=1, _env_file=None)
    run_main_job(make_run(folder, wider, as_of=AS_OF))
    with duckdb.connect(str(settings.published), read_only=True) as published:
        scored = published.execute(
            "select count(*) > 0 from marts.signal_outcome where timeframe = '1w' and hit is not null"
        ).fetchall()
    assert scored == [(True,)]
