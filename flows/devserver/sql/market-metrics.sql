-- Grain: day, newest first; some days are missing.
with days as (
    select
        graded_at,
        avg((grade >= 60)::integer) * 100 as high_share
    from tm_grade
    group by graded_at
),

states as (
    select
        graded_at,
        high_share,
        case when high_share >= 50 then 1 else -1 end as state
    from days
)

select
    graded_at as date,
    round(3e12 * (1 + high_share / 500)) as total_crypto_mcap,
    round(high_share, 9) as tm_grade_perc_high_coins,
    case when state <> lag(state) over (order by graded_at) then state else 0 end as tm_grade_signal,
    state as last_tm_grade_signal
from states
qualify draw(day_number(graded_at), 1) > 0.03
order by graded_at desc
