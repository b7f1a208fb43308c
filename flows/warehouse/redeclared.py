"""Snapshots read again because the declaration of their folder has changed: stored bytes, with their own clocks."""

from dataclasses import replace
from datetime import datetime

import duckdb

from flows.home import journal
from flows.home.raw_store import Kept
from flows.quality.suites import Suites
from flows.run import Run
from flows.sources.declaration import reading_of
from flows.warehouse.restore import kept_of, last_of_each
from flows.warehouse.snapshots import supersede_snapshots, take_snapshot


def read_again(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept, suites: Suites) -> None:
    """Read all snapshots of a feed anew that were read under another declaration than the one that is fetched now.

    Otherwise rows that were read wrongly, at moments of another zone for instance, would stay beside the right ones.
    """
    reading = reading_of(kept.declaration)
    taken = connection.execute(
        "select snapshot_id, run_id, declaration::varchar from ops.snapshot "
        "where dataset = $dataset and source = $source and vendor = $vendor and superseded_by is null",
        {"dataset": kept.dataset, "source": run.source.name, "vendor": run.source.vendor},
    ).fetchall()
    others = {snapshot_id: run_id for snapshot_id, run_id, text in taken if reading_of(text) != reading}
    if not others:
        return
    events = [
        event
        for event in last_of_each(journal.read(run.settings.home, "snapshots"))
        if others.get(event["snapshot_id"]) == event["run_id"]
    ]
    supersede_snapshots(connection, run.settings.home, list(others.items()))
    for event in sorted(events, key=lambda event: (event["as_of"], event["snapshot_id"])):
        its_run = replace(
            run,
            as_of=datetime.fromisoformat(event["as_of"]),
            fetched_at=datetime.fromisoformat(event["fetched_at"]),
            is_replay=event["is_replay"],
        )
        its_kept = replace(kept_of(run.settings.home, event), declaration=kept.declaration)
        take_snapshot(connection, its_run, its_kept, suites)
