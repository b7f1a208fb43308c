-- The earliest moment of each token that rows of this build's new snapshots are about.
-- Grain: dataset, vendor, timeframe, token_id
-- Only: increment
{%- for dataset in datasets.values() if dataset.moment %}
select
    '{{ dataset.name }}' as dataset,
    {{ 'vendor' if dataset.has_vendor else 'null::varchar as vendor' }},
    {{ 'timeframe' if dataset.has_timeframe else "'1d' as timeframe" }},
    token_id,
    min({{ dataset.moment }}) as touched_from
from staging.delivered_{{ dataset.name }}
where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
group by all
{{ 'union all' if not loop.last }}
{%- endfor %}
