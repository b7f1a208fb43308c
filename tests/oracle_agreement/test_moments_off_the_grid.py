"""Signals at moments of the vendor's own, several in a bar among them, are scored as the oracle scores them."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from flows.config import Settings
from tests.oracle_agreement.comparing import compare, in_words, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.product import make_run, run_main_job

TABLES = ("core.call", "marts.signal_funnel", "marts.signal_outcome", "marts.signal_scorecard")
STEP = {"1d": pd.Timedelta(days=1), "1h": pd.Timedelta(hours=1)}


def spread(signals: pd.DataFrame, *, is_published: bool) -> pd.DataFrame:
    """The same signals at moments of their own: before their bar, or within it, and a second row in every tenth."""
    draw = np.random.default_rng(41)
    step = signals["timeframe"].map(STEP)
    # Whole minutes; every fifth row stays on the grid.
    share = draw.uniform(0.02, 0.98, len(signals)) * (draw.random(len(signals)) > 0.2)
    shift = (step * share).dt.floor("min")
    moved = signals.assign(signal_at=signals["signal_at"] + shift if is_published else signals["signal_at"] - shift)
    second = moved[(draw.random(len(moved)) < 0.1) & (shift > pd.Timedelta(minutes=3))]
    second = second.assign(
        signal_at=second["signal_at"] - pd.Timedelta(minutes=1),
        known_at=second["known_at"] - pd.Timedelta(minutes=1),
        direction=-second["direction"],
        trend=-second["trend"],
    )
    known = second["known_at"].isna() | (second["known_at"] >= second["signal_at"])
    return pd.concat([moved, second[known]], ignore_index=True)


@pytest.mark.parametrize("is_published", [False, True], ids=["own bars", "published"])
@pytest.mark.slow
def test_moments_of_the_vendors_own_are_scored_as_by_the_oracle(tmp_path: Path, is_published: bool) -> None:
    folder = tmp_path / "vendor"
    write_synthetic(folder)
    path = folder / "signals.parquet"
    signals = spread(pd.read_parquet(path), is_published=is_published)
    known = signals["known_at"]
    late = known.notna() & (known < signals["signal_at"])
    signals.loc[late, "known_at"] = signals.loc[late, "signal_at"]
    moments = signals["known_at"].fillna(signals["signal_at"])
    signals[moments <= pd.Timestamp(AS_OF)].to_parquet(path, index=False)
    if is_published:
        (folder / "trackrecord.toml").write_text('[signals]\nmoment = "published"\n', encoding="utf-8")
    settings = Settings(home=tmp_path / "home", _env_file=None)
    run = make_run(folder, settings, as_of=AS_OF, fetched_at=FETCHED_AT)

    outcome = run_main_job(run)

    expected = oracle_tables(run, folder)
    with duckdb.connect(str(settings.published), read_only=True) as published:
        found = compare(published, expected, TABLES)
        n_superseded = published.execute(
            "select count(*) from ops.quarantine where rule = 'superseded_in_bar'"
        ).fetchone()
        rules = published.execute("select distinct rule from ops.quarantine where dataset = 'signals'").fetchall()
    assert not found, in_words(found)
    assert n_superseded is not None and n_superseded[0] > 100
    assert rules == [("superseded_in_bar",)]
    assert outcome.snapshots[2].n_quarantined == n_superseded[0]
    outcomes = expected["marts.signal_outcome"]
    length = outcomes["timeframe"].map(STEP)
    assert (outcomes["entry_at"].dropna() >= (outcomes["signal_at"] + length)[outcomes["entry_at"].notna()]).all()
