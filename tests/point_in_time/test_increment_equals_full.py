"""A nightly increment gives what a full rebuild gives, exactly, whatever a vendor does between two nights."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.point_in_time.homes import Home, assert_same_tables, new_home
from tests.point_in_time.markets import ROW_EVENTS, START, TOKEN_EVENTS, Event, Market, Step, random_market
from tests.scale import repeats

# `work` as well, because the next increment starts from its tables.
SCHEMAS = ("core", "marts", "work")

WINDOWS = ("core.forward_window_1d", "work.forward_window_1h")

HORIZONS = (
    {"horizons_1d": (1,), "horizons_1h": (1,)},
    {"horizons_1d": (1, 3), "horizons_1h": (1, 4)},
    {"horizons_1d": (1, 7, 14), "horizons_1h": (1, 4, 24)},
    {"horizons_1d": (2, 30), "horizons_1h": (30,)},
)

# An example takes seconds, so a failing one is reported without shrinking.
RUN = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])

PLACE = st.floats(0, 1, exclude_max=True, width=16)


@st.composite
def journeys(draw: st.DrawFn, max_steps: int) -> dict[str, object]:
    """A market, and the deliveries of it."""
    kinds = st.integers(0, 6).flatmap(lambda draw: st.sampled_from(ROW_EVENTS if draw else TOKEN_EVENTS))
    event = st.builds(Event, kinds, PLACE, PLACE)
    steps = st.lists(
        st.builds(
            Step,
            days=st.sampled_from([0, 1, 1, 1, 2, 5, 20, 45]),
            hour=st.sampled_from([0, 12]),
            events=st.lists(event, max_size=4).map(tuple),
        ),
        min_size=1,
        max_size=max_steps - 1,
    )
    n_days = draw(st.integers(120, 200))
    first = Step(days=draw(st.integers(40, n_days - 20)), hour=draw(st.sampled_from([0, 12])))
    return {
        "seed": draw(st.integers(0, 10_000)),
        "n_tokens": draw(st.integers(5, 8)),
        "n_days": n_days,
        "has_known_at": draw(st.booleans()),
        "is_archive": draw(st.booleans()),
        "horizons": draw(st.sampled_from(HORIZONS)),
        "steps": (first, *draw(steps)),
    }


def _declare_events(vendor: Path) -> None:
    """The rows that were delivered are events, and every third day's expire, on the grid or off it."""
    (vendor / "trackrecord.toml").write_text('[signals]\nstyle = "events"\n')
    signals = pd.read_parquet(vendor / "signals.parquet")
    number = signals["signal_at"].dt.day_of_year
    expires_at = signals["signal_at"] + pd.to_timedelta(number % 8 * 0.75, unit="D")
    signals.assign(expires_at=expires_at.where(number % 3 == 0)).to_parquet(vendor / "signals.parquet")


def travel(journey: dict[str, object], *, is_events: bool = False) -> list[str]:
    """Deliver a market step by step to two homes, one of which always builds in full; return how the other built."""
    market = random_market(
        journey["seed"],
        n_tokens=journey["n_tokens"],
        n_days=journey["n_days"],
        has_known_at=journey["has_known_at"],
        has_quiet_bars=True,
    )
    reasons = []
    with (
        TemporaryDirectory() as folder,
        new_home(Path(folder) / "nightly", **journey["horizons"]) as nightly,
        new_home(Path(folder) / "full", **journey["horizons"]) as full,
    ):
        for step in journey["steps"]:
            now = market.advance(step)
            vendor = Path(folder) / "vendor"
            market.deliver(vendor, is_archive=journey["is_archive"])
            if is_events:
                _declare_events(vendor)
            for home in (nightly, full):
                run = home.replay if journey["is_archive"] else home.receive
                report = run(vendor, now, is_full=home is full)
                if home is nightly:
                    reasons.append(report.reason)
            assert_same_tables(nightly, full, *SCHEMAS, message=f"after {step}")
    return reasons


@settings(RUN, max_examples=3, derandomize=True)
@given(journeys(max_steps=3))
def test_an_increment_equals_a_full_rebuild(journey: dict[str, object]) -> None:
    travel(journey)


@settings(RUN, max_examples=3, derandomize=True)
@given(journeys(max_steps=3))
def test_an_increment_of_events_equals_a_full_rebuild(journey: dict[str, object]) -> None:
    travel(journey, is_events=True)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(RUN, max_examples=repeats(15, whole=200))
@given(journeys(max_steps=5), st.booleans())
def test_many_increments_equal_full_rebuilds(journey: dict[str, object], is_events: bool) -> None:
    travel(journey, is_events=is_events)


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    horizons = {"horizons_1d": (1, 7), "horizons_1h": (1, 4)}
    with new_home(tmp_path / "nightly", **horizons) as nightly, new_home(tmp_path / "full", **horizons) as full:
        yield nightly, full


