-- Scalar macros that every layer uses. They are created in each connection before models run, for the timeframes in
-- use. Days are always in use, so `1d` is the `else` of each `case`.
{%- set others = timeframes.values() | rejectattr('name', 'eq', '1d') | list %}
{%- set units = {3600: 'hour', 86400: 'day', 604800: 'week'} %}
{%- macro by_timeframe(attribute) -%}
{% if others -%}
case timeframe
        {%- for one in others %}
        when '{{ one.name }}' then {{ one[attribute] }}
        {%- endfor %}
        else {{ timeframes['1d'][attribute] }}
    end
{%- else -%}
{{ timeframes['1d'][attribute] }}
{%- endif %}
{%- endmacro %}

-- Length of a bar.
create or replace temporary macro bar_length(timeframe) as
    {{ by_timeframe('interval') }};

-- Length of a bar in seconds.
create or replace temporary macro bar_seconds(timeframe) as
    {{ by_timeframe('seconds') }};

-- Whether a timeframe is in use. Rows of one that was dropped from the settings stay in `raw` and are ignored.
create or replace temporary macro is_in_use(timeframe) as timeframe in ('{{ timeframes | join("', '") }}');

-- How many whole bars lie between two bar starts.
create or replace temporary macro bars_between(timeframe, earlier, later) as
    (epoch_us(later) - epoch_us(earlier)) // (bar_seconds(timeframe) * 1000000::bigint);

-- Start of the bar that a moment lies in. Weeks begin on Mondays, with `date_trunc` as with `time_bucket`. For every
-- declared timeframe, because a restore reads deliveries of one that is out of use now. Where a home's grid of a
-- timeframe is moved, its bars begin so much later (or earlier).
{%- macro floored(one) -%}
{%- set offset = offsets.get(one.name, 0) -%}
{%- set moment = 'moment - to_seconds(' ~ offset ~ ')' if offset else 'moment' -%}
{{ "date_trunc('" ~ units[one.seconds] ~ "', " ~ moment ~ ")" if one.seconds in units
    else 'time_bucket(' ~ one.interval ~ ', ' ~ moment ~ ')' }}::timestamp{{ ' + to_seconds(' ~ offset ~ ')' if offset }}
{%- endmacro %}
create or replace temporary macro bar_floor(timeframe, moment) as
    case timeframe
        {%- for one in declared.values() if one.name != '1d' %}
        when '{{ one.name }}' then {{ floored(one) }}
        {%- endfor %}
        else {{ floored(declared['1d']) }}
    end;

-- Number of a bar, counted in bar lengths since 1970: consecutive bars have consecutive numbers.
create or replace temporary macro bar_number(timeframe, bar_start) as
    floor(epoch(bar_start) / bar_seconds(timeframe))::bigint;

-- First bar start at or after a moment.
create or replace temporary macro bar_ceiling(timeframe, moment) as
    case when bar_floor(timeframe, moment) = moment then moment
        else bar_floor(timeframe, moment) + bar_length(timeframe) end;

