{#-
The window of each entry at every horizon of one timeframe, whatever side was taken: one row an entry and horizon, with the
columns of `entries` (which has `token_id`, `timeframe` and `entry_at`). `scope` lists the entry moments that are computed.
-#}
{% macro entry_windows(timeframe, entries, scope) -%}
with entries as (
    select
        entry.*,
        current_token.symbol,
        stretch.price_source,
        last_segment.ended_at as last_bar_end,
        coalesce(not last_segment.has_ended, false) as may_still_trade
    from {{ entries }} as entry
    inner join work.current_token as current_token using (token_id)
    left join work.last_segment as last_segment using (timeframe, token_id)
    left join work.price_stretch as stretch
        on
            entry.timeframe = stretch.timeframe
            and entry.token_id = stretch.token_id
            and entry.entry_at >= stretch.used_from
            and entry.entry_at < stretch.used_to
    semi join {{ scope }} as scope on entry.timeframe = scope.timeframe and entry.entry_at = scope.entry_at
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
        semi join {{ scope }} as scope on scope.timeframe = '{{ timeframe }}' and win.entry_at = scope.entry_at
    ) as win using (token_id, entry_at)
)

{% for h in horizons[timeframe] -%}
select
    * exclude (
        has_bar, may_still_trade, last_bar_end,
        {%- for other in horizons[timeframe] %}
        exit_price_{{ other }}, highest_{{ other }}, lowest_{{ other }}, drawdown_long_{{ other }},
        drawdown_short_{{ other }}{{ ',' if not loop.last }}
        {%- endfor %}
    ),
    {{ h }}::integer as horizon,
    {{ loop.index0 }} as place,
    case
        when has_bar then status_at(flags, {{ loop.index0 }})
        when may_still_trade and entry_at >= last_bar_end then 'open'
        else 'unpriced'
    end as status,
    exit_price_{{ h }} as exit_price,
    highest_{{ h }} as highest,
    lowest_{{ h }} as lowest,
    drawdown_long_{{ h }} as drawdown_long,
    drawdown_short_{{ h }} as drawdown_short
from windows
{{ 'union all' if not loop.last }}
{% endfor -%}
{%- endmacro %}
