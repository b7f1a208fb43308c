-- One row of a dataset as a snapshot that a build may use delivered it, with the moments of the snapshot. Rows of a
-- timeframe that is no longer in use stay in `raw` and are left out here.
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
