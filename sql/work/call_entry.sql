-- One entry of a call: the moment it is entered under an entry rule.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule
-- Materialized: view
{{ call_entries('core.call') }}
