"""The simulated market keeps its promises: planted edges, realistic frictions, no look-ahead."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.sources import sample
from flows.sources.base import FetchRequest
from flows.sources.sample.market import draw_market, rounded
from flows.sources.sample.measure import Spine, cells, forward_returns, spine
from flows.sources.sample.skill import Timeframe
from flows.sources.sample.tokens import plan_tokens
from flows.sources.simulated import SampleSource

Tables = dict[str, pa.Table]
SIGNAL_KEY = ["timeframe", "token_id", "signal_at"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sample.simulate()


@pytest.fixture(scope="module")
def prices(tables: Tables) -> pd.DataFrame:
    frame: pd.DataFrame = tables["prices"].to_pandas()
    return frame


@pytest.fixture(scope="module")
def signals(tables: Tables) -> pd.DataFrame:
    frame: pd.DataFrame = tables["signals"].to_pandas()
    return frame


def test_the_same_spec_gives_the_same_tables(tables: Tables) -> None:
    again = sample.simulate()
    assert list(again) == ["tokens", "prices", "signals", "levels", "grades", "quantmetrics"]
    assert all(again[name].equals(table) for name, table in tables.items())


def test_the_edge_moves_no_call_and_no_shock() -> None:
    """With the same seed and another edge, calls stay the same, and so do prices of tokens without coverage."""
    spec = sample.study_spec(15, 7, edge_points=0)
    without, skilled = (
        draw_market(replace(s, covered_share=0.6)) for s in (spec, sample.study_spec(15, 7, edge_points=5))
    )
    assert np.array_equal(without.stances["1d"].event, skilled.stances["1d"].event)
    others = ~without.plan.is_covered
    assert np.array_equal(without.bars["1d"].close[:, others], skilled.bars["1d"].close[:, others])
    assert not np.array_equal(without.bars["1d"].close[:, ~others], skilled.bars["1d"].close[:, ~others])


def test_rounding_never_changes_the_order_of_prices() -> None:
    price = np.sort(10.0 ** np.random.default_rng(0).uniform(-9, 9, 200_000))
    price = np.sort(np.concatenate([price, price * (1 + 1e-6), [9.9999999, 10.0, 0.99999996, 1.0, 999999.96, 1e6]]))
    assert (np.diff(rounded(price)) >= 0).all()
    assert np.abs(rounded(price) / price - 1).max() < 5.1e-6


def test_every_bar_is_ordered_and_positive(prices: pd.DataFrame) -> None:
    body = prices[["open", "close"]]
    assert (prices["low"] > 0).all()
    assert (prices["low"] <= body.min(axis=1)).all()
    assert (prices["high"] >= body.max(axis=1)).all()
    assert (prices["volume_usd"] >= 0).all()
    assert not prices.duplicated(["timeframe", "token_id", "bar_start"]).any()


def test_hourly_bars_aggregate_exactly_to_the_daily_ones(prices: pd.DataFrame) -> None:
    hourly = prices[prices["timeframe"] == "1h"]
    by_day = hourly.groupby(["token_id", hourly["bar_start"].dt.floor("D")]).agg(
        open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"),
        volume_usd=("volume_usd", "sum"),
    )  # fmt: skip
    daily = prices[prices["timeframe"] == "1d"].set_index(["token_id", "bar_start"])
    recent = daily[daily.index.get_level_values(1) >= hourly["bar_start"].min()]
    assert len(recent) > 12_000
    pd.testing.assert_frame_equal(
        by_day.reindex(recent.index), recent[["open", "high", "low", "close", "volume_usd"]], check_exact=True
    )


def test_an_open_is_about_the_close_before(prices: pd.DataFrame) -> None:
    """Crypto trades around the clock, so an open far from the previous close is a redenomination or a gap, and rare."""
    daily = prices[prices["timeframe"] == "1d"]
    before = daily.groupby("token_id")[["close", "bar_start"]].shift()
    next_day = (daily["bar_start"] - before["bar_start"]) == pd.Timedelta(days=1)
    gap = (daily["open"] / before["close"] - 1)[next_day].abs()
    assert gap.quantile(0.99) < 0.001
    assert (gap > 0.5).sum() == round(0.04 * 113)  # one for each redenominated token


def test_every_friction_is_there(tables: Tables, prices: pd.DataFrame, signals: pd.DataFrame) -> None:
    daily = prices[prices["timeframe"] == "1d"]
    newest, oldest = daily["bar_start"].max(), daily["bar_start"].min()
    span = daily.groupby("token_id")["bar_start"].agg(["min", "max"])
    assert (span["min"] > oldest + pd.Timedelta(days=29)).sum() == 28  # list late
    assert (newest - span["max"] > pd.Timedelta(days=3)).sum() == 8  # die
    missing = daily.groupby("token_id")["bar_start"].diff().dropna().dt.days - 1
    assert (missing > 3).sum() == 9  # halts
    assert missing[missing > 3].between(4, 22).all()
    assert 0.003 < missing[missing.between(1, 3)].sum() / len(daily) < 0.007

    first_week = daily.groupby("token_id").head(7).groupby("token_id").agg(o=("open", "first"), c=("close", "last"))
    late = span.index[span["min"] > oldest + pd.Timedelta(days=29)]
    assert (first_week["c"] / first_week["o"])[late].median() > 2  # listings pump

    tokens = tables["tokens"].to_pandas()
    assert 3 <= tokens["symbol"].duplicated().sum() <= 6
    covered = signals["token_id"].nunique()
    assert 0.6 < covered / len(tokens) < 0.75
    dead = set(span.index[newest - span["max"] > pd.Timedelta(days=3)]) & set(signals["token_id"])
    assert dead  # some covered tokens die, so survivorship can be tested


def test_tokens_map_to_the_sector_their_edge_was_planted_in(tables: Tables) -> None:
    with (ROOT / "data" / "sectors.csv").open(encoding="utf-8") as file:
        sectors = {row["category"]: (int(row["priority"]), row["sector"]) for row in csv.DictReader(file)}
    with (ROOT / "data" / "exclusions.csv").open(encoding="utf-8") as file:
        excluded = {row["value"] for row in csv.DictReader(file) if row["kind"] == "category"}
    planted = plan_tokens(sample.SAMPLE).sector
    for row, index in zip(tables["tokens"].to_pylist(), planted, strict=True):
        found = min(sectors[slug] for slug in row["categories"] if slug in sectors)[1]
        if index < 0:
            assert excluded & set(row["categories"]), row
        else:
            assert found == sample.SAMPLE.sectors[index].name, row
            assert not excluded & set(row["categories"]), row


def test_rows_are_known_after_their_bar_closed_and_mostly_within_the_next(signals: pd.DataFrame) -> None:
    first = signals.drop_duplicates(SIGNAL_KEY, keep="first")
    for timeframe, length in (("1d", pd.Timedelta(days=1)), ("1h", pd.Timedelta(hours=1))):
        rows = first[first["timeframe"] == timeframe]
        delay = (rows["known_at"] - rows["signal_at"] - length).dt.total_seconds() / length.total_seconds()
        assert (delay > 0).all()
        assert 0.02 < (delay >= 1).mean() < 0.04  # late rows are backfill by the contract
        assert (delay[delay >= 1] >= 2).all()


def test_events_fire_for_one_bar_and_the_trend_carries_them(signals: pd.DataFrame) -> None:
    first = signals.drop_duplicates(SIGNAL_KEY, keep="first")
    rows = first.groupby(["timeframe", "token_id"])
    before = rows["trend"].shift()
    steady = rows["signal_at"].diff() <= pd.Timedelta(days=1)
    fired = first["direction"] != 0
    assert (first["direction"][fired] == first["trend"][fired]).all()
    assert (first["direction"] == -before)[fired & steady].all()
    assert (first["trend"] == before)[~fired & steady].all()


def _judged(signals: pd.DataFrame, prices: pd.DataFrame) -> pd.Series:
    """Log return of the seven days after each daily row, from the next open."""
    daily = prices[prices["timeframe"] == "1d"].set_index(["token_id", "bar_start"])
    entry = pd.MultiIndex.from_arrays([signals["token_id"], signals["signal_at"] + pd.Timedelta(days=1)])
    last = pd.MultiIndex.from_arrays([signals["token_id"], signals["signal_at"] + pd.Timedelta(days=7)])
    moved = np.log(daily["close"].reindex(last).to_numpy() / daily["open"].reindex(entry).to_numpy())
    return pd.Series(moved, index=signals.index)


def test_revisions_flatter(signals: pd.DataFrame, prices: pd.DataFrame) -> None:
    daily = signals[signals["timeframe"] == "1d"].copy()
    daily["moved"] = _judged(daily, prices)
    versions = daily.groupby(SIGNAL_KEY)["direction"].transform("size")
    revised = daily[versions > 1]
    old, new = (revised.drop_duplicates(SIGNAL_KEY, keep=k).reset_index(drop=True) for k in ("first", "last"))
    assert 0.015 < len(new) / (~daily.duplicated(SIGNAL_KEY)).sum() < 0.025
    turned = old["direction"] != new["direction"]
    was_call = turned & (old["direction"] != 0)
    assert was_call.sum() > 20
    assert (turned & (old["direction"] == 0)).sum() > 20
    assert (old["direction"] * old["moved"])[was_call].max() < 0  # misses are turned
    assert (new["direction"] * new["moved"])[turned].min() > 0  # invented calls are hits
    assert (new["known_at"] - new["signal_at"] > pd.Timedelta(days=8)).all()  # revisions come once the outcome is known
    assert ((new["score"] - old["score"]) * old["moved"] >= 0).all()


MOMENTS = [
    dt.datetime(2024, 3, 1, 0, 20),
    dt.datetime(2026, 3, 20, 12, 5),
    dt.datetime(2026, 5, 4, 0, 20),
    sample.SAMPLE_END,
]


def test_no_snapshot_has_a_row_before_it_is_known(tables: Tables) -> None:
    for moment in MOMENTS:
        snapshot = sample.snapshot_at(tables, moment)
        for name in ("signals", "levels", "grades", "quantmetrics"):
            assert snapshot[name]["known_at"].to_pandas().max() <= pd.Timestamp(moment)
        prices = snapshot["prices"].to_pandas()
        length = prices["timeframe"].map({"1d": pd.Timedelta(days=1), "1h": pd.Timedelta(hours=1)})
        assert (prices["bar_start"] + length <= pd.Timestamp(moment)).all()
        assert snapshot["tokens"].num_rows == prices["token_id"].nunique()


def test_snapshots_only_grow_and_change_only_by_newer_versions(tables: Tables) -> None:
    snapshots = [sample.snapshot_at(tables, moment) for moment in MOMENTS]
    for earlier, later in itertools.pairwise(snapshots):
        old, new = (s["signals"].to_pandas().set_index(SIGNAL_KEY) for s in (earlier, later))
        assert old.index.is_unique
        assert old.index.isin(new.index).all()
        again = new.loc[old.index]
        assert (again["known_at"] >= old["known_at"]).all()
        changed = (again["direction"] != old["direction"]) | (again["score"] != old["score"])
        assert (again["known_at"] > old["known_at"])[changed].all()
        assert changed.any()
        assert earlier["prices"].num_rows < later["prices"].num_rows
        assert set(earlier["tokens"]["token_id"].to_pylist()) <= set(later["tokens"]["token_id"].to_pylist())


def test_a_snapshot_has_the_newest_version_known(tables: Tables, signals: pd.DataFrame) -> None:
    moment = MOMENTS[1]
    known = signals[signals["known_at"] <= moment].sort_values([*SIGNAL_KEY, "known_at"])
    expected = known.drop_duplicates(SIGNAL_KEY, keep="last").reset_index(drop=True)
    snapshot = sample.snapshot_at(tables, moment)["signals"].to_pandas()
    pd.testing.assert_frame_equal(
        snapshot.sort_values(SIGNAL_KEY).reset_index(drop=True),
        expected.sort_values(SIGNAL_KEY).reset_index(drop=True),
    )


def test_at_the_end_the_last_day_is_not_signalled_yet(tables: Tables) -> None:
    snapshot = sample.snapshot_at(tables, sample.SAMPLE_END)
    prices, signals = snapshot["prices"].to_pandas(), snapshot["signals"].to_pandas()
    assert prices.groupby("timeframe")["bar_start"].max()["1d"] == pd.Timestamp("2026-06-30")
    assert prices.groupby("timeframe")["bar_start"].max()["1h"] == pd.Timestamp("2026-06-30 23:00")
    assert signals.groupby("timeframe")["signal_at"].max()["1d"] == pd.Timestamp("2026-06-29")


def test_levels_are_old_extremes_that_had_formed(tables: Tables, prices: pd.DataFrame) -> None:
    levels = tables["levels"].to_pandas()
    assert (levels["formed_at"] + pd.Timedelta(days=5) <= levels["level_at"]).all()
    assert not levels.duplicated(["token_id", "timeframe", "level_at", "price"]).any()
    daily = prices[prices["timeframe"] == "1d"][["token_id", "bar_start", "high", "low"]]
    joined = levels.merge(daily, left_on=["token_id", "formed_at"], right_on=["token_id", "bar_start"])
    assert len(joined) == len(levels)
    assert ((joined["price"] == joined["high"]) | (joined["price"] == joined["low"])).all()


def test_quantmetrics_are_those_of_the_bars(tables: Tables, prices: pd.DataFrame) -> None:
    metrics = tables["quantmetrics"].to_pandas().dropna(subset=["sharpe", "lookback"])
    row = metrics[metrics["measured_at"] == metrics["measured_at"].max()].iloc[5]
    closes = prices[(prices["timeframe"] == "1d") & (prices["token_id"] == row["token_id"])].set_index("bar_start")[
        "close"
    ]
    daily = closes.asfreq("D").pct_change(fill_method=None)[-365:].dropna()
    assert row["volatility"] == pytest.approx(daily.std() * 365**0.5, abs=0.006)
    assert row["sharpe"] == pytest.approx(daily.mean() / daily.std() * 365**0.5, abs=0.006)


def test_windows_stop_at_the_segment_end_and_truncated_ones_keep_the_loss() -> None:
    """A window cut off by a token's death is scored at the last close; a window that is still open is not scored."""
    n = 60
    ones = np.ones((n, 2))
    close = ones.copy()
    close[29, 0] = 0.4
    end = np.tile(np.arange(n)[:, None] * 0 + [29, n - 1], (1, 1))
    path = Spine(ones, close, np.zeros((n, 2), int), np.ones((n, 2), bool), end, np.array([[True, False]] * n))
    returns = forward_returns(path, 7)
    assert returns[27, 0] == pytest.approx(-0.6)  # truncated, not dropped
    assert np.isfinite(returns[n - 7, 1])
    assert np.isnan(returns[n - 6, 1])


