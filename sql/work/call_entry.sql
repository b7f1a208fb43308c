-- When each call is entered under each entry rule.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule
-- Materialized: view
{{ call_entries('core.call') }}