def test_one_more_day_computes_only_windows_that_were_open_or_touched(tmp_path: Path, homes: tuple[Home, Home]) -> None:
    nightly, _ = homes
    market = random_market(3, n_tokens=6, n_days=160, has_known_at=True)
    folder = tmp_path / "vendor"
    for step in (Step(days=100, hour=0), Step(days=1, hour=0, events=(Event("revise_bar", 0.2, 0.3),))):
        now = market.advance(step)
        market.deliver(folder, is_archive=False)
        if market.shown == 1:
            nightly.receive(folder, now)
            nightly.connection.execute("create temporary table window_before as from core.forward_window_1d")
    report = nightly.receive(folder, now)
    assert report.reason == "new rows only"
    # Only windows of 7 days with a new or revised bar, or open before, are computed.
    row = nightly.connection.execute(
        """
        with touched as (
            select token_id, bar_start
            from raw.prices
            where timeframe = '1d' and not is_preliminary
                and snapshot_id = (select max(snapshot_id) from ops.snapshot where dataset = 'prices')
        ),
        entries as (
            select win.token_id, win.entry_at from core.forward_window_1d as win
            inner join touched on win.token_id = touched.token_id
                and touched.bar_start >= win.entry_at and touched.bar_start < win.entry_at + interval 7 days
            union
            select token_id, entry_at from window_before where not has_closed
            union
            -- From a revised bar on the spine is laid anew, so that a token's windows are computed to its end.
            select win.token_id, win.entry_at from core.forward_window_1d as win
            inner join (select token_id, min(bar_start) as first_at from touched group by all) using (token_id)
            where win.entry_at >= first_at
        )
        select count(*), (select count(*) from core.forward_window_1d) from entries
        """
    ).fetchone()
    assert row is not None
    assert report.n_rows["core.forward_window_1d"] <= row[0] < row[1] / 2


def test_nothing_new_computes_nothing(tmp_path: Path, homes: tuple[Home, Home]) -> None:
    nightly, _ = homes
    market = random_market(3, n_tokens=6, n_days=160, has_known_at=True)
    now = market.advance(Step(days=100, hour=0))
    market.deliver(tmp_path / "vendor", is_archive=False)
    nightly.receive(tmp_path / "vendor", now)
    before = nightly.fingerprints("core", "marts", "raw")
    report = nightly.receive(tmp_path / "vendor", now)
    assert not any(report.n_rows.get(name) for name in WINDOWS)
    assert nightly.fingerprints("core", "marts", "raw") == before


def test_a_vendor_that_speaks_again_after_a_long_silence_is_covered_in_between(
    tmp_path: Path, homes: tuple[Home, Home]
) -> None:
    """The silence is longer than the longest horizon, so only the coverage makes the bars in between count again."""
    market = random_market(5, n_tokens=6, n_days=160, has_known_at=True)
    silent_from, speaks_at = START + timedelta(days=60), START + timedelta(days=130)
    market.signals = market.signals[~market.signals["signal_at"].between(silent_from, speaks_at)]
    _deliver_to_both(market, tmp_path, homes, Step(days=128, hour=0), Step(days=1, hour=0), Step(days=9, hour=0))


def test_a_token_whose_bars_come_after_its_calls_names_their_price_source(
    tmp_path: Path, homes: tuple[Home, Home]
) -> None:
    market = random_market(5, n_tokens=6, n_days=160, has_known_at=True)
    late = (market.prices["token_id"] == 1) & (market.prices["bar_start"] < START + timedelta(days=100))
    market.prices = market.prices[~late]
    _deliver_to_both(market, tmp_path, homes, Step(days=99, hour=0), Step(days=1, hour=0), Step(days=1, hour=0))


def test_what_was_priced_since_a_new_vendor_first_spoke_is_in_its_base(
    tmp_path: Path, homes: tuple[Home, Home]
) -> None:
    """The new vendor has one old signal only, so nothing else points to the days since."""
    market = random_market(5, n_tokens=6, n_days=160, has_known_at=True)
    second = market.signals["vendor"] == "second"
    signalled_once = market.signals[second & (market.signals["timeframe"] == "1d")].nsmallest(1, "signal_at").index
    market.signals = market.signals[~second | market.signals.index.isin(signalled_once)]
    speaks = Step(days=1, hour=0, events=(Event("second_vendor", 0, 0),))
    _deliver_to_both(market, tmp_path, homes, Step(days=99, hour=0), speaks)
    assert_same_tables(*homes, "marts", "work", message="once it spoke")


def test_windows_from_before_a_halt_close_although_their_token_lags_behind_the_others(tmp_path: Path) -> None:
    """Such windows close by the market's newest bar, not by their token's own bars, which come a day late."""
    market = random_market(5, n_tokens=6, n_days=160, has_known_at=True)
    late = (market.prices["token_id"] == 1) & (market.prices["timeframe"] == "1d")
    day = (market.prices["bar_start"] - START).dt.days
    market.prices = market.prices[~(late & day.between(80, 84))]
    market.prices.loc[late & (day >= 85), "arrives"] = day - 81
    steps = (Step(days=84, hour=0), *(Step(days=1, hour=0) for _ in range(4)))
    horizons = {"horizons_1d": (1, 30), "horizons_1h": (1, 4)}
    with new_home(tmp_path / "nightly", **horizons) as nightly, new_home(tmp_path / "full", **horizons) as full:
        for step in steps:
            _deliver_to_both(market, tmp_path, (nightly, full), step)
            assert_same_tables(nightly, full, "core", message=f"after {step}")


def test_a_sector_that_only_calls_are_of_has_no_base_rate(tmp_path: Path, homes: tuple[Home, Home]) -> None:
    """Calls known in the new sector were entered under the old map: the sector has calls but no base window."""
    market = random_market(5, n_tokens=6, n_days=160, has_known_at=False)
    market.tokens["categories"] = "Layer 1"
    change = Step(days=30, hour=0, events=(Event("change_sector", 0.1, 0.5), Event("second_vendor", 0, 0)))
    _deliver_to_both(market, tmp_path, homes, Step(days=99, hour=0), change, Step(days=1, hour=0))


def _deliver_to_both(market: Market, place: Path, homes: tuple[Home, Home], *steps: Step) -> None:
    nightly, full = homes
    for step in steps:
        now = market.advance(step)
        market.deliver(place / "vendor", is_archive=False)
        nightly.receive(place / "vendor", now)
        full.receive(place / "vendor", now, is_full=True)
        assert_same_tables(nightly, full, *SCHEMAS, message=f"after {step}")
