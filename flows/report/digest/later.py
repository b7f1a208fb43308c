"""Late rows: whether data that came after a past week's publish has changed that week's curves or drawdowns.

Rates and edges are read from the scorecard as it was published. Curves and drawdowns are recomputed by every build,
so after a late or revised row of those days they are today's, not the week's, and the digest leaves them out.
"""

from dataclasses import dataclass

from flows.report.digest.moment import File

# The vendor's tokens of one timeframe, the length of a bar, and the end of the curves at the moment.
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

# Bars whose open or close has changed since the moment; curves and drawdowns use no other price of a bar.
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
left join (from bar where timeframe = $timeframe) as bar_then using (token_id, bar_start)
left join (from now where known_to is null) as bar_now using (token_id, bar_start)
where (bar_then.open, bar_then.close) is distinct from (bar_now.open, bar_now.close)
"""

# Scored calls that are in the file now but were not in the scorecard of the moment, or the reverse.
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

# Counts what may change the stances under the curves: signals that came late for bars the curves already had; a vendor
# whose signals had stopped and came again, because it then counts as covering its tokens in between; tokens whose
# sector changed; and tokens without the newest bars, because only later bars show whether they had stopped trading.
STANCES = f"""
with {COVERED},

newest_signal as (
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
        from newest_signal cross join span
        where newest_now > newest_then and newest_then + 3 * step <= newest_end
    )
    + (
        select count(*)
        from core.token_as_of(getvariable('as_of')) as token_then
        inner join core.token as token on token_then.token_id = token.token_id and token.known_to is null
        semi join covered on token_then.token_id = covered.token_id
        where (token_then.sector, token_then.is_scored) is distinct from (token.sector, token.is_scored)
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
    """Which parts of one vendor and timeframe have changed since the week's moment."""

    curves: bool
    drawdowns: bool


def moved_since(file: File, *, vendor: str, timeframe: str) -> Moved:
    """Whether rows that came after the moment's publish have changed its curves, or its calls' drawdowns."""
    track = {"vendor": vendor, "timeframe": timeframe}
    if not file.row("select count(*) as n from later_snapshot")["n"]:
        return Moved(curves=False, drawdowns=False)
    are_prices_moved = bool(file.row(PRICES, **track)["n"])
    return Moved(
        curves=are_prices_moved or bool(file.row(STANCES, **track)["n"]),
        drawdowns=are_prices_moved or bool(file.row(OUTCOMES, **track)["n"]),
    )
