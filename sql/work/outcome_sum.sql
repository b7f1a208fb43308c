-- The outcomes of one finest cell (one token, sector, horizon, direction, provenance and entry rule), summed: the cells
-- of both scorecards are made of these. Sums of fractions are fixed-point, because a sum of floats depends on the order
-- of addition.
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
    {%- for one in measures.signal.sums %}
    {{ one.over_outcomes }} as {{ one.name }}{{ ',' if not loop.last }}
    {%- endfor %}
from marts.signal_outcome
semi join temp.sum_scope using (vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule)
group by all
