"""Candles without trade, and a second price source, move no scored outcome: in one delivery, and a night later."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.point_in_time.homes import Home, new_home
from tests.point_in_time.markets import START, Market, Step, random_market

HORIZONS = {"horizons_1d": (1, 7, 14), "horizons_1h": (1, 24)}
NIGHTS = (Step(days=100, hour=0), Step(days=1, hour=0), Step(days=20, hour=0))

SEEDS = (2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (3, 4)))

# The key first, then what is the call's own, then what it is compared with.
SCORED = """
select
    vendor, token_id, timeframe, signal_at, entry_rule, horizon,
    columns(* exclude (vendor, token_id, timeframe, signal_at, entry_rule, horizon, n_base, base_hit, base_return)),
    n_base, base_hit, base_return
from marts.signal_outcome
where status in ('matured', 'truncated')
order by all
"""
KEY, OWN = slice(0, 6), slice(6, -3)


def market_of(seed: int) -> Market:
    market = random_market(seed, n_tokens=6, n_days=140, has_known_at=seed % 2 == 0)
    market.prices["price_source"] = "first"
    return market


def fillers(prices: pd.DataFrame, unit: timedelta, volume: float) -> pd.DataFrame:
    """A candle at the close before for each bar that is missing up to the market's end."""
    found = []
    for _, of_token in prices.groupby("token_id"):
        bars = of_token[of_token["arrives"] == 0].set_index("bar_start").sort_index()
        moments = pd.date_range(bars.index[0], START + timedelta(days=140), freq=unit)
        filled = bars.reindex(moments, method="ffill").rename_axis("bar_start")
        # Exported in another currency and back: the last digit is another.
        for price in ("open", "high", "low", "close"):
            filled[price] = bars["close"].reindex(moments, method="ffill") * (1 + 1e-15)
        found.append(filled[~moments.isin(bars.index)].reset_index().assign(volume_usd=volume))
    return pd.concat(found, ignore_index=True)


def with_fillers(market: Market) -> None:
    """Candles of volume 0 for what lacks, in holes and since a token died."""
    prices = market.prices[market.prices["arrives"] == 0]
    units = {"1d": timedelta(days=1), "1h": timedelta(hours=1)}
    added = [fillers(prices[prices["timeframe"] == name], unit, 0.0) for name, unit in units.items()]
    market.prices = pd.concat([prices, *added], ignore_index=True)


def with_second_source(market: Market, arrives: int = 0) -> None:
    """Bars of another source at other prices wherever the first has some, later ones only: it adds no stretch."""
    other = market.prices.assign(price_source="second", arrives=np.maximum(market.prices["arrives"], arrives))
    other[["open", "high", "low", "close"]] *= 1.01
    later = other["bar_start"] > other.groupby(["token_id", "timeframe"])["bar_start"].transform("min")
    market.prices = pd.concat([market.prices, other[later]], ignore_index=True)


def nights(market: Market, place: Path, steps: tuple[Step, ...] = NIGHTS) -> list[list[tuple[object, ...]]]:
    """The scored outcomes after each night."""
    with new_home(place, **HORIZONS) as home:
        return [night(home, market, place, step) for step in steps]


def night(home: Home, market: Market, place: Path, step: Step) -> list[tuple[object, ...]]:
    """The scored outcomes after one night."""
    now = market.advance(step)
    market.deliver(place / "vendor", is_archive=False)
    home.receive(place / "vendor", now)
    return home.connection.execute(SCORED).fetchall()


@pytest.mark.parametrize("seed", SEEDS)
def test_candles_without_trade_change_nothing(seed: int, tmp_path: Path) -> None:
    plain, filled = market_of(seed), market_of(seed)
    plain.prices = plain.prices[plain.prices["arrives"] == 0]
    with_fillers(filled)
    assert len(filled.prices) > 1.05 * len(plain.prices)
    before = nights(plain, tmp_path / "plain")
    assert len(before[-1]) > 50
    assert nights(filled, tmp_path / "filled") == before


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.slow
def test_a_second_source_changes_nothing(seed: int, tmp_path: Path) -> None:
    """Whether it is there from the first night on, or is added with all its history on the second."""
    before = nights(market_of(seed), tmp_path / "plain")
    for arrives in (0, 2):
        both = market_of(seed)
        with_second_source(both, arrives)
        assert nights(both, tmp_path / f"added {arrives}") == before


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_scored_stays_when_another_source_comes(seed: int, is_gone: bool, tmp_path: Path) -> None:
    """On the second night another source is added, with bars before, between and after those of the first, which is
    gone or stays. What others were at the moment may be more then, so the base may move."""
    market = market_of(seed)
    with new_home(tmp_path, **HORIZONS) as home:
        before = night(home, market, tmp_path, NIGHTS[0])
        first = market.prices
        daily = first[first["timeframe"] == "1d"]
        other = pd.concat([first, fillers(daily, timedelta(days=1), 5.0)]).assign(price_source="another", arrives=0)
        other[["open", "high", "low", "close"]] *= 1.01
        earlier = other.groupby(["token_id", "timeframe"], as_index=False).first()
        earlier["bar_start"] -= timedelta(days=1)
        market.prices = pd.concat([other, earlier, *([] if is_gone else [first])], ignore_index=True)
        market.prices = market.prices.drop_duplicates(["token_id", "timeframe", "bar_start", "price_source"])
        for step in NIGHTS[1:]:
            after = night(home, market, tmp_path, step)
    assert len(before) > 20
    assert {row[KEY]: row[OWN] for row in after if row[KEY] in {old[KEY] for old in before}} == {
        row[KEY]: row[OWN] for row in before
    }
    # Where the first is gone, the new source is in use since.
    assert not is_gone or any("another" in row for row in after)