def test_measured_windows_agree_with_a_plain_loop() -> None:
    market = draw_market(sample.SAMPLE)
    bars = market.bars["1d"]
    returns = forward_returns(spine(market, bars), 14)
    for token in (
        0,
        3,
        *np.flatnonzero(market.plan.halted < 2000)[:2],
        *np.flatnonzero(market.plan.dead < 2000)[:2],
    ):
        there = np.flatnonzero(bars.present[:, token])
        breaks = np.flatnonzero(
            (np.diff(there) > 4)
            | (np.abs(np.log(bars.open[there[1:], token] / bars.close[there[:-1], token])) > np.log(5))
        )
        segments = np.split(there, breaks + 1)
        newest = bars.start_us.size - 1
        for number, segment in enumerate(segments):
            ended = number + 1 < len(segments) or newest - segment[-1] > 3
            for bar in segment[::17]:
                last = min(bar + 13, segment[-1])
                at = segment[segment <= last][-1]
                filled = (last - bar + 1) - ((segment >= bar) & (segment <= last)).sum()
                scored = bar >= there[0] + 7 and filled <= 0.1 * (last - bar + 1)
                scored &= last == bar + 13 or (ended and bar + 13 <= newest)
                expected = bars.close[at, token] / bars.open[bar, token] - 1 if scored else np.nan
                assert returns[bar, token] == pytest.approx(expected, nan_ok=True)


