-- The tokens and horizons whose scorecards are computed anew: some outcome of theirs is another one than before, or the
-- past under their base rates is. Where only calls that are not scored changed (`is_rescored` is false), what was
-- inferred from the scored ones stays.
-- Grain: vendor, timeframe, token_id, horizon
select
    vendor,
    timeframe,
    token_id,
    horizon,
    bool_or(is_rescored) as is_rescored
from (
    select
        vendor,
        timeframe,
        token_id,
        horizon,
        hit is not null as is_rescored
    from {{ 'marts.signal_outcome' if is_full else 'temp.changed_signal_outcome' }}
    {%- if not is_full %}
    union all
    select
        vendor,
        timeframe,
        token_id,
        unnest({{ horizons_of('timeframe') }}) as horizon,
        true as is_rescored
    from plan.reworked_token
    {%- endif %}
)
group by all
