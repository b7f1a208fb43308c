-- One token of a feed that new snapshots brought rows of, with the earliest moment of these rows (`touched_from`).
-- Whatever was computed from the token's rows may change from there on.
-- Grain: dataset, vendor, timeframe, token_id
-- Only: increment
{%- for dataset in datasets.values() if dataset.is_feed %}
select
    '{{ dataset.name }}' as dataset,
    {{ dataset.vendor_column }},
    {{ dataset.timeframe_column }},
    token_id,
    min({{ dataset.moment }}) as touched_from
from staging.delivered_{{ dataset.name }}
where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
group by all
{{ 'union all' if not loop.last }}
{%- endfor %}
