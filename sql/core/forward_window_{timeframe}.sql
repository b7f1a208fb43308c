-- All forward windows of one token and timeframe that are entered at the open of one bar, a group of columns for each
-- horizon. Query core.forward_window instead, which has one row a window.
-- Grain: token_id, entry_at
-- Computed: forward_windows(core.segment, plan.window_scope, plan.recent)
-- Replaces: from temp.window_span as span where old.entry_at >= getvariable('window_from_{{ timeframe }}') and span.timeframe = '{{ timeframe }}' and old.token_id = span.token_id and old.entry_at between span.entry_from and span.entry_to
{{ window_bars(timeframe) }}
