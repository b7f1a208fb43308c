-- Outcomes summed up to the finest cells: what the cells of both scorecards are made of. Sums of fractions are
-- fixed-point, so that no order of addition shows.
-- Grain: vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule
-- Replaces: from temp.sum_scope as scope where old.vendor = scope.vendor and old.token_id = scope.token_id and old.sector = scope.sector and old.timeframe = scope.timeframe and old.horizon = scope.horizon and old.direction = case scope.direction when 1 then 'bullish' else 'bearish' end and old.provenance = scope.provenance and old.entry_rule = scope.entry_rule
select
    vendor,
    token_id,
    sector,
    timeframe,
    horizon,
    case direction when 1 then 'bullish' else 'bearish' end as direction,
    provenance,
    entry_rule,
    count(hit) as n_calls,
    count(*) filter (where status = 'open') as n_open,
    count(*) filter (where status = 'truncated') as n_truncated,
    count(*) filter (where status = 'excluded') as n_excluded,
    count(*) filter (where status = 'unpriced') as n_unpriced,
    count(*) filter (where hit) as n_hits,
    count(*) filter (where hit and status = 'matured') as n_matured_hits,
    min(entry_at) filter (where hit is not null) as first_entry_at,
    max(entry_at) filter (where hit is not null) as last_entry_at,
    count(base_hit) as n_matched,
    count(base_hit) filter (where hit) as n_matched_hits,
    sum(fixed(base_hit)) as base_hit_sum,
    sum(fixed(base_return)) as base_return_sum,
    sum(case when base_hit is not null then fixed(net_return) end) as matched_net_sum,
    sum(fixed(gross_return)) as gross_sum,
    sum(fixed(net_return)) as net_sum,
    sum(fixed(net_return)) filter (where net_return > 0) as gain_sum,
    sum(fixed(net_return)) filter (where net_return < 0) as loss_sum,
    count(*) filter (where net_return > 0) as n_gains,
    count(*) filter (where net_return < 0) as n_losses,
    sum(fixed(mae)) as mae_sum,
    min(mae) as worst_mae,
    sum(fixed(mfe)) as mfe_sum,
    count(*) filter (where is_wiped_out) as n_wiped_out,
    sum(fixed(max_drawdown)) as drawdown_sum,
    min(max_drawdown) as worst_drawdown
from marts.signal_outcome
semi join temp.sum_scope using (vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule)
group by all
