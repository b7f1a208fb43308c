-- Daily forward windows, one row an entry bar, each horizon a group of columns. Query core.forward_window instead.
-- Grain: token_id, entry_at
-- Computed: forward_windows 1d
-- Replaces: from plan.window_scope as scope where old.entry_at >= getvariable('window_from_1d') and scope.timeframe = '1d' and old.token_id = scope.token_id and old.entry_at >= scope.entry_from
{{ window_bars('1d') }}
