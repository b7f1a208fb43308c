-- One version of a vendor's signal row for a token and bar. The current version has known_to NULL.
-- Grain: vendor, token_id, timeframe, signal_at, snapshot_id
-- Replaces: from fresh where old.vendor = fresh.vendor and old.token_id = fresh.token_id and old.timeframe = fresh.timeframe and old.signal_at = fresh.signal_at
{{ versions(datasets.signals) }}
