"""A random state machine: whatever happens to a home, in whatever order, its ledger stays right."""

import shutil
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from flows import pipeline
from flows.config import SQL_DIR
from flows.quality.checks import run_checks
from flows.run import Run
from flows.warehouse.connection import scalar_macros
from tests.point_in_time.asked import AskedSource
from tests.point_in_time.markets import Event, Market, Step, random_market
from tests.point_in_time.publisher import STAGES, Publisher, new_publisher, of_file
from tests.product import make_run
from tests.scale import repeats

PLACE = st.floats(0, 1, exclude_max=True, width=16)

# Counts how often the past was fetched again, which grows with every publish.
LOOKS = "marts.restatement_summary"

# Each day since the day before the first fetch has one state; yesterday has one once it is present or due.
DAYS = """
with looked as (
    select dataset, vendor, min(as_of)::date - 1 as first_day, (select max(as_of)::date from ops.publish) as today
    from ops.reread
    where timeframe = '1d'
    group by all
)

select
    looked.dataset || ' ' || coalesce(looked.vendor, '') as feed,
    greatest(coalesce(max(bar_start)::date, first_day - 1), today - 2) - first_day + 1 as n_expected,
    count(distinct bar_start) filter (where state is not null) as n_days,
    count(bar_start) as n_rows
from looked
left join ops.day
    on day.dataset = looked.dataset and day.vendor is not distinct from looked.vendor and timeframe = '1d'
group by feed, first_day, today
"""


@cache
def first_night(seed: int) -> tuple[TemporaryDirectory[str], Market]:
    """A home that has published once, and its market; made once per process and copied."""
    place = TemporaryDirectory()
    home = Home(Path(place.name), random_market(seed, n_tokens=3, n_days=40, has_known_at=True))
    home.market.advance(Step(days=25, hour=0))
    home.market.deliver(home.folder, is_archive=False)
    home.publisher.run_until(home.run())
    return place, home.market


class Home:
    """A home that fetches the last days from a vendor that may do anything."""

    def __init__(self, place: Path, market: Market) -> None:
        self.folder = place / "vendor"
        self.market = market
        # One thread and one horizon a timeframe keep a small night short.
        self.publisher: Publisher = new_publisher(
            place, threads=1, horizons_1d=(2,), horizons_1h=(4,), reread_days=7, reread_parts=2
        )

    @property
    def published(self) -> Path:
        return self.publisher.settings.published

    def run(self) -> Run:
        """A run over what the vendor delivers now, by our clock."""
        run = make_run(self.folder, self.publisher.settings, as_of=self.market.now)
        return replace(run, source=AskedSource(self.folder, is_archive=False))

    def raw_files(self) -> dict[str, int]:
        """Every raw file and its size; its name is its checksum, which a restore verifies."""
        raw = self.publisher.settings.home / "raw"
        return {str(path): path.stat().st_size for path in raw.rglob("*.parquet")}


