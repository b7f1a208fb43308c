{#- The horizons of a timeframe, as a list. -#}
{% macro horizons_of(timeframe) -%}
case {{ timeframe }}
    {%- for name, of_timeframe in horizons.items() %} when '{{ name }}' then {{ of_timeframe | list }}{% endfor %} end
{%- endmacro %}

{#- The longest horizon of a timeframe. -#}
{% macro longest_horizon_of(timeframe) -%}
case {{ timeframe }}
    {%- for name, of_timeframe in horizons.items() %} when '{{ name }}' then {{ of_timeframe | max }}{% endfor %} end
{%- endmacro %}
