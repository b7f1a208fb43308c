"""A column that an older version passed over, as it knew none such, is no change of the vendor's once it is known."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from flows.config import Settings
from tests.product import make_run, run_main_job

YESTERDAY = pd.Timestamp.now("UTC").tz_localize(None).normalize() - pd.Timedelta(days=1)
DAYS = pd.date_range(end=YESTERDAY, periods=40)
# What version 4 added to signals.
ADDED = ("claimed_return", "claimed_hold_return", "stop_price", "target_price", "expires_at")


def deliver(folder: Path, days: pd.DatetimeIndex, *carried: str) -> None:
    """Bars and signals of three tokens, with some columns of alerts."""
    folder.mkdir(exist_ok=True)
    grid = pd.MultiIndex.from_product([(1, 2, 3), days], names=["token_id", "day"]).to_frame(index=False)
    pd.DataFrame({"token_id": [1, 2, 3], "symbol": ["A", "B", "C"]}).to_csv(folder / "tokens.csv", index=False)
    bars = grid.rename(columns={"day": "bar_start"}).assign(timeframe="1d", open=10, high=11, low=9, close=10.5)
    bars.to_csv(folder / "prices.csv", index=False)
    signals = grid.rename(columns={"day": "signal_at"}).assign(timeframe="1d")
    signals["direction"] = [1, -1, 0, 1, 0] * (len(signals) // 5)
    values: dict[str, Any] = {
        "claimed_return": 0.25,
        "claimed_hold_return": 0.5,
        "stop_price": 10 - signals["direction"],
        "target_price": 10 + 5 * signals["direction"],
        "expires_at": signals["signal_at"] + pd.Timedelta(days=3),
    }
    signals.assign(**{name: values[name] for name in carried}).to_csv(folder / "signals.csv", index=False)


def make_older(settings: Settings) -> None:
    """Bring the warehouse back to version 3, whose signals had none of the columns."""
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        for name in ADDED:
            warehouse.execute(f"alter table raw.signals drop column {name}")
        for name in ("vendor", "token_id", "timeframe", "moment_at"):
            warehouse.execute(f"alter table ops.quarantine drop column {name}")
        warehouse.execute("delete from ops.schema_version")
        warehouse.execute("insert into ops.schema_version values (3, '2026-01-01')")
        warehouse.execute("delete from ops.build")


def ask(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as file:
        return file.execute(sql).fetchall()


@pytest.mark.parametrize(
    "carried",
    [
        ("stop_price", "target_price"),
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in (("expires_at",), ("claimed_return", "claimed_hold_return"), ())
        ),
    ],
)
def test_rows_of_an_older_version_get_what_their_own_bytes_had(tmp_path: Path, carried: tuple[str, ...]) -> None:
    """As though the column had been known from the first night on; a value that is new today is a change."""
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    folder = tmp_path / "vendor"
    deliver(folder, DAYS[:20], *carried)
    run_main_job(make_run(folder, settings))
    expected = ask(settings, "select * exclude (snapshot_id) from core.signal order by all")
    make_older(settings)

    deliver(folder, DAYS[:25], *carried)
    outcome = run_main_job(make_run(folder, settings))

    (taken,) = (one for one in outcome.snapshots if one.dataset == "signals")
    assert taken.n_new == 3 * 5
    assert ask(settings, "from marts.restatement") == []
    before = f"signal_at < '{DAYS[20]}'"
    assert ask(settings, f"select * exclude (snapshot_id) from core.signal where {before} order by all") == expected
    for name in carried:
        assert ask(settings, f"select count(*) from core.signal where {name} is null") == [(0,)]

    # The next night has nothing to fill, and a column that the vendor adds to its past then is a change.
    deliver(folder, DAYS[:25], *ADDED)
    run_main_job(make_run(folder, settings))
    changed = ask(settings, "select distinct field from marts.restatement order by field")
    assert changed == sorted((name,) for name in ADDED if name not in carried)
