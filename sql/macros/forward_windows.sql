{#-
The forward windows of one timeframe, every horizon in one pass over the sorted bars.

A window over closes has a state: least and greatest close, worst later-over-earlier ratio (less 1), worst earlier-less-
later difference, lowest low, highest high. The states of two windows that follow each other combine into the state of
both, so each horizon is made of a few shorter ones (`chain`: width and the widths of its parts), and the entry's open
is folded in last. LEAD without PARTITION BY streams; a window that runs past its segment is masked by its status.
-#}
{% macro forward_windows(timeframe) -%}
{%- set max = horizons[timeframe] | max -%}
with width_1 as (
    select
        token_id,
        segment,
        bar_start as entry_at,
        open as entry_price,
        close,
        n_filled,
        is_pad,
        is_left_out,
        has_ended,
        segment_end,
        newest_bar_end,
        bars_between(timeframe, bar_start, segment_end) as bars_left,
        bars_between(timeframe, bar_start, newest_bar_end) as bars_passed,
        close as least_1,
        close as most_1,
        low as lowest_1,
        high as highest_1,
        0::double as fall_1,
        0::double as give_back_1
    from work.window_bar
    where timeframe = '{{ timeframe }}' and token_id between {{ token_from }} and {{ token_to }}
),
{% for step in chain[timeframe] %}
parts_{{ step.width }} as (
    select
        *,
        {%- for part in step.parts[1:] %}
        lead(least_{{ part.width }}, {{ part.offset }}) over () as least_of_{{ part.number }},
        lead(most_{{ part.width }}, {{ part.offset }}) over () as most_of_{{ part.number }},
        lead(lowest_{{ part.width }}, {{ part.offset }}) over () as lowest_of_{{ part.number }},
        lead(highest_{{ part.width }}, {{ part.offset }}) over () as highest_of_{{ part.number }}
        {%- if part.width > 1 %},
        lead(fall_{{ part.width }}, {{ part.offset }}) over () as fall_of_{{ part.number }},
        lead(give_back_{{ part.width }}, {{ part.offset }}) over () as give_back_of_{{ part.number }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from width_{{ step.below }}
),

{% set first = step.parts[0].width -%}
{% set later = step.parts[1:] -%}
width_{{ step.width }} as (
    select
        * exclude (
            {%- for part in later %}
            least_of_{{ part.number }}, most_of_{{ part.number }}, lowest_of_{{ part.number }}, highest_of_{{ part.number }}
            {%- if part.width > 1 %}, fall_of_{{ part.number }}, give_back_of_{{ part.number }}{% endif %}{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        least(least_{{ first }}{% for part in later %}, least_of_{{ part.number }}{% endfor %}) as least_{{ step.width }},
        greatest(most_{{ first }}{% for part in later %}, most_of_{{ part.number }}{% endfor %}) as most_{{ step.width }},
        least(lowest_{{ first }}{% for part in later %}, lowest_of_{{ part.number }}{% endfor %}) as lowest_{{ step.width }},
        greatest(highest_{{ first }}{% for part in later %}, highest_of_{{ part.number }}{% endfor %}) as highest_{{ step.width }},
        least(
            fall_{{ first }}
            {%- for part in later %}
            {%- if part.width > 1 %}, fall_of_{{ part.number }}{% endif %},
            least_of_{{ part.number }} / greatest(most_{{ first }}{% for before in later[:loop.index0] %}, most_of_{{ before.number }}{% endfor %}) - 1
            {%- endfor %}
        ) as fall_{{ step.width }},
        least(
            give_back_{{ first }}
            {%- for part in later %}
            {%- if part.width > 1 %}, give_back_of_{{ part.number }}{% endif %},
            least(least_{{ first }}{% for before in later[:loop.index0] %}, least_of_{{ before.number }}{% endfor %}) - most_of_{{ part.number }}
            {%- endfor %}
        ) as give_back_{{ step.width }}
    from parts_{{ step.width }}
),
{% endfor %}
folded as (
    select
        token_id,
        segment,
        entry_at,
        entry_price,
        segment_end,
        is_pad,
        is_left_out,
        {%- for h in horizons[timeframe] %}
        lead(close, {{ h - 1 }}) over () as exit_price_{{ h }},
        lead(n_filled, {{ h - 1 }}) over () - n_filled as n_filled_{{ h }},
        highest_{{ h }},
        lowest_{{ h }},
        least(fall_{{ h }}, least_{{ h }} / entry_price - 1) as drawdown_long_{{ h }},
        least(give_back_{{ h }}, entry_price - most_{{ h }}) / entry_price as drawdown_short_{{ h }},
        least(bars_left, {{ h }}) as n_bars_{{ h }},
        bars_left >= {{ h }} as is_matured_{{ h }},
        bars_left >= {{ h }} or (has_ended and bars_passed >= {{ h }}) as has_closed_{{ h }},
        {%- endfor %}
        bars_left >= {{ max }} or (has_ended and bars_passed >= {{ max }}) as has_closed
    from width_{{ max }}
)

select
    token_id,
    segment,
    entry_at,
    entry_price,
    segment_end,
    has_closed,
    {%- for h in horizons[timeframe] %}
    case when has_closed_{{ h }} then exit_price_{{ h }} end as exit_price_{{ h }},
    case when has_closed_{{ h }} then highest_{{ h }} end as highest_{{ h }},
    case when has_closed_{{ h }} then lowest_{{ h }} end as lowest_{{ h }},
    case when has_closed_{{ h }} then drawdown_long_{{ h }} end as drawdown_long_{{ h }},
    case when has_closed_{{ h }} then drawdown_short_{{ h }} end as drawdown_short_{{ h }},
    case
        when is_left_out or (has_closed_{{ h }} and 10 * n_filled_{{ h }} > n_bars_{{ h }}) then 'excluded'
        when is_matured_{{ h }} then 'matured'
        when has_closed_{{ h }} then 'truncated'
        else 'open'
    end as status_{{ h }}{{ ',' if not loop.last }}
    {%- endfor %}
from folded
where not is_pad
{%- endmacro %}
