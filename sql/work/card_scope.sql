-- The tokens and horizons whose scorecards are computed anew: some outcome of theirs is another one than before, or the
-- past under their base rates is.
-- Grain: vendor, timeframe, token_id, horizon
select distinct
    vendor,
    timeframe,
    token_id,
    horizon
from {{ 'marts.signal_outcome' if is_full else 'temp.changed_signal_outcome' }}
{%- if not is_full %}
union
select
    vendor,
    timeframe,
    token_id,
    unnest({{ horizons_of('timeframe') }}) as horizon
from plan.reworked_token
{%- endif %}
