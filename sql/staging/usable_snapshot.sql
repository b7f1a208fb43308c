-- Snapshots a build may use: they passed the gate or were accepted by hand, no reparse has read their bytes again, and
-- they lie at or before the as-of moment.
-- Beside staging.feed, which counts looks, the only model that knows the as-of moment.
-- Grain: snapshot_id
select
    snapshot_id,
    dataset,
    as_of,
    fetched_at,
    is_replay
from ops.snapshot
where state in ('passed', 'accepted') and superseded_by is null and as_of <= getvariable('as_of')
