-- Every version of every signal row.
-- Grain: vendor, token_id, timeframe, signal_at, snapshot_id
-- Replaces: from fresh where old.vendor = fresh.vendor and old.token_id = fresh.token_id and old.timeframe = fresh.timeframe and old.signal_at = fresh.signal_at
{{ versions(datasets.signals) }}
