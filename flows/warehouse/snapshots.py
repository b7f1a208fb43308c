"""Snapshots: one fetch of one dataset, judged by the gate, its new and changed rows appended to `raw`."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.datasets import DATASETS, TOKENS, Dataset
from flows.home import journal
from flows.home.raw_store import Kept
from flows.quality.gate import GateResult, LastSnapshot, judge
from flows.quality.incoming import Incoming, read_incoming
from flows.quality.suites import Suites
from flows.run import Run
from flows.warehouse.connection import roll_back
from flows.warehouse.grid import settle_grid
from flows.warehouse.rereads import record_repeat, record_reread
from flows.warehouse.runs import record_results
from flows.warehouse.symbols import give_ids

USABLE = "('passed', 'accepted')"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that was taken: its number, how many rows were new, and the gate's results.

    `gate` is None where the same bytes had been judged before and were not parsed again.
    """

    snapshot_id: int
    dataset: str
    n_rows: int
    n_new: int
    n_quarantined: int
    gate: GateResult | None

    @property
    def is_stopped(self) -> bool:
        return self.gate is not None and bool(self.gate.stops)


@dataclass(frozen=True)
class SnapshotHeader:
    """The ledger's entry of a snapshot: its number, the run, the feed, and both clocks (UTC).

    `extent` is the run's kind of request, under the name that the journal and `ops.snapshot` have for it. `declaration`
    is how the bytes are read, as JSON.
    """

    snapshot_id: int
    run_id: str
    source: str
    vendor: str
    as_of: datetime
    fetched_at: datetime
    is_replay: bool
    has_history: bool
    is_archive: bool
    extent: str | None = None
    declaration: str | None = None


@dataclass(frozen=True)
class _Earlier:
    """A snapshot of the same bytes."""

    snapshot_id: int
    state: str
    n_rows: int


def take_snapshot(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept, suites: Suites) -> Snapshot:
    """Judge one stored dataset and append its new rows to `raw`, all in one transaction.

    The same bytes twice add nothing, unless rows of theirs were hidden or preliminary then. One that a gate stops is
    recorded and stays stored, and adds no rows until it is accepted. Raises SourceError where the bytes cannot be read.
    """
    dataset = DATASETS[kept.dataset]
    earlier = _same_bytes(connection, run, kept)
    if earlier is not None and earlier.state in ("passed", "accepted"):
        _record_repeat(connection, run, earlier)
        return Snapshot(earlier.snapshot_id, dataset.name, earlier.n_rows, 0, 0, None)

    if settle_grid(connection, run.settings.home, kept, run.settings.timeframes):
        feeds = connection.execute(
            "select snapshot_id, run_id from ops.snapshot where dataset <> 'tokens' and superseded_by is null"
        ).fetchall()
        supersede_snapshots(connection, run.settings.home, feeds)
    incoming = read_incoming(connection, run.source, dataset, kept, as_of=run.as_of, is_replay=run.is_replay)
    if dataset is TOKENS:
        give_ids(connection, run.settings.home)
    header = SnapshotHeader(
        snapshot_id=earlier.snapshot_id if earlier else _next_id(connection),
        run_id=run.run_id,
        source=run.source.name,
        vendor=run.source.vendor,
        as_of=run.as_of,
        fetched_at=run.fetched_at,
        is_replay=run.is_replay,
        has_history=dataset.name not in run.source.no_history,
        is_archive=run.source.is_archive,
        extent=run.request_kind,
        declaration=kept.declaration,
    )
    gate = judge(
        connection,
        incoming,
        settings=run.settings,
        as_of=run.as_of,
        # A part of the tokens is compared with nothing, because the others are not lost.
        last=_last_accepted(connection, run, dataset) if kept.token_ids is None else None,
        is_archive=run.source.is_archive,
        accepted_rules=_accepted_rules(connection, dataset, kept),
        suites=suites,
    )
    state = "stopped" if gate.stops else "accepted" if any(r.is_accepted for r in gate.results) else "passed"
    connection.execute("begin")
    try:
        n_new = append(connection, header, incoming, kept, state)
        record_results(connection, run.run_id, gate.results, gate="snapshot", snapshot_id=header.snapshot_id)
        # The journal before the commit: a crash in between leaves a line too many, which the next snapshot of that
        # number replaces, never rows that only the warehouse knows of.
        _journal(connection, run, header, kept, gate, state)
        connection.execute("commit")
    except BaseException:
        roll_back(connection)
        raise
    return Snapshot(header.snapshot_id, dataset.name, incoming.n_rows, n_new, gate.n_quarantined, gate)


