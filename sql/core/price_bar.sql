-- One version of a price bar that passed the gate. The current version has known_to NULL.
-- Grain: token_id, timeframe, bar_start, price_source, snapshot_id
-- Replaces: from fresh where old.token_id = fresh.token_id and old.timeframe = fresh.timeframe and old.bar_start = fresh.bar_start and old.price_source is not distinct from fresh.price_source
{{ versions(datasets.prices) }}