class Ledger(RuleBasedStateMachine):
    """The state machine: rules to fetch, restate, crash, retry, backfill, publish and read, and invariants."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.seen: dict[datetime, list[tuple[object, ...]]] = {}
        self.raw_files: dict[str, int] = {}
        self.n_raw = 0
        self.forged: list[tuple[int, datetime]] = []
        self.is_settled = True

    def teardown(self) -> None:
        self.place.cleanup()

    @initialize(seed=st.integers(0, 3))
    def begin(self, seed: int) -> None:
        made, market = first_night(seed)
        shutil.copytree(made.name, self.place.name, dirs_exist_ok=True)
        self.home = Home(Path(self.place.name), deepcopy(market))
        self.last_run = self.home.run()

    # --- what happens: what the vendor does is delivered with the next fetch ----------------------------------

    @rule(kind=st.sampled_from(("restate_signal", "late_signal", "late_bar", "revise_bar")), place=PLACE)
    def restate(self, kind: str, place: float) -> None:
        market = self.home.market
        market.shown += 1
        getattr(market, f"_{kind}")(Event(kind, place, place))

    @rule(place=PLACE)
    def forge(self, place: float) -> None:
        """The vendor inserts a row of some days ago and claims that it was known at once."""
        today = self.home.market.now.replace(hour=0, minute=0)
        self.forged.append(self.insert("forger", place, today - timedelta(days=3 + int(place * 4))))

    @rule(days=st.integers(1, 9))
    def sleep(self, days: int) -> None:
        """Time passes without a run."""
        self.home.market.now += timedelta(days=days)
        self.is_settled = False

    @rule(what_stays=st.sampled_from((None, 0, 100, 5000, 500_000)))
    def lose_warehouse(self, what_stays: int | None) -> None:
        """The warehouse is deleted, or cut off after its first bytes."""
        path = self.home.publisher.settings.warehouse
        if what_stays is None:
            path.unlink(missing_ok=True)
        elif path.exists():
            path.write_bytes(path.read_bytes()[:what_stays])

    # --- what we do --------------------------------------------------------------------------------------------

    @rule()
    def fetch(self) -> None:
        """A fetch while another run holds the lock: the bytes are stored, and a later run loads them."""
        run = self.next_day()
        pipeline.fetch(run)
        pipeline.note(run, "fetched")
        self.is_settled = False

    @rule(stage=st.sampled_from(STAGES))
    def crash(self, stage: str) -> None:
        self.home.publisher.run_until(self.next_day(), death=stage)
        self.is_settled = False

    @rule()
    def publish(self) -> None:
        self.publish_run(self.next_day())

    @rule(days=st.integers(1, 20))
    def backfill(self, days: int) -> None:
        today = self.home.market.now.date()
        self.publish_run(replace(self.next_day(), since=today - timedelta(days=days), until=today))

    @precondition(lambda self: self.is_settled)
    @rule()
    def retry(self) -> None:
        """The same request an hour later changes nothing."""
        run = replace(self.home.run(), since=self.last_run.since, until=self.last_run.until)
        before = of_file(self.home.published)
        self.publish_run(replace(run, fetched_at=run.fetched_at + timedelta(hours=1)))
        after = of_file(self.home.published)
        assert {name: after[name] for name in after if name != LOOKS} == {
            name: before[name] for name in before if name != LOOKS
        }

    @rule()
    def read(self) -> None:
        """A build as of the last publish must give the same tables ever after."""
        with duckdb.connect(str(self.home.published), read_only=True) as file:
            (moment,) = file.execute("select max(as_of) from ops.publish").fetchone() or (None,)
            assert isinstance(moment, datetime)
            self.seen.setdefault(moment, as_known(file, moment))
            assert as_known(file, moment) == self.seen[moment]

    # --- how -----------------------------------------------------------------------------------------------------

    def insert(self, vendor: str, place: float, signal_at: datetime) -> tuple[int, datetime]:
        """Insert a row with known_at at its bar's close; return its token and moment."""
        market = self.home.market
        market.shown += 1
        rows = market.signals[(market.signals["timeframe"] == "1d") & (market.signals["arrives"] == 0)]
        row = rows.iloc[int(place * len(rows))].copy()
        row["signal_at"], row["known_at"] = signal_at, signal_at + timedelta(days=1)
        row["vendor"], row["arrives"] = vendor, market.shown
        market.signals.loc[market.signals.index.max() + 1] = row
        return int(row["token_id"]), signal_at

    def next_day(self) -> Run:
        self.home.market.advance(Step(days=1, hour=0))
        self.home.market.deliver(self.home.folder, is_archive=False)
        return self.home.run()

    def publish_run(self, run: Run) -> None:
        self.home.publisher.run_until(run)
        self.last_run = run
        self.is_settled = True
        self.check_published()
        self.check_warehouse()

    # --- what must be true ---------------------------------------------------------------------------------------

    def check_published(self) -> None:
        with duckdb.connect(str(self.home.published), read_only=True) as file:
            assert file.execute("select max(as_of) from ops.publish").fetchone() == (self.home.market.now,)
            for moment, rows in self.seen.items():
                assert as_known(file, moment) == rows, f"what was known at {moment} has changed"
            for token_id, signal_at in self.forged:
                assert ("witnessed",) not in provenances(file, token_id, signal_at)
            days = file.execute(DAYS).fetchall()
            assert days
            assert all(n_expected == n_days == n_rows for _, n_expected, n_days, n_rows in days), days

    def check_warehouse(self) -> None:
        with duckdb.connect(str(self.home.publisher.settings.warehouse), read_only=True) as warehouse:
            warehouse.execute(scalar_macros(self.home.publisher.settings.timeframes))
            # Calls = scored + open + excluded + unpriced is one of them.
            failed = [check for check in run_checks(warehouse, SQL_DIR / "checks") if not check.is_passed]
            assert failed == []
            (n_raw,) = warehouse.execute(
                "select (select count(*) from raw.signals) + (select count(*) from raw.prices)"
            ).fetchone() or (0,)
        assert n_raw >= self.n_raw, "raw has shrunk"
        self.n_raw = n_raw
        raw_files = self.home.raw_files()
        assert self.raw_files.items() <= raw_files.items(), f"raw has lost {self.raw_files.items() - raw_files.items()}"
        self.raw_files = raw_files


def provenances(
    file: duckdb.DuckDBPyConnection, token_id: int, signal_at: datetime, vendor: str = "forger"
) -> list[tuple[str]]:
    return file.execute(
        "select distinct provenance from core.signal where vendor = $vendor and token_id = $token and signal_at = $at",
        {"vendor": vendor, "token": token_id, "at": signal_at},
    ).fetchall()


def as_known(file: duckdb.DuckDBPyConnection, moment: datetime) -> list[tuple[object, ...]]:
    # A file's known_at may lie before our fetch, but we knew only the rows fetched by then.
    return file.execute(
        "select vendor, token_id, timeframe, signal_at, direction, trend from core.signal_as_of($moment) "
        "semi join (select snapshot_id from ops.snapshot where as_of <= $moment) using (snapshot_id) order by all",
        {"moment": moment},
    ).fetchall()


def live(n_histories: int, *, n_steps: int, seed: int) -> None:
    """Run the machine for so many steps. A failing history is reported as it is, without shrinking."""
    machine = hypothesis.seed(seed)(Ledger)
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=n_histories,
            stateful_step_count=n_steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )


def test_a_history_of_everything_keeps_the_ledger_true() -> None:
    ledger = Ledger()
    try:
        ledger.begin(1)
        ledger.forge(0.5)
        in_time = ledger.insert("prompt", 0.5, ledger.home.market.now.replace(hour=0, minute=0))
        ledger.restate("restate_signal", 0.3)
        ledger.read()
        ledger.publish()
        with duckdb.connect(str(ledger.home.published), read_only=True) as file:
            assert provenances(file, *ledger.forged[0]) == [("attested",)]
            assert provenances(file, *in_time, vendor="prompt") == [("witnessed",)]
        ledger.sleep(3)
        ledger.crash("snapshot")
        ledger.lose_warehouse(None)
        ledger.fetch()
        ledger.crash("publish")
        ledger.publish()
        ledger.retry()
    finally:
        ledger.teardown()


def test_thirty_histories_keep_the_ledger_true() -> None:
    live(30, n_steps=3, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("seed", range(1, 1 + repeats(2, whole=8)))
def test_many_histories_keep_the_ledger_true(seed: int) -> None:
    live(repeats(25, whole=250), n_steps=5, seed=seed)
