-- One version of the figures (Sharpe ratio, volatility and others) that a vendor gave for a token over one lookback.
-- The current version has known_to NULL.
-- Grain: vendor, token_id, measured_at, lookback, snapshot_id
-- Replaces: from fresh where old.vendor = fresh.vendor and old.token_id = fresh.token_id and old.measured_at = fresh.measured_at and old.lookback is not distinct from fresh.lookback
{{ versions(datasets.quantmetrics) }}
