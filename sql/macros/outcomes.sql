{#- The outcome of every call entry at every horizon of one timeframe, from the wide windows. -#}
{% macro outcomes(timeframe) -%}
with entries as (
    select
        entry.*,
        current_token.symbol,
        current_token.is_scored as is_token_scored,
        price_source.price_source,
        last_segment.ended_at as last_bar_end,
        coalesce(not last_segment.has_ended, false) as may_still_trade
    from work.call_entry as entry
    inner join work.current_token as current_token using (token_id)
    left join work.price_source as price_source using (timeframe, token_id)
    left join work.last_segment as last_segment using (timeframe, token_id)
    semi join temp.outcome_scope as scope on entry.timeframe = scope.timeframe and entry.entry_at = scope.entry_at
    where entry.timeframe = '{{ timeframe }}'
),

windows as (
    select
        entries.*,
        win.token_id is not null as has_bar,
        win.entry_price,
        win.segment_end,
        win.flags,
        {%- for h in horizons[timeframe] %}
        win.exit_price_{{ h }},
        win.highest_{{ h }},
        win.lowest_{{ h }},
        win.drawdown_long_{{ h }},
        win.drawdown_short_{{ h }}{{ ',' if not loop.last }}
        {%- endfor %}
    from entries
    left join (
        from {{ timeframes[timeframe].windows }} as win
        semi join temp.outcome_scope as scope on scope.timeframe = '{{ timeframe }}' and win.entry_at = scope.entry_at
    ) as win using (token_id, entry_at)
),

long as (
    {%- for h in horizons[timeframe] %}
    select
        * exclude (
            {%- for other in horizons[timeframe] %}
            exit_price_{{ other }}, highest_{{ other }}, lowest_{{ other }}, drawdown_long_{{ other }},
            drawdown_short_{{ other }}{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        {{ h }}::integer as horizon,
        case
            when has_bar then status_at(flags, {{ loop.index0 }})
            when may_still_trade and entry_at >= last_bar_end then 'open'
            else 'unpriced'
        end as status,
        is_hit_at(flags, {{ loop.index0 }}, direction) = 1 as is_hit,
        exit_price_{{ h }} as exit_price,
        highest_{{ h }} as highest,
        lowest_{{ h }} as lowest,
        case direction when 1 then drawdown_long_{{ h }} else drawdown_short_{{ h }} end as drawdown
    from windows
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        long.*,
        is_scored(long.status) as is_scored,
        net_return(long.direction, long.entry_price, long.exit_price, {{ cost }}::double) as net,
        fixed(long.exit_price / long.entry_price - 1) as forward_return,
        coalesce(long.entry_at between coverage.covered_from and coverage.covered_to, false) as is_in_base,
        -- NULL for a call that is not scored, so that the join below finds no base for it.
        case when is_scored(long.status) then long.entry_at end as base_at
    from long
    left join work.coverage as coverage using (vendor, timeframe, token_id)
),

matched as (
    select
        judged.*,
        case judged.direction when 1 then base.n_hit_long else base.n_hit_short end
        - (judged.is_in_base and judged.is_hit)::integer as n_base_hits,
        case judged.direction when 1 then base.net_long else base.net_short end
        - case when not judged.is_in_base then 0
            when judged.direction = 1 then fixed_net_long(judged.forward_return, {{ cost }}::double)
            else fixed_net_short(judged.forward_return, {{ cost }}::double)
        end as base_net,
        case when judged.is_scored then coalesce(base.n_windows - judged.is_in_base::integer, 0) end as n_base
    from judged
    left join work.base_count_{{ timeframe }} as base
        on
            judged.vendor = base.vendor
            and judged.sector_epoch = base.epoch
            and judged.sector = base.sector
            and judged.base_at = base.entry_at
            and judged.horizon = base.horizon
)

select
    vendor,
    token_id,
    timeframe,
    signal_at,
    entry_rule,
    horizon,
    symbol,
    sector,
    direction::integer as direction,
    provenance,
    known_at,
    after_gap,
    entry_at,
    entry_price,
    case
        when status = 'unpriced' then null
        when exit_price is null then entry_at + horizon * bar_length(timeframe)
        else least(entry_at + horizon * bar_length(timeframe), segment_end)
    end as exit_at,
    exit_price,
    nullif(price_source, '') as price_source,
    status,
    case when is_scored then direction * (exit_price / entry_price - 1) end as gross_return,
    case when is_scored then net end as net_return,
    case when is_scored then is_hit end as hit,
    case
        when not is_scored then null
        when direction = 1 then least(0, lowest / entry_price - 1)
        else least(0, 1 - highest / entry_price)
    end as mae,
    case
        when not is_scored then null
        when direction = 1 then greatest(0, highest / entry_price - 1)
        else greatest(0, 1 - lowest / entry_price)
    end as mfe,
    case when is_scored then drawdown end as max_drawdown,
    -- A short has lost its whole stake when the price has doubled, a long when it has reached zero.
    case when is_scored then case direction when 1 then lowest <= 0 else highest >= 2 * entry_price end end as is_wiped_out,
    n_base::integer as n_base,
    case when n_base >= 3 then n_base_hits / n_base end as base_hit,
    case when n_base >= 3 then from_fixed(base_net) / n_base end as base_return
from matched
{%- endmacro %}
