-- Hourly forward windows, one row an entry bar, each horizon a group of columns.
-- Grain: token_id, entry_at
-- Computed: forward_windows(core.segment, plan.window_scope, plan.recent)
-- Replaces: from temp.window_span as span where old.entry_at >= getvariable('window_from_1h') and span.timeframe = '1h' and old.token_id = span.token_id and old.entry_at between span.entry_from and span.entry_to
{{ window_bars('1h') }}
