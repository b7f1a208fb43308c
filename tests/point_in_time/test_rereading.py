"""Restatements are found by fetching again: the last days every night, the whole past in parts."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.catch_up import fetch_requests, gaps, missed_days, part_of
from flows.config import Settings
from flows.errors import UsageError
from flows.warehouse.days import Day, read_days
from tests.point_in_time.asked import AskedSource
from tests.point_in_time.markets import START, Market, Step, random_market
from tests.point_in_time.publisher import Publisher, new_publisher
from tests.product import make_run


def test_every_token_has_its_turn_once() -> None:
    tokens = list(range(1000, 1100))
    turns = [part_of(tokens, 28, date(2026, 1, 1) + timedelta(days=n)) for n in range(28)]
    assert sorted(token for turn in turns for token in turn) == tokens
    assert max(map(len, turns)) == 4
    assert part_of(tokens, 0, date(2026, 1, 1)) == frozenset()


def a_day(dataset: str, date: int, state: str) -> Day:
    return Day(dataset, "v", "1d", datetime(2026, 1, date), state, 0, 0, 0, None, None)


def test_what_is_asked_for_again_is_what_can_still_be_filled() -> None:
    days = [a_day("signals", 1, "late"), a_day("prices", 2, "partial"), a_day("levels", 3, "late"),
            a_day("signals", 4, "missing")]  # fmt: skip
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert missed_days(days, frozenset({"levels"}), settings, date(2026, 1, 5)) == [date(2026, 1, 1), date(2026, 1, 2)]


def test_a_day_that_is_there_in_part_is_requested_again_only_by_the_catch_up_policy() -> None:
    """Otherwise a delisted token would make every night fetch, and pay for, all days since its last one."""
    days = [a_day("signals", date, "partial") for date in (2, 10, 12)] + [a_day("prices", 11, "partial")]

    def asked(**given: object) -> list[int]:
        settings = Settings(_env_file=None, **given)  # type: ignore[arg-type,call-arg]
        return [day.day for day in missed_days(days, frozenset(), settings, date(2026, 1, 20))]

    assert asked() == [2, 10, 11, 12]
    assert asked(catch_up_max_age_days=10) == [10, 11, 12]
    assert asked(catch_up="latest") == [11, 12]
    assert asked(catch_up="skip") == []


def test_a_backfill_leaves_out_the_days_of_which_nothing_is_wanting() -> None:
    whole = [a_day(dataset, date, "complete") for dataset in ("signals", "prices") for date in (2, 3, 4, 6)]
    days = [*whole, a_day("signals", 5, "complete"), a_day("prices", 5, "partial"), a_day("prices", 7, "backfilled")]

    def asked(first: int, last: int) -> list[tuple[int, int]]:
        return [(a.day, b.day) for a, b in gaps(days, date(2026, 1, first), date(2026, 1, last))]

    # One feed has no rows on the first and the seventh, which may be what the operator wants.
    assert asked(1, 8) == [(1, 1), (5, 5), (7, 8)]
    assert asked(2, 4) == []
    assert asked(4, 5) == [(5, 5)]
    assert [(a.day, b.day) for a, b in gaps([], date(2026, 1, 1), date(2026, 1, 3))] == [(1, 3)]


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return new_publisher(tmp_path, reread_days=3, reread_parts=2)


def test_the_last_days_are_read_again_each_night_and_the_past_in_turn(publisher: Publisher, tmp_path: Path) -> None:
    market = random_market(11, n_tokens=5, n_days=70, has_known_at=False)
    days = pd.date_range(START, periods=70)
    market.signals = pd.DataFrame(
        {"vendor": "first", "token_id": token, "timeframe": "1d", "signal_at": at, "direction": n % 3 - 1, "arrives": 0}
        for token in range(1, 5)
        for n, at in enumerate(days)
    )
    night(market, publisher, tmp_path)
    # Rows of two tokens are reversed 20 days back, and yesterday's row of a third, whose past is not fetched tonight.
    today = (market.now + timedelta(days=1)).date()
    turn = today.toordinal() % 2
    old = {token: restate(market, token, market.now - timedelta(days=20)) for token in (1, 2)}
    recent = restate(market, 3 if turn == 0 else 4, market.now - timedelta(days=1))
    night(market, publisher, tmp_path)
    found = restated(publisher)
    assert found == {recent, old[2 if turn == 0 else 1]}
    with duckdb.connect(str(publisher.settings.published), read_only=True) as file:
        looks = file.execute(
            "select read_from, read_token_ids from ops.reread where dataset = 'signals' and vendor = 'first' "
            "and as_of = (select max(as_of) from ops.reread) order by read_token_ids nulls first"
        ).fetchall()
    assert looks[0] == (pd.Timestamp(today - timedelta(days=3)), None)
    assert {token % 2 for token in looks[1][1]} == {turn}
    assert looks[1][0] <= pd.Timestamp("2025-01-02")
    night(market, publisher, tmp_path)
    assert restated(publisher) == {recent, *old.values()}


def test_a_backfill_over_days_that_were_witnessed_asks_only_for_the_others(
    publisher: Publisher, tmp_path: Path
) -> None:
    market = random_market(11, n_tokens=5, n_days=70, has_known_at=False)
    for _ in range(3):
        night(market, publisher, tmp_path)
    run = make_run(tmp_path / "vendor", publisher.settings, as_of=market.now)
    today = market.now.date()

    def asked(first: int, last: int) -> list[tuple[int, int]]:
        """The requested spans: from and to, in days before today."""
        backfill = replace(
            run,
            source=AskedSource(tmp_path / "vendor"),
            since=today - timedelta(days=first),
            until=today - timedelta(days=last),
        )
        return [((today - one.since).days, (today - one.until).days) for one in fetch_requests(backfill)]

    # The first night fetched only the day before it; today has not ended.
    assert asked(6, 0) == [(6, 4), (0, 0)]
    assert asked(3, 1) == []


def test_a_file_that_an_earlier_version_published_is_recognised_and_published_anew(
    publisher: Publisher, tmp_path: Path
) -> None:
    market = random_market(11, n_tokens=5, n_days=70, has_known_at=False)
    night(market, publisher, tmp_path)
    with duckdb.connect(str(publisher.settings.published)) as file:
        file.execute("drop table ops.feed_bar")
        with pytest.raises(UsageError, match="Run `trackrecord nightly`"):
            read_days(file, publisher.settings, market.now)
    run = replace(
        make_run(tmp_path / "vendor", publisher.settings, as_of=market.now), source=AskedSource(tmp_path / "vendor")
    )
    # The missed days are not known, but the last days are fetched again, and the past of the tokens whose turn it is.
    newest, part = fetch_requests(run)
    assert newest.since == market.now.date() - timedelta(days=3) and part.token_ids
    night(market, publisher, tmp_path)
    with duckdb.connect(str(publisher.settings.published), read_only=True) as file:
        assert {day.state for day in read_days(file, publisher.settings, market.now)} <= {"complete", "backfilled"}


def night(market: Market, publisher: Publisher, place: Path) -> None:
    now = market.advance(Step(days=1 if market.shown else 50, hour=0))
    market.deliver(place / "vendor", is_archive=False)
    run = make_run(place / "vendor", publisher.settings, as_of=now)
    publisher.publish_run(replace(run, source=AskedSource(place / "vendor")))


def restate(market: Market, token: int, until: datetime) -> tuple[int, datetime]:
    rows = market.signals
    is_theirs = (rows["token_id"] == token) & (rows["signal_at"] <= until) & (rows["arrives"] == 0)
    place = rows[is_theirs]["signal_at"].idxmax()
    market.signals.loc[place, "direction"] = (rows.loc[place, "direction"] + 2) % 3 - 1
    return token, rows.loc[place, "signal_at"].to_pydatetime()


def restated(publisher: Publisher) -> set[tuple[int, datetime]]:
    with duckdb.connect(str(publisher.settings.published), read_only=True) as file:
        return set(
            file.execute("select token_id, moment_at from marts.restatement where dataset = 'signals'").fetchall()
        )
