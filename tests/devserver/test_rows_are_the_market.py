"""The dev server serves the sample's market, row for row: none is lost, none is invented."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from flows.devserver import DevServer
from flows.sources.sample import simulate, snapshot_at
from tests.devserver.conftest import NOW, Serve, every_page

TODAY = datetime(NOW.year, NOW.month, NOW.day)


def _snapshot(server: DevServer) -> dict[str, pa.Table]:
    return snapshot_at(simulate(server.spec), NOW)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _ids(server: DevServer) -> str:
    return ",".join(str(row["token_id"]) for row in _snapshot(server)["tokens"].to_pylist())


def test_tokens(serve: Serve) -> None:
    server, client = serve()
    served = {
        (
            row["TOKEN_ID"],
            row["TOKEN_SYMBOL"],
            row["TOKEN_NAME"],
            *sorted(c["category_slug"] for c in row["CATEGORY_LIST"]),
        )
        for row in every_page(client, "/tokens")
    }
    snapshot = _snapshot(server)["tokens"].to_pylist()
    assert served == {(row["token_id"], row["symbol"], row["name"], *sorted(row["categories"])) for row in snapshot}
    ranked = every_page(client, "/top-market-cap-tokens")
    assert sorted(row["TOKEN_ID"] for row in ranked) == sorted(row["token_id"] for row in snapshot)


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_daily_signals(serve: Serve, version: str) -> None:
    server, client = serve(version)
    names = ("TOKEN_ID", "DATE", "TRADING_SIGNAL", "TOKEN_TREND")
    served = [_take(row, names) for row in every_page(client, "/trading-signals")]
    snapshot = {
        (row["token_id"], row["signal_at"], row["direction"], row["trend"])
        for row in _snapshot(server)["signals"].to_pylist()
        if row["timeframe"] == "1d"
    }
    closed = [(token, _moment(at), *rest) for token, at, *rest in served if _moment(at) < TODAY]
    assert len(closed) == len(set(closed))
    assert set(closed) == snapshot


def test_hourly_signals(serve: Serve) -> None:
    server, client = serve()
    served = {
        (row["TOKEN_ID"], _moment(row["TIMESTAMP"]), int(row["SIGNAL"]), int(row["POSITION"]))
        for row in every_page(client, "/hourly-trading-signals", token_id=_ids(server))
    }
    assert served == {
        (row["token_id"], row["signal_at"], row["direction"], row["trend"])
        for row in _snapshot(server)["signals"].to_pylist()
        if row["timeframe"] == "1h"
    }


@pytest.mark.parametrize(("path", "timeframe", "moment"), [("daily", "1d", "DATE"), ("hourly", "1h", "TIMESTAMP")])
def test_candles(serve: Serve, path: str, timeframe: str, moment: str) -> None:
    server, client = serve()
    names = ("OPEN", "HIGH", "LOW", "CLOSE", "VOLUME")
    served = {
        (row["TOKEN_ID"], _moment(row[moment]), *_take(row, names)) for row in every_page(client, f"/{path}-ohlcv")
    }
    snapshot = {
        (*_take(row, ("token_id", "bar_start", "open", "high", "low", "close", "volume_usd")),)
        for row in _snapshot(server)["prices"].to_pylist()
        if row["timeframe"] == timeframe
    }
    assert {row for row in served if timeframe == "1h" or row[1] < TODAY} == snapshot


def test_grades(serve: Serve) -> None:
    server, client = serve()
    snapshot = _snapshot(server)["grades"].to_pylist()
    for path, kind, grade, label in (
        ("tm-grade-history", "tm", "TM_GRADE", "TM_GRADE_SIGNAL"),
        ("fundamental-grade-history", "fundamental", "FUNDAMENTAL_GRADE", "FUNDAMENTAL_GRADE_CLASS"),
    ):
        served = {
            (row["TOKEN_ID"], _moment(row["DATE"]), float(row[grade]), row[label])
            for row in every_page(client, f"/{path}")
        }
        assert served == {
            (row["token_id"], row["graded_at"], row["grade"], row["label"]) for row in snapshot if row["kind"] == kind
        }


def test_levels_and_quantmetrics_of_the_newest_day(serve: Serve) -> None:
    server, client = serve()
    snapshot = _snapshot(server)
    levels = snapshot["levels"].to_pylist()
    for row in every_page(client, "/resistance-support"):
        mine = [level for level in levels if level["token_id"] == row["TOKEN_ID"]]
        newest = max(level["level_at"] for level in mine)
        assert _moment(row["DATE"]) == newest
        if row["HISTORICAL_RESISTANCE_SUPPORT_LEVELS"] is not None:
            found = {(level["date"], level["level"]) for level in row["HISTORICAL_RESISTANCE_SUPPORT_LEVELS"]}
            assert found == {
                (f"{level['formed_at']:%Y-%m-%d}", level["price"]) for level in mine if level["level_at"] == newest
            }
    measured = [row for row in snapshot["quantmetrics"].to_pylist() if row["lookback"] is None]
    served = every_page(client, "/quantmetrics")
    assert {row["TOKEN_ID"] for row in served} == {row["token_id"] for row in measured}
    for row in served:
        newest_one = max(
            (one for one in measured if one["token_id"] == row["TOKEN_ID"]), key=lambda one: one["measured_at"]
        )
        names = ("sharpe", "sortino", "volatility", "max_drawdown", "cagr")
        assert _take(row, tuple(name.upper() for name in names)) == _take(newest_one, names)


def test_the_market_does_not_change_when_it_is_moved_in_time(serve: Serve) -> None:
    early, _ = serve()
    moved = DevServer(now=datetime(2026, 5, 5, 6))
    columns = ("token_id", "timeframe", "open", "close")
    first, second = (snapshot_at(simulate(s.spec), s.now)["prices"].select(columns) for s in (early, moved))
    assert first.equals(second)


def _take(row: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[name] if name in row else row[name.lower()] for name in names)
