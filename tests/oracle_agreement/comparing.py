"""Holding everything the product makes against what the oracle makes of the same folder."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pandas as pd

from flows.config import DATA_DIR, Settings
from flows.run import Run
from flows.timeframes import TIMEFRAMES
from tests.agreement import disagreements
from tests.oracle import score
from tests.product import windows_of

KEYS = {
    "core.forward_window": ["token_id", "timeframe", "entry_at", "horizon"],
    "core.call": ["vendor", "token_id", "timeframe", "signal_at"],
    "marts.signal_outcome": ["vendor", "token_id", "timeframe", "signal_at", "entry_rule", "horizon"],
    "marts.signal_funnel": ["vendor", "timeframe", "step", "reason"],
    "marts.signal_scorecard": [
        "vendor", "sector", "timeframe", "horizon", "direction", "provenance", "entry_rule",
    ],
    "marts.token_scorecard": [
        "vendor", "token_id", "timeframe", "horizon", "direction", "provenance", "entry_rule",
    ],
    "marts.vendor_ranking": ["vendor", "timeframe"],
    "marts.sector_equity": ["vendor", "sector", "timeframe", "policy", "bar_start"],
    "marts.sector_drawdown": ["vendor", "sector", "timeframe", "policy"],
}  # fmt: skip
TABLES = tuple(KEYS)

# The oracle's own working columns.
ORACLE_ONLY = {"core.call": ["symbol", "previous_signal_at"]}

OracleTables = dict[str, pd.DataFrame]


def oracle_tables(run: Run, folder: Path) -> OracleTables:
    """What a run must publish by the oracle; windows that stay in the warehouse apart (`work.forward_window_1h`)."""
    settings = run.settings
    found = score(
        folder,
        as_of=run.as_of,
        fetched_at=run.fetched_at,
        vendor=run.source.vendor,
        cost_bps=settings.cost_bps,
        horizons={timeframe: list(horizons) for timeframe, horizons in settings.horizons.items()},
        sectors_csv=DATA_DIR / "sectors.csv",
        exclusions_csv=DATA_DIR / "exclusions.csv",
    )
    expected = {
        name: found[name.split(".")[1]].drop(columns=ORACLE_ONLY.get(name, [])).reset_index(drop=True)
        for name in TABLES
    }
    windows = expected["core.forward_window"]
    kept = _kept_timeframes(settings)
    expected["core.forward_window"] = windows[~windows["timeframe"].isin(kept)].reset_index(drop=True)
    for timeframe in kept:
        expected[TIMEFRAMES[timeframe].windows] = windows[windows["timeframe"] == timeframe].reset_index(drop=True)
    return expected


def compare(
    connection: duckdb.DuckDBPyConnection, expected: OracleTables, tables: Iterable[str] = TABLES
) -> dict[str, list[str]]:
    """The disagreements by table; tables that agree are not in it. Every column of the oracle's must be in ours."""
    found = {}
    for table in tables:
        differ = disagreements(connection.sql(f"from {table}").df(), expected[table], KEYS[table])
        if differ:
            found[table] = differ
    return found


def compare_kept_windows(
    connection: duckdb.DuckDBPyConnection, expected: OracleTables, settings: Settings
) -> dict[str, list[str]]:
    """The same for the windows that are not published, which stay in the warehouse."""
    found = {}
    for timeframe in _kept_timeframes(settings):
        name = TIMEFRAMES[timeframe].windows
        differ = disagreements(windows_of(connection, settings, timeframe), expected[name], KEYS["core.forward_window"])
        if differ:
            found[name] = differ
    return found


def _kept_timeframes(settings: Settings) -> list[str]:
    return [name for name in settings.timeframes if not TIMEFRAMES[name].is_published]


def in_words(found: dict[str, list[str]]) -> str:
    """One line a disagreement, for a failing test to show."""
    return "\n".join(f"{table}: {one}" for table, differ in found.items() for one in differ)
