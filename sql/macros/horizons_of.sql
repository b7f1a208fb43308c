{#- The horizons of a timeframe, as a list. -#}
{% macro horizons_of(timeframe) -%}
case {{ timeframe }} when '1h' then {{ horizons['1h'] | list }} else {{ horizons['1d'] | list }} end
{%- endmacro %}
