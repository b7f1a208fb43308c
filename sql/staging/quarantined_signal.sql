-- One delivered signal row that the gate quarantined, with the rule that it broke: of several rules, the first by name. A
-- row whose token, timeframe and moment could not be read has NULL there. Rows of deliveries that were stopped count as
-- well, because the same rows are stored once.
-- Grain: snapshot_id, row_number
-- Materialized: view
select
    bad.snapshot_id,
    bad.row_number,
    any_value(bad.vendor) as vendor,
    any_value(bad.token_id) as token_id,
    any_value(bad.timeframe) as timeframe,
    any_value(bad.moment_at) as signal_at,
    min(bad.rule) as rule
from ops.quarantine as bad
inner join ops.snapshot as snapshot using (snapshot_id)
where
    bad.dataset = 'signals'
    and snapshot.superseded_by is null
    and snapshot.as_of <= getvariable('as_of')
group by bad.snapshot_id, bad.row_number
