"""A folder of many vendors on the same tokens: most know nothing, a few choose well, and a few bring what is no use."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

END = datetime(2026, 3, 9)
# A nightly of the Monday after the last bar, and the week whose digest it gives.
NIGHT, WEEK = datetime(2026, 3, 9, 0, 20), "2026-W10"

DAY = pd.Timedelta(days=1)
CATEGORIES = ("Meme", "Layer 1 (L1)", "GameFi")


@dataclass(frozen=True)
class Crowd:
    """The vendors of a folder by what is special about them; the others know nothing and are scored like anybody."""

    skilled: tuple[str, ...]
    # Dated by nobody, so that none of their calls could be traded.
    undated: tuple[str, ...]
    # Hourly signals where there are only daily prices, only stablecoins, and one row a token.
    without_prices: str
    never_scored: str
    without_calls: str


def write_crowd(folder: Path, *, n_vendors: int, n_tokens: int, n_days: int, every: int = 4, seed: int = 400) -> Crowd:
    """Write tokens, daily prices and signals, a row a token each `every` days; return who is special."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    days = pd.date_range(END - DAY * n_days, periods=n_days).to_numpy("datetime64[us]")
    tokens = pd.DataFrame(
        {
            "token_id": np.arange(1, n_tokens + 1),
            "symbol": [f"T{number}" for number in range(1, n_tokens + 1)],
            "name": [f"Token {number}" for number in range(1, n_tokens + 1)],
            "categories": [CATEGORIES[number % len(CATEGORIES)] for number in range(n_tokens)],
        }
    )
    tokens.loc[0, ["symbol", "name", "categories"]] = ["USDX", "A dollar", "Stablecoins"]
    tokens.to_csv(folder / "tokens.csv", index=False)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.04, (n_tokens, n_days)) + rng.normal(0, 0.02, n_days), axis=1))
    opened = np.hstack([np.full((n_tokens, 1), 10.0), close[:, :-1]])
    pd.DataFrame(
        {
            "token_id": np.repeat(tokens["token_id"].to_numpy(), n_days),
            "timeframe": "1d",
            "bar_start": np.tile(days, n_tokens),
            "open": opened.ravel(),
            "high": (np.maximum(opened, close) * 1.01).ravel(),
            "low": (np.minimum(opened, close) * 0.99).ravel(),
            "close": close.ravel(),
            "volume_usd": 1e6,
        }
    ).to_parquet(folder / "prices.parquet", index=False)

    # What a vendor that knows the next week would say: whether a token will do better than the others.
    week_on = np.log(close[:, np.minimum(np.arange(n_days) + 7, n_days - 1)] / close)
    truth = np.where(week_on > np.median(week_on, axis=0), 1, -1)
    names = [f"vendor-{number:03}" for number in range(n_vendors)]
    usual = names[:-3]
    skilled = usual[1 :: max(5, n_vendors // 4)]
    crowd = Crowd(
        skilled=tuple(skilled),
        undated=tuple(name for name in usual[2 :: max(4, n_vendors // 8)] if name not in skilled),
        without_prices=names[-1],
        never_scored=names[-2],
        without_calls=names[-3],
    )
    signals = folder / "signals"
    signals.mkdir()
    for number, name in enumerate(names):
        _signals(rng, name, crowd, truth, days, every).to_parquet(signals / f"{number:03}.parquet", index=False)
    return crowd


def _signals(
    rng: np.random.Generator, name: str, crowd: Crowd, truth: np.ndarray, days: np.ndarray, every: int
) -> pd.DataFrame:
    n_tokens, n_days = truth.shape
    places = np.arange(rng.integers(0, every), n_days, every)
    shape = n_tokens, len(places)
    directions = rng.choice([-1, 0, 1], shape)
    if name in crowd.skilled:
        directions = np.where(rng.random(shape) < 0.8, truth[:, places], directions)
    token_id = np.arange(1, n_tokens + 1)
    if name == crowd.never_scored:
        token_id, directions = token_id[:1], directions[:1]
    if name == crowd.without_calls:
        places, directions = places[-1:], directions[:, -1:]
    signal_at = np.tile(days[places], len(token_id))
    known_at = pd.Series(signal_at).astype("datetime64[us]") + DAY
    return pd.DataFrame(
        {
            "vendor": name,
            "token_id": np.repeat(token_id, len(places)),
            "timeframe": "1h" if name == crowd.without_prices else "1d",
            "signal_at": signal_at,
            "direction": directions.ravel(),
            "known_at": pd.NaT if name in crowd.undated else known_at,
        }
    ).astype({"known_at": "datetime64[us]", "signal_at": "datetime64[us]"})
