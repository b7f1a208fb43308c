{#-
The judgement of sides taken, as steps of a `with` that end in `judged`: each window of `windows` that has a `direction`
(1 long, -1 short), a `vendor`, a `sector` and its `sector_epoch`, with the base that it is compared with.
-#}
{% macro judgement(timeframe, windows) -%}
sided as (
    select
        win.*,
        is_scored(win.status) as is_scored,
        is_hit_at(win.flags, win.place, win.direction) = 1 as is_hit,
        case win.direction when 1 then win.drawdown_long else win.drawdown_short end as drawdown,
        net_return(win.direction, win.entry_price, win.exit_price, {{ cost }}::double) as net,
        fixed(win.exit_price / win.entry_price - 1) as forward_return,
        coalesce(win.entry_at between coverage.covered_from and coverage.covered_to, false) as is_in_base,
        -- NULL where nothing is scored, so that the join below finds no base for it.
        case when is_scored(win.status) then win.entry_at end as base_at
    from {{ windows }} as win
    left join work.coverage as coverage using (vendor, timeframe, token_id)
),

judged as (
    select
        sided.*,
        case sided.direction when 1 then base.n_hit_long else base.n_hit_short end
        - (sided.is_in_base and sided.is_hit)::integer as n_base_hits,
        case sided.direction when 1 then base.net_long else base.net_short end
        - case when not sided.is_in_base then 0
            when sided.direction = 1 then fixed_net_long(sided.forward_return, {{ cost }}::double)
            else fixed_net_short(sided.forward_return, {{ cost }}::double)
        end as base_net,
        case when sided.is_scored then coalesce(base.n_windows - sided.is_in_base::integer, 0) end as n_base
    from sided
    left join work.base_count_{{ timeframe }} as base
        on
            sided.vendor = base.vendor
            and sided.sector_epoch = base.epoch
            and sided.sector = base.sector
            and sided.base_at = base.entry_at
            and sided.horizon = base.horizon
)
{%- endmacro %}

{#- What became of a side that was taken: columns of `judged`. -#}
{% macro judgement_columns() -%}
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
{%- endmacro %}
