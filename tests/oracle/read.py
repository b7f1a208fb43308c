"""The folder as one snapshot taken at `as_of` sees it (contract, sections 1, 2 and 10)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .clock import NEVER, TIMEFRAME_US, as_int, as_moment, column_us
from .own_bars import on_our_bars
from .stretches import bars_with_trade, one_source_a_stretch


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run: typed, visible at `as_of`, and only of known tokens."""

    tokens: pd.DataFrame  # token_id, symbol, sector, is_scored; sorted by token_id
    # token_id, timeframe, bar_start, open, high, low, close, volume_usd, price_source, stretch
    prices: pd.DataFrame
    # vendor, token_id, timeframe, signal_at, direction, trend, expires_at, known_at, revision, provenance
    signals: pd.DataFrame
    is_events: bool  # section 1, style: every row with a side is a call of its own
    superseded: pd.Series  # (vendor, timeframe) -> rows that gave way to a later one of their bar


def read_inputs(
    folder: Path, as_of: int, fetched_at: int, vendor: str | None, *, sectors_csv: Path, exclusions_csv: Path
) -> Inputs:
    """Read the three datasets that the outcomes and scorecards need."""
    tokens = _tokens(read_dataset(folder, "tokens"), pd.read_csv(sectors_csv), pd.read_csv(exclusions_csv, dtype=str))
    prices = _prices(read_dataset(folder, "prices"), as_of)
    signals, superseded = _signals(
        read_dataset(folder, "signals"),
        as_of,
        fetched_at,
        vendor or folder.name,
        is_published='moment = "published"' in _declared(folder),
    )
    known = tokens["token_id"]
    return Inputs(
        tokens=tokens,
        prices=prices[prices["token_id"].isin(known)].reset_index(drop=True),
        signals=signals[signals["token_id"].isin(known)].reset_index(drop=True),
        is_events=_style(folder) == "events",
        superseded=superseded,
    )


def _declared(folder: Path) -> str:
    path = folder / "trackrecord.toml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _style(folder: Path) -> str:
    """The style that `trackrecord.toml` declares of the signals; section 1: `states` is the default."""
    return str(tomllib.loads(_declared(folder)).get("signals", {}).get("style", "states"))


def read_dataset(folder: Path, name: str) -> pd.DataFrame:
    """`NAME.parquet`, `NAME.csv`, or all Parquet and CSV files of the folder `NAME/`; names in lower case."""
    files = [path for path in (folder / f"{name}.parquet", folder / f"{name}.csv") if path.is_file()]
    if (folder / name).is_dir():
        files += sorted(p for p in (folder / name).iterdir() if p.suffix in {".parquet", ".csv"})
    if not files:
        raise FileNotFoundError(f"{folder} holds no {name}.parquet, {name}.csv or {name}/")
    parts = [pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path) for path in files]
    parts = [part.rename(columns=str.lower) for part in parts]
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


# --- tokens ------------------------------------------------------------------------------------------------


def slug(text: str) -> str:
    """Lower case, every run of characters outside [a-z0-9] one '-', stripped at both ends."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _category_slugs(value: object) -> set[str]:
    """Categories come as a list or as text separated by ';'."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return set()
    names = value.split(";") if isinstance(value, str) else list(value)  # type: ignore[call-overload]
    return {slug(str(name)) for name in names if name is not None} - {""}


def _tokens(raw: pd.DataFrame, sector_map: pd.DataFrame, exclusions: pd.DataFrame) -> pd.DataFrame:
    """Tokens with their sector (section 1) and whether they are scored (section 3)."""
    # The lowest priority number wins, ties by category slug alphabetically.
    ranked = sorted(
        (int(row.priority), str(row.category).strip(), str(row.sector).strip()) for row in sector_map.itertuples()
    )
    kind = exclusions["kind"].str.strip().str.lower()
    value = exclusions["value"].fillna("").str.strip()
    excluded_categories = {slug(text) for text in value[kind == "category"]}
    excluded_ids = set(value[kind == "id"])
    names = exclusions["name"].fillna("")
    by_symbol = [
        (symbol.lower(), how == "symbol", words.split(";"))
        for how, symbol, words in zip(kind, value, names, strict=True)
        if how in ("symbol", "symbol and name")
    ]

    def is_excluded_by_symbol(symbol: str, name: object) -> bool:
        """By symbol and name; where the name only repeats the symbol, most symbols are enough."""
        called = slug(name) if isinstance(name, str) else ""
        is_nameless = slug(symbol).startswith(called)
        return any(
            any(word in called for word in words) or (symbol_is_enough and is_nameless)
            for excluded, symbol_is_enough, words in by_symbol
            if excluded == symbol.lower()
        )

    rows = []
    overrides = raw["sector"] if "sector" in raw else pd.Series([None] * len(raw))
    categories = raw["categories"] if "categories" in raw else pd.Series([None] * len(raw))
    called = raw["name"] if "name" in raw else pd.Series([None] * len(raw))
    columns = (raw["token_id"], raw["symbol"], called, categories, overrides)
    for token_id, symbol, name, its_categories, override in zip(*columns, strict=True):
        slugs = _category_slugs(its_categories)
        mapped = next((sector for _, category, sector in ranked if category in slugs), "other")
        if isinstance(override, str) and override.strip():
            mapped = override.strip()
        is_scored = not (
            str(int(token_id)) in excluded_ids
            or is_excluded_by_symbol(str(symbol), name)
            or slugs & excluded_categories
        )
        rows.append((int(token_id), str(symbol), mapped, is_scored))
    tokens = pd.DataFrame(rows, columns=["token_id", "symbol", "sector", "is_scored"])
    return tokens.sort_values("token_id", ignore_index=True)


