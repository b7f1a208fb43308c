-- One version of a support or resistance level that a vendor gave for a token. The current version has known_to NULL.
-- Grain: vendor, token_id, timeframe, level_at, price, snapshot_id
-- Replaces: from fresh where old.vendor = fresh.vendor and old.token_id = fresh.token_id and old.timeframe = fresh.timeframe and old.level_at = fresh.level_at and old.price = fresh.price
{{ versions(datasets.levels) }}
