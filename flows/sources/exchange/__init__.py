"""Prices from an exchange's public candles. `docs/prices.md` describes how a token finds its market."""

from flows.sources.exchange.prices import PricesFrom
from flows.sources.exchange.through_ccxt import open_exchange

__all__ = ["PricesFrom", "open_exchange"]
