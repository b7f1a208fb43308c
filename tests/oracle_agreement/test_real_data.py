"""On real prices, with real signals and with signals that a documented rule derives, the oracle agrees."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from flows.config import Settings
from flows.run import Run
from tests.oracle_agreement.comparing import compare, compare_kept_windows, in_words, oracle_tables
from tests.product import make_run, run_main_job


def test_the_oracle_agrees_on_perps_2024(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "perps_2024"
    run = make_run(folder, Settings(home=tmp_path, _env_file=None))
    _assert_agreement(run, folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_oracle_agrees_on_spot_2021(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spot_2021"
    write_spot_2021(real_data / "spot_2021", folder)
    run = make_run(folder, Settings(home=tmp_path / "home", _env_file=None))
    _assert_agreement(run, folder)


def _assert_agreement(run: Run, folder: Path) -> None:
    outcome = run_main_job(run)
    assert [one.n_quarantined for one in outcome.snapshots] == [0, 0, 0]
    expected = oracle_tables(run, folder)
    with duckdb.connect(str(run.settings.published), read_only=True) as published:
        found = compare(published, expected)
    if len(expected["work.forward_window_1h"]):
        with duckdb.connect(str(run.settings.warehouse), read_only=True) as warehouse:
            found |= compare_kept_windows(warehouse, expected, run.settings)
    assert not found, in_words(found)


def write_spot_2021(source: Path, folder: Path) -> None:
    """The prices as they are, and signals by one rule: a bar's state is the sign of its close less the mean of the
    last 20 closes, for the tokens with an even id, in both timeframes.

    The hourly states were known between a minute and eleven hours after their bar's close (drawn with a fixed seed),
    so that some are attested and some are not; the daily ones have none.
    """
    folder.mkdir(parents=True)
    for name in ("tokens.parquet", "prices"):
        (folder / name).symlink_to(source / name)
    prices = pd.read_parquet(source / "prices").sort_values(["timeframe", "token_id", "bar_start"])
    prices = prices[prices["token_id"] % 2 == 0]
    mean = prices.groupby(["timeframe", "token_id"])["close"].transform(lambda close: close.rolling(20).mean())
    signals = prices.assign(direction=np.sign(prices["close"] - mean))[mean.notna()]
    signals = signals.rename(columns={"bar_start": "signal_at"})[["token_id", "timeframe", "signal_at", "direction"]]
    signals["direction"] = signals["direction"].astype("int64")
    is_hourly = (signals["timeframe"] == "1h").to_numpy()
    delay = np.random.default_rng(1).choice(
        [60, 600, 3500, 3700, 7300, 40000], size=len(signals), p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
    )
    known_at = signals["signal_at"] + pd.to_timedelta(3600 + delay, unit="s")
    # All or none of a vendor and timeframe: two vendors of one rule.
    signals["vendor"] = np.where(is_hourly, "rule/hourly", "rule/daily")
    signals["known_at"] = known_at.where(is_hourly).astype("datetime64[us]")
    signals.to_parquet(folder / "signals.parquet", index=False)
