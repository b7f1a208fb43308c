-- One snapshot that a build may use: it passed the gate or was accepted by hand, no reparse replaced it, and it was
-- taken at or before the as-of moment. Only this model and staging.feed, which counts deliveries, know the as-of
-- moment.
-- Grain: snapshot_id
select
    snapshot_id,
    dataset,
    as_of,
    fetched_at,
    is_replay
from ops.snapshot
where state in ('passed', 'accepted') and superseded_by is null and as_of <= getvariable('as_of')
