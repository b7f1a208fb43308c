-- Own windows of each token a vendor ever covered: the base rates of the token scorecard.
-- Grain: vendor, token_id, entry_at
-- Materialized: view
{{ token_base('1h', 'work.forward_window_1h') }}
