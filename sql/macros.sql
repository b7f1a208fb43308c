-- Small scalar words used by every layer. Loaded into each connection before models run, for the timeframes in use. Of
-- these a day is always one, and what is none of the others is taken for it.
{%- set others = timeframes.values() | rejectattr('name', 'eq', '1d') | list %}
{%- set units = {3600: 'hour', 86400: 'day', 604800: 'week'} %}
create or replace temporary macro bar_length(timeframe) as
    case timeframe
        {%- for one in others %}
        when '{{ one.name }}' then {{ one.interval }}
        {%- endfor %}
        else {{ timeframes['1d'].interval }}
    end;

-- Length of a bar in seconds.
create or replace temporary macro bar_seconds(timeframe) as
    case timeframe
        {%- for one in others %}
        when '{{ one.name }}' then {{ one.seconds }}
        {%- endfor %}
        else {{ timeframes['1d'].seconds }}
    end;

-- Whether rows of a timeframe count: those of one that was in use once stay in `raw`.
create or replace temporary macro is_in_use(timeframe) as timeframe in ('{{ timeframes | join("', '") }}');

-- Whole bars from one grid moment to a later one.
create or replace temporary macro bars_between(timeframe, earlier, later) as
    (epoch_us(later) - epoch_us(earlier)) // (bar_seconds(timeframe) * 1000000::bigint);

-- The grid moment at or before a moment. Weeks begin on Mondays, here and in `time_bucket`.
create or replace temporary macro bar_floor(timeframe, moment) as
    case timeframe
        {%- for one in others %}
        when '{{ one.name }}'
            then {{ "date_trunc('" ~ units[one.seconds] ~ "', moment)" if one.seconds in units
                else 'time_bucket(' ~ one.interval ~ ', moment)' }}
        {%- endfor %}
        else date_trunc('day', moment)::timestamp
    end;

-- The number of a bar: bars that follow each other have numbers that follow each other.
create or replace temporary macro bar_number(timeframe, bar_start) as
    floor(epoch(bar_start) / bar_seconds(timeframe))::bigint;

-- The grid moment at or after a moment.
create or replace temporary macro bar_ceiling(timeframe, moment) as
    case when bar_floor(timeframe, moment) = moment then moment
        else bar_floor(timeframe, moment) + bar_length(timeframe) end;

-- The number of the block of one horizon's width that a moment lies in.
create or replace temporary macro block_of(moment, horizon, timeframe) as
    case when moment = '-infinity'::timestamp then -9223372036854775808
        else floor(epoch(moment) / (horizon * bar_seconds(timeframe)))::bigint end;

-- A number for each direction and provenance of calls.
create or replace temporary macro part_number(direction, provenance) as
    3 * (direction = 'bullish')::bigint + case provenance when 'attested' then 0 when 'backfill' then 1 else 2 end;

-- A category, name or slug, as a slug.
create or replace temporary macro slug(name) as
    trim(regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g'), '-');

-- How much may be missing between two bars of a segment, in seconds.
create or replace temporary macro tolerated_seconds(timeframe) as
    {% if timeframes.values() | map(attribute='tolerated_seconds') | unique | list | length > 1 -%}
    case timeframe
        {%- for one in others %}
        when '{{ one.name }}' then {{ one.tolerated_seconds }}
        {%- endfor %}
        else {{ timeframes['1d'].tolerated_seconds }}
    end
    {%- else -%}
    {{ timeframes['1d'].tolerated_seconds }}
    {%- endif %};

-- Whether a segment ends between two bars that follow each other: a halt (more is missing than is tolerated), a
-- redenomination or a reused ticker.
create or replace temporary macro is_break(timeframe, bar_start, close, next_bar_start, next_open) as
    epoch_us(next_bar_start) - epoch_us(bar_start)
    > (tolerated_seconds(timeframe) + bar_seconds(timeframe)) * 1000000::bigint
    or next_open > 5 * close
    or 5 * next_open < close;

-- Only windows that came to an end are scored.
create or replace temporary macro is_scored(status) as status in ('matured', 'truncated');

-- The return of a call after costs; a short cannot lose more than its stake, and a tie is 0 (flows/scoring/windows.py
-- says why): what is left of it by rounding is neither a gain nor a loss.
create or replace temporary macro net_return(direction, entry_price, exit_price, cost) as
    case
        when abs(direction * (exit_price / entry_price - 1) - cost) <= 1e-14 then 0
        when direction = 1 then exit_price / entry_price - 1 - cost
        else greatest(-1, -(exit_price / entry_price - 1) - cost)
    end;

-- What a window's flags say at a horizon's place: four bits each (see flows/scoring/windows.py).
create or replace temporary macro is_scored_at(flags, place) as ((flags >> (4 * place)) & 1)::integer;

create or replace temporary macro is_hit_at(flags, place, direction) as
    ((flags >> (4 * place + case direction when 1 then 1 else 2 end)) & 1)::integer;

create or replace temporary macro status_at(flags, place) as
    case (flags >> (4 * place)) & 9 when 1 then 'matured' when 9 then 'truncated' when 8 then 'excluded' else 'open' end;

-- A fraction as a whole number of 1e-15: sums of these are exact, so they do not depend on the order of addition. One
-- beyond 1e15 is no return but a bad cell; it is cut off there, so that 1e8 of them still fit.
create or replace temporary macro fixed(fraction) as
    (case when abs(fraction) < 1e15 then fraction else sign(fraction) * 1e15 end * 1e15)::hugeint;

create or replace temporary macro from_fixed(total) as total::double / 1e15;

-- The net returns of both directions of a fixed-point forward return: of many windows these are sums of integers, where a
-- tie, at most 10 of these, need not be distinguished from 0.
create or replace temporary macro fixed_net_long(forward_return, cost) as forward_return - fixed(cost);

create or replace temporary macro fixed_net_short(forward_return, cost) as
    case when forward_return > fixed(1) - fixed(cost) then -fixed(1) else -forward_return - fixed(cost) end;

-- Wilson's 95 % interval of a share of k in n. NULL where n is 0.
create or replace temporary macro wilson_low(k, n) as
    case when n > 0 then greatest(
        0, (k + 1.9207294) / (n + 3.8414588) - 1.9599640 * sqrt(k * (n - k) / n + 0.9603647) / (n + 3.8414588)
    ) end;

create or replace temporary macro wilson_high(k, n) as
    case when n > 0 then least(
        1, (k + 1.9207294) / (n + 3.8414588) + 1.9599640 * sqrt(k * (n - k) / n + 0.9603647) / (n + 3.8414588)
    ) end;