def test_the_truth_is_sharp_and_has_the_planted_signs() -> None:
    truth = sample.truth().to_pandas()
    assert set(truth["horizon"]) == {1, 4, 7, 14, 24, 30, 72, 90, 168}
    leaf = truth[(truth["sector"] != "all") & (truth["direction"] != "both")]
    assert leaf[["edge_se", "selection_edge_se"]].max().max() < 0.005
    at_week = leaf[(leaf["timeframe"] == "1d") & (leaf["horizon"] == 7) & (leaf["entry_rule"] == "next_open")]
    edges = at_week.set_index(["sector", "direction"])["selection_edge"]
    for sector in sample.SAMPLE.sectors:
        for direction, points in (("bullish", sector.bullish_points), ("bearish", sector.bearish_points)):
            edge = edges[sector.name, direction]
            if points:
                assert np.sign(edge) == np.sign(points)
                assert abs(edge) > 0.04
            else:
                assert abs(edge) < 0.015


def test_the_bundled_market_shows_the_truth() -> None:
    """One market is noisy, but its edges must lie within sampling error of the stored truth."""
    truth = sample.truth().to_pandas().set_index(["sector", "direction", "timeframe", "horizon", "entry_rule"])
    market = draw_market(sample.SAMPLE)
    cases: tuple[tuple[Timeframe, int], ...] = (("1d", 7), ("1h", 24))
    for timeframe, horizon in cases:
        found = [c for c in cells(market, timeframe, (horizon,)) if c.direction == "both" and c.sector != "all"]
        for cell in found:
            expected = truth.loc[(cell.sector, cell.direction, timeframe, horizon, cell.entry_rule), "selection_edge"]
            assert abs(cell.selection / cell.n_matched - expected) < 4.5 * 0.5 / np.sqrt(cell.n_matched)


