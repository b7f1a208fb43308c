-- How many scored calls are in the file now but were not in the scorecard of the moment, or the reverse.
with now as (
    select
vendor,
timeframe,
horizon,
sector,
count(*) as n
    from scored
    where entry_rule = 'next_open'
    group by all
)

select coalesce(sum(abs(coalesce(now.n, 0) - card.n_calls)), 0)::bigint as n
from card
left join now using (vendor, timeframe, horizon, sector)
where
    card.direction = 'both' and card.provenance = 'all' and card.entry_rule = 'next_open' and card.sector <> 'all'
    and card.vendor = getvariable('vendor') and card.timeframe = getvariable('timeframe')
