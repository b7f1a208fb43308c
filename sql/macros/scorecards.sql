{#-
Cells of a scorecard: outcomes gathered by `group` (the sector, with `all`; or the token), direction (with `both`) and
provenance (with `all`). Sums of fractions are fixed-point, so that no order of addition shows.
-#}
{% macro scorecard_cells(group, has_all) -%}
with outcomes as (
    select
        vendor,
        {{ group }},
        timeframe,
        horizon,
        case direction when 1 then 'bullish' else 'bearish' end as direction,
        provenance,
        entry_rule,
        token_id as call_token_id,
        entry_at,
        status,
        hit is not null as is_judged,
        hit,
        net_return,
        mae,
        max_drawdown,
        is_wiped_out,
        base_hit,
        fixed(gross_return) as gross_fixed,
        fixed(net_return) as net_fixed,
        fixed(base_hit) as base_hit_fixed,
        fixed(base_return) as base_return_fixed,
        fixed(mae) as mae_fixed,
        fixed(mfe) as mfe_fixed,
        fixed(max_drawdown) as drawdown_fixed
    from marts.signal_outcome
),

cells as (
    select
        vendor,
        {{ "coalesce(sector, 'all') as sector" if has_all else group }},
        timeframe,
        horizon,
        coalesce(direction, 'both') as direction,
        coalesce(provenance, 'all') as provenance,
        entry_rule,
        count(*) filter (where is_judged) as n_calls,
        count(distinct call_token_id) filter (where is_judged) as n_tokens,
        count(*) filter (where status = 'open') as n_open,
        count(*) filter (where status = 'truncated') as n_truncated,
        count(*) filter (where status = 'excluded') as n_excluded,
        count(*) filter (where status = 'unpriced') as n_unpriced,
        count(*) filter (where is_judged and outcomes.direction = 'bullish') as n_bullish,
        count(*) filter (where hit) as n_hits,
        count(*) filter (where hit and status = 'matured') as n_matured_hits,
        min(entry_at) filter (where is_judged) as first_entry_at,
        max(entry_at) filter (where is_judged) as last_entry_at,
        count(base_hit) as n_matched,
        sum(case when base_hit is not null then hit::integer end) as n_matched_hits,
        sum(base_hit_fixed) as base_hit_sum,
        sum(base_return_fixed) as base_return_sum,
        sum(case when base_hit is not null then net_fixed end) as matched_net_sum,
        sum(gross_fixed) as gross_sum,
        sum(net_fixed) as net_sum,
        median(net_return) as median_return,
        sum(net_fixed) filter (where net_return > 0) as gain_sum,
        sum(net_fixed) filter (where net_return < 0) as loss_sum,
        count(*) filter (where net_return > 0) as n_gains,
        count(*) filter (where net_return < 0) as n_losses,
        sum(mae_fixed) as mae_sum,
        min(mae) as worst_mae,
        sum(mfe_fixed) as mfe_sum,
        count(*) filter (where is_wiped_out) as n_wiped_out,
        sum(drawdown_fixed) as drawdown_sum,
        quantile_cont(max_drawdown, 0.05) as p95_drawdown,
        min(max_drawdown) as worst_drawdown
    from outcomes
    group by
        vendor,
        timeframe,
        horizon,
        entry_rule,
        {{ "cube (sector, direction, provenance)" if has_all else group ~ ", cube (direction, provenance)" }}
),

-- A provenance that holds all scored calls of its cell has the same numbers: they are computed once.
numbered as (
    select
        *,
        row_number() over (
            order by timeframe, horizon, vendor, {{ group }}, direction, provenance, entry_rule
        ) - 1 as cell_id
    from cells
),

same_calls as (
    select
        *,
        case
            when n_calls = max(n_calls) over of_all then max(case when provenance = 'all' then cell_id end) over of_all
            else cell_id
        end as calls_of
    from numbered
    window of_all as (partition by vendor, {{ group }}, timeframe, horizon, direction, entry_rule)
)

select
    cell_id,
    calls_of,
    vendor,
    {{ group }},
    timeframe,
    horizon,
    direction,
    provenance,
    entry_rule,
    n_calls,
    n_tokens,
    n_open,
    n_truncated,
    n_excluded,
    n_unpriced,
    n_bullish,
    n_hits,
    first_entry_at,
    last_entry_at,
    case when n_calls > 0 then n_hits / n_calls end as hit_rate,
    case when n_calls > 0 then n_matured_hits / (n_calls + n_unpriced) end as hit_rate_floor,
    n_matched,
    case when n_matched > 0 then (n_matched_hits - from_fixed(base_hit_sum)) / n_matched end as selection_edge,
    case when n_matched > 0 then from_fixed(base_hit_sum) / n_matched end as mean_base_hit,
    from_fixed(gross_sum) / n_calls as mean_gross_return,
    from_fixed(net_sum) / n_calls as mean_return,
    median_return,
    case when n_matched > 0 then from_fixed(base_return_sum) / n_matched end as base_return,
    case when n_matched > 0 then from_fixed(matched_net_sum - base_return_sum) / n_matched end as excess_return,
    case when n_losses > 0 then coalesce(from_fixed(gain_sum), 0) / -from_fixed(loss_sum) end as profit_factor,
    case
        when n_gains > 0 and n_losses > 0 then (from_fixed(gain_sum) / n_gains) / (-from_fixed(loss_sum) / n_losses)
    end as payoff_ratio,
    from_fixed(mae_sum) / n_calls as mean_mae,
    worst_mae,
    from_fixed(mfe_sum) / n_calls as mean_mfe,
    n_wiped_out,
    from_fixed(drawdown_sum) / n_calls as mean_drawdown,
    p95_drawdown,
    worst_drawdown
from same_calls
{%- endmacro %}

{#- The calls of each cell by block of one horizon's width: what the variances of overlapping calls are made of. -#}
{% macro scorecard_blocks(group, has_all, cells) -%}
with leaves as (
    select
        vendor,
        {{ group }},
        timeframe,
        horizon,
        case direction when 1 then 'bullish' else 'bearish' end as direction,
        provenance,
        entry_rule,
        epoch(entry_at)::bigint // (horizon * bar_seconds(timeframe)) as block,
        count(*) as n_calls,
        count(*) filter (where hit) as n_hits,
        count(base_hit) as n_matched,
        sum(case when base_hit is not null then fixed(hit::integer - base_hit) else 0 end) as selection,
        sum(case when base_hit is not null then fixed(net_return - base_return) else 0 end) as excess
    from marts.signal_outcome
    where hit is not null
    group by all
),

spread as (
    select
        leaves.* exclude ({{ "sector, " if has_all }}direction, provenance),
        direction = 'bullish' as is_bullish,
        {{ "unnest([sector, sector, sector, sector, 'all', 'all', 'all', 'all']) as sector," if has_all }}
        {%- if has_all %}
        unnest([direction, direction, 'both', 'both', direction, direction, 'both', 'both']) as direction,
        unnest([provenance, 'all', provenance, 'all', provenance, 'all', provenance, 'all']) as provenance
        {%- else %}
        unnest([direction, direction, 'both', 'both']) as direction,
        unnest([provenance, 'all', provenance, 'all']) as provenance
        {%- endif %}
    from leaves
)

select
    cell.cell_id,
    spread.block,
    sum(spread.n_calls)::bigint as n_calls,
    sum(case when spread.is_bullish then spread.n_calls else 0 end)::bigint as n_bullish,
    sum(spread.n_hits)::bigint as n_hits,
    sum(spread.n_matched)::bigint as n_matched,
    from_fixed(sum(spread.selection)) as selection,
    from_fixed(sum(spread.excess)) as excess
from spread
inner join {{ cells }} as cell using (vendor, {{ group }}, timeframe, horizon, direction, provenance, entry_rule)
where cell.calls_of = cell.cell_id
group by cell.cell_id, spread.block
{%- endmacro %}

{#- Own windows of each token a vendor ever covered, as the windows' flags say. -#}
{% macro token_base(timeframe, table) -%}
select
    coverage.vendor,
    win.token_id,
    win.entry_at,
    win.entry_at between coverage.covered_from and coverage.covered_to as is_covered,
    win.flags
from {{ table }} as win
inner join work.coverage as coverage on coverage.timeframe = '{{ timeframe }}' and win.token_id = coverage.token_id
{%- endmacro %}
