-- One change that a vendor made to its own past: a value that changed after it had first been fetched closed (a row for
-- each field and change), a whole row that was gone when its past was read again, or a whole row that was inserted into
-- a past that had been read without it. Preliminary versions never count.
-- Grain: vendor, dataset, token_id, timeframe, key, moment_at, kind, field, changed_at
with restatements as (
    {%- for dataset in datasets.values() if dataset.is_feed %}
    from ({{ restatements(dataset) }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    union all by name
    from work.row_restatement
)

select
    restatements.*,
    change.is_flattering
from restatements
left join work.signal_change as change
    on
        restatements.dataset = 'signals'
        and coalesce(restatements.field, 'direction') = 'direction'
        and restatements.vendor = change.vendor
        and restatements.token_id = change.token_id
        and restatements.timeframe = change.timeframe
        and restatements.moment_at = change.signal_at
        and restatements.kind = change.kind
        and restatements.changed_at = change.changed_at
