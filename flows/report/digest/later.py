"""What has come since a past week's publish and reaches into that past: the file no longer tells how it stood then.

Rates and edges are of the scorecard as it was published. Curves and drawdowns are computed anew at every build, so
where a row of those days has come or changed since, they are today's and not the week's.
"""

from dataclasses import dataclass

from flows.report.digest.moment import File

# The vendor's tokens of one timeframe, each bar's length, and where the curves of then ended.
COVERED = """
covered as (
    select distinct token_id from core.signal where vendor = $vendor and timeframe = $timeframe
),

span as (
    select newest_end, case timeframe when '1h' then interval 1 hour else interval 1 day end as step
    from newest_end
    where timeframe = $timeframe
)
"""

# Opens and closes that are not what they were: curves and drawdowns are made of nothing else of a bar.
PRICES = f"""
with {COVERED},

now as (
    select price_bar.*
    from core.price_bar as price_bar
    cross join span
    semi join covered using (token_id)
    where
        price_bar.timeframe = $timeframe and not price_bar.is_preliminary
        and price_bar.bar_start + span.step <= span.newest_end
),

touched as (
    select distinct token_id, bar_start
    from now
    where known_from > getvariable('as_of') or known_to > getvariable('as_of')
)

select count(*) as n
from touched
left join (from bar where timeframe = $timeframe) as held using (token_id, bar_start)
left join (from now where known_to is null) as current_bar using (token_id, bar_start)
where (held.open, held.close) is distinct from (current_bar.open, current_bar.close)
"""

# Scored calls that the file holds now and the scorecard of the moment did not, or the reverse.
OUTCOMES = """
select coalesce(sum(abs(coalesce(now.n, 0) - card.n_calls)), 0)::bigint as n
from card
left join (
    select vendor, timeframe, horizon, sector, count(*) as n
    from scored
    where entry_rule = 'next_open'
    group by all
) as now using (vendor, timeframe, horizon, sector)
where
    card.direction = 'both' and card.provenance = 'all' and card.entry_rule = 'next_open' and card.sector <> 'all'
    and card.vendor = $vendor and card.timeframe = $timeframe
"""

# Signals about bars that the curves already had; a vendor that had fallen silent and speaks again, which is taken to
# have covered its tokens all the while; tokens of another sector; and tokens without the last bars of then, of which
# only later bars could tell whether they had stopped.
STANCES = f"""
with {COVERED},

spoken as (
    select
        max(signal_at) as newest_now,
        max(signal_at) filter (where snapshot_id not in (from later_snapshot)) as newest_then
    from core.signal
    where vendor = $vendor and timeframe = $timeframe and revision = 0
),

last_bar as (
    select bar.token_id, max(bar.bar_start) + any_value(span.step) as ended_at
    from bar
    cross join span
    semi join covered using (token_id)
    where bar.timeframe = $timeframe
    group by bar.token_id
)

select
    (
        select count(*)
        from later_signal cross join span
        where vendor = $vendor and timeframe = $timeframe and signal_at + step < newest_end
    )
    + (
        select count(*)
        from spoken cross join span
        where newest_now > newest_then and newest_then + 3 * step <= newest_end
    )
    + (
        select count(*)
        from core.token_as_of(getvariable('as_of')) as held
        inner join core.token as token on held.token_id = token.token_id and token.known_to is null
        semi join covered on held.token_id = covered.token_id
        where (held.sector, held.is_scored) is distinct from (token.sector, token.is_scored)
    )
    + (
        select count(*)
        from last_bar cross join span
        where
            ended_at < newest_end and ended_at >= newest_end - interval 3 days
            and exists (
                from core.price_bar as later
                where later.timeframe = $timeframe and later.bar_start >= span.newest_end
            )
    ) as n
"""


@dataclass(frozen=True)
class Moved:
    """What of one vendor and timeframe is not what it was at the moment."""

    curves: bool
    drawdowns: bool


def moved_since(file: File, *, vendor: str, timeframe: str) -> Moved:
    """Whether rows that came after the moment's publish have moved its curves, or its calls' drawdowns."""
    track = {"vendor": vendor, "timeframe": timeframe}
    if not file.row("select count(*) as n from later_snapshot")["n"]:
        return Moved(curves=False, drawdowns=False)
    are_prices_moved = bool(file.row(PRICES, **track)["n"])
    return Moved(
        curves=are_prices_moved or bool(file.row(STANCES, **track)["n"]),
        drawdowns=are_prices_moved or bool(file.row(OUTCOMES, **track)["n"]),
    )
