"""The backlog of fetched datasets that no build has taken yet, in the journal because fetching needs no lock."""

import os
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.datasets import DATASETS
from flows.errors import UsageError
from flows.home import journal
from flows.home.raw_store import Kept
from flows.run import Run

# The journal calls the deliveries of the digest "deliveries".
KIND = "fetches"


def note(run: Run, kept: Kept) -> None:
    """Record a stored dataset, so that some build will take it up."""
    home = run.settings.home
    _list_files(home, kept)
    journal.append(
        home,
        KIND,
        run_id=run.run_id,
        source=run.source.name,
        vendor=run.source.vendor,
        as_of=run.as_of,
        fetched_at=run.fetched_at,
        is_replay=run.is_replay,
        dataset=kept.dataset,
        sha256=kept.sha256,
        n_bytes=kept.n_bytes,
        timeframes=run.timeframes,
        since=run.since,
        until=run.until,
        holds_since=kept.since,
        token_ids=sorted(kept.token_ids) if kept.token_ids is not None else None,
    )


def unloaded(connection: duckdb.DuckDBPyConnection, run: Run) -> list[tuple[Run, Kept]]:
    """Datasets of the run's source that were never judged, or that a gate stopped and somebody accepted since.

    Oldest first, each with the run that fetched it, whose clocks are those of its rows.
    """
    found = journal.find(
        connection,
        run.settings.home,
        KIND,
        """
        (json->>'source') = $source and not exists (
            from ops.snapshot as judged
            where judged.source = $source and judged.superseded_by is null
                and judged.dataset = (json->>'dataset') and judged.sha256 = (json->>'sha256')
                and judged.as_of = (json->>'as_of')::timestamp
                and not (judged.state = 'stopped' and exists (
                    from ops.acceptance
                    where acceptance.dataset = judged.dataset and acceptance.sha256 = judged.sha256
                ))
        )
        """,
        source=run.source.name,
    )
    return [(_its_run(run, event), _kept(run.settings.home, event)) for event in _in_order(found)]


def fetched_between(run: Run, since: date, until: date) -> list[tuple[Run, Kept]]:
    """Datasets of the run's source that were fetched on these days, both included, oldest first.

    Raises UsageError where there are none.
    """
    found = [
        (_its_run(run, event), _kept(run.settings.home, event))
        for event in _in_order(journal.read(run.settings.home, KIND))
        if event["source"] == run.source.name and since <= datetime.fromisoformat(event["fetched_at"]).date() <= until
    ]
    if not found:
        raise UsageError(f"{run.source.name} delivered nothing from {since} to {until}; see journal/{KIND}.jsonl.")
    return found


def _in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events oldest first, those of one fetch in the order the gate takes datasets."""
    order = list(DATASETS)
    return sorted(events, key=lambda event: (event["as_of"], event["fetched_at"], order.index(event["dataset"])))


def _its_run(run: Run, event: dict[str, Any]) -> Run:
    return replace(
        run,
        as_of=datetime.fromisoformat(event["as_of"]),
        fetched_at=datetime.fromisoformat(event["fetched_at"]),
        is_replay=event["is_replay"],
        timeframes=tuple(event["timeframes"]),
        since=_date(event["since"]),
        until=_date(event["until"]),
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _kept(home: Path, event: dict[str, Any]) -> Kept:
    names = _list_of(home, event["dataset"], event["sha256"]).read_text(encoding="utf-8").splitlines()
    token_ids = event["token_ids"]
    return Kept(
        dataset=event["dataset"],
        paths=tuple(home / name for name in names),
        sha256=event["sha256"],
        n_bytes=event["n_bytes"],
        names=tuple(names),
        since=_date(event["holds_since"]),
        token_ids=frozenset(token_ids) if token_ids is not None else None,
    )


def _list_files(home: Path, kept: Kept) -> None:
    """Write the list of a dataset's files beside them, because thousands of names are too long for a journal line."""
    path = _list_of(home, kept.dataset, kept.sha256)
    partial = path.with_suffix(f".partial-{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(f"{one.relative_to(home)}\n" for one in kept.paths)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _list_of(home: Path, dataset: str, sha256: str) -> Path:
    return home / "raw" / dataset / f"{sha256}.files"
