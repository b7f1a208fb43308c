"""With Token Metrics, a shared symbol's market belongs to the token that ranks higher in its list of the largest."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from flows.devserver import KEY, DevServer
from flows.sources.base import FetchRequest
from flows.sources.exchange import PricesFrom
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource
from tests.prices.candle_server import CandleServer, serving
from tests.prices.conftest import Through, made_up

NOW = datetime(2026, 11, 22, 6)


def test_the_larger_of_two_tokens_has_the_market(tmp_path: Path, through: Through) -> None:
    with DevServer(now=NOW) as server:
        headers = {"x-api-key": KEY}
        listed = httpx.get(f"{server.base_url}/v2/top-market-cap-tokens", headers=headers, verify=False).json()["data"]
        settings = TokenMetricsSettings(
            _env_file=None, base_url=f"{server.base_url}/v2", api_key=KEY, requests_per_minute=0, history_days=3
        )
        ((symbol, _),) = Counter(row["TOKEN_SYMBOL"] for row in listed).most_common(1)
        first, second = [row["TOKEN_ID"] for row in listed if row["TOKEN_SYMBOL"] == symbol]
        candles = {(f"{symbol}USDT", "1d"): made_up(datetime(2026, 11, 1), NOW, timedelta(days=1), 5.0)}
        with serving(CandleServer(candles, {f"{symbol}USDT": (symbol, "USDT")})) as exchange:
            source = PricesFrom(TokenMetricsSource(settings), through(exchange))
            wanted = FetchRequest(NOW, tmp_path, timeframes=("1d",))
            (prices,) = [one for one in source.fetch(wanted) if one.dataset == "prices"]
    assert {response.request["market"] for response in prices.responses} == {f"{symbol}/USDT"}
    text = "\n".join(source.notes)
    assert f"{symbol} ({second})" in text
    assert f"{symbol} ({first})" not in text
