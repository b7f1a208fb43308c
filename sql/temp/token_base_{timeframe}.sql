-- Own windows of each token whose scorecards take inference: their base rates.
-- Grain: position
-- Materialized: view
{{ token_base(timeframe) }}
