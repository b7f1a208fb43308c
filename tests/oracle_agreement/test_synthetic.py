"""On a small folder in which everything happens, the published file agrees with the oracle."""

import duckdb
import pytest

from flows.pipeline import Outcome
from flows.run import Run
from tests.oracle_agreement.comparing import TABLES, OracleTables, compare, compare_kept_windows, in_words
from tests.product import run_main_job


@pytest.fixture(scope="module")
def outcome(synthetic_run: Run) -> Outcome:
    return run_main_job(synthetic_run)


@pytest.mark.parametrize("table", TABLES)
def test_the_published_table_is_the_oracles(
    outcome: Outcome, synthetic_run: Run, synthetic_expected: OracleTables, table: str
) -> None:
    assert len(synthetic_expected[table]) > 0
    with duckdb.connect(str(synthetic_run.settings.published), read_only=True) as published:
        found = compare(published, synthetic_expected, [table])
    assert not found, in_words(found)


def test_the_hourly_windows_are_the_oracles(
    outcome: Outcome, synthetic_run: Run, synthetic_expected: OracleTables
) -> None:
    with duckdb.connect(str(synthetic_run.settings.warehouse), read_only=True) as warehouse:
        found = compare_kept_windows(warehouse, synthetic_expected, synthetic_run.settings)
    assert not found, in_words(found)


def test_the_gate_quarantined_nothing(outcome: Outcome) -> None:
    """Else the two would not have seen the same rows."""
    assert [one.n_quarantined for one in outcome.snapshots] == [0, 0, 0]


def test_everything_happens(synthetic_expected: OracleTables) -> None:
    """The folder is only worth something while it holds each case: if the draw changes, this must still hold."""
    windows, outcomes = synthetic_expected["core.forward_window"], synthetic_expected["marts.signal_outcome"]
    hourly = synthetic_expected["work.forward_window_1h"]
    for table in (windows, hourly):
        assert set(table["status"]) == {"matured", "truncated", "open", "excluded"}
        by_entry = table.pivot(index=["token_id", "entry_at"], columns="horizon", values="status")
        some, other = by_entry.columns[1], by_entry.columns[-1]
        # Excluded by the bars filled inside it, and nothing else: another horizon of the same entry is scored.
        assert ((by_entry[some] == "excluded") & (by_entry[other] == "matured")).any()
        assert ((by_entry[some] == "matured") & (by_entry[other] == "truncated")).any()

    for _, of_timeframe in outcomes.groupby("timeframe"):
        assert set(of_timeframe["status"]) == {"matured", "truncated", "open", "excluded", "unpriced"}
        assert set(of_timeframe["entry_rule"]) == {"next_open", "tradable"}
        assert set(of_timeframe["provenance"]) == {"witnessed", "attested", "backfill"}
        assert set(of_timeframe["direction"]) == {1, -1}
        assert set(of_timeframe["after_gap"]) == {True, False}
        assert set(of_timeframe["vendor"]) == {"acme/events", "bravo"}
        scored = of_timeframe[of_timeframe["hit"].notna()]
        assert {"witnessed", "attested", "backfill"} == set(scored["provenance"])
        assert {0, 1, 2, 3} <= set(scored["n_base"])
        assert scored["base_hit"].isna().any()
        assert (scored["net_return"] == 0).sum() >= 10
        assert (scored["net_return"] == -1).any()
        assert scored["is_wiped_out"].any()
    priced = outcomes[outcomes["hit"].notna()]
    assert set(priced["price_source"].dropna()) == {"main", "north", "south", "many", "few"}
    assert {"Meme", "Layer 1", "Gaming", "other", "Special"} == set(outcomes["sector"])

    card = synthetic_expected["marts.signal_scorecard"]
    assert set(card["is_reportable"]) == {True, False}
    leaf_q = card[["selection_q", "edge_q"]].dropna()
    assert len(leaf_q) >= 30
    assert card["hit_rate_shrunk"].notna().any()
    assert ((card["n_calls"] == 0) & card["hit_rate"].isna()).any()
    assert ((card["n_effective"] > 1) & (card["n_effective"] < card["n_calls"])).any()
    assert (card["coverage_edge"] != 0).any()

    falls = synthetic_expected["marts.sector_drawdown"]
    assert set(falls["policy"]) == {"signal", "equal_weight", "hold"}
    assert falls["recovered_at"].isna().any()
    assert falls["recovered_at"].notna().any()
