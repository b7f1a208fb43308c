"""`rebuild --as-of T` gives what was published at T, to the value of every cell, whatever came later."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows import pipeline
from flows.config import Settings
from flows.errors import UsageError
from flows.warehouse import runs
from flows.warehouse.build import build
from flows.warehouse.connection import open_warehouse
from flows.warehouse.publish import adopt_publishes, publish, stamp_of
from tests.point_in_time.homes import fingerprints
from tests.point_in_time.markets import ROW_EVENTS, Event, Market, Step, random_market
from tests.product import make_run, snapshot_without_gate

STEPS = (
    Step(days=45, hour=0),
    Step(days=8, hour=12, events=(Event("change_sector", 0.3, 0.6), Event("revise_bar", 0.1, 0.2))),
    Step(days=8, hour=0, events=(Event("restate_signal", 0.1, 0.4), Event("late_signal", 0.1, 0.4))),
)


class Publisher:
    """A home on disk that takes a folder in, without the gate's rules, and publishes."""

    def __init__(self, place: Path) -> None:
        self.settings = Settings(
            home=place / "home",
            horizons_1d=(1, 7),
            horizons_1h=(1, 4),
            _env_file=None,  # type: ignore[call-arg]
        )

    def publish(self, folder: Path, now: datetime) -> dict[str, str]:
        """Run as if our clock stood at `now`; return fingerprints of what was published."""
        run = make_run(folder, self.settings, as_of=now)
        pipeline.begin(run)
        with open_warehouse(self.settings) as connection:
            snapshot_without_gate(connection, run)
            build(connection, self.settings, as_of=now, run_id=run.run_id)
            runs.keep_weekly_scorecard(connection, run)
            publish(connection, stamp_of(run), self.settings.published)
            adopt_publishes(connection, self.settings)
            runs.settle_history(connection, self.settings.home)
        return of_file(self.settings.published)

    def rebuild(self, moment: datetime) -> dict[str, str]:
        out = self.settings.home.parent / "rebuilt" / "then.duckdb"
        pipeline.rebuild(self.settings, moment, out, holder="a test")
        return of_file(out)


def of_file(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as file:
        return fingerprints(file, "core", "marts", is_stored=True)


@pytest.fixture
def market() -> Market:
    return random_market(11, n_tokens=4, n_days=70, has_known_at=False)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


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
    # And the newest folder once more, taken in as of a day before the first publish.
    assert publisher.publish(folder, first - timedelta(days=8)) not in published.values()

    warehouse, journal = publisher.settings.warehouse.read_bytes(), files(publisher.settings.home / "journal")
    assert publisher.rebuild(first) == published[first]
    # A little later nothing more had been learnt.
    assert publisher.rebuild(second + timedelta(hours=3)) == published[second]
    assert publisher.settings.warehouse.read_bytes() == warehouse
    assert files(publisher.settings.home / "journal") == journal
    assert [path.name for path in (tmp_path / "rebuilt").iterdir()] == ["then.duckdb"]


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_publishes_can_be_rebuilt(publisher: Publisher, tmp_path: Path) -> None:
    draw = random.Random(20)
    market = random_market(7, n_tokens=8, n_days=200, has_known_at=False)
    published = {}
    for number in range(21):
        kinds = draw.sample([*ROW_EVENTS, "change_sector"], k=2)
        events = tuple(Event(kind, draw.random(), draw.random()) for kind in kinds)
        now = market.advance(Step(days=draw.choice([1, 1, 2, 7]) if number else 90, hour=0, events=events))
        market.deliver(tmp_path / str(number) / "vendor", is_archive=False)
        published[now] = publisher.publish(tmp_path / str(number) / "vendor", now)
    for now, then in published.items():
        assert publisher.rebuild(now) == then, now


def test_before_the_first_snapshot_nothing_was_known(market: Market, publisher: Publisher, tmp_path: Path) -> None:
    now = market.advance(STEPS[0])
    market.deliver(tmp_path / "vendor", is_archive=False)
    publisher.publish(tmp_path / "vendor", now)
    with pytest.raises(UsageError, match="Nothing was known at"):
        publisher.rebuild(now - timedelta(days=1))
    with pytest.raises(UsageError, match="the home's own file"):
        pipeline.rebuild(publisher.settings, now, publisher.settings.published, holder="a test")
