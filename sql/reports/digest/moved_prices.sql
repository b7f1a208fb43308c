-- How many bars have another open or close now than at the moment; curves and drawdowns use no other price of a bar.
with now as (
    select price_bar.*
    from core.price_bar as price_bar
    cross join span
    semi join covered using (token_id)
    where
        price_bar.timeframe = getvariable('timeframe') and not price_bar.is_preliminary
        and price_bar.bar_start + span.step <= span.newest_end
),

touched as (
    select distinct
token_id,
bar_start
    from now
    where known_from > getvariable('as_of') or known_to > getvariable('as_of')
),

bar_then as (from bar
where timeframe = getvariable('timeframe')
),

bar_now as (from now
where known_to is null
)

select count(*) as n
from touched
left join bar_then using (token_id, bar_start)
left join bar_now using (token_id, bar_start)
where (bar_then.open, bar_then.close) is distinct from (bar_now.open, bar_now.close)
