"""A home on disk that takes in folders at chosen moments, without the gate's rules, and publishes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows import pipeline
from flows.config import Settings
from flows.run import Run
from flows.warehouse import runs
from flows.warehouse.build import build
from flows.warehouse.connection import open_warehouse
from flows.warehouse.days import write_days
from flows.warehouse.publish import adopt_publishes, publish, stamp_of
from tests.point_in_time.homes import fingerprints
from tests.product import append_without_gate, make_run

# The stages after which a run may be killed.
STAGES = ("fetch", "snapshot", "build", "publish")


@dataclass(frozen=True)
class Publisher:
    """The main job without Great Expectations, whose import takes longer than all the rest."""

    settings: Settings

    def publish(self, folder: Path, now: datetime) -> dict[str, str]:
        """Run as if it were `now`; return fingerprints of the published tables."""
        return self.publish_run(make_run(folder, self.settings, as_of=now))

    def publish_run(self, run: Run) -> dict[str, str]:
        self.run_until(run)
        return of_file(self.settings.published)

    def run_until(self, run: Run, death: str | None = None) -> None:
        """Run, or stop after one of STAGES as if killed, without any cleaning up or reporting."""
        for stage in self._stages(run):
            if stage == death:
                return

    def _stages(self, run: Run) -> Iterator[str]:
        kept = pipeline.fetch(run)
        yield "fetch"
        pipeline.begin(run)
        with open_warehouse(self.settings) as connection:
            append_without_gate(connection, run, kept)
            yield "snapshot"
            build(connection, self.settings, as_of=run.as_of, run_id=run.run_id)
            yield "build"
            write_days(connection, self.settings, run.as_of)
            runs.keep_weekly_history(connection, run)
            publish(connection, stamp_of(run), self.settings.published)
            yield "publish"
            adopt_publishes(connection, self.settings)
            runs.settle_history(connection, self.settings.home)

    def rebuild(self, moment: datetime) -> dict[str, str]:
        out = self.settings.home.parent / "rebuilt" / "then.duckdb"
        pipeline.rebuild(self.settings, moment, out, holder="a test")
        return of_file(out)


def new_publisher(place: Path, **settings: object) -> Publisher:
    values: dict[str, object] = {"horizons_1d": (1, 7), "horizons_1h": (1, 4), **settings}
    return Publisher(Settings(home=place / "home", _env_file=None, **values))  # type: ignore[arg-type,call-arg]


def of_file(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as file:
        return fingerprints(file, "core", "marts", is_stored=True)
