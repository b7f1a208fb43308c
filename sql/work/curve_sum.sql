-- One bar of a curve of a vendor's sector: the return of the bar, and the sums since the curve's first bar. Sums are
-- fixed-point, so that an increment goes on exactly where the last build ended. Growth is summed as 1000 times its
-- logarithm, which makes the fixed-point steps as fine as a product of growths would be.
-- Grain: vendor, sector, timeframe, policy, bar_start
-- Replaces: from plan.curve_scope as scope where old.bar_start >= getvariable('curve_from') and old.timeframe = scope.timeframe and old.bar_start >= scope.bar_from
with cells as (
    select
        bar.vendor,
        bar.timeframe,
        unnest([bar.sector, 'all']) as sector,
        bar.* exclude (vendor, timeframe, sector)
    from work.curve_bar as bar
    inner join plan.curve_scope as scope using (timeframe)
    where bar.bar_start >= scope.bar_from and bar.bar_start >= getvariable('curve_from')
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

{% if not is_full -%}
before as (
    select
        old.*,
        scope.bar_from
    from work.curve_sum as old
    inner join plan.curve_scope as scope using (timeframe)
    where
        old.bar_start = scope.bar_from - bar_length(old.timeframe)
        and old.bar_start >= getvariable('curve_from')::timestamp - {{ longest_bar }}
),

{% endif -%}
-- A curve runs from the first bar on which one of its tokens is covered and past its first 7 days, to the newest bar
-- there is.
starts as (
    select
        vendor,
        timeframe,
        sector,
        min(bar_start) as bar_from
    from (
        select
            vendor,
            timeframe,
            sector,
            bar_start
        from sums
        where n_covered > 0
        {%- if not is_full %}
        union all
        select
            vendor,
            timeframe,
            sector,
            bar_from as bar_start
        from before
        {%- endif %}
    )
    group by all
),

grid as (
    select
        starts.vendor,
        starts.timeframe,
        starts.sector,
        unnest(generate_series(starts.bar_from, newest_bar.newest_bar_at, bar_length(starts.timeframe))) as bar_start
    from starts
    inner join work.newest_bar as newest_bar using (timeframe)
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

bars as (
    select
        vendor,
        timeframe,
        sector,
        policy,
        bar_start,
        coalesce(n_long, 0)::integer as n_long,
        coalesce(n_short, 0)::integer as n_short,
        coalesce(n_changes, 0)::bigint as n_changes,
        coalesce(earned, 0)::hugeint as earned,
        coalesce(n_joined, 0)::bigint as n_joined,
        null::hugeint as log_before,
        null::bigint as n_ruins_before,
        null::hugeint as top_before
    from policies
    {%- if not is_full %}
    -- The last bar before the scope, with its sums, stands for all bars before it.
    union all by name
    select
        vendor,
        timeframe,
        sector,
        policy,
        bar_start,
        n_long,
        n_short,
        earned_sum as earned,
        n_brought_in as n_joined,
        log_sum as log_before,
        n_ruins as n_ruins_before,
        top_log as top_before
    from before
    {%- endif %}
),

-- Returns are per token with a position. A bar without one only closes positions of the bar before, so it counts those.
divided as (
    select
        *,
        nullif(
            case when n_long + n_short > 0 then n_long + n_short else lag(n_long + n_short) over curve end, 0
        ) as n_positions,
        sum(earned) over (curve rows unbounded preceding) as earned_sum,
        (sum(n_joined) over (curve rows unbounded preceding))::bigint as n_brought_in
    from bars
    window curve as (partition by vendor, timeframe, sector, policy order by bar_start)
),

returns as (
    select
        *,
        case
            when policy = 'signal'
                then case
                    when n_positions is null then 0
                    else greatest(-1, (from_fixed(earned) - {{ cost }}::double / 2 * n_changes) / n_positions)
                end
            when policy = 'equal_weight' then coalesce(from_fixed(earned) / n_positions, 0)
            else coalesce(from_fixed(earned) / nullif(from_fixed(earned_sum - earned) + n_brought_in, 0), 0)
        end as bar_return
    from divided
),

-- A curve that has lost everything (a ruin) stays at 0. That has no logarithm, so ruins are counted apart.
grown as (
    select
        *,
        sum(coalesce(log_before, case when bar_return > -1 then fixed(1000 * ln(1 + bar_return)) else 0 end)) over curve
            as log_sum,
        sum(coalesce(n_ruins_before, (bar_return <= -1)::integer)) over curve as n_ruins
    from returns
    window curve as (partition by vendor, timeframe, sector, policy order by bar_start rows unbounded preceding)
),

-- The highest point so far; the curve starts from 1, whose logarithm is 0.
topped as (
    select
        *,
        greatest(0, max(coalesce(top_before, case when n_ruins = 0 then log_sum end)) over curve) as top_log
    from grown
    window curve as (partition by vendor, timeframe, sector, policy order by bar_start rows unbounded preceding)
)

select
    vendor,
    sector,
    timeframe,
    policy,
    bar_start,
    n_long,
    n_short,
    n_changes,
    n_positions,
    bar_return,
    earned_sum,
    n_brought_in,
    log_sum,
    n_ruins::bigint as n_ruins,
    top_log
from topped
where top_before is null
