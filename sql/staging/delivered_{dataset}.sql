-- Rows of a dataset from snapshots that a build may use, with the clocks of the snapshot. Rows of a timeframe that was in use
-- once stay in `raw`, and count no more.
-- Grain: snapshot_id, row_number
-- Materialized: view
select
    raw_row.*,
    snapshot.as_of,
    snapshot.fetched_at,
    snapshot.is_replay
from raw.{{ dataset.name }} as raw_row
inner join staging.usable_snapshot as snapshot using (snapshot_id)
{%- if dataset.has_timeframe %}
where raw_row.timeframe in ('{{ timeframes | join("', '") }}')
{%- endif %}