def append(
    connection: duckdb.DuckDBPyConnection, header: SnapshotHeader, incoming: Incoming, kept: Kept, state: str
) -> int:
    """Append what is in `incoming` and not in `bad_row` as one snapshot; return how many rows were new.

    Runs in the caller's transaction.
    """
    dataset = incoming.dataset
    is_used = state != "stopped"
    n_new = _append_rows(connection, dataset, header) if is_used else 0
    _quarantine(connection, dataset, header.snapshot_id)
    _record_snapshot(connection, header, kept, incoming, state, n_new)
    if is_used:
        record_reread(
            connection,
            dataset,
            kept,
            snapshot_id=header.snapshot_id,
            has_history=header.has_history,
            is_archive=header.is_archive,
        )
    return n_new


def _record_repeat(connection: duckdb.DuckDBPyConnection, run: Run, earlier: _Earlier) -> None:
    """Record that the past was delivered once more, unchanged."""
    journal.append(
        run.settings.home,
        "rereads",
        snapshot_id=earlier.snapshot_id,
        run_id=run.run_id,
        as_of=run.as_of,
        fetched_at=run.fetched_at,
    )
    record_repeat(
        connection,
        snapshot_id=earlier.snapshot_id,
        run_id=run.run_id,
        as_of=run.as_of,
        fetched_at=run.fetched_at,
    )


def _journal(
    connection: duckdb.DuckDBPyConnection, run: Run, header: SnapshotHeader, kept: Kept, gate: GateResult, state: str
) -> None:
    """Append to the journal all that a restore needs to take this snapshot again, and the gate's results."""
    bad_rows = connection.execute(
        "select rule, reason, list(row_number order by row_number) from bad_row where is_quarantined group by all"
    ).fetchall()
    home = run.settings.home
    journal.append(
        home,
        "snapshots",
        **asdict(header),
        dataset=kept.dataset,
        files=[str(path.relative_to(home)) for path in kept.paths],
        names=list(kept.names),
        sha256=kept.sha256,
        since=kept.since,
        token_ids=sorted(kept.token_ids) if kept.token_ids is not None else None,
        state=state,
        bad_rows=[{"rule": rule, "reason": reason, "row_numbers": rows} for rule, reason, rows in bad_rows],
        results=[asdict(result) for result in gate.results],
    )


def supersede(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept) -> None:
    """Mark the snapshots of these bytes as superseded, so that the bytes can be parsed again. Nothing is deleted."""
    taken = connection.execute(
        "select snapshot_id, run_id from ops.snapshot where dataset = $dataset and source = $source "
        "and sha256 = $sha256 and as_of = $as_of and superseded_by is null",
        {"dataset": kept.dataset, "source": run.source.name, "sha256": kept.sha256, "as_of": run.as_of},
    ).fetchall()
    supersede_snapshots(connection, run.settings.home, taken)


def supersede_snapshots(connection: duckdb.DuckDBPyConnection, home: Path, taken: list[tuple[int, str]]) -> None:
    """Mark snapshots as superseded, each by its number and its run, in the journal first.

    The next build is a full one, because every earlier one used their rows.
    """
    superseded_by = _next_id(connection)
    for snapshot_id, run_id in taken:
        journal.append(home, "superseded", snapshot_id=snapshot_id, run_id=run_id, superseded_by=superseded_by)
        record_superseded(connection, snapshot_id=snapshot_id, run_id=run_id, superseded_by=superseded_by)
    if taken:
        connection.execute("delete from ops.build")


def record_superseded(
    connection: duckdb.DuckDBPyConnection, *, snapshot_id: int, run_id: str, superseded_by: int
) -> None:
    """Mark a snapshot as superseded; one that is marked already, or is not there, stays as it is."""
    connection.execute(
        "update ops.snapshot set superseded_by = $superseded_by "
        "where snapshot_id = $snapshot_id and run_id = $run_id and superseded_by is null",
        {"snapshot_id": snapshot_id, "run_id": run_id, "superseded_by": superseded_by},
    )


