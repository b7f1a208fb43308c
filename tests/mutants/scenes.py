"""Small markets taken through the product, and checksums of all they publish: what a fault changes, it changes here.

    python -m tests.mutants.scenes FOUND.json [BASELINE.json [SCENE...]]

With a baseline it stops at the first step that is not as it was there.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import jinja2
import pyarrow.parquet as pq

import flows
from flows.config import SQL_DIR
from flows.devserver.market import small_market
from flows.quality.checks import run_checks
from flows.report.digest.facts import build_digest
from flows.report.digest.moment import open_at
from flows.run import Run, start_run
from flows.sources.files import FilesSource
from flows.sources.sample import simulate, snapshot_at
from flows.warehouse.build import build
from flows.warehouse.days import write_days
from flows.warehouse.publish import PUBLIC_SCHEMAS, adopt_publishes, publish, stamp_of
from flows.warehouse.runs import begin, keep_weekly_history
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.point_in_time.homes import Home, fingerprints, new_home
from tests.point_in_time.markets import Event, Step, random_market
from tests.product import make_run, snapshot_without_gate

# What differs from run to run, or with the text of a model, and how much of the past a build computed anew.
NOT_COMPARED = frozenset(
    {
        "run_id",
        "scoring_hash",
        "applied_at",
        "ops.build",
        "ops.run.input",
        "ops.run.finished_at",
        "ops.publish.published_at",
    }
)


@dataclass(frozen=True)
class Journey:
    """A random market of two timeframes and two vendors, and at each step much of what a vendor may do."""

    seed: int
    has_known_at: bool
    steps: tuple[Step, ...]


JOURNEYS = (
    Journey(
        5,
        False,
        (
            Step(days=90, hour=0),
            Step(days=9, hour=0, events=(Event("second_vendor", 0, 0), Event("revise_bar", 0.2, 0.3))),
            Step(days=1, hour=12, events=(Event("late_bar", 0.1, 0.6), Event("restate_signal", 0.4, 0.2))),
            Step(days=20, hour=0, events=(Event("late_signal", 0.3, 0.5), Event("list_token", 0.5, 0.5))),
            Step(days=1, hour=0, events=(Event("change_sector", 0.1, 0.6), Event("earlier_signal", 0.3, 0.4))),
            Step(days=2, hour=0, events=(Event("revise_into_jump", 0.4, 0.5), Event("late_signal", 0.6, 0.8))),
        ),
    ),
    Journey(
        8,
        True,
        (
            Step(days=100, hour=0, events=(Event("second_vendor", 0, 0),)),
            Step(days=2, hour=0, events=(Event("restate_signal", 0.2, 0.1), Event("late_signal", 0.2, 0.2))),
            Step(days=1, hour=0, events=(Event("late_bar", 0.3, 0.9), Event("earlier_signal", 0.2, 0.5))),
            Step(days=12, hour=12, events=(Event("exclude_token", 0.2, 0.5), Event("restate_signal", 0.7, 0.5))),
            Step(days=1, hour=0, events=(Event("earlier_source", 0.6, 0.5), Event("late_signal", 0.7, 0.4))),
            Step(days=1, hour=0, events=(Event("restate_signal", 0.6, 0.2), Event("revise_bar", 0.7, 0.1))),
        ),
    ),
)


def synthetic(place: Path) -> Iterator[dict[str, str]]:
    """The folder of the oracle's tests in which everything happens, built in full, and two nights more."""
    folder = place / "vendor"
    write_synthetic(folder)
    with new_home(place / "home", horizons_1d=(1, 7, 30), horizons_1h=(1, 24), threads=1) as home:
        for nights in (2, 1, 0):
            before = timedelta(days=nights)
            run = start_run(FilesSource(folder), home.settings, as_of=AS_OF - before)
            yield _night(home, replace(run, fetched_at=FETCHED_AT - before))


def sample(place: Path) -> Iterator[dict[str, str]]:
    """A small market of the bundled source with all its datasets, its published file and the digest of the week."""
    end = datetime(2026, 11, 22, 0, 20)
    tables = simulate(small_market(end))
    with new_home(place / "home", horizons_1d=(1, 7, 14), horizons_1h=(1, 4, 24), threads=1) as home:
        for number, now in enumerate((end - timedelta(days=9), end - timedelta(days=1), end)):
            folder = place / str(number) / "vendor"
            folder.mkdir(parents=True)
            for name, table in snapshot_at(tables, now).items():
                pq.write_table(table, folder / f"{name}.parquet")
            run = make_run(folder, home.settings, as_of=now)
            begin(home.connection, run)
            yield _night(home, run)
            publish(home.connection, stamp_of(run), home.settings.published)
            adopt_publishes(home.connection, home.settings)
            yield {"the digest": _digest(home.settings.published)}


def journey(number: int) -> Callable[[Path], Iterator[dict[str, str]]]:
    """A random market, night by night."""

    def travel(place: Path) -> Iterator[dict[str, str]]:
        with new_home(place / "home", horizons_1d=(1, 7), horizons_1h=(1, 4), threads=1) as home:
            yield from _nights(home, place / "vendor", JOURNEYS[number])

    return travel


