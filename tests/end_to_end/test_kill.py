"""Kill -9 at any moment of a night: the next run recovers by itself and ends with the same tables."""

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.point_in_time.homes import fingerprints
from tests.scale import repeats

from .desk import Desk, clean_folder
from .nights import BORDERS, last_stage, start_night

# The folder's bars end on 2025-10-31. The first run builds in full, the second increments by five days.
FIRST, SECOND = "2025-10-26T00:20:00", "2025-10-31T00:20:00"

LONGEST_RUN_SECONDS = 240


def tables(desk: Desk) -> dict[str, str]:
    """Fingerprints of all appended and built tables, snapshot ids included."""
    with duckdb.connect(str(desk.home / "warehouse.duckdb"), read_only=True) as warehouse:
        return fingerprints(warehouse, "raw", "core", "marts")


@dataclass
class Toll:
    """Counts of the kills of a home's nights, and of their results."""

    n_kills: int = 0
    n_recoveries: int = 0
    n_opened: int = 0
    places: Counter[str] = field(default_factory=Counter)


@dataclass
class Victim:
    """A home whose nightlies are killed, to compare with a home left in peace over the same folder."""

    desk: Desk
    arguments: tuple[str, ...]
    peaceful: dict[str, str]
    toll: Toll

    def kill(self, is_time: Callable[[], bool], *, after: float = 0, dies: str | None = None) -> bool:
        """Run until it is time, and `after` seconds more, then kill -9; return whether that was before its end.

        Meanwhile the published file is opened again and again, and must always be whole.
        """
        night = start_night(self.desk.home, *self.arguments, dies=dies)
        began = time.monotonic()
        try:
            while night.is_alive() and not is_time():
                assert time.monotonic() - began < LONGEST_RUN_SECONDS, "the run does not end"
                time.sleep(0.002)
            until = time.monotonic() + after
            while (left := until - time.monotonic()) > 0 and night.is_alive():
                self.open_published()
                night.join(min(left, 1))
        finally:
            night.kill()
            night.join()
        assert night.exitcode in (0, -signal.SIGKILL)
        self.open_published()
        was_killed = night.exitcode != 0
        if was_killed:
            self.toll.n_kills += 1
            self.toll.places[last_stage(self.desk.home)] += 1
        return was_killed

    def recover(self) -> None:
        """Run one more night and check that all tables equal those of the home left in peace."""
        assert run_night(self.desk, self.arguments) == 0
        self.toll.n_recoveries += 1
        assert tables(self.desk) == self.peaceful
        self.open_published()

    def open_published(self) -> None:
        if self.desk.published.exists():
            assert self.desk.ask_one("select count(*) from ops.publish") >= 1
            assert self.desk.ask_one("select count(*) from marts.signal_scorecard") > 0
            self.toll.n_opened += 1


def run_night(desk: Desk, arguments: tuple[str, ...]) -> int | None:
    """Run a night without a kill; return its exit code."""
    night = start_night(desk.home, *arguments)
    night.join(LONGEST_RUN_SECONDS)
    return night.exitcode


def of_folder(desk: Desk, as_of: str) -> tuple[str, ...]:
    return ("--source", "files", "--input", str(desk.folder), "--as-of", as_of)


def newer(path: Path) -> Callable[[], bool]:
    """A condition: whether the file has been written since this call."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    return lambda: path.exists() and path.stat().st_mtime_ns > before


@dataclass
class Peace:
    """Copies of a home without kills, as it was before the first night, after it, and after the second."""

    place: Path
    folder: Path
    tables: list[dict[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def live(self, nights: list[tuple[str, ...]]) -> None:
        self.nights = nights
        self.after(0).mkdir(parents=True)
        # Start the process that nights are forked from first, so that its imports do not count as a night's time.
        start_night(self.after(0), "--help").join()
        for number, arguments in enumerate(nights):
            shutil.copytree(self.after(number), self.after(number + 1))
            desk = Desk(self.folder, self.after(number + 1))
            began = time.monotonic()
            assert run_night(desk, arguments) == 0
            self.seconds.append(time.monotonic() - began)
            self.tables.append(tables(desk))

    def after(self, n_nights: int) -> Path:
        return self.place / f"after {n_nights}" / "home"

    @contextmanager
    def victim(self, number: int, toll: Toll | None = None) -> Iterator[Victim]:
        """A copy of the home as it was before night number `night` (from 0)."""
        place = self.place / "victim"
        shutil.copytree(self.after(number), place / "home")
        yield Victim(Desk(self.folder, place / "home"), self.nights[number], self.tables[number], toll or Toll())
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory) -> Peace:
    """Two nights over the folder of four tokens."""
    place = tmp_path_factory.mktemp("peace")
    (place / "acme").mkdir()
    desk = Desk(place / "acme", place)
    for name, frame in clean_folder(4, pd.date_range("2025-07-01", "2025-10-31")).items():
        desk.deliver(name, frame)
    peace = Peace(place, desk.folder)
    peace.live([of_folder(desk, FIRST), of_folder(desk, SECOND)])
    return peace


def test_a_run_killed_while_it_builds_or_publishes_is_made_good_by_the_next(peace: Peace) -> None:
    # After the gate has written its pages the build begins; a full build is not one transaction.
    with peace.victim(0) as first:
        assert first.kill(newer(first.desk.home / "data_docs" / "index.html"), after=0.4)
        assert not first.desk.published.exists()
        first.recover()
    with peace.victim(1) as second:
        published = second.desk.published
        assert second.kill(newer(published.with_name(f".{published.name}.partial")))
        assert second.desk.ask_one("select max(as_of)::varchar from ops.publish") == FIRST.replace("T", " ")
        second.recover()
        assert [state for (state,) in second.desk.ask("select state from ops.run order by started_at")] == [
            "published",
            "died",
            "published",
        ]


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("border", BORDERS)
def test_a_run_killed_at_any_border_of_its_steps_is_made_good_by_the_next(
    peace: Peace, border: str, number: int
) -> None:
    with peace.victim(number) as victim:
        assert victim.kill(lambda: False, dies=border)
        victim.recover()


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("seed", range(repeats(2, whole=6)))
def test_runs_killed_at_random_moments_are_made_good_by_the_next(
    peace: Peace, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    toll = kill_at_random(peace, repeats(10, whole=50), seed)
    with capsys.disabled():
        print(f"\n{toll}")


@pytest.mark.slow
@pytest.mark.timeout(36_000)
def test_the_sample_killed_at_random_moments_is_made_good_by_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peace = Peace(tmp_path, tmp_path)
    peace.live([("--source", "sample")])
    toll = kill_at_random(peace, repeats(2, whole=5), 0)
    with capsys.disabled():
        print(f"\n{toll}")


def kill_at_random(peace: Peace, n_kills: int, seed: int) -> Toll:
    """Kill each night of a home one to three times, then let it finish, until `n_kills` is reached."""
    draw, toll = random.Random(seed), Toll()
    while toll.n_kills < n_kills:
        number = draw.randrange(len(peace.nights))
        with peace.victim(number, toll) as victim:
            for _ in range(draw.randint(1, 3)):
                victim.kill(lambda: True, after=draw.uniform(0, peace.seconds[number]))
            victim.recover()
    return toll
