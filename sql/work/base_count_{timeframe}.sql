-- What chance gave at one entry moment, in one sector and at one horizon: scored windows, hits and net returns over
-- each vendor's covered tokens and (vendor NULL) over all priced ones, by the sector map of an epoch. Sums of returns
-- are fixed-point, because a sum of floats depends on the order of addition.
-- Grain: vendor, epoch, sector, entry_at, horizon
-- Replaces: from temp.outcome_scope as scope where scope.timeframe = '{{ timeframe }}' and old.entry_at = scope.entry_at
{{ base_counts(timeframe) }}