def spoiled(place: Path) -> Iterator[dict[str, str]]:
    """How many rows each check finds once a column that some check reads is wrong."""
    text = "".join(path.read_text(encoding="utf-8") for path in (SQL_DIR / "checks").glob("*.sql"))
    with new_home(place / "home", horizons_1d=(1, 7), horizons_1h=(1, 4), threads=1) as home:
        *_, _ = _nights(home, place / "vendor", JOURNEYS[0])
        connection = home.connection
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
            "semi join (select schema_name, table_name from duckdb_tables()) using (schema_name, table_name) "
            "where schema_name in ('core', 'marts') and data_type in ('DOUBLE', 'BIGINT', 'INTEGER', 'TIMESTAMP') "
            "and contains($text, column_name) order by all",
            {"text": text},
        ).fetchall()
        for table, column, data_type in columns:
            for update in _wrong(table, column, data_type):
                connection.execute("begin")
                connection.execute(update)
                checks = run_checks(connection, SQL_DIR / "checks")
                connection.execute("rollback")
                yield {f"{update}: {one.rule}": str(one.n_failed) for one in checks}


SCENES: dict[str, Callable[[Path], Iterator[dict[str, str]]]] = {
    "journey 0": journey(0),
    "sample": sample,
    "synthetic": synthetic,
    "journey 1": journey(1),
    "spoiled": spoiled,
}


# A model that does not parse or bind builds nothing: such a fault proves nothing about the tests.
DOES_NOT_RUN = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, jinja2.TemplateError)
DOES_NOT_RUN_WORDS = ("does not parse", "cannot be run")


def look(name: str, is_as_before: Callable[[list[object]], bool]) -> list[object]:
    """What a scene publishes after each of its steps, the last being an error or the first that is not as before."""
    found: list[object] = []
    with TemporaryDirectory() as place:
        try:
            for step in SCENES[name](Path(place)):
                found.append(step)
                if not is_as_before(found):
                    break
        except Exception as error:  # noqa: BLE001 - whatever a fault leads to is what it changes.
            words = f"{type(error).__name__}: {error}".splitlines()[0]
            is_dead = isinstance(error, DOES_NOT_RUN) or any(one in words for one in DOES_NOT_RUN_WORDS)
            # A model that binds in the first build and not in an increment has been built: that is noticed or not.
            is_dead = is_dead and not found
            found.append([words, not is_dead])
    return found


def main(out: Path, baseline: Path | None, names: list[str]) -> None:
    """Look at scenes, all or those named, or until one is not as in the baseline."""
    # Else a fault in a copy of the tree would change nothing: the project is installed as it lies elsewhere.
    assert Path(flows.__file__).is_relative_to(Path.cwd()), f"{flows.__file__} is not of {Path.cwd()}"
    before = json.loads(baseline.read_text(encoding="utf-8")) if baseline else None
    found: dict[str, list[object]] = {}
    for name in names or SCENES:
        found[name] = look(name, lambda steps: before is None or steps == before[name][: len(steps)])  # noqa: B023
        if before is not None and found[name] != before[name]:
            break
    out.write_text(json.dumps(found), encoding="utf-8")


def _nights(home: Home, folder: Path, journey: Journey) -> Iterator[dict[str, str]]:
    market = random_market(journey.seed, n_tokens=6, n_days=160, has_known_at=journey.has_known_at)
    for step in journey.steps:
        now = market.advance(step)
        market.deliver(folder, is_archive=False)
        yield _night(home, make_run(folder, home.settings, as_of=now))


def _night(home: Home, run: Run) -> dict[str, str]:
    """Take a run in, and return checksums of all that would be published, and how many rows each check finds."""
    snapshot_without_gate(home.connection, run)
    build(home.connection, home.settings, as_of=run.as_of, run_id=run.run_id)
    write_days(home.connection, home.settings, run.as_of)
    keep_weekly_history(home.connection, run)
    found = fingerprints(home.connection, *PUBLIC_SCHEMAS, without=NOT_COMPARED, is_stored=True)
    return found | {one.rule: str(one.n_failed) for one in run_checks(home.connection, SQL_DIR / "checks")}


def _digest(published: Path) -> str:
    """All that the newest week's digest holds but the name of its run and the clock of its publish."""
    with open_at(published, None) as file:
        return build_digest(file, ()).model_dump_json(exclude={"run_id"})


def _wrong(table: str, column: str, data_type: str) -> Iterator[str]:
    """Updates that make a column wrong, by much and by nothing."""
    if data_type == "TIMESTAMP":
        values = [f"{column} - interval 400 days", f"{column} + interval 400 days"]
    else:
        values = [f"-{column} - 1", f"{column} + 1", "null"]
    for value in values:
        yield f"update {table} set {column} = {value} where rowid % 3 = 0"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None, sys.argv[3:])
