"""What a delivery looked at: the span of the past it read again, and the rows that its vendor no longer tells.

`raw` holds what is new; that an old row was looked at and found the same, or not found any more, is told here.
"""

from datetime import datetime

import duckdb

from flows.datasets import Dataset
from flows.home.raw_store import Kept


def record_reading(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    kept: Kept,
    *,
    snapshot_id: int,
    has_history: bool,
    is_archive: bool,
) -> None:
    """Append to `ops.reread` what the rows in `incoming` cover, and to `ops.vanished` what they should hold and do not.

    Call it in the snapshot's transaction, once `ops.snapshot` has the snapshot.
    """
    if dataset.moment is None:
        return
    _span_tokens(connection, dataset, kept)
    if dataset.has_vendor:
        _find_vanished(connection, dataset, snapshot_id)
    connection.execute(
        f"""
        insert into ops.reread by name
        with seen as (
            select {_named(dataset)}, {dataset.moment} + 2 * {dataset.bar} <= snapshot.as_of as is_past
            from incoming
            cross join (select as_of from ops.snapshot where snapshot_id = $snapshot_id) as snapshot
            where token_id is not null and {dataset.moment} is not null
        ),
        counts as (
            select
                vendor, timeframe, count(distinct token_id) as n_tokens, count(*) as n_rows,
                count(*) filter (where is_past) as n_past, min(moment_at) as first_at, max(moment_at) as read_to
            from seen
            where timeframe is not null
            group by all
        ),
        gone as (
            select vendor, timeframe, count(*) as n_vanished
            from ops.vanished
            where snapshot_id = $snapshot_id and dataset = $dataset and not is_back
            group by all
        )
        select
            snapshot.snapshot_id, snapshot.run_id, snapshot.dataset, counts.vendor, counts.timeframe, snapshot.as_of,
            snapshot.fetched_at, least(counts.first_at, $since::date::timestamp) as read_from, counts.read_to,
            $token_ids::bigint[] as read_token_ids, $has_history as has_history, $is_archive as is_archive,
            counts.n_tokens, counts.n_rows, counts.n_past, coalesce(gone.n_vanished, 0) as n_vanished
        from counts
        cross join (from ops.snapshot where snapshot_id = $snapshot_id) as snapshot
        left join gone on counts.vendor is not distinct from gone.vendor and counts.timeframe = gone.timeframe
        order by counts.vendor, counts.timeframe
        """,
        {
            "snapshot_id": snapshot_id,
            "dataset": dataset.name,
            "since": kept.since,
            "token_ids": sorted(kept.token_ids) if kept.token_ids is not None else None,
            "has_history": has_history,
            "is_archive": is_archive,
        },
    )


def record_same_again(
    connection: duckdb.DuckDBPyConnection, *, snapshot_id: int, run_id: str, as_of: datetime, fetched_at: datetime
) -> None:
    """Append to `ops.reread` that the bytes of a snapshot were delivered once more."""
    connection.execute(
        """
        insert into ops.reread by name
        select * replace ($run_id as run_id, $as_of::timestamp as as_of, $fetched_at::timestamp as fetched_at)
        from ops.reread
        semi join ops.snapshot using (snapshot_id, run_id)
        where snapshot_id = $snapshot_id
        """,
        {"snapshot_id": snapshot_id, "run_id": run_id, "as_of": as_of, "fetched_at": fetched_at},
    )


def _named(dataset: Dataset) -> str:
    """The key of a row under the names that all datasets share."""
    return (
        f"{'vendor' if dataset.has_vendor else 'null::varchar as vendor'}, token_id, "
        f"{'timeframe' if dataset.has_timeframe else chr(39) + '1d' + chr(39) + ' as timeframe'}, "
        f"{dataset.own_key} as key, {dataset.moment} as moment_at"
    )


def _span_tokens(connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> None:
    """The temporary tables `told_key` (what the delivery holds, hidden rows too) and `span` (what it would show).

    A token's span is from the first day the delivery says it holds whole, else from the token's first row, to the
    newest row of its vendor and timeframe. A row whose token or moment cannot be read may be any: its token, or where
    even that is unknown every token, has no span.
    """
    connection.execute(
        f"""
        create or replace temporary table told_key as
        select {_named(dataset)}, true as is_visible from incoming
        union all
        select {_named(dataset)}, false as is_visible from hidden
        """
    )
    connection.execute(
        """
        create or replace temporary table span as
        with tokens as (
            select
                vendor, timeframe, token_id,
                least(min(moment_at), $since::date::timestamp) as read_from,
                max(moment_at) filter (where is_visible) as newest_at,
                bool_or(moment_at is null) as is_unclear
            from told_key
            group by all
        )
        select
            vendor, timeframe, token_id, read_from,
            max(newest_at) over (partition by vendor, timeframe) as read_to
        from tokens
        where not exists (from told_key where token_id is null or timeframe is null)
        qualify not is_unclear
        """,
        {"since": kept.since},
    )


def _find_vanished(connection: duckdb.DuckDBPyConnection, dataset: Dataset, snapshot_id: int) -> None:
    """Append the closed rows that are held within a span and not delivered, and the vanished ones that are back."""
    connection.execute(
        f"""
        insert into ops.vanished by name
        with now as (
            select as_of from ops.snapshot where snapshot_id = $snapshot_id
        ),
        gone as (
            select vendor, token_id, timeframe, key, moment_at
            from ops.vanished
            inner join (select snapshot_id, as_of from ops.snapshot where superseded_by is null) as snapshot
                using (snapshot_id)
            where dataset = $dataset and snapshot.as_of <= (select as_of from now)
            group by all
            having not arg_max(is_back, (snapshot.as_of, snapshot_id))
        ),
        delivered as (
            select distinct vendor, token_id, timeframe, coalesce(key, '') as key, moment_at
            from told_key
        ),
        held as (
            select {_named(dataset)}
            from raw.{dataset.name} as raw_row
            inner join (select snapshot_id, as_of from ops.snapshot where superseded_by is null) as snapshot
                using (snapshot_id)
            where
                not is_preliminary and snapshot.as_of <= (select as_of from now)
                and snapshot_id <> $snapshot_id
        ),
        missing as (
            select distinct held.*
            from held
            inner join span using (vendor, timeframe, token_id)
            anti join delivered
                on
                    held.vendor = delivered.vendor
                    and held.token_id = delivered.token_id
                    and held.timeframe = delivered.timeframe
                    and held.moment_at = delivered.moment_at
                    and coalesce(held.key, '') = delivered.key
            where held.moment_at between span.read_from and span.read_to
        ),
        events as (
            select missing.*, false as is_back
            from missing
            anti join gone
                on
                    missing.vendor = gone.vendor
                    and missing.token_id = gone.token_id
                    and missing.timeframe = gone.timeframe
                    and missing.moment_at = gone.moment_at
                    and missing.key is not distinct from gone.key
            union all
            select gone.*, true as is_back
            from gone
            semi join delivered
                on
                    gone.vendor = delivered.vendor
                    and gone.token_id = delivered.token_id
                    and gone.timeframe = delivered.timeframe
                    and gone.moment_at = delivered.moment_at
                    and coalesce(gone.key, '') = delivered.key
        )
        select $snapshot_id as snapshot_id, $dataset as dataset, *
        from events
        order by all
        """,
        {"snapshot_id": snapshot_id, "dataset": dataset.name},
    )
