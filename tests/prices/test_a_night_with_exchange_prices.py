"""A whole run whose prices come from an exchange scores as one whose folder holds the same prices."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from flows import pipeline
from flows.config import Settings
from flows.devserver import small_market
from flows.run import start_run
from flows.sources.base import Source
from flows.sources.exchange import PricesFrom
from flows.sources.files import FilesSource
from flows.sources.sample import NO_FRICTIONS, simulate, snapshot_at
from tests.prices.candle_server import CandleServer, Rows, serving
from tests.prices.conftest import Through, ms

AS_OF = datetime(2026, 3, 10, 0, 20)


@pytest.mark.slow
def test_outcomes_are_those_of_the_same_prices_from_a_folder(tmp_path: Path, through: Through) -> None:
    market = replace(small_market(AS_OF, days_ahead=0), frictions=NO_FRICTIONS, n_pegged=0)
    snapshot = snapshot_at(simulate(market), AS_OF)
    folder = tmp_path / "input"
    folder.mkdir()
    for name, table in snapshot.items():
        pq.write_table(table, folder / f"{name}.parquet")
    symbols = {row["token_id"]: row["symbol"] for row in snapshot["tokens"].to_pylist()}
    candles: dict[tuple[str, str], Rows] = {}
    for bar in snapshot["prices"].to_pylist():
        ohlc = (bar["open"], bar["high"], bar["low"], bar["close"])
        row = (ms(bar["bar_start"]), *ohlc, bar["volume_usd"] / bar["close"])
        candles.setdefault((f"{symbols[bar['token_id']]}USDT", bar["timeframe"]), []).append(row)
    pairs = {f"{symbol}USDT": (symbol, "USDT") for symbol in symbols.values()}
    own = _outcomes(FilesSource(folder), tmp_path / "own")
    with serving(CandleServer(candles, pairs)) as exchange:
        source = PricesFrom(FilesSource(folder), through(exchange))
        theirs = _outcomes(source, tmp_path / "theirs")
    assert len(own) > 100
    assert [row[:-1] for row in theirs] == [row[:-1] for row in own]
    assert {row[-1] for row in theirs} <= {f"binance:{symbol}/USDT" for symbol in symbols.values()}


def _outcomes(source: Source, home: Path) -> list[tuple[object, ...]]:
    run = start_run(source, Settings(home=home), as_of=AS_OF)
    pipeline.main_job(run, holder="a test", wait_seconds=0)
    with duckdb.connect(str(home / "published" / "trackrecord.duckdb"), read_only=True) as file:
        columns = [row[0] for row in file.execute("describe marts.signal_outcome").fetchall()]
        wanted = [name for name in columns if name not in ("price_source", "run_id")]
        return file.execute(
            f"select {', '.join(wanted)}, price_source from marts.signal_outcome "
            "order by token_id, timeframe, signal_at, entry_rule, horizon"
        ).fetchall()
