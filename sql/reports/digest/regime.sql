-- The market at the week's end: an equal-weight index of all scored tokens over 365 days.
with market as (
    select
bar_start,
avg(step) as step,
count(*) as n_tokens
from daily_step
where step is not null
group by bar_start
),

index as (
    select
*,
product(1 + step) over (order by bar_start) as level
from market
)

select
    max(bar_start) + interval 1 day as at,
    arg_max(n_tokens, bar_start) as n_tokens,
    product(1 + step) filter (where bar_start >= getvariable('week_from')) - 1 as week_return,
    arg_max(level, bar_start) / max(level) - 1 as drawdown,
    stddev_samp(step) filter (where bar_start >= getvariable('week_to') - interval 30 days) * sqrt(365)
        as volatility_30,
    stddev_samp(step) filter (where bar_start >= getvariable('week_to') - interval 365 days) * sqrt(365)
        as volatility_365
from index
where bar_start >= getvariable('week_to') - interval 365 days
