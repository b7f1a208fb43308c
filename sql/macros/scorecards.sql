{#-
Cells of a scorecard: outcomes grouped by `group` (the sector, with `all`; or the token), direction (with `both`) and
provenance (with `all`). Counts and means come from the sums in work.outcome_sum; medians and quantiles need the
outcomes themselves. `scope` is a join that limits the cells to those computed anew.
-#}
{% macro scorecard_cells(group, has_all, scope='') -%}
{%- set keys = ['vendor', group, 'timeframe', 'horizon', 'direction', 'provenance', 'entry_rule'] -%}
{%- set cubed = ['sector', 'direction', 'provenance'] if has_all else ['direction', 'provenance'] -%}
-- Summing over a sector's tokens, or over a token's sectors, leaves far fewer rows for the cube below.
with finest as (
    select
        {{ keys | join(', ') }},
        {{ summed() | indent(8) }}
    from work.outcome_sum
    {{ scope }}
    group by all
),

sums as (
    select
        {{ cell_keys(group, has_all) | indent(8) }},
        coalesce(sum(n_calls) filter (where finest.direction = 'bullish'), 0)::bigint as n_bullish,
        {{ summed() | indent(8) }}
    from finest
    group by {{ keys | reject('in', cubed) | join(', ') }}, cube ({{ cubed | join(', ') }})
),

{% if has_all -%}
-- A token that was in two sectors must count once in `all`, so tokens are counted apart from the sums.
spread as (
    select
        {{ cell_keys(group, has_all) | indent(8) }},
        count(distinct token_id) as n_tokens
    from work.outcome_sum
    {{ scope }}
    where n_calls > 0
    group by {{ keys | reject('in', cubed) | join(', ') }}, cube ({{ cubed | join(', ') }})
),

{% endif -%}
-- Where one provenance has all the scored calls of a cell, it and `all` have the same numbers. These are computed once:
-- `calls_of` is the cell whose numbers a cell takes.
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

parts as (
    select
        *,
        row_number() over (order by {{ keys | join(', ') }}) as part_id
    from (select distinct {{ keys | join(', ') }} from finest)
),

-- The cells in which the calls of each part (a combination of the keys) count. Cells that take the numbers of another
-- are left out.
members as (
    select
        part.part_id,
        cell.cell_id as calls_of
    from parts as part
    inner join same_calls as cell using (vendor, timeframe, horizon, entry_rule)
    where
        cell.calls_of = cell.cell_id
        and {{ "cell.sector in (part.sector, 'all')" if has_all else "cell." ~ group ~ " = part." ~ group }}
        and cell.direction in (part.direction, 'both')
        and cell.provenance in (part.provenance, 'all')
),

scored as (
    select
        parts.part_id,
        {%- for of in measures.signal.of_values | map(attribute='of') | unique %}
        outcome.{{ of }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select * replace (case direction when 1 then 'bullish' else 'bearish' end as direction)
        from marts.signal_outcome
        where hit is not null
    ) as outcome
    inner join parts using ({{ keys | join(', ') }})
),

{% if has_all -%}
{% for measure in measures.signal.of_values -%}
{{ quantile(measure) }},

{% endfor -%}
ranks as (
    select *
    from {{ measures.signal.of_values[0].name }}
    {%- for measure in measures.signal.of_values[1:] %}
    left join {{ measure.name }} using (calls_of)
    {%- endfor %}
)
{%- else -%}
ranks as (
    select
        members.calls_of,
        {%- for measure in measures.signal.of_values %}
        quantile_cont(scored.{{ measure.of }}, {{ measure.at }}) as {{ measure.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from scored
    inner join members using (part_id)
    group by all
)
{%- endif %}

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
    n_bullish,
    {{ 'coalesce(n_tokens, 0)' if has_all else '(n_calls > 0)::bigint' }} as n_tokens,
    {%- for measure in measures.signal.of_sums %}
    {{ measure.over_sums }} as {{ measure.name }},
    {%- endfor %}
    {%- for measure in measures.signal.of_values %}
    {{ measure.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from same_calls
{%- if has_all %}
left join spread using ({{ keys | join(', ') }})
{%- endif %}
left join ranks using (calls_of)
{%- endmacro %}

{#- The key columns of a cell. The NULLs that a cube makes become the words `both` and `all`. -#}
{% macro cell_keys(group, has_all) -%}
vendor,
{{ "coalesce(sector, 'all') as sector" if has_all else group }},
timeframe,
horizon,
coalesce(direction, 'both') as direction,
coalesce(provenance, 'all') as provenance,
entry_rule
{%- endmacro %}

{#- The sums of all measures, summed once more. -#}
{% macro summed() -%}
{% for one in measures.signal.sums -%}
{{ one.over_sums }} as {{ one.name }}{{ ',' if not loop.last }}
{% endfor -%}
{%- endmacro %}

{#-
A quantile of a measure in each cell, interpolated between the two values nearest to it. Each outcome counts in up to
eight cells, so sorting the values of every cell would be slow. Instead values are counted in bands a hundredth wide,
and only those in the bands of the two nearest values are sorted.
-#}
{% macro quantile(measure) -%}
{{ measure.name }}_bands as (
    select
        part_id,
        floor(100 * {{ measure.of }}) as band,
        count(*) as n_values
    from scored
    where {{ measure.of }} is not null
    group by all
),

-- Counts are summed as doubles, which are exact for numbers of this size: bigints would be summed as hugeints, which is
-- four times as slow.
{{ measure.name }}_counts as (
    select
        members.calls_of,
        bands.band,
        sum(bands.n_values::double) as n_values
    from {{ measure.name }}_bands as bands
    inner join members using (part_id)
    group by members.calls_of, bands.band
),

{{ measure.name }}_steps as (
    select
        *,
        sum(n_values) over (partition by calls_of order by band) as n_up_to,
        {{ measure.at }}::double * (sum(n_values) over (partition by calls_of) - 1) as place
    from {{ measure.name }}_counts
),

{{ measure.name }}_near as (
    select
        members.part_id,
        steps.calls_of,
        steps.band,
        steps.place - min(steps.n_up_to - steps.n_values) over (partition by steps.calls_of) as place
    from {{ measure.name }}_steps as steps
    inner join members using (calls_of)
    where steps.n_up_to > floor(steps.place) and steps.n_up_to - steps.n_values <= ceil(steps.place)
),

{{ measure.name }}_values as (
    select
        near.calls_of,
        any_value(near.place) as place,
        list_sort(list(scored.{{ measure.of }})) as sorted
    from scored
    inner join {{ measure.name }}_near as near on scored.part_id = near.part_id and floor(100 * scored.{{ measure.of }}) = near.band
    group by near.calls_of
),

{{ measure.name }} as (
    select
        calls_of,
        sorted[floor(place)::bigint + 1] * (1 - (place - floor(place)))
        + sorted[ceil(place)::bigint + 1] * (place - floor(place)) as {{ measure.name }}
    from {{ measure.name }}_values
)
{%- endmacro %}

{#-
Flags of each token's own windows, from which its base rates follow, with their positions in the array of
temp.token_series.
-#}
{% macro token_base(timeframe) -%}
select
    '{{ timeframe }}' as timeframe,
    series.position + bars_between('{{ timeframe }}', series.started_at, win.entry_at) as position,
    win.entry_at between coverage.covered_from and coverage.covered_to as is_covered,
    win.flags
from {{ timeframes[timeframe].windows }} as win
inner join temp.token_series as series on series.timeframe = '{{ timeframe }}' and win.token_id = series.token_id
inner join work.coverage as coverage
    on
        coverage.timeframe = '{{ timeframe }}'
        and series.vendor = coverage.vendor
        and series.token_id = coverage.token_id
{%- endmacro %}