def _same_bytes(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept) -> _Earlier | None:
    """The newest snapshot of this feed, if it has the same bytes and parsing them again would change nothing."""
    row = connection.execute(
        """
        select snapshot_id, state, n_rows, sha256 = $sha256 and as_of <= $as_of
            and declaration::varchar is not distinct from $declaration
            and (as_of = $as_of or (n_hidden = 0 and n_preliminary = 0))
            -- Rows of tokens that were unknown then may be good by now.
            and not (n_quarantined > 0 and exists (
                from ops.snapshot as token where token.dataset = 'tokens' and token.n_new > 0
                and token.snapshot_id > snapshot.snapshot_id
            ))
            -- Rows of a timeframe that was not in use then may be of one that is by now.
            and not exists (
                from ops.quarantine as bad where bad.snapshot_id = snapshot.snapshot_id
                and bad.rule = 'timeframe_known'
                and is_in_use(json_extract_string(lower(bad.raw_row::varchar), '$.timeframe'))
            )
            -- Rows that were quarantined then may have been accepted since.
            and not (state <> 'stopped' and exists (
                select rule from ops.acceptance as accepted
                inner join ops.validation as result using (dataset, rule)
                where accepted.dataset = snapshot.dataset and accepted.sha256 = snapshot.sha256
                and result.snapshot_id = snapshot.snapshot_id and not result.is_passed
                group by rule having not bool_or(result.is_accepted)
            ))
        from ops.snapshot as snapshot
        where dataset = $dataset and source = $source and vendor = $vendor and superseded_by is null
        order by as_of desc, snapshot_id desc
        limit 1
        """,
        {
            "sha256": kept.sha256,
            "as_of": run.as_of,
            "dataset": kept.dataset,
            "source": run.source.name,
            "vendor": run.source.vendor,
            "declaration": kept.declaration,
        },
    ).fetchone()
    return _Earlier(row[0], row[1], row[2]) if row and row[3] else None


