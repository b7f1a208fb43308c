-- Own windows of each token whose scorecards take inference: their base rates.
-- Grain: position
-- Materialized: view
{{ token_base('1d', 'core.forward_window_1d') }}
