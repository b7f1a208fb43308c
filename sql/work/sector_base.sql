-- What chance gave a vendor at one entry moment, in one sector (or `all`) and at one horizon: scored windows and hits
-- of covered and of all priced tokens. The base rates of the signal scorecard are computed from them.
-- Grain: vendor, sector, timeframe, horizon, entry_at
-- Replaces: from temp.outcome_scope as scope where old.timeframe = scope.timeframe and old.entry_at = scope.entry_at
with counts as (
    {%- for timeframe in timeframes %}
    select base.*
    from work.base_count_{{ timeframe }} as base
    semi join temp.outcome_scope using (timeframe, entry_at)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

covered as (
    select
        vendor,
        coalesce(sector, 'all') as sector,
        timeframe,
        horizon,
        entry_at,
        sum(n_windows) as n_windows,
        sum(n_hit_long) as n_hit_long,
        sum(n_hit_short) as n_hit_short
    from counts
    where is_of_entry and vendor is not null
    group by vendor, timeframe, horizon, entry_at, rollup (sector)
),

priced as (
    select
        coalesce(sector, 'all') as sector,
        timeframe,
        horizon,
        entry_at,
        sum(n_windows) as n_windows,
        sum(n_hit_long) as n_hit_long,
        sum(n_hit_short) as n_hit_short
    from counts
    where is_of_entry and vendor is null
    group by timeframe, horizon, entry_at, rollup (sector)
),

-- Windows before a vendor's first signal row are left out, because none of its calls can be compared with them.
vendors as (
    select
        vendor,
        timeframe,
        min(covered_from) as first_covered_at
    from work.coverage
    group by all
)

select
    vendors.vendor,
    priced.sector,
    priced.timeframe,
    priced.horizon,
    priced.entry_at,
    coalesce(covered.n_windows, 0)::bigint as n_windows,
    coalesce(covered.n_hit_long, 0)::bigint as n_hit_long,
    coalesce(covered.n_hit_short, 0)::bigint as n_hit_short,
    priced.n_windows::bigint as n_priced,
    priced.n_hit_long::bigint as n_priced_hit_long,
    priced.n_hit_short::bigint as n_priced_hit_short
from priced
inner join vendors using (timeframe)
left join covered using (vendor, sector, timeframe, horizon, entry_at)
where priced.entry_at >= vendors.first_covered_at
