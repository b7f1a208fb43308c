{#-
Cells of a scorecard: outcomes gathered by `group` (the sector, with `all`; or the token), direction (with `both`) and
provenance (with `all`). What adds up comes from sums; medians and quantiles need the outcomes themselves. `scope`
says which of the outcomes count.
-#}
{% macro scorecard_cells(group, has_all, scope='') -%}
with sums as (
    select
        vendor,
        {{ "coalesce(sector, 'all') as sector" if has_all else group }},
        timeframe,
        horizon,
        coalesce(direction, 'both') as direction,
        coalesce(provenance, 'all') as provenance,
        entry_rule,
        sum(n_calls)::bigint as n_calls,
        count(distinct token_id) filter (where n_calls > 0) as n_tokens,
        sum(n_open)::bigint as n_open,
        sum(n_truncated)::bigint as n_truncated,
        sum(n_excluded)::bigint as n_excluded,
        sum(n_unpriced)::bigint as n_unpriced,
        coalesce(sum(n_calls) filter (where outcome_sum.direction = 'bullish'), 0)::bigint as n_bullish,
        sum(n_hits)::bigint as n_hits,
        sum(n_matured_hits)::bigint as n_matured_hits,
        min(first_entry_at) as first_entry_at,
        max(last_entry_at) as last_entry_at,
        sum(n_matched)::bigint as n_matched,
        sum(n_matched_hits)::bigint as n_matched_hits,
        sum(base_hit_sum) as base_hit_sum,
        sum(base_return_sum) as base_return_sum,
        sum(matched_net_sum) as matched_net_sum,
        sum(gross_sum) as gross_sum,
        sum(net_sum) as net_sum,
        sum(gain_sum) as gain_sum,
        sum(loss_sum) as loss_sum,
        sum(n_gains)::bigint as n_gains,
        sum(n_losses)::bigint as n_losses,
        sum(mae_sum) as mae_sum,
        min(worst_mae) as worst_mae,
        sum(mfe_sum) as mfe_sum,
        sum(n_wiped_out)::bigint as n_wiped_out,
        sum(drawdown_sum) as drawdown_sum,
        min(worst_drawdown) as worst_drawdown
    from work.outcome_sum as outcome_sum
    {{ scope }}
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
    from sums
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
),

-- Which cells the calls of each finest cell count in, of those that have their numbers from no other.
members as (
    select
        finest.*,
        cell.cell_id as calls_of
    from (
        select distinct
            vendor,
            {{ group }},
            timeframe,
            horizon,
            direction,
            provenance,
            entry_rule
        from work.outcome_sum
        {{ scope }}
    ) as finest
    inner join same_calls as cell using (vendor, timeframe, horizon, entry_rule)
    where
        cell.calls_of = cell.cell_id
        and {{ "cell.sector in (finest.sector, 'all')" if has_all else "cell." ~ group ~ " = finest." ~ group }}
        and cell.direction in (finest.direction, 'both')
        and cell.provenance in (finest.provenance, 'all')
),

ranks as (
    select
        members.calls_of,
        median(outcome.net_return) as median_return,
        quantile_cont(outcome.max_drawdown, 0.05) as p95_drawdown
    from (
        select * replace (case direction when 1 then 'bullish' else 'bearish' end as direction)
        from marts.signal_outcome
        where hit is not null
    ) as outcome
    inner join members using (vendor, {{ group }}, timeframe, horizon, direction, provenance, entry_rule)
    group by all
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
left join ranks using (calls_of)
{%- endmacro %}

{#- Own windows of each token whose scorecards take inference, as the windows' flags say. -#}
{% macro token_base(timeframe, table) -%}
select
    coverage.vendor,
    win.token_id,
    win.entry_at,
    win.entry_at between coverage.covered_from and coverage.covered_to as is_covered,
    win.flags
from {{ table }} as win
inner join work.coverage as coverage on coverage.timeframe = '{{ timeframe }}' and win.token_id = coverage.token_id
semi join work.card_scope as scope
    on
        coverage.vendor = scope.vendor
        and coverage.timeframe = scope.timeframe
        and coverage.token_id = scope.token_id
        and scope.is_rescored
{%- endmacro %}
