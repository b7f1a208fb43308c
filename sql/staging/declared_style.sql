-- The style that a usable snapshot declared of a vendor's signals of a timeframe.
-- Grain: snapshot_id, vendor, timeframe
-- Materialized: view
select
    declared.snapshot_id,
    declared.vendor,
    declared.timeframe,
    declared.style,
    snapshot.as_of
from ops.signal_style as declared
inner join staging.usable_snapshot as snapshot using (snapshot_id)
