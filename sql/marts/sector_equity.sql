-- One bar of a curve: what following a vendor's stances in a sector would have made of 1 by the end of the bar, beside
-- equal weight and hold as other policies.
-- Grain: vendor, sector, timeframe, policy, bar_start
-- Replaces: from plan.curve_scope as scope where old.bar_start >= getvariable('curve_from') and old.timeframe = scope.timeframe and old.bar_start >= scope.bar_from
select
    vendor,
    sector,
    timeframe,
    policy,
    bar_start,
    bar_return,
    case when n_ruins > 0 then 0 else exp(from_fixed(log_sum) / 1000) end as equity,
    equity / exp(from_fixed(top_log) / 1000) - 1 as drawdown,
    n_long,
    n_short,
    coalesce(n_changes / n_positions, 0) as turnover
from work.curve_sum
inner join plan.curve_scope as scope using (timeframe)
where bar_start >= scope.bar_from and bar_start >= getvariable('curve_from')
