{#- For each row of `unclear`, the side in the newest earlier row that was already known at the moment of that row. -#}
{% macro last_known_side(unclear, condition) -%}
select
    unclear.vendor,
    unclear.timeframe,
    unclear.token_id,
    unclear.signal_at,
    max(known_rows.earlier_at) as before_at,
    arg_max(known_rows.side, known_rows.earlier_at) as side_before
from {{ unclear }} as unclear
inner join known_rows
    on
        unclear.vendor = known_rows.vendor
        and unclear.timeframe = known_rows.timeframe
        and unclear.token_id = known_rows.token_id
        and {{ condition }}
        and unclear.signal_at > known_rows.earlier_at
        and unclear.known_at >= known_rows.known_from
        and (known_rows.known_to is null or unclear.known_at < known_rows.known_to)
group by all
{%- endmacro %}
