-- What chance gave: scored windows, hits and net returns by entry moment and sector, for each vendor's covered tokens
-- and (vendor NULL) for all priced ones. Sums of returns are fixed-point, so that no order of addition shows.
-- Grain: vendor, epoch, sector, entry_at, horizon
-- Replaces: from temp.outcome_scope as scope where scope.timeframe = '{{ timeframe }}' and old.entry_at = scope.entry_at
{{ base_counts(timeframe) }}
