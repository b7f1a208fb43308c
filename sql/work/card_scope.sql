-- The tokens and horizons whose scorecards are computed anew: some outcome of theirs is another one than before, or the
-- past under their base rates is.
-- Grain: vendor, timeframe, token_id, horizon
{% if is_full -%}
select distinct
    vendor,
    timeframe,
    token_id,
    horizon
from marts.signal_outcome
{%- else -%}
with touched as (
    select outcome.*
    from marts.signal_outcome as outcome
    inner join plan.outcome_scope as scope using (timeframe)
    where outcome.entry_at >= scope.entry_from and outcome.entry_at >= getvariable('outcome_from')
)

select
    vendor,
    timeframe,
    token_id,
    horizon
from (
    from touched
    except
    from plan.outcome_before
)
union
select
    vendor,
    timeframe,
    token_id,
    horizon
from (
    from plan.outcome_before
    except
    from touched
)
union
select
    vendor,
    timeframe,
    token_id,
    unnest(case timeframe when '1h' then {{ horizons['1h'] | list }} else {{ horizons['1d'] | list }} end) as horizon
from plan.reworked_token
{%- endif %}