-- A moment given as an integer since 1970, whose unit follows from its size: below 1e11 seconds, 1e14 milliseconds, 1e17
-- microseconds, else nanoseconds. Integers that spell a date (20250901, 202509010930), and those of the first day of
-- 1970 (0, a spreadsheet's 45901) give NULL: no market is that old.
create or replace temporary macro epoch_moment(number) as
    case
        when number between -99999 and 99999
            or regexp_full_match(
                number::varchar, '(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])([0-5]\d){1,2})?'
            ) then null
        when number between -99999999999 and 99999999999 then make_timestamp(number * 1000000)
        when number between -99999999999999 and 99999999999999 then make_timestamp(number * 1000)
        when number between -99999999999999999 and 99999999999999999 then make_timestamp(number)
        else make_timestamp(number // 1000)
    end;

-- The same of a number with a fraction, such as the 1756684800.25 of Python's clock.
create or replace temporary macro fraction_moment(number) as
    case when isfinite(number) and abs(number) < 9e18 then
        epoch_moment(trunc(number)::bigint) + to_microseconds(case
            when abs(number) < 1e11 then round((number - trunc(number)) * 1e6)::bigint
            when abs(number) < 1e14 then round((number - trunc(number)) * 1e3)::bigint
            else 0
        end)
    end;

-- The moment without a year of four digits is none: DuckDB takes the day of 20/09/25 for a year.
create or replace temporary macro four_digit_year(moment) as
    case when not isfinite(moment) or year(moment) between 1000 and 9999 then moment end;

-- Whether the text of a moment names no zone but UTC: BST is that of London and of Dhaka, and DuckDB takes one of them.
create or replace temporary macro names_no_zone(cell) as
    case when right(cell, 1) between '0' and '9' or right(cell, 1) = 'Z' then not contains(upper(cell), 'GMT')
        else regexp_full_match(cell, '[^A-Za-z]*T?[^A-Za-z]*(UTC|GMT|utc|gmt|z)?|[+-]?infinity') end;

-- A moment in UTC that a text gives in ISO 8601, with an offset or without, or as a number since 1970.
create or replace temporary macro text_moment(cell) as
    four_digit_year(coalesce(
        case when names_no_zone(cell)
            then four_digit_year(make_timestamp(epoch_us(try_cast(cell as timestamptz)))) end,
        case when regexp_full_match(cell, '[+-]?\d+') then epoch_moment(try_cast(cell as bigint)) end,
        case when regexp_full_match(cell, '[+-]?\d+\.\d+') then fraction_moment(try_cast(cell as double)) end,
        -- Forms of ISO 8601 that DuckDB does not cast: no seconds before an offset, a comma, no separators.
        case when regexp_full_match(cell, '\d{4}-?\d\d-?\d\d[T ]\d\d(:?\d\d(:?\d\d([.,]\d+)?)?)? ?(Z|UTC|([+-]\d\d)(:?\d\d)?)?')
            then make_timestamp(epoch_us(try_cast(
                regexp_replace(
                    regexp_replace(
                        replace(cell, ',', '.'),
                        '^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d)(?::?(\d\d))?(?::?(\d\d(?:\.\d+)?))? ?(.*)$',
                        '\1-\2-\3 \4:0\5:0\6\7'
                    ),
                    ':0(\d\d)', ':\1', 'g'
                ) as timestamptz
            )))
        end
    ));

-- Whether the text of a moment needs no zone: it has an offset, or is a number since 1970.
create or replace temporary macro has_own_zone(cell) as
    regexp_full_match(cell, '[+-]?\d+(\.\d+)?|.*(Z|UTC|GMT)|.*[T :]\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?');

-- Number of the block of time that a moment lies in. A block is one horizon wide; variances are clustered by blocks.
create or replace temporary macro block_of(moment, horizon, timeframe) as
    case when moment = '-infinity'::timestamp then -9223372036854775808
        else floor(epoch(moment) / (horizon * bar_seconds(timeframe)))::bigint end;

-- A number from 0 to 5 for each pair of direction and provenance.
create or replace temporary macro part_number(direction, provenance) as
    3 * (direction = 'bullish')::bigint + case provenance when 'attested' then 0 when 'backfill' then 1 else 2 end;

-- A cell's text without the blanks around it; NULL where nothing is left.
create or replace temporary macro trimmed(cell) as
    nullif(trim(cell, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '');

-- The same; NULL as well where the text means an empty cell. Symbols and names may be such words.
create or replace temporary macro given_text(cell) as
    case
        when not contains(
            '|nan|-nan|none|null|(null)|nat|n/a|#n/a|na|#na|<na>|nil|\n|', '|' || lower(trimmed(cell)) || '|'
        ) then trimmed(cell)
    end;

-- A text with its direction marks written out: unseen, they would show it in another order than it has.
create or replace temporary macro shown(cell) as
    case
        when strlen(cell) = length(cell)
            or not regexp_matches(cell, '[\x{061c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]') then cell
        else list_aggregate(
            list_transform(
                regexp_extract_all(cell, '(?s:.)'),
                lambda one: case
                    when regexp_matches(one, '[\x{061c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]')
                        then printf('<U+%04X>', unicode(one))
                    else one
                end
            ),
            'string_agg',
            ''
        )
    end;

-- Whether a text can be shown in one line: at most 200 characters, and none that controls, breaks the line or is
-- invisible.
create or replace temporary macro is_printable(cell) as
    length(cell) <= 200
    and not regexp_matches(cell, '[\p{Cc}\p{Co}\x{2028}\x{2029}\x{200b}\x{2060}\x{feff}\x{00ad}\x{fffd}]');

-- An item of a list written as text, without its quotes.
create or replace temporary macro unquoted(item) as
    case
        when regexp_full_match(item, '(".*"|''.*'')', 's') then regexp_replace(item[2:-2], '\\(.)', '\1', 'gs')
        else item
    end;

-- The words of a list written as text: JSON, as Python, NumPy or Postgres print it, or with a separator between them.
create or replace temporary macro words_of(cell, separator) as
    list_filter(
        list_transform(
            case
                when json_type(try_cast(cell as json)) = 'ARRAY'
                    then list_transform(
                        from_json(try_cast(cell as json), '["JSON"]'),
                        lambda one: coalesce(one ->> '$.name', one ->> '$')
                    )
                when starts_with(cell, '"') and json_valid('[' || cell || ']')
                    then from_json(case when json_valid('[' || cell || ']') then '[' || cell || ']' end, '["VARCHAR"]')
                when regexp_full_match(cell, '[\[({].*[\])}]', 's')
                    then list_transform(
                        regexp_extract_all(
                            regexp_replace(cell[2:-2], 'np\.str_\((''[^'']*''|"[^"]*")\)', '\1', 'g'),
                            '"(?:[^"\\]|\\.)*"|''(?:[^''\\]|\\.)*''|[^,;|\s''"][^,;|]*'
                        ),
                        lambda one: unquoted(trim(one))
                    )
                else string_split(cell, separator)
            end,
            lambda one: given_text(one)
        ),
        lambda one: one is not null
    );

-- A category's name as a slug, such as `layer-1`; a slug stays as it is.
create or replace temporary macro slug(name) as
    trim(regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g'), '-');

-- Whether a slug holds one of some words, which are separated by `;`.
create or replace temporary macro has_word(slug, words) as
    list_bool_or(list_transform(string_split(words, ';'), lambda word: contains(slug, word)));

-- Longest stretch of missing bars that a segment may contain, in seconds; a longer one ends the segment.
create or replace temporary macro tolerated_seconds(timeframe) as
    {% if timeframes.values() | map(attribute='tolerated_seconds') | unique | list | length > 1 -%}
    {{ by_timeframe('tolerated_seconds') }}
    {%- else -%}
    {{ timeframes['1d'].tolerated_seconds }}
    {%- endif %};

-- Whether a segment ends between two consecutive bars: at a trading halt (more bars are missing than is tolerated), or
-- at a redenomination or a reused ticker (the price jumps by more than a factor of five).
create or replace temporary macro is_break(timeframe, bar_start, close, next_bar_start, next_open) as
    epoch_us(next_bar_start) - epoch_us(bar_start)
    > (tolerated_seconds(timeframe) + bar_seconds(timeframe)) * 1000000::bigint
    or next_open > 5 * close
    or 5 * next_open < close;

-- Whether a window counts in scores: only one that has closed and is not excluded does.
create or replace temporary macro is_scored(status) as status in ('matured', 'truncated');

-- Return of a call after costs. A short loses at most its stake. A return within rounding error of zero is set to
-- exactly 0, so that a tie is neither a gain nor a loss (`TIE` in flows/scoring/windows.py has the reason).
create or replace temporary macro net_return(direction, entry_price, exit_price, cost) as
    case
        when abs(direction * (exit_price / entry_price - 1) - cost) <= 1e-14 then 0
        when direction = 1 then exit_price / entry_price - 1 - cost
        else greatest(-1, -(exit_price / entry_price - 1) - cost)
    end;

-- These read a window's `flags`: four bits for each horizon, the shortest horizon at place 0 (flows/scoring/windows.py
-- lists the bits).
create or replace temporary macro is_scored_at(flags, place) as ((flags >> (4 * place)) & 1)::integer;

create or replace temporary macro is_hit_at(flags, place, direction) as
    ((flags >> (4 * place + case direction when 1 then 1 else 2 end)) & 1)::integer;

create or replace temporary macro status_at(flags, place) as
    case (flags >> (4 * place)) & 9 when 1 then 'matured' when 9 then 'truncated' when 8 then 'excluded' else 'open' end;

-- A fraction as a whole number of 1e-15 (fixed point): sums of whole numbers are exact, so the order of addition does
-- not matter. A value beyond 1e15 comes from bad data and is clipped, so that the sum of 1e8 of them still fits.
create or replace temporary macro fixed(fraction) as
    (case when abs(fraction) < 1e15 then fraction else sign(fraction) * 1e15 end * 1e15)::hugeint;

create or replace temporary macro from_fixed(total) as total::double / 1e15;

-- Net returns of a long and of a short, from a fixed-point forward return. They are only summed over many windows, so a
-- tie (at most 10 units of 1e-15) need not be set to 0 as in `net_return`.
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

-- Whether two deliveries of a number agree: vendors round when they export again, so a relative difference of 1e-6 is
-- none. NULL agrees with NULL alone.
create or replace temporary macro is_same_number(a, b) as
    case when a is not distinct from b then true
        else coalesce(isfinite(a) and isfinite(b) and abs(a - b) <= 1e-6 * greatest(abs(a), abs(b)), false) end;

-- The components of a grade that have a value, in the order of their names. What is no JSON object is one component.
create or replace temporary macro components_of(components) as
    list_sort(list_filter(
        map_entries(coalesce(try_cast(components as map (varchar, json)), map([''], [components]))),
        lambda entry: entry.value is not null
    ));

create or replace temporary macro is_same_component(a, b) as
    a.key = b.key
    and case when try_cast(a.value as double) is not null and try_cast(b.value as double) is not null
        then is_same_number(try_cast(a.value as double), try_cast(b.value as double))
        else a.value = b.value end;

-- Whether two deliveries of components have the same numbers, in whatever order; an absent one is like NULL.
create or replace temporary macro is_same_components(a, b) as
    case when a is not distinct from b then true
        else len(components_of(a)) = len(components_of(b)) and coalesce(list_bool_and(list_transform(
            list_zip(components_of(a), components_of(b)), lambda pair: is_same_component(pair[1], pair[2])
        )), true) end;

-- Whether a bar shows no movement and no volume, so that it may be one without trade.
create or replace temporary macro is_unmoved(open, high, low, close, volume) as
    coalesce(volume, 0) = 0 and is_same_number(open, close) and is_same_number(high, close)
    and is_same_number(low, close);
