{#-
All versions of the rows of a dataset, made of what usable snapshots delivered. `known_from` and `known_to` of every
dataset are computed here and nowhere else.
-#}
{% macro versions(dataset, always_all=false) -%}
{%- set content -%}
struct_pack({% for name in dataset.value_columns %}{{ name }} := {{ name }}{{ ', ' if not loop.last }}{% endfor %})
{%- endset -%}
with delivered as (
    select delivered_row.*
    from staging.delivered_{{ dataset.name }} as delivered_row
    {%- if not (is_full or always_all) %}
    semi join (
        from staging.delivered_{{ dataset.name }}
        where snapshot_id > getvariable('last_snapshot_id')
    ) as fresh
        on
            {%- for name in dataset.full_key %}
            {{ 'and ' if not loop.first }}delivered_row.{{ name }} {{ 'is not distinct from' if name in dataset.optional_key else '=' }} fresh.{{ name }}
            {%- endfor %}
    {%- endif %}
),

-- Keys that were delivered more than once. They are few, and only their versions need sorting.
repeated as (
    select hash({{ dataset.full_key | join(', ') }}) as key_hash
    from delivered
    group by all
    having count(*) > 1
),

-- A delivery with the same values as the one before it is no new version; rounding makes no other value.
compared as (
    select
        *,
        lag(as_of) over same as previous_as_of,
        lag(is_preliminary) over same as was_preliminary,
        {{ content }} as content,
        lag({{ content }}) over same as content_before
    from delivered
    where hash({{ dataset.full_key | join(', ') }}) in (from repeated)
    window same as (partition by {{ dataset.full_key | join(', ') }} order by as_of, snapshot_id)
),

-- A version cannot have been known while the one before it was still being delivered, so an earlier known_at is not
-- believed.
dated as (
    select
        * exclude (was_preliminary, content, content_before{{ ', known_at' if dataset.has_known_at }}),
        coalesce({{ 'known_at' if dataset.has_known_at else 'null::timestamp' }}, as_of) as known_at,
        case
            when previous_as_of is null or {{ 'known_at' if dataset.has_known_at else 'null::timestamp' }} > previous_as_of
                then coalesce({{ 'known_at' if dataset.has_known_at else 'null::timestamp' }}, as_of)
            else as_of
        end as known_from
    from compared
    where
        previous_as_of is null
        or is_preliminary <> was_preliminary
        or not ({{ dataset.is_same('content', 'content_before') }})
),

ordered as (
    select
        *,
        lead(known_from) over same as known_to,
        case when not is_preliminary
            then (count(*) filter (where not is_preliminary) over (same rows unbounded preceding) - 1)::integer
        end as revision
    from dated
    window same as (partition by {{ dataset.full_key | join(', ') }} order by as_of, snapshot_id)
    union all by name
    select
        *{{ ' exclude (known_at)' if dataset.has_known_at }},
        {{ 'coalesce(known_at, as_of)' if dataset.has_known_at else 'as_of' }} as known_at,
        {{ 'coalesce(known_at, as_of)' if dataset.has_known_at else 'as_of' }} as known_from,
        null::timestamp as known_to,
        case when not is_preliminary then 0 end as revision
    from delivered
    where hash({{ dataset.full_key | join(', ') }}) not in (from repeated)
)

select
    {% if dataset.has_vendor %}vendor,
    {% endif %}{{ dataset.columns | map(attribute='name') | reject('equalto', 'known_at') | join(',
    ') }},
    snapshot_id,
    is_snapped,
    is_preliminary,
    known_at,
    known_from,
    known_to,
    revision
    {%- if dataset.moment and dataset.has_vendor %},
    case
        when not is_replay and fetched_at < {{ dataset.moment }} + 2 * {{ dataset.bar }} then 'witnessed'
        when known_at < {{ dataset.moment }} + 2 * {{ dataset.bar }} then 'attested'
        else 'backfill'
    end as provenance
    {%- endif %}
from ordered
{%- endmacro %}
