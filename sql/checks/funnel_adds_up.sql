-- Severity: critical
-- The steps of the funnel do not add up: delivered rows to what became of them, calls to how they stand, or its calls to
-- those there are.
with wholes as (
    select
        vendor,
        timeframe,
        step,
        n_rows
    from marts.signal_funnel
    where step in ('delivered', 'call')
),

parts as (
    select
        vendor,
        timeframe,
        part_of as step,
        sum(n_rows) as n_in_parts,
        min(n_rows) as fewest
    from marts.signal_funnel
    where part_of is not null
    group by all
),

calls as (
    select
        vendor,
        timeframe,
        'call' as step,
        count(*) as n_calls
    from core.call
    group by all
)

select
    wholes.*,
    parts.n_in_parts,
    calls.n_calls
from wholes
left join parts
    on
        wholes.vendor = parts.vendor
        and wholes.timeframe is not distinct from parts.timeframe
        and wholes.step = parts.step
full join calls on wholes.vendor = calls.vendor and wholes.timeframe = calls.timeframe and wholes.step = calls.step
where
    coalesce(wholes.n_rows, 0) <> coalesce(parts.n_in_parts, 0)
    or parts.fewest < 0
    or (coalesce(wholes.step, 'call') = 'call' and coalesce(wholes.n_rows, 0) <> coalesce(calls.n_calls, 0))
