"""An exchange through the ccxt library, which is optional."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from flows.errors import SourceError, UsageError
from flows.sources.exchange.base import PAGE, Candles, Exchange

ATTEMPTS = 5


class CcxtExchange:
    """An exchange through ccxt: public calls alone, no key, at the pace ccxt keeps for it."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        ccxt = _import_ccxt()
        if name not in ccxt.exchanges:
            raise UsageError(
                f"--prices ccxt:{name}: ccxt knows no such exchange. It knows {len(ccxt.exchanges)}, such as binance, "
                "coinbase, kraken; `python -c 'import ccxt; print(ccxt.exchanges)'` lists them."
            )
        self.name = name
        # Spot alone: the lists of futures cost calls, and no signal is judged by them.
        usual = {"enableRateLimit": True, "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}}
        self._ccxt = getattr(ccxt, name)({**usual, **(options or {})})
        self._transient = (ccxt.NetworkError,)
        self._errors = ccxt.BaseError
        if not self._ccxt.has.get("fetchOHLCV"):
            raise UsageError(f"--prices ccxt:{name}: that exchange gives no candles. Choose another.")

    def has_timeframe(self, timeframe: str) -> bool:
        return timeframe in (self._ccxt.timeframes or {})

    def markets(self) -> Mapping[str, tuple[str, str]]:
        listed = self._ask(self._ccxt.load_markets)
        return {
            market: (one["base"], one["quote"])
            for market, one in listed.items()
            if one.get("spot") and one.get("active") is not False
        }

    def candles(self, market: str, timeframe: str, since: datetime) -> Candles:
        since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000)
        rows = self._ask(self._ccxt.fetch_ohlcv, market, timeframe, since_ms, PAGE)
        return Candles(sorted(rows), self._ccxt.last_http_response)

    def close(self) -> None:
        """Let go of its connections."""
        self._ccxt.session.close()

    def _ask(self, call: Any, *arguments: Any) -> Any:
        attempts = Retrying(
            retry=retry_if_exception_type(self._transient),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(initial=1, max=30),
            reraise=True,
        )
        try:
            return attempts(call, *arguments)
        except self._errors as error:
            raise SourceError(f"{self.name} says {type(error).__name__}: {str(error)[:200]}.") from error


def open_exchange(text: str) -> Exchange:
    """The exchange that `--prices ccxt:NAME` names. Raises UsageError, saying how to install what is missing."""
    kind, _, name = text.partition(":")
    if kind != "ccxt" or not name:
        raise UsageError(f"--prices {text} is unknown; write ccxt:EXCHANGE, as in ccxt:kraken.")
    return CcxtExchange(name)


def _import_ccxt() -> Any:
    try:
        import ccxt
    except ImportError as error:
        raise UsageError(
            "--prices ccxt:… needs the ccxt library, which is optional. Install it with "
            "`uv sync --extra ccxt` or `pip install 'trackrecord[ccxt]'`."
        ) from error
    return ccxt