@pytest.mark.parametrize("points", [0.0, 5.0])
def test_a_study_panel_has_the_edge_it_is_asked_for(points: float) -> None:
    totals = {7: np.zeros(2), 30: np.zeros(2)}
    for seed in range(8):
        for cell in cells(draw_market(sample.study_spec(60, seed, edge_points=points)), "1d", (7, 30)):
            if (cell.sector, cell.direction, cell.entry_rule) == ("all", "both", "next_open"):
                totals[cell.horizon] += [cell.selection, cell.n_matched]
    for selection, n in totals.values():
        assert 100 * selection / n == pytest.approx(points, abs=4 * 50 / np.sqrt(n) + 0.3)


def test_the_tradable_entry_keeps_part_of_the_edge() -> None:
    truth = sample.truth().to_pandas()
    cell = truth[(truth["sector"] == "AI") & (truth["direction"] == "bullish") & (truth["horizon"] == 7)]
    edge = cell.set_index("entry_rule")["selection_edge"]
    assert 0.3 * edge["next_open"] < edge["tradable"] < 0.95 * edge["next_open"]


def test_a_study_panel_is_small_and_fast() -> None:
    start = time.perf_counter()
    tables = sample.simulate(sample.study_spec(60, 1, edge_points=5, bunched=True, fat_tails=True, drift=True))
    assert time.perf_counter() - start < 2.0  # 0.1 s on an idle core
    assert tables["prices"].num_rows == 60 * 1095
    assert [tables[name].num_rows for name in ("levels", "grades", "quantmetrics")] == [0, 0, 0]


def test_bunched_calls_share_days_and_sides() -> None:
    """The busiest days of a bunched panel hold many calls of one direction, as in real vendors' histories."""
    calm, bunched = (draw_market(sample.study_spec(60, 4, bunched=b)).stances["1d"].event for b in (False, True))
    busiest = [np.sort(np.abs(event.sum(axis=1)))[-20:].mean() for event in (calm, bunched)]
    assert busiest[1] > 1.8 * busiest[0]


def test_it_delivers_the_timeframes_in_use_alone(tmp_path: Path) -> None:
    """With TRACKRECORD_TIMEFRAMES=1d the gate would stop a delivery of hours."""
    request = FetchRequest(as_of=sample.SAMPLE_END, home=tmp_path, timeframes=("1d",))
    bodies = {
        one.dataset: pq.read_table(BytesIO(response.content))
        for one in SampleSource().fetch(request)
        for response in one.responses
        if isinstance(response.content, bytes)
    }
    timeframes = {
        name: set(body["timeframe"].to_pylist()) for name, body in bodies.items() if "timeframe" in body.column_names
    }
    assert timeframes == {"prices": {"1d"}, "signals": {"1d"}, "levels": {"1d"}}
    assert bodies["tokens"].num_rows > 0
