-- Calls by block of one horizon's width, for each cell of one provenance of the signal scorecard.
-- Grain: vendor, sector, timeframe, horizon, direction, provenance, entry_rule, block
-- Replaces: from plan.outcome_scope as scope where old.timeframe = scope.timeframe and old.block >= block_of(scope.entry_from, old.horizon, old.timeframe)
{{ scorecard_blocks('sector', has_all=true, scope='
    inner join plan.outcome_scope as scope using (timeframe)
    where block_of(outcome.entry_at, outcome.horizon, timeframe) >= block_of(scope.entry_from, outcome.horizon, timeframe)
') }}
