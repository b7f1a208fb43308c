"""The choice of a market for each token: one rule, a file of exceptions, and a note about every token without one."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.config import DATA_DIR
from flows.errors import SourceError, UsageError
from flows.sources.exchange.base import Exchange

QUOTES = ("USDT", "USD", "USDC")
MARKETS_FILE = DATA_DIR / "markets.csv"
N_NAMED = 8


@dataclass(frozen=True)
class Token:
    """A token that needs prices. `rank` is by market cap, 1 is the largest; None where the source has none."""

    token_id: int
    symbol: str
    rank: int | None = None


@dataclass
class Choice:
    """The market of each token, and notes about the tokens without one."""

    markets: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose_markets(
    exchange: Exchange, tokens: Iterable[Token], overrides: Mapping[int, str], published: Mapping[int, str]
) -> Choice:
    """A market for each token that has one, and notes about the others.

    The file of overrides comes first, then the market that already prices the token, then the rule. Raises SourceError
    where no token finds a market.
    """
    listed = exchange.markets()
    by_base: dict[str, dict[str, str]] = {}
    for market, (base, quote) in listed.items():
        by_base.setdefault(base.upper(), {})[quote.upper()] = market
    choice = Choice()
    given = list(tokens)
    owners, contested = _owners(
        [one for one in given if one.token_id not in overrides and one.token_id not in published]
    )
    # One base is one coin, whatever it is quoted in; it belongs to the token that any of its markets prices.
    taken = {listed[market][0].upper() for market in {**published, **overrides}.values() if market in listed}
    closed: list[str] = []
    unlisted: list[str] = []
    wrong: list[str] = []
    for token in given:
        named = f"{token.symbol} ({token.token_id})"
        wish = overrides.get(token.token_id, published.get(token.token_id))
        if wish is not None:
            if wish in listed:
                choice.markets[token.token_id] = wish
            elif token.token_id in overrides and wish:
                wrong.append(f"{named}: {wish}")
            elif wish:
                closed.append(f"{named}: {wish}")
            continue
        quotes = by_base.get(token.symbol.upper(), {})
        found = next((quotes[quote] for quote in QUOTES if quote in quotes), None)
        if found is None:
            unlisted.append(named)
        elif owners.get(token.symbol.upper()) == token.token_id and listed[found][0].upper() not in taken:
            choice.markets[token.token_id] = found
        elif token.symbol.upper() not in contested:
            contested[token.symbol.upper()] = named
    choice.notes = [
        *_note(f"{exchange.name} lists no spot market in {', '.join(QUOTES)} for", unlisted),
        *_note(f"symbols that several tokens share, not priced at {exchange.name} (name one in data/markets.csv):",
               contested.values()),
        *_note(f"markets closed at {exchange.name}; the prices they gave stay:", closed),
        *_note(f"data/markets.csv names markets that {exchange.name} does not have:", wrong),
    ]  # fmt: skip
    if given and not choice.markets and not closed:
        raise SourceError(
            f"{exchange.name} has a market for none of the {len(given)} tokens. Choose another exchange, or name the "
            "markets in data/markets.csv."
        )
    return choice


def _owners(tokens: Iterable[Token]) -> tuple[dict[str, int], dict[str, str]]:
    """The token of each symbol: the only one, or the largest where ranks are known; and the tokens left without."""
    by_symbol: dict[str, list[Token]] = {}
    for token in tokens:
        by_symbol.setdefault(token.symbol.upper(), []).append(token)
    owners: dict[str, int] = {}
    contested: dict[str, str] = {}
    for symbol, sharing in by_symbol.items():
        if len(sharing) == 1 or any(token.rank is not None for token in sharing):
            owners[symbol] = min(sharing, key=lambda token: token.rank or 1 << 60).token_id
        left = [str(token.token_id) for token in sharing if token.token_id != owners.get(symbol)]
        if left:
            contested[symbol] = f"{symbol} ({', '.join(left)})"
    return owners, contested


def _note(what: str, tokens: Iterable[str]) -> list[str]:
    names = list(tokens)
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return [f"{what} {', '.join(names[:N_NAMED])}{more}"] if names else []


def read_overrides(path: Path, exchange: str) -> dict[int, str]:
    """Markets by token id from the file of overrides; an empty market means that the token has none there.

    Raises UsageError for a line that cannot be read.
    """
    if not path.exists():
        return {}
    overrides: dict[int, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            token_id = (row.get("token_id") or "").strip()
            if not token_id.isdigit() or row.get("market") is None:
                raise UsageError(f"{path.name}, line {number}: write exchange,token_id,market,reason, got {row}.")
            if (row.get("exchange") or "").strip() == exchange:
                overrides[int(token_id)] = (row["market"] or "").strip()
    return overrides
