-- Rows of a dataset from snapshots that a build may use, with the clocks of the snapshot.
-- Grain: snapshot_id, row_number
-- Materialized: view
select
    raw_row.*,
    snapshot.as_of,
    snapshot.fetched_at,
    snapshot.is_replay
from raw.{{ dataset }} as raw_row
inner join staging.usable_snapshot as snapshot using (snapshot_id)
{%- if datasets[dataset].has_timeframe %}
where is_in_use(raw_row.timeframe)
{%- endif %}
