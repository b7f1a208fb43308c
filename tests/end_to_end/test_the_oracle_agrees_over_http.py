"""Data fetched from a vendor's API is scored as the oracle scores it: by backfill, nightly and hourly runs."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from flows import pipeline
from flows.clock import utc_now
from flows.config import Settings
from flows.devserver import DevServer, small_market
from flows.run import Run, start_run
from flows.sources.tokenmetrics import TokenMetricsSource
from tests.oracle_agreement.comparing import compare, compare_kept_windows, in_words, oracle_tables
from tests.product import run_main_job
from tests.tokenmetrics.desk import settings_for

# The vendor's rows in their newest version, with the moment we first knew each: the oracle's input folder.
DELIVERED = {
    "tokens": "select token_id, symbol, name, categories from raw.tokens",
    "prices": "select token_id, timeframe, bar_start, open, high, low, close, volume_usd, price_source from raw.prices",
    "signals": "select token_id, timeframe, signal_at, direction, trend, min(as_of) over key as known_at "
    "from raw.signals inner join ops.snapshot using (snapshot_id) "
    "window key as (partition by token_id, timeframe, signal_at)",
}
KEYS = {"tokens": "token_id", "prices": "token_id, timeframe, bar_start", "signals": "token_id, timeframe, signal_at"}
DATASETS = ("core.token", "core.price_bar", "core.signal", "core.level", "core.grade", "core.quantmetric")


def write_the_vendors_folder(run: Run, folder: Path) -> None:
    """The home's rows as a folder that a vendor might have delivered."""
    folder.mkdir()
    with duckdb.connect(str(run.settings.warehouse), read_only=True) as warehouse:
        for name, select in DELIVERED.items():
            newest = f"qualify row_number() over (partition by {KEYS[name]} order by snapshot_id desc) = 1"
            warehouse.execute(f"copy ({select.replace('select ', 'select snapshot_id, ', 1)} {newest}) "
                              f"to '{folder / name}.parquet'")  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_oracle_agrees_on_a_backfill_a_night_and_an_hour_of_a_vendors_api(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", hourly_publish_hours=0, _env_file=None)  # type: ignore[call-arg]
    now = utc_now()
    today = now.date()
    with DevServer(market=small_market(now, 24, n_days=200, hourly_days=20)) as server:
        source = TokenMetricsSource(settings_for(server, universe="top:24", history_days=30, hourly_days=3))
        past = start_run(source, settings, since=today - timedelta(days=120), until=today - timedelta(days=31))
        run_main_job(past)
        run_main_job(start_run(source, settings))
        last = start_run(source, settings, timeframes=("1h",))
        assert pipeline.hourly_job(last, holder="a test", wait_seconds=0) is not None
    assert past.as_of.hour == last.as_of.hour, "an hour ended in the middle of the test; run it again"

    write_the_vendors_folder(last, tmp_path / "vendor")
    expected = oracle_tables(last, tmp_path / "vendor")
    with duckdb.connect(str(settings.published), read_only=True) as published:
        counts = {name: published.sql(f"select count(*) from {name}").fetchall()[0][0] for name in DATASETS}
        found = compare(published, expected)
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        found |= compare_kept_windows(warehouse, expected, settings)
    n_outcomes = expected["marts.signal_outcome"].groupby("timeframe").size().to_dict()
    print(f"\nrows {counts}, outcomes {n_outcomes}, scorecard cells {len(expected['marts.signal_scorecard'])}")
    assert min(counts.values()) > 10
    assert min(n_outcomes["1d"], n_outcomes["1h"]) > 20
    assert not found, in_words(found)
