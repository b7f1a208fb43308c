"""Whatever happens to a home, and in whatever order, the ledger stays true: histories drawn at random."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flows.config import SQL_DIR
from flows.quality.checks import run_checks
from flows.warehouse.connection import open_warehouse
from tests.point_in_time.markets import Event, Market, Step, random_market
from tests.point_in_time.publisher import Publisher, new_publisher
from tests.product import make_run

ACTIONS = ("night", "restate", "late_row", "forge", "crash", "outage", "publish_again", "read", "lose_warehouse")

# An example takes seconds, so a failing one is told as it is and not made smaller.
RUN = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])


class History:
    """A home and what must stay true of it."""

    def __init__(self, place: Path, seed: int) -> None:
        self.folder = place / "vendor"
        self.publisher: Publisher = new_publisher(place)
        self.market: Market = random_market(seed, n_tokens=3, n_days=60, has_known_at=True)
        self.published: dict[str, str] = {}
        self.seen: dict[datetime, list[tuple[object, ...]]] = {}
        self.n_raw = 0
        self.forged: list[tuple[int, datetime]] = []
        self.night(days=30)

    def night(self, *, days: int = 1, event: Event | None = None) -> None:
        now = self.market.advance(Step(days=days, hour=0, events=(event,) if event else ()))
        self.market.deliver(self.folder, is_archive=False)
        self.published = self.publisher.publish(self.folder, now)

    def restate(self, place: float) -> None:
        self.night(event=Event("restate_signal", place, place))

    def late_row(self, place: float) -> None:
        self.night(event=Event("late_signal", place, place))

    def forge(self, place: float) -> None:
        """The vendor inserts a row of long ago and says that it was known at once."""
        rows = self.market.signals[(self.market.signals["timeframe"] == "1d") & (self.market.signals["arrives"] == 0)]
        row = rows.iloc[int(place * len(rows))].copy()
        row["signal_at"] = self.market.now.replace(hour=0, minute=0) - timedelta(days=3 + int(place * 15))
        row["known_at"] = row["signal_at"] + timedelta(days=1)
        row["vendor"], row["arrives"] = "forger", self.market.shown + 1
        self.market.signals.loc[self.market.signals.index.max() + 1] = row
        self.forged.append((int(row["token_id"]), pd.Timestamp(row["signal_at"]).to_pydatetime()))
        self.night()

    def crash(self, place: float) -> None:
        """A run dies after its snapshots, and the next night knows nothing of it."""
        now = self.market.advance(Step(days=1, hour=0))
        self.market.deliver(self.folder, is_archive=False)
        self.publisher.die_before_the_build(self.folder, now)

    def outage(self, place: float) -> None:
        self.night(days=2 + int(place * 7))

    def publish_again(self, place: float) -> None:
        """The same folder an hour later: nothing changes."""
        before, had_died = self.published, self.died
        run = make_run(self.folder, self.publisher.settings, as_of=self.market.now)
        after = self.publisher.publish_run(replace(run, fetched_at=run.fetched_at + timedelta(hours=1)))
        if not had_died:
            assert after == before
        self.published = after

    def read(self, place: float) -> None:
        """What was known at a moment is asked for once, and must be answered in the same way ever after."""
        with duckdb.connect(str(self.publisher.settings.published), read_only=True) as file:
            (moment,) = file.execute("select max(as_of) from ops.publish").fetchone() or (None,)
            assert isinstance(moment, datetime)
            self.seen[moment] = as_known(file, moment)

    def lose_warehouse(self, place: float) -> None:
        self.publisher.settings.warehouse.unlink()
        self.night()

    @property
    def died(self) -> bool:
        with open_warehouse(self.publisher.settings) as warehouse:
            row = warehouse.execute(
                "select max(as_of) > (select max(as_of) from ops.publish) from ops.snapshot"
            ).fetchone()
        return bool(row and row[0])

    def check(self) -> None:
        with duckdb.connect(str(self.publisher.settings.published), read_only=True) as file:
            for moment, rows in self.seen.items():
                assert as_known(file, moment) == rows, f"what was known at {moment} has changed"
            for token_id, signal_at in self.forged:
                found = file.execute(
                    "select distinct provenance from core.signal where vendor = 'forger' and token_id = $token "
                    "and signal_at = $at",
                    {"token": token_id, "at": signal_at},
                ).fetchall()
                assert ("witnessed",) not in found
            days = file.execute(
                "select count(*), count(distinct bar_start), "
                "date_diff('day', min(bar_start), max(bar_start)) + 1 from ops.day where timeframe = '1d' "
                "group by dataset, vendor"
            ).fetchall()
            assert all(n == n_bars == n_expected for n, n_bars, n_expected in days), days
        with open_warehouse(self.publisher.settings) as warehouse:
            failed = [check.rule for check in run_checks(warehouse, SQL_DIR / "checks") if not check.is_passed]
            assert failed == []
            (n_raw,) = warehouse.execute("select (select count(*) from raw.signals) + (select count(*) from raw.prices)"
            ).fetchone() or (0,)  # fmt: skip
        assert n_raw >= self.n_raw, "raw has shrunk"
        self.n_raw = n_raw


def as_known(file: duckdb.DuckDBPyConnection, moment: datetime) -> list[tuple[object, ...]]:
    # A file's own known_at may lie before we heard of a row: what we knew is what had been fetched by then.
    return file.execute(
        "select vendor, token_id, timeframe, signal_at, direction, trend from core.signal_as_of($moment) "
        "semi join (select snapshot_id from ops.snapshot where as_of <= $moment) using (snapshot_id) order by all",
        {"moment": moment},
    ).fetchall()


def live(seed: int, actions: list[tuple[str, float]]) -> None:
    with TemporaryDirectory() as place:
        history = History(Path(place), seed)
        for name, where in actions:
            action: Callable[[float], None] | None = getattr(history, name, None)
            history.night() if name == "night" or action is None else action(where)
            history.check()


PLACE = st.floats(0, 1, exclude_max=True, width=16)
HISTORIES = st.lists(st.tuples(st.sampled_from(ACTIONS), PLACE), min_size=3, max_size=8)


def test_a_history_of_everything_keeps_the_ledger_true() -> None:
    live(5, [("read", 0), ("restate", 0.3), ("crash", 0), ("publish_again", 0), ("forge", 0.5), ("lose_warehouse", 0)])


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@settings(RUN, max_examples=2_000)
@given(st.integers(0, 1000), HISTORIES)
def test_histories_keep_the_ledger_true(seed: int, actions: list[tuple[str, float]]) -> None:
    live(seed, actions)
