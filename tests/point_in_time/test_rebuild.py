"""`rebuild --as-of T` gives every cell as published at T, whatever came later."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from flows import pipeline
from flows.clock import utc_now
from flows.errors import UsageError, WarehouseError
from tests.point_in_time.markets import ROW_EVENTS, Event, Market, Step, random_market
from tests.point_in_time.publisher import Publisher, new_publisher
from tests.scale import repeats

STEPS = (
    Step(days=45, hour=0),
    Step(days=8, hour=12, events=(Event("change_sector", 0.3, 0.6), Event("revise_bar", 0.1, 0.2))),
    Step(days=8, hour=0, events=(Event("restate_signal", 0.1, 0.4), Event("late_signal", 0.1, 0.4))),
)


@pytest.fixture
def market() -> Market:
    return random_market(11, n_tokens=4, n_days=70, has_known_at=False)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return new_publisher(tmp_path)


def test_what_was_published_can_be_rebuilt_table_by_table_whatever_came_later(
    market: Market, publisher: Publisher, tmp_path: Path
) -> None:
    published = {}
    for number, step in enumerate(STEPS):
        now = market.advance(step)
        folder = tmp_path / str(number) / "vendor"
        market.deliver(folder, is_archive=False)
        published[now] = publisher.publish(folder, now)
    first, second, _ = published
    # Also the newest folder once more, as of a day before the first publish.
    assert publisher.publish(folder, first - timedelta(days=8)) not in published.values()

    warehouse, journal = publisher.settings.warehouse.read_bytes(), files(publisher.settings.home / "journal")
    assert publisher.rebuild(first) == published[first]
    # A little later nothing more was known.
    assert publisher.rebuild(second + timedelta(hours=3)) == published[second]
    assert publisher.settings.warehouse.read_bytes() == warehouse
    assert files(publisher.settings.home / "journal") == journal
    assert [path.name for path in (tmp_path / "rebuilt").iterdir()] == ["then.duckdb"]
    with pytest.raises(UsageError, match="Nothing was known at"):
        publisher.rebuild(first - timedelta(days=9))
    with pytest.raises(UsageError, match="the home's own file"):
        pipeline.rebuild(publisher.settings, first, publisher.settings.published, holder="a test")
    with pytest.raises(UsageError, match="lies in the future"):
        publisher.rebuild(utc_now() + timedelta(minutes=1))
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(UsageError, match="is no database; it is not overwritten"):
        pipeline.rebuild(publisher.settings, first, tmp_path / "notes.txt", holder="a test")
    with pytest.raises(WarehouseError, match="cannot be written"):
        pipeline.rebuild(publisher.settings, first, tmp_path / "notes.txt" / "then.duckdb", holder="a test")


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_any_of_many_random_past_moments_can_be_rebuilt(publisher: Publisher, tmp_path: Path) -> None:
    draw = random.Random(20)
    market = random_market(7, n_tokens=8, n_days=200, has_known_at=False)
    published = {}
    for number in range(21):
        kinds = draw.sample([*ROW_EVENTS, "change_sector"], k=2)
        events = tuple(Event(kind, draw.random(), draw.random()) for kind in kinds)
        now = market.advance(Step(days=draw.choice([1, 1, 2, 7]) if number else 90, hour=0, events=events))
        market.deliver(tmp_path / str(number) / "vendor", is_archive=False)
        published[now] = publisher.publish(tmp_path / str(number) / "vendor", now)
    first, *_, last = published
    for _ in range(repeats(6, whole=20)):
        moment = first + draw.random() * (last - first)
        assert publisher.rebuild(moment) == published[max(now for now in published if now <= moment)], moment
