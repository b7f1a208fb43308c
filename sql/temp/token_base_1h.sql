-- Own windows of each token whose scorecards take inference: their base rates.
-- Grain: position
-- Materialized: view
{{ token_base('1h', 'work.forward_window_1h') }}