# --- prices ------------------------------------------------------------------------------------------------


def _prices(raw: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Closed bars with trade, of one price source a stretch, sorted by timeframe, token, bar."""
    prices = raw.copy()
    prices["bar_start"] = column_us(prices["bar_start"])
    for name in ("volume_usd", "price_source"):
        if name not in prices:
            prices[name] = None
    prices["volume_usd"] = prices["volume_usd"].astype("float64")
    _refuse_unknown_timeframes(prices)
    bar_end = as_int(prices["bar_start"]) + _timeframe_us(prices)
    prices = prices[bar_end <= as_of]  # section 3: an open bar is never used; section 10: nor is one that ends later
    prices["label"] = prices["price_source"].astype(object).where(prices["price_source"].notna(), "")
    prices = one_source_a_stretch(bars_with_trade(prices))
    columns = [
        "token_id",
        "timeframe",
        "bar_start",
        "open",
        "high",
        "low",
        "close",
        "volume_usd",
        "price_source",
        "stretch",
    ]
    return prices[columns].sort_values(["timeframe", "token_id", "bar_start"], ignore_index=True)


# --- signals -----------------------------------------------------------------------------------------------


def _signals(
    raw: pd.DataFrame, as_of: int, fetched_at: int, vendor: str, *, is_published: bool = False
) -> tuple[pd.DataFrame, pd.Series]:
    """Visible rows with `known_at`, `revision` (-1 stands for preliminary) and `provenance`; and the superseded ones.

    These are counted by vendor and timeframe.
    """
    signals = raw.copy()
    signals["signal_at"] = column_us(signals["signal_at"])
    signals["known_at"] = column_us(signals["known_at"]) if "known_at" in signals else pd.NaT
    signals["known_at"] = signals["known_at"].astype("datetime64[us]")
    signals["vendor"] = signals["vendor"].fillna(vendor) if "vendor" in signals else vendor
    signals["trend"] = signals["trend"].astype("float64") if "trend" in signals else np.nan
    signals["expires_at"] = column_us(signals["expires_at"]) if "expires_at" in signals else pd.NaT
    _refuse_unknown_timeframes(signals)
    feed = ["vendor", "timeframe"]
    n_delivered = signals.groupby(feed).size()
    signals = on_our_bars(signals, is_published=is_published)
    superseded = n_delivered - signals.groupby(feed).size()
    timeframe = _timeframe_us(signals)
    signal_at = as_int(signals["signal_at"])
    file_known_at = as_int(signals["known_at"])
    bar_end = signal_at + timeframe

    visible_from = np.where(file_known_at == NEVER, bar_end, file_known_at)  # section 10
    known_at = np.where(file_known_at == NEVER, as_of, file_known_at)  # section 1, known_at
    one_bar_after_close = signal_at + 2 * timeframe
    provenance = np.where(
        fetched_at < one_bar_after_close,  # only our own clock makes a row witnessed
        "witnessed",
        np.where(known_at < one_bar_after_close, "attested", "backfill"),
    )
    signals["known_at"] = as_moment(known_at)
    signals["provenance"] = provenance
    signals["revision"] = np.where(bar_end <= as_of, 0, -1)  # fetched before its bar had closed: preliminary
    columns = [
        "vendor",
        "token_id",
        "timeframe",
        "signal_at",
        "direction",
        "trend",
        "expires_at",
        "known_at",
        "revision",
        "provenance",
    ]
    signals = signals.loc[visible_from <= as_of, columns]
    return signals.sort_values(["vendor", "timeframe", "token_id", "signal_at"], ignore_index=True), superseded


def _timeframe_us(frame: pd.DataFrame) -> np.ndarray:
    return frame["timeframe"].map(TIMEFRAME_US).to_numpy(dtype=np.int64)


def _refuse_unknown_timeframes(frame: pd.DataFrame) -> None:
    unknown = set(frame["timeframe"].unique()) - set(TIMEFRAME_US)
    if unknown:
        raise ValueError(f"unknown timeframes {sorted(unknown)}")
