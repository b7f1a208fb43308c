{#- Scored windows and hits of both directions, counted per entry moment and sector, for one timeframe. -#}
{% macro base_counts(timeframe) -%}
with entries as not materialized (
    select
        need.epoch,
        need.is_of_entry,
        token_sector.sector,
        win.token_id,
        win.entry_at,
        win.flags,
        {%- for h in horizons[timeframe] %}
        case when is_scored_at(flags, {{ loop.index0 }}) = 1
            then fixed(exit_price_{{ h }} / entry_price - 1)
        end as return_{{ h }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ timeframes[timeframe].windows }} as win
    inner join temp.base_need as need on need.timeframe = '{{ timeframe }}' and win.entry_at = need.entry_at
    inner join work.token_sector as token_sector using (token_id, epoch)
),

covered as (
    select
        coverage.vendor,
        entries.*
    from entries
    inner join work.coverage as coverage
        on
            coverage.timeframe = '{{ timeframe }}'
            and entries.token_id = coverage.token_id
            and entries.entry_at between coverage.covered_from and coverage.covered_to
),

counts as (
    select
        vendor,
        epoch,
        is_of_entry,
        sector,
        entry_at,
        {%- for h in horizons[timeframe] %}
        sum(is_scored_at(flags, {{ loop.index0 }}))::bigint as n_{{ h }},
        sum(is_hit_at(flags, {{ loop.index0 }}, 1))::bigint as n_hit_long_{{ h }},
        sum(is_hit_at(flags, {{ loop.index0 }}, -1))::bigint as n_hit_short_{{ h }},
        sum(fixed_net_long(return_{{ h }}, {{ cost }}::double)) as net_long_{{ h }},
        sum(fixed_net_short(return_{{ h }}, {{ cost }}::double)) as net_short_{{ h }}{{ ',' if not loop.last }}
        {%- endfor %}
    from covered
    group by all
),

priced as (
    select
        null::varchar as vendor,
        epoch,
        is_of_entry,
        sector,
        entry_at,
        {%- for h in horizons[timeframe] %}
        sum(is_scored_at(flags, {{ loop.index0 }}))::bigint as n_{{ h }},
        sum(is_hit_at(flags, {{ loop.index0 }}, 1))::bigint as n_hit_long_{{ h }},
        sum(is_hit_at(flags, {{ loop.index0 }}, -1))::bigint as n_hit_short_{{ h }},
        null::hugeint as net_long_{{ h }},
        null::hugeint as net_short_{{ h }}{{ ',' if not loop.last }}
        {%- endfor %}
    from entries
    where is_of_entry
    group by all
),

wide as (
    from counts
    union all
    from priced
)

{% for h in horizons[timeframe] -%}
select
    '{{ timeframe }}' as timeframe,
    vendor,
    epoch,
    is_of_entry,
    sector,
    entry_at,
    {{ h }}::integer as horizon,
    n_{{ h }} as n_windows,
    n_hit_long_{{ h }} as n_hit_long,
    n_hit_short_{{ h }} as n_hit_short,
    net_long_{{ h }} as net_long,
    net_short_{{ h }} as net_short
from wide
where n_{{ h }} > 0
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
{%- endmacro %}
