"""A build as of a moment has what was known then, whether or not later snapshots exist."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.point_in_time.homes import Home, assert_same_tables, new_home
from tests.point_in_time.markets import Event, Step, random_market

HORIZONS = {"horizons_1d": (1, 7), "horizons_1h": (1, 4)}

STEPS = (
    Step(days=90, hour=0),
    Step(days=10, hour=12, events=(Event("change_sector", 0.3, 0.6), Event("revise_bar", 0.1, 0.2))),
    Step(days=15, hour=0, events=(Event("restate_signal", 0.1, 0.4), Event("late_signal", 0.1, 0.4))),
)


@pytest.fixture
def folders(tmp_path: Path) -> list[tuple[datetime, Path]]:
    """The same vendor's folder as it stood at three moments."""
    market = random_market(11, n_tokens=6, n_days=130, has_known_at=False)
    found = []
    for number, step in enumerate(STEPS):
        now = market.advance(step)
        folder = tmp_path / str(number) / "vendor"
        market.deliver(folder, is_archive=False)
        found.append((now, folder))
    return found


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    with new_home(tmp_path / "home", **HORIZONS) as home, new_home(tmp_path / "fresh", **HORIZONS) as fresh:
        yield home, fresh


def test_a_rebuild_as_of_a_past_moment_is_full_and_what_a_home_of_that_time_had(
    folders: list[tuple[datetime, Path]], homes: tuple[Home, Home]
) -> None:
    home, of_that_time = homes
    for now, folder in folders:
        home.receive(folder, now)
    for now, folder in folders:
        of_that_time.receive(folder, now)
        report = home.rebuild(now)
        assert report.is_full
        assert_same_tables(home, of_that_time, message=f"as of {now}")
    # The newest moment again, which the builds of earlier moments have not changed.
    assert not home.rebuild(folders[-1][0]).is_full


def test_a_replay_of_a_past_moment_equals_a_fresh_home(
    folders: list[tuple[datetime, Path]], homes: tuple[Home, Home]
) -> None:
    home, fresh = homes
    (_, _), (past, _), (now, folder) = folders
    home.replay(folder, now)
    report = home.replay(folder, past)
    fresh.replay(folder, past)
    assert report.is_full
    assert report.reason == "the as-of moment lies before that of the last build"
    # Only the numbers of snapshots differ from a home without later snapshots.
    assert_same_tables(home, fresh, without=frozenset({"snapshot_id"}))


def test_a_snapshot_taken_as_of_a_past_moment_asks_for_a_full_build_of_the_present(
    folders: list[tuple[datetime, Path]], homes: tuple[Home, Home]
) -> None:
    home, fresh = homes
    (first, first_folder), (past, past_folder), (now, folder) = folders
    home.receive(first_folder, first)
    home.receive(folder, now)
    # A run as of the past that died before its build.
    home.snapshot(past_folder, past)
    assert home.rebuild(now).is_full
    for moment, delivered in ((first, first_folder), (now, folder), (past, past_folder)):
        fresh.snapshot(delivered, moment)
    fresh.rebuild(now, is_full=True)
    assert_same_tables(home, fresh)


def test_nothing_is_known_before_it_was_delivered(
    folders: list[tuple[datetime, Path]], homes: tuple[Home, Home]
) -> None:
    home, then = homes
    for now, folder in folders:
        home.receive(folder, now)
    past, folder = folders[0]
    then.receive(folder, past)
    for table in ("core.signal", "core.price_bar", "core.token"):
        columns = "* exclude (known_to)"
        known = f"from {table} where known_from <= $past and (known_to > $past or known_to is null) order by all"
        assert (
            home.connection.execute(f"select {columns} {known}", {"past": past}).fetchall()
            == then.connection.execute(f"select {columns} {known}", {"past": past}).fetchall()
        ), table


def test_a_build_that_finds_no_room_in_its_memory_is_done_with_more(
    folders: list[tuple[datetime, Path]], homes: tuple[Home, Home]
) -> None:
    narrow, wide = homes
    now, folder = folders[0]
    for home in homes:
        home.snapshot(folder, now)
    narrow.connection.execute("set memory_limit = '12MB'")
    narrow.rebuild(now)
    wide.rebuild(now)
    assert_same_tables(narrow, wide)
