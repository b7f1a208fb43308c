-- What became of each call, under each entry rule, at each horizon.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule, horizon
-- Replaces: from temp.outcome_scope as scope where old.timeframe = scope.timeframe and old.entry_at = scope.entry_at
from (
    {{ outcomes('1d', 'core.forward_window_1d', 'work.base_count_1d') | indent }}
)
union all
from (
    {{ outcomes('1h', 'work.forward_window_1h', 'work.base_count_1h') | indent }}
)
