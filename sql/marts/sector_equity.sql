-- What following a vendor would have made of 1, sector by sector, beside equal weight and hold: one row a bar.
-- Grain: vendor, sector, timeframe, policy, bar_start
with cells as (
    select
        vendor,
        timeframe,
        unnest([sector, 'all']) as sector,
        * exclude (vendor, timeframe, sector)
    from work.curve_bar
),

sums as (
    select
        vendor,
        timeframe,
        sector,
        bar_start,
        sum(columns(* exclude (vendor, timeframe, sector, bar_start)))
    from cells
    group by all
),

-- A curve runs from the first bar on which a token of it was covered and seasoned to the newest bar there is.
spans as (
    select
        sums.vendor,
        sums.timeframe,
        sums.sector,
        min(sums.bar_start) as first_bar_at,
        any_value(newest_bar.newest_bar_at) as newest_bar_at
    from sums
    inner join work.newest_bar as newest_bar using (timeframe)
    where sums.n_covered > 0
    group by all
),

grid as (
    select
        vendor,
        timeframe,
        sector,
        unnest(generate_series(first_bar_at, newest_bar_at, bar_length(timeframe))) as bar_start
    from spans
),

policies as (
    select
        grid.*,
        unnest(['signal', 'equal_weight', 'hold']) as policy,
        unnest([sums.n_long, sums.n_covered, sums.n_in]) as n_long,
        unnest([sums.n_short, 0, 0]) as n_short,
        unnest([sums.n_changes, sums.n_covered_changes, sums.n_in_changes]) as n_changes,
        unnest([sums.earned, sums.covered_earned, sums.in_earned]) as earned,
        unnest([0, 0, sums.n_joined]) as n_joined
    from grid
    left join sums using (vendor, timeframe, sector, bar_start)
),

counted as (
    select
        vendor,
        timeframe,
        sector,
        policy,
        bar_start,
        coalesce(n_long, 0)::integer as n_long,
        coalesce(n_short, 0)::integer as n_short,
        coalesce(n_changes, 0) as n_changes,
        coalesce(from_fixed(earned), 0) as earned,
        coalesce(n_joined, 0) as n_joined,
        coalesce(earned, 0) as earned_fixed
    from policies
),

-- Shares are of the tokens held, or, where none is, of those held on the bar before.
divided as (
    select
        *,
        nullif(
            case when n_long + n_short > 0 then n_long + n_short else lag(n_long + n_short) over curve end, 0
        ) as n_held,
        from_fixed(sum(earned_fixed) over (curve rows between unbounded preceding and 1 preceding)) as gained_before,
        sum(n_joined) over (curve rows unbounded preceding) as n_brought_in
    from counted
    window curve as (partition by vendor, timeframe, sector, policy order by bar_start)
),

returns as (
    select
        *,
        case
            when policy = 'signal'
                then case
                    when n_held is null then 0
                    else greatest(-1, (earned - {{ cost }}::double / 2 * n_changes) / n_held)
                end
            when policy = 'equal_weight' then coalesce(earned / n_held, 0)
            else coalesce(earned / nullif(coalesce(gained_before, 0) + n_brought_in, 0), 0)
        end as bar_return
    from divided
),

compounded as (
    select
        *,
        product(1 + bar_return) over (
            partition by vendor, timeframe, sector, policy order by bar_start rows unbounded preceding
        ) as equity
    from returns
)

select
    vendor,
    sector,
    timeframe,
    policy,
    bar_start,
    bar_return,
    equity,
    equity / greatest(1, max(equity) over (
        partition by vendor, timeframe, sector, policy order by bar_start rows unbounded preceding
    )) - 1 as drawdown,
    n_long,
    n_short,
    coalesce(n_changes / n_held, 0) as turnover
from compounded
