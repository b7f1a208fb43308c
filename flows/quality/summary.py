"""The facts that dataset rules judge: one number each about a whole fetched dataset, with an example for the report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.config import DATA_DIR
from flows.datasets import Dataset
from flows.quality.cures import missing_columns_cure
from flows.quality.helpers import count
from flows.quality.incoming import Incoming
from flows.quality.results import RuleResult
from flows.quoting import literal

# Weekends are judged from this many days with bars on, over a span of at least this many days.
MIN_SPAN_DAYS = 14
MIN_BAR_DAYS = 10

N_NAMED = 5

# A few rows in common are chance.
MIN_REPEATED = 10


@dataclass(frozen=True)
class LastSnapshot:
    """The last accepted snapshot of the same dataset, source and vendor: what a fetched one is compared with."""

    snapshot_id: int
    n_rows: int
    token_ids: Collection[int]

    @property
    def n_tokens(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True)
class Fact:
    """One number about a dataset (None: nothing to judge), how many were checked and failed, an example, the cure."""

    value: float | None
    n_checked: int
    n_failed: int
    example: str
    cure: str | None = None


def delivered_token_ids(connection: duckdb.DuckDBPyConnection) -> frozenset[int]:
    """The tokens of the rows in `incoming`."""
    rows = connection.execute("select distinct token_id from incoming where token_id is not null").fetchall()
    return frozenset(row[0] for row in rows)


def delivery_facts(
    connection: duckdb.DuckDBPyConnection,
    incoming: Incoming,
    *,
    as_of: datetime,
    last: LastSnapshot | None,
    is_archive: bool,
) -> dict[str, Fact]:
    """The facts about the rows in `incoming`, by the column name that dataset rules use."""
    dataset = incoming.dataset
    facts = {
        "n_missing_columns": _missing_columns(incoming),
        "n_rows": _rows(connection, incoming, as_of),
        "vanished_share": _vanished(connection, last),
        "lost_share": _lost_rows(incoming, last),
    }
    if dataset.moment and incoming.declaration.archive:
        facts["newest_age_days"] = Fact(None, 0, 0, "")
    elif dataset.moment:
        facts["newest_age_days"] = _age(connection, dataset, as_of, is_archive)
    if dataset.name == "tokens":
        facts["n_unmapped"] = _unmapped(connection)
    if dataset.name == "prices":
        facts["missing_weekend_share"] = _weekends(connection, as_of)
    if dataset.name == "signals":
        facts["n_without_known_at"] = _without_known_at(connection)
        facts["repeated_share"] = _repeated(connection)
    return facts


def quarantine_fact(
    connection: duckdb.DuckDBPyConnection, incoming: Incoming, row_results: Sequence[RuleResult]
) -> Fact:
    """The share of rows that critical rules set aside; copies are no sign of bad data and do not count."""
    critical = sorted(
        (result for result in row_results if result.severity == "critical" and not result.is_passed),
        key=lambda result: -result.n_failed,
    )
    names = ", ".join(f"'{result.rule}'" for result in critical) or "''"
    n_bad = count(connection, f"select distinct row_number from bad_row where is_quarantined and rule in ({names})")
    example = f"most by {critical[0].rule}, {critical[0].example}" if critical else ""
    return Fact(n_bad / max(1, incoming.n_rows), incoming.n_rows, n_bad, example)


def _missing_columns(incoming: Incoming) -> Fact:
    missing = incoming.missing_columns
    n_required = sum(column.required for column in incoming.dataset.columns)
    return Fact(
        len(missing),
        n_required,
        len(missing),
        f"missing {', '.join(missing)}; delivered {', '.join(incoming.delivered_columns)}",
        missing_columns_cure(incoming) if missing else None,
    )


def _rows(connection: duckdb.DuckDBPyConnection, incoming: Incoming, as_of: datetime) -> Fact:
    example = f"{incoming.dataset.name} is empty"
    if incoming.n_rows == 0 and incoming.n_hidden:
        example = (
            f"the as-of moment {as_of} lies before all data: {incoming.n_hidden:,} rows become known "
            f"only later, the earliest is of {_earliest(connection, incoming)}"
        )
    return Fact(incoming.n_rows, incoming.n_rows, int(incoming.n_rows == 0), example)


def _earliest(connection: duckdb.DuckDBPyConnection, incoming: Incoming) -> str:
    """The earliest moment as delivered: the rows have already left `incoming`."""
    row = connection.execute("select min(stated_at)::varchar from hidden").fetchone()
    return str(row[0]) if row else ""


def _unmapped(connection: duckdb.DuckDBPyConnection) -> Fact:
    """The tokens with categories none of which the sector map knows, and without a sector of their own."""
    sector_map = literal(str(DATA_DIR / "sectors.csv"))
    row = connection.execute(
        f"""
        with categorized as (
            select token_id, categories, exists (
                from unnest(categories) as own (name)
                inner join read_csv({sector_map}, header = true) as known on known.category = slug(own.name)
            ) as is_mapped
            from incoming
            where sector is null and len(categories) > 0
        )
        select
            count(*), count(*) filter (where not is_mapped),
            arg_min((token_id, categories), token_id) filter (where not is_mapped)
        from categorized
        """
    ).fetchone()
    assert row is not None
    n_categorized, n_unmapped, first = row
    example = f"token_id {first[0]}: {'; '.join(first[1])}" if first else ""
    return Fact(n_unmapped, n_categorized, n_unmapped, example)


def _vanished(connection: duckdb.DuckDBPyConnection, last: LastSnapshot | None) -> Fact:
    if last is None or not last.token_ids:
        return Fact(None, 0, 0, "")
    gone = sorted(set(last.token_ids) - delivered_token_ids(connection))
    named = ", ".join(str(token_id) for token_id in gone[:N_NAMED])
    return Fact(
        len(gone) / last.n_tokens,
        last.n_tokens,
        len(gone),
        f"of snapshot {last.snapshot_id}'s {last.n_tokens:,} tokens {len(gone):,} are gone, token_id {named}"
        + (", …" if len(gone) > N_NAMED else ""),
    )


def _lost_rows(incoming: Incoming, last: LastSnapshot | None) -> Fact:
    if last is None or not last.n_rows:
        return Fact(None, 0, 0, "")
    n_lost = max(0, last.n_rows - incoming.n_rows)
    example = f"{incoming.n_rows:,} rows, {last.n_rows:,} in snapshot {last.snapshot_id}"
    return Fact(n_lost / last.n_rows, last.n_rows, n_lost, example)


def _age(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime, is_archive: bool) -> Fact:
    """Days since the end of the newest bar; rows that claim to be of the future do not count."""
    row = connection.execute(
        f"select newest::varchar, (epoch($as_of::timestamp) - epoch(newest + {dataset.bar})) / 86400 from ("
        f"select {dataset.moment} as newest{', timeframe' if dataset.has_timeframe else ''} from incoming "
        f"where {dataset.moment} <= $as_of and isfinite({dataset.moment}) "
        f"order by newest + {dataset.bar} desc limit 1)",
        {"as_of": as_of},
    ).fetchone()
    if row is None:
        return Fact(None, 0, 0, "")
    remark = "; the source is an archive" if is_archive else ""
    return Fact(row[1], 1, 1, f"the newest row is of {row[0]}, its bar ended {row[1]:.1f} days before {as_of}{remark}")


def _weekends(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> Fact:
    """The share of weekend days without any bar, in the weeks that have bars, from the first bar to the last.

    Weeks without any bar are a gap or a stray date, and no evidence about the calendar. A bar at the close before, in
    which nothing moved and no volume is given, is what exporters fill closing hours with.
    """
    row = connection.execute(
        f"""
        with
        bar as (
            select
                token_id, timeframe, price_source, bar_start, open, close,
                is_unmoved(open, high, low, close, volume_usd) as is_unmoved
            from incoming
            where bar_start <= $as_of and {_is_usable()} and is_in_use(timeframe) and bar_seconds(timeframe) <= 86400
        ),
        fill as (
            select bar.token_id, bar.timeframe, bar.price_source, bar.bar_start
            from bar
            inner join bar as previous
                on bar.token_id = previous.token_id and bar.timeframe = previous.timeframe
                and bar.price_source is not distinct from previous.price_source
                and bar.bar_start - bar_length(bar.timeframe) = previous.bar_start
            where bar.is_unmoved and is_same_number(bar.open, previous.close)
        ),
        bar_day as (
            select distinct bar_start::date as day
            from (
                select bar_start from bar where not is_unmoved
                union all
                select bar_start from bar anti join fill using (token_id, timeframe, bar_start)
                where is_unmoved
            )
        ),
        weekend_day as (
            select week + unnest([5, 6]) as day
            from (select distinct date_trunc('week', day)::date as week from bar_day)
        ),
        expected as (
            select day, day in (select day from bar_day) as is_present
            from weekend_day
            where day between (select min(day) from bar_day) and (select max(day) from bar_day)
        )
        select
            (select count(*) from bar_day) >= {MIN_BAR_DAYS}
                and (select max(day) - min(day) from bar_day) >= {MIN_SPAN_DAYS},
            count(*), count(*) filter (not is_present), (min(day) filter (not is_present))::varchar
        from expected
        """,
        {"as_of": as_of},
    ).fetchone()
    assert row is not None
    is_judged, n_days, n_missing, first = row
    if not is_judged or not n_days:
        return Fact(None, 0, 0, "")
    example = f"{n_missing:,} of {n_days:,} Saturdays and Sundays have no bar, the first is {first}"
    return Fact(n_missing / n_days, n_days, n_missing, example)


def _repeated(connection: duckdb.DuckDBPyConnection) -> Fact:
    """The largest share of its calls that a vendor new in the home has in common with another one.

    Rows that take no side are left out, because most vendors have many of them in common.
    """
    new = connection.execute(
        "select distinct vendor from incoming where vendor not in (select distinct vendor from raw.signals)"
    ).fetchall()
    if not new:
        return Fact(None, 0, 0, "")
    row = connection.execute(
        """
        with
        fresh as (
            select distinct vendor, token_id, timeframe, signal_at, direction, trend, score
            from incoming
            where direction <> 0 and vendor not in (select distinct vendor from raw.signals)
        ),
        span as (
            select vendor, timeframe, min(signal_at) as first_at, max(signal_at) as last_at from fresh group by all
        ),
        stored as (
            select distinct vendor, token_id, timeframe, signal_at, direction, trend, score
            from raw.signals
            where direction <> 0
        ),
        common as (
            select fresh.vendor, stored.vendor as other, count(*) as n_common
            from fresh inner join stored
                on fresh.token_id = stored.token_id and fresh.timeframe = stored.timeframe
                and fresh.signal_at = stored.signal_at and fresh.direction = stored.direction
                and fresh.trend is not distinct from stored.trend and fresh.score is not distinct from stored.score
            group by all
        ),
        -- Of the rows in the span that both vendors cover.
        covered as (
            select vendor, other, count(*) as n_rows
            from (
                select common.vendor, common.other, fresh.timeframe, fresh.signal_at
                from common inner join fresh on common.vendor = fresh.vendor
                inner join (
                    select vendor, timeframe, min(signal_at) as first_at, max(signal_at) as last_at
                    from stored group by all
                ) as theirs
                    on common.other = theirs.vendor and fresh.timeframe = theirs.timeframe
                    and fresh.signal_at between theirs.first_at and theirs.last_at
                union all
                select common.vendor, common.other, stored.timeframe, stored.signal_at
                from common inner join stored on common.other = stored.vendor
                inner join span
                    on common.vendor = span.vendor and stored.timeframe = span.timeframe
                    and stored.signal_at between span.first_at and span.last_at
            )
            group by all
        )
        select vendor, other, n_common, n_rows - n_common as n_rows
        from common inner join covered using (vendor, other)
        order by n_common / (n_rows - n_common) desc, n_common desc, vendor, other
        limit 1
        """
    ).fetchone()
    if row is None or row[2] < MIN_REPEATED:
        return Fact(None, 0, 0, "")
    vendor, other, n_common, n_rows = row
    return Fact(
        n_common / n_rows,
        n_rows,
        n_common,
        f"{vendor} is new in this home, and {n_common:,} of its {n_rows:,} rows with a side are those of {other}",
        f'\nvendor = "{other}"',
    )


def _is_usable() -> str:
    return "bar_start is not null and isfinite(bar_start)"


def _without_known_at(connection: duckdb.DuckDBPyConnection) -> Fact:
    """Rows without a known_at in a vendor and timeframe where others have one; an unreadable one counts."""
    row = connection.execute(
        """
        with stamped as (
            select
                row_number, vendor, timeframe,
                known_at is not null or list_contains(unparsed, 'known_at') as is_stamped
            from incoming
        )
        select
            coalesce(sum(n_rows), 0)::bigint, coalesce(sum(n_bare), 0)::bigint,
            first(vendor order by n_bare desc), first(timeframe order by n_bare desc), min(first_bare)
        from (
            select
                vendor, timeframe, count(*) as n_rows, count(*) filter (not is_stamped) as n_bare,
                min(row_number) filter (not is_stamped) as first_bare
            from stamped
            group by vendor, timeframe
            having count(*) filter (is_stamped) > 0 and count(*) filter (not is_stamped) > 0
        )
        """
    ).fetchone()
    assert row is not None
    n_rows, n_bare, vendor, timeframe, first_row = row
    return Fact(n_bare, n_rows, n_bare, f"{vendor}, {timeframe}: the first row without a known_at is row {first_row}")
