-- One token and horizon of a vendor whose scorecard rows are computed anew, because an outcome changed or its base
-- rates may have (plan.reworked_token). Where only calls that are not scored changed (`is_rescored` is false), the
-- inferred measures of the build before are kept.
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
