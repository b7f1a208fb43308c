-- Calls by block of one horizon's width, for each cell of one provenance of the signal scorecard.
-- Grain: vendor, sector, timeframe, horizon, direction, provenance, entry_rule, block
-- Replaces: from work.block_scope as scope where old.timeframe = scope.timeframe and old.horizon = scope.horizon and old.block = scope.block
{{ scorecard_blocks('sector', has_all=true, scope='
    semi join work.block_scope as scope
        on
            outcome.timeframe = scope.timeframe
            and outcome.horizon = scope.horizon
            and block_of(outcome.entry_at, outcome.horizon, outcome.timeframe) = scope.block
') }}
