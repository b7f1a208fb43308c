"""A folder of the `files` source, an exchange on loopback that lists its tokens, and the real ccxt between them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.sources.exchange.through_ccxt import CcxtExchange
from tests.prices.candle_server import CandleServer, Rows, serving

NOW = datetime(2026, 3, 10, 0, 20)
FIRST_DAY = datetime(2025, 1, 1)


def ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def made_up(first: datetime, until: datetime, step: timedelta, level: float) -> Rows:
    """Candles without gaps, the last one still open at `until`."""
    rows: Rows = []
    at = first
    while at <= until:
        wave = level * (1 + (len(rows) % 17) / 100)
        rows.append((ms(at), wave, wave * 1.02, wave * 0.97, wave * 1.01, 10.0 + len(rows) % 5))
        at += step
    return rows


@pytest.fixture
def exchange() -> Iterator[CandleServer]:
    """An exchange with AAA in three quote currencies, BBB in one, CCC only against another coin."""
    pairs = {
        "AAAUSDC": ("AAA", "USDC"), "AAAUSDT": ("AAA", "USDT"), "BBBUSD": ("BBB", "USD"), "CCCBTC": ("CCC", "BTC"),
    }  # fmt: skip
    candles: dict[tuple[str, str], Rows] = {}
    for place, name in enumerate(pairs):
        candles[name, "1d"] = made_up(FIRST_DAY, NOW, timedelta(days=1), 100.0 * (place + 1))
        candles[name, "1h"] = made_up(NOW - timedelta(days=5, minutes=20), NOW, timedelta(hours=1), 50.0 * (place + 1))
    with serving(CandleServer(candles, pairs)) as server:
        yield server


Through = Callable[[CandleServer], CcxtExchange]


@pytest.fixture
def through() -> Iterator[Through]:
    """ccxt's own Binance, pointed at the exchange on loopback."""
    pytest.importorskip("ccxt", reason="CCXT ABSENT: prices from exchanges were tried against nothing.")
    with ExitStack() as stack:

        def point(server: CandleServer) -> CcxtExchange:
            found = CcxtExchange(
                "binance", {"urls": {"api": {"public": f"{server.url}/api/v3"}}, "rateLimit": 1, "timeout": 5000}
            )
            stack.callback(found.close)
            return found

        yield point


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five tokens, two of which share a symbol; the folder's own prices come from another vendor."""
    folder = tmp_path / "input"
    folder.mkdir()
    (folder / "tokens.csv").write_text(
        "token_id,symbol,name,market_cap\n1,AAA,Aaa,900\n2,BBB,Bbb,500\n3,CCC,Ccc,400\n"
        "4,aaa,Little Aaa,5\n5,DDD,Ddd,1\n"
    )
    (folder / "prices.csv").write_text(
        "token_id,timeframe,bar_start,open,high,low,close,price_source\n1,1d,2026-03-01,1,1,1,1,the vendor\n"
    )
    (folder / "signals.csv").write_text("token_id,timeframe,signal_at,direction\n1,1d,2026-03-01,1\n")
    return folder