def _next_id(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select coalesce(max(snapshot_id), 0) + 1 from ops.snapshot").fetchone()
    assert row is not None
    return int(row[0])


def _accepted_rules(connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> frozenset[str]:
    """Rules somebody accepted for exactly these bytes."""
    rows = connection.execute(
        "select rule from ops.acceptance where dataset = $dataset and sha256 = $sha256",
        {"dataset": dataset.name, "sha256": kept.sha256},
    ).fetchall()
    return frozenset(rule for (rule,) in rows)


def _last_accepted(connection: duckdb.DuckDBPyConnection, run: Run, dataset: Dataset) -> LastSnapshot | None:
    """The last accepted snapshot of the same kind of request; None for days of the past, which are like no other."""
    if run.request_kind == "days" and not run.source.is_archive:
        return None
    row = connection.execute(
        f"""
        select snapshot_id, n_rows, token_ids
        from ops.snapshot
        where dataset = $dataset and source = $source and vendor = $vendor and state in {USABLE}
            and superseded_by is null and as_of <= $as_of
            and ($is_archive or extent is not distinct from $extent)
            and snapshot_id not in (select snapshot_id from ops.reread where read_token_ids is not null)
        order by as_of desc, snapshot_id desc
        limit 1
        """,
        {
            "dataset": dataset.name,
            "source": run.source.name,
            "vendor": run.source.vendor,
            "as_of": run.as_of,
            "is_archive": run.source.is_archive,
            "extent": run.request_kind,
        },
    ).fetchone()
    if row is None:
        return None
    # The number of rows depends on the days requested, unless a source always delivers everything.
    return LastSnapshot(row[0], row[1] if run.source.delivers_whole else 0, row[2])


def _append_rows(connection: duckdb.DuckDBPyConnection, dataset: Dataset, header: SnapshotHeader) -> int:
    """Append the rows that differ from their newest version; return how many."""
    key = ", ".join(dataset.full_key)
    same_key = " and ".join(f"newest.{name} is not distinct from fresh.{name}" for name in dataset.full_key)
    required = {column.name for column in dataset.columns if column.required}
    fresh_key = " and ".join(f"raw_row.{name} = incoming.{name}" for name in dataset.key if name in required)
    columns = ", ".join(
        f"fresh.{name}"
        for name in (
            *(("vendor",) if dataset.has_vendor else ()),
            *dataset.column_names,
            "is_snapped",
            "is_preliminary",
        )
    )
    is_preliminary = "false" if dataset.moment is None else f"{dataset.moment} + {dataset.bar} > $as_of"
    connection.execute(
        f"""
        insert into raw.{dataset.name} by name
        with newest as (
            select raw_row.*
            from raw.{dataset.name} as raw_row
            -- Only delivered keys are compared, so that a night does not sort the whole history.
            semi join incoming on {fresh_key}
            inner join (select snapshot_id, as_of from ops.snapshot where superseded_by is null) as snapshot
                using (snapshot_id)
            where snapshot.as_of <= $as_of
            qualify row_number() over (
                partition by {key} order by snapshot.as_of desc, snapshot_id desc
            ) = 1
        ),
        fresh as (
            select *, {is_preliminary} as is_preliminary
            from incoming
            where row_number not in (select row_number from bad_row where is_quarantined)
        )
        select $snapshot_id as snapshot_id, fresh.row_number, {columns}
        from fresh
        left join newest on {same_key}
        where newest.snapshot_id is null or newest.is_preliminary <> fresh.is_preliminary
            or not ({dataset.is_same("newest", "fresh")})
        order by fresh.row_number
        """,
        {"as_of": header.as_of, "snapshot_id": header.snapshot_id},
    )
    row = connection.execute(
        f"select count(*) from raw.{dataset.name} where snapshot_id = $id", {"id": header.snapshot_id}
    ).fetchone()
    assert row is not None
    return int(row[0])


def _quarantine(connection: duckdb.DuckDBPyConnection, dataset: Dataset, snapshot_id: int) -> None:
    """Store each bad row as delivered, once: the same row may be delivered again every day."""
    about = ", ".join(
        name if is_there else f"null as {name}"
        for name, is_there in (("vendor", dataset.has_vendor), ("token_id", True), ("timeframe", dataset.has_timeframe))
    )
    connection.execute(
        f"""
        insert into ops.quarantine by name
        with cells as (
            select row_number, columns(* exclude (row_number))::varchar
            from delivered
            where row_number in (select row_number from bad_row where is_quarantined)
        ),
        serialized as (
            -- A patch with null removes the row number, which is ours and moves as a file grows.
            select row_number, json_merge_patch(to_json(cells), '{{"row_number": null}}') as raw_row
            from cells
        ),
        about as (
            select row_number, {about}, {dataset.moment or "null"} as moment_at
            from incoming
        ),
        bad as (
            select row_number, bad_row.rule, bad_row.reason, serialized.raw_row
            from bad_row
            inner join serialized using (row_number)
            where bad_row.is_quarantined
        )
        select $snapshot_id as snapshot_id, $dataset as dataset, *
        from bad
        left join about using (row_number)
        where not exists (
            from ops.quarantine as stored
            where stored.dataset = $dataset and stored.rule = bad.rule and stored.raw_row = bad.raw_row
        )
        """,
        {"snapshot_id": snapshot_id, "dataset": dataset.name},
    )


def _record_snapshot(
    connection: duckdb.DuckDBPyConnection,
    header: SnapshotHeader,
    kept: Kept,
    incoming: Incoming,
    state: str,
    n_new: int,
) -> None:
    dataset = incoming.dataset
    preliminary = (
        "0" if dataset.moment is None else f"count(*) filter (where {dataset.moment} + {dataset.bar} > $as_of)"
    )
    connection.execute("delete from ops.snapshot where snapshot_id = $id", {"id": header.snapshot_id})
    connection.execute(
        f"""
        insert into ops.snapshot by name
        select
            $snapshot_id as snapshot_id, $run_id as run_id, $dataset as dataset, $source as source, $vendor as vendor,
            $as_of::timestamp as as_of, $fetched_at::timestamp as fetched_at, $is_replay as is_replay,
            $sha256 as sha256, $n_bytes as n_bytes, count(*) as n_rows, count(distinct token_id) as n_tokens,
            list(distinct token_id order by token_id) filter (where token_id is not null) as token_ids,
            $n_new as n_new, (select count(distinct row_number) from bad_row where is_quarantined) as n_quarantined,
            $n_hidden as n_hidden, {preliminary} as n_preliminary, $state as state, $extent as extent,
            $declaration::json as declaration
        from incoming
        """,
        {
            "snapshot_id": header.snapshot_id,
            "run_id": header.run_id,
            "dataset": dataset.name,
            "source": header.source,
            "vendor": header.vendor,
            "as_of": header.as_of,
            "fetched_at": header.fetched_at,
            "is_replay": header.is_replay,
            "sha256": kept.sha256,
            "n_bytes": kept.n_bytes,
            "n_new": n_new,
            "n_hidden": incoming.n_hidden,
            "state": state,
            "extent": header.extent,
            "declaration": header.declaration,
        },
    )
