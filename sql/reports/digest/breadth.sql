-- How many scored tokens stand above their mean of 50 days, and above their close of a week before.
with means as (
    select
        token_id,
bar_start,
close,
        avg(close) over fifty as mean_50,
        count(*) over fifty as n_50,
        first(close) over week as close_before
    from daily_step
    window
        fifty as (partition by token_id order by bar_start rows between 49 preceding and current row),
        week as (
            partition by token_id order by bar_start
            range between interval 7 days preceding and interval 7 days preceding
        )
),

placed as (
    select
        means.*,
        bar_start = max(bar_start) over () as is_newest,
        bar_start = max(bar_start) over () - interval 7 days as is_week_before
    from means
)

select
    count(*) filter (where is_newest and n_50 = 50 and close > mean_50) as n_above_50,
    count(*) filter (where is_newest and n_50 = 50) as n_with_50,
    count(*) filter (where is_week_before and n_50 = 50 and close > mean_50) as n_above_50_before,
    count(*) filter (where is_week_before and n_50 = 50) as n_with_50_before,
    count(*) filter (where is_newest and close > close_before) as n_up,
    count(*) filter (where is_newest and close_before is not null) as n_up_of
from placed
