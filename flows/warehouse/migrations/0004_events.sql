-- From version 3: what an alert or a trade has beside its side.
alter table raw.signals add column if not exists claimed_return double;
alter table raw.signals add column if not exists claimed_hold_return double;
alter table raw.signals add column if not exists stop_price double;
alter table raw.signals add column if not exists target_price double;
alter table raw.signals add column if not exists expires_at timestamp;

-- What a quarantined row is about, so that `marts.signal_funnel` can count it under its vendor.
alter table ops.quarantine add column if not exists vendor varchar;
alter table ops.quarantine add column if not exists token_id bigint;
alter table ops.quarantine add column if not exists timeframe varchar;
alter table ops.quarantine add column if not exists moment_at timestamp;

-- Rows of before: by the names of the input format, which were the only ones then.
update ops.quarantine as bad
set
    vendor = coalesce(nullif(trim(json_extract_string(bad.raw_row, '$.vendor')), ''), snapshot.vendor),
    token_id = try_cast(json_extract_string(bad.raw_row, '$.token_id') as bigint),
    timeframe = json_extract_string(bad.raw_row, '$.timeframe')
from ops.snapshot as snapshot
where bad.snapshot_id = snapshot.snapshot_id and bad.dataset = 'signals';
