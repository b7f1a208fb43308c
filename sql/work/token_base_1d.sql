-- Own windows of each token a vendor ever covered: the base rates of the token scorecard.
-- Grain: vendor, token_id, entry_at
-- Materialized: view
{{ token_base('1d', 'core.forward_window_1d') }}
