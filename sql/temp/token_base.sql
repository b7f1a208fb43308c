-- Own windows of each token whose scorecards take inference: their base rates.
-- Grain: timeframe, position
-- Materialized: view
{{ token_base('1d', 'core.forward_window_1d') }}
union all
{{ token_base('1h', 'work.forward_window_1h') }}
