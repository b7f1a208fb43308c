"""Data quality of the week: rows delivered, rows quarantined and why, and missing days."""

from collections import Counter

from flows.report.digest.model import Delivered, FunnelStep, MissingDay, Quality, Quarantined, Warned
from flows.report.digest.moment import File
from flows.report.ranking import MOST_VENDORS

SIGNALS_OF = "signals of "

# Snapshots fetched since the last digest, or, for the first digest, since the start of the week.
SNAPSHOTS = """
week_snapshot as (
    from ops.snapshot
    where
        as_of > coalesce(getvariable('last_as_of'), getvariable('week_from'))
        and as_of <= getvariable('as_of') and fetched_at <= getvariable('published_at')
)
"""

DELIVERED = f"""
with {SNAPSHOTS}

select
    dataset,
    count(*) as n_snapshots,
    sum(n_rows)::bigint as n_rows,
    sum(n_new)::bigint as n_new,
    sum(n_quarantined)::bigint as n_quarantined,
    sum(n_hidden)::bigint as n_hidden,
    count(*) filter (where state = 'stopped') as n_stopped
from week_snapshot
group by dataset
order by dataset
"""

QUARANTINED = f"""
with {SNAPSHOTS}

select bad.dataset, bad.rule, any_value(bad.reason) as reason, count(*) as n_rows
from ops.quarantine as bad
inner join week_snapshot using (snapshot_id)
group by bad.dataset, bad.rule
order by n_rows desc, bad.dataset, bad.rule
"""

WARNED = f"""
with {SNAPSHOTS}

select found.dataset, found.rule, any_value(found.reason) as reason, sum(n_failed)::bigint as n_failed
from ops.validation as found
inner join week_snapshot using (snapshot_id)
where not found.is_passed and found.severity = 'warning'
group by found.dataset, found.rule
order by n_failed desc, found.dataset, found.rule
"""

# Token-days without a bar although the token traded before and after; and whole days without any bar, or without any
# signal of a vendor (token_id null). Signals of single tokens are not expected, because vendors of events send few.
MISSING = f"""
with days as (
    select unnest(
        generate_series(getvariable('week_from'), getvariable('week_to') - interval 1 day, interval 1 day)
    ) as day
),

present as (
    select 'prices' as dataset, token_id, bar_start as day
    from bar
    where timeframe = '1d' and bar_start >= getvariable('week_from') - interval 7 days
    group by all
    union all
    select '{SIGNALS_OF}' || vendor as dataset, token_id, signal_at::date::timestamp as day
    from core.signal_as_of(getvariable('as_of'))
    where
        timeframe = '1d' and signal_at >= getvariable('week_from') - interval 7 days
        and snapshot_id not in (from later_snapshot)
    group by all
),

expected as (
    select seen.dataset, seen.token_id, days.day
    from (
        select dataset, token_id, min(day) as first_day, max(day) as last_day
        from present
        where dataset = 'prices'
        group by all
    ) as seen
    inner join days on days.day between seen.first_day and seen.last_day
    union
    select sources.dataset, null as token_id, days.day
    from (select distinct dataset from present) as sources
    cross join days
)

select expected.day::date as day, expected.dataset, count(expected.token_id) as n_tokens
from expected
left join present using (dataset, token_id, day)
left join (select dataset, day, count(*) as n from present group by all) as any_token using (dataset, day)
where present.day is null and (expected.token_id is not null or any_token.n is null)
group by all
order by all
"""


def read_quality(file: File) -> Quality:
    """The rows delivered and quarantined, the rules that warned, and the missing days."""
    missing = _of_many_together(tuple(MissingDay(**row) for row in file.rows(MISSING)))
    return Quality(
        delivered=tuple(Delivered(**row) for row in file.rows(DELIVERED)),
        quarantined=tuple(Quarantined(**row) for row in file.rows(QUARANTINED)),
        warned=tuple(Warned(**row) for row in file.rows(WARNED)),
        missing=missing,
        n_missing=sum(one.n_tokens for one in missing),
    )


def _of_many_together(missing: tuple[MissingDay, ...]) -> tuple[MissingDay, ...]:
    """The missing days, with one row a day for the signals of many vendors."""
    silent = {one.dataset for one in missing if one.dataset.startswith(SIGNALS_OF)}
    if len(silent) <= MOST_VENDORS:
        return missing
    n_silent = Counter(one.day for one in missing if one.dataset in silent)
    together = f"{SIGNALS_OF}up to {max(n_silent.values()):,} vendors"
    return (
        *(one for one in missing if one.dataset not in silent),
        *(MissingDay(day=day, dataset=together, n_tokens=0) for day in n_silent),
    )


def read_funnel(file: File) -> tuple[FunnelStep, ...]:
    """What became of every row and call, as it stood at the moment; nothing where no history was kept then."""
    if "marts.funnel_history" not in file.tables:
        return ()
    return tuple(FunnelStep(**row) for row in file.report("funnel"))


def incomplete_because(file: File, quality: Quality) -> tuple[str, ...]:
    """Why the data under the digest is not complete; empty where it is."""
    reasons = []
    for row in file.rows("from newest_end order by timeframe"):
        if row["newest_end"] < file.moment.week_to:
            reasons.append(
                f"the newest {row['timeframe']} bar ends {row['newest_end']:%Y-%m-%d %H:%M}, before the week does"
            )
    without = sorted({one.dataset for one in quality.missing if one.n_tokens == 0})
    for dataset in without:
        days = [one.day for one in quality.missing if one.dataset == dataset and one.n_tokens == 0]
        reasons.append(f"no {dataset} on {', '.join(f'{day:%d %b}' for day in days)}")
    if quality.n_missing:
        reasons.append(f"{quality.n_missing} token-days are missing inside the week")
    n_stopped = sum(one.n_stopped for one in quality.delivered)
    if n_stopped:
        reasons.append(f"{n_stopped} snapshots were stopped by the gate")
    return tuple(reasons)
