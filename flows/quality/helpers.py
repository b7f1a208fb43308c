"""The helper columns of the row rules, in SQL, because pandas would take too much memory and time."""

from collections.abc import Callable, Iterable
from datetime import datetime

import duckdb

from flows.datasets import EXPIRES_AT, TOKENS, Column, Dataset
from flows.quality.incoming import Incoming

# Bars with more than this missing between them are no neighbours: a halt (contract, section 3: segments).
HALT = "to_seconds(tolerated_seconds(timeframe))"

# Vendors round when they convert prices: relatively less than this apart, two prices are equal (contract, section 3).
ROUNDING = 1e-6

# Closes this far from both neighbours are handed to the spike rule, which draws its own, wider line.
SUSPICION = 2

_TIMEFRAME_KNOWN = "is_in_use(timeframe)"


def derive(connection: duckdb.DuckDBPyConnection, incoming: Incoming, as_of: datetime) -> None:
    """Write the tables that compare rows, all small: `key_flag`, `later_file_flag`, `spike_flag`; and `known_token`."""
    if incoming.dataset is TOKENS:
        _flag_shared_symbols(connection)
    _flag_keys(connection, incoming.dataset, incoming.declaration.style)
    _flag_spikes(connection, incoming.dataset, as_of)
    connection.execute("create or replace temporary table known_token as select distinct token_id from raw.tokens")


def batch_select(incoming: Incoming, columns: Iterable[str], as_of: datetime) -> str:
    """SQL for the columns that rules look at, between the row ids $start and $end."""
    cells = [f"{_HELPERS[name](incoming, as_of)} as {name}" if name in _HELPERS else name for name in columns]
    return (
        f"select row_number, {', '.join(cells)} from incoming "
        "left join key_flag using (row_number) left join later_file_flag using (row_number) "
        "left join spike_flag using (row_number) "
        "where incoming.rowid >= $start and incoming.rowid < $end order by row_number"
    )


def end_of_rows(connection: duckdb.DuckDBPyConnection) -> int:
    """One past the last row id of `incoming`."""
    row = connection.execute("select coalesce(max(rowid) + 1, 0) from incoming").fetchone()
    assert row is not None
    return int(row[0])


def count(connection: duckdb.DuckDBPyConnection, select: str) -> int:
    """How many rows a select returns."""
    row = connection.execute(f"select count(*) from ({select})").fetchone()
    assert row is not None
    return int(row[0])


def _flag_keys(connection: duckdb.DuckDBPyConnection, dataset: Dataset, style: str | None) -> None:
    """For each row whose key came more than once: which copy it is, and how many versions differ.

    Keys are first compared by their hash, which keeps the common case, no repetition at all, small. Rows about a bar
    that a later file has complete are no versions.
    """
    key, values = ", ".join(dataset.full_key), ", ".join(dataset.value_columns)
    connection.execute(
        "create or replace temporary table repeated_hash as "
        f"select hash({key}) as key_hash from incoming where {_has_key(dataset)} "
        "group by all having count(*) > 1"
    )
    _flag_later_files(connection, dataset)
    # Of equal copies the one known first is kept: what was known at one moment was known ever after.
    order = "known_at nulls last, row_number" if dataset.has_known_at else "row_number"
    # Rows of a vendor that differ were published one after another, if their moments differ as well.
    published = "coalesce(known_at, stated_at), stated_at" if dataset.has_vendor else "true"
    if style == "events":
        # The exit from a trade at the moment of the next entry is what came before it.
        published += ", direction <> 0"
    connection.execute(
        f"""
        create or replace temporary table key_flag as
        with
        repeated as (
            select
                *,
                row_number() over (partition by {key}, stated_at, content order by {order}) as copy_number
            from (
                select
                    *,
                    case when {_agree(dataset, f"{key}, stated_at")} then 0 else hash({values}) end as content
                from incoming
                where {_has_key(dataset)} and hash({key}) in (select key_hash from repeated_hash)
                    and row_number not in (select row_number from later_file_flag)
            )
        ),
        -- Without copies: the place of each row of a key by its publication, and how many came at once.
        versions as (
            select
                row_number,
                rank() over (partition by {key} order by ({published}) desc) as place,
                count(*) over (partition by {key}, ({published})) as n_at_once
            from repeated
            where copy_number = 1
        ),
        judged as (
            select
                repeated.row_number,
                repeated.copy_number,
                versions.place,
                -- All rows of the key contradict each other where the last two came at once.
                max(case when versions.place = 1 then versions.n_at_once end) over (partition by {key}) as n_last,
                count(*) over (partition by {key}) as n_copies
            from repeated
            left join versions using (row_number)
        )
        select
            row_number,
            case when n_last = 1 then copy_number end as copy_number,
            n_last as n_versions,
            case when n_last = 1 then place end as place_in_bar
        from judged
        where n_copies > 1
        """
    )


def _flag_later_files(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """The rows that differ from a later file about the same bar, and whose bar was still open in theirs.

    A bar was open when its file was written if it is the token's newest in the file, none of the file's bars begins
    after its end, and the day in the file's name, where it has one, is not after it.
    """
    connection.execute("create or replace temporary table later_file_flag (row_number bigint, n_later_files bigint)")
    if dataset.moment is None or count(connection, "from delivered_file") < 2:
        return
    # Rows of one bar that a vendor published at different moments are no versions of one row.
    key = ", ".join((*dataset.full_key, "stated_at"))
    of_file = "asof join delivered_file as file on incoming.row_number >= file.first_row"
    connection.execute(
        f"""
        create or replace temporary table contradicted_row as
        select
            incoming.row_number, file.first_row, file.written_on,
            token_id, {dataset.timeframe_column},
            {dataset.moment} as moment, {dataset.moment} + {dataset.bar} as bar_end,
            rank() over (partition by {key} order by file.first_row desc) as n_from_last
        from incoming {of_file}
        where {_has_key(dataset)} and hash({", ".join(dataset.full_key)}) in (select key_hash from repeated_hash)
        qualify not ({_agree(dataset, key)})
        """
    )
    if count(connection, "from contradicted_row where n_from_last > 1") == 0:
        return
    connection.execute(
        f"""
        insert into later_file_flag
        with newest_of_token as (
            select file.first_row, token_id, {dataset.timeframe_column}, max({dataset.moment}) as of_token
            from incoming {of_file}
            where {_has_key(dataset)}
            group by all
        ),
        newest as (
            select *, max(of_token) over (partition by first_row, timeframe) as of_file from newest_of_token
        )
        select row_number, n_from_last - 1
        from contradicted_row
        inner join newest using (first_row, token_id, timeframe)
        where n_from_last > 1 and moment = of_token and bar_end >= of_file
            and (written_on is null or bar_end > written_on)
        """
    )


def _agree(dataset: Dataset, same: str) -> str:
    """SQL for whether all rows with the same of these columns have the same values; those rounded apart have."""
    values = f"struct_pack({', '.join(f'{name} := {name}' for name in dataset.value_columns)})"
    copies = f"list({values}) over (partition by {same})"
    return f"list_bool_and(list_transform({copies}, lambda copy: {dataset.is_same('copy', 'incoming')}))"


def _has_key(dataset: Dataset) -> str:
    """A row without its key, or on a bar nobody knows, has other faults and is no copy of anything."""
    required = {column.name for column in dataset.columns if column.required}
    words = [f"{name} is not null" for name in dataset.key if name in required]
    return " and ".join(words + ([_TIMEFRAME_KNOWN] if dataset.has_timeframe else []))


def _flag_spikes(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime) -> None:
    """Each close far from the closes on both its sides and from the next open, as a multiple of the nearest one.

    The newest close of a token that still trades has one neighbour only; its multiple has a column of its own, until
    the next bar shows which of the two was wrong. Copies are not neighbours, or a bad print delivered twice would
    confirm itself.
    """
    connection.execute(
        "create or replace temporary table spike_flag "
        "(row_number bigint, times_neighbours double, times_previous double)"
    )
    if dataset.name != "prices":
        return
    connection.execute(
        f"""
        insert into spike_flag
        select
            row_number,
            case when close > earlier and later is not null then close / greatest(earlier, later, next_open)
                when later is not null then close / least(earlier, later, next_open) end,
            case when later is null then close / earlier end
        from (
            select
                row_number, close,
                case when bar_start - lag(bar_start) over bars <= bar_length(timeframe) + {HALT}
                    then lag(close) over bars end as earlier,
                case when lead(bar_start) over bars - bar_start <= bar_length(timeframe) + {HALT}
                    then lead(close) over bars end as later,
                -- An open that agrees with the close shows that the price was real; one that is no price shows nothing.
                case when lead(open) over bars > 0 and isfinite(lead(open) over bars)
                    then lead(open) over bars end as next_open,
                bar_start + {HALT} >= max(bar_start) over (partition by timeframe) as still_trades
            from incoming
            where {_has_key(dataset)} and isfinite(bar_start) and bar_start <= $as_of and close > 0 and isfinite(close)
                and row_number not in (
                    select row_number from key_flag where copy_number > 1 or n_versions > 1
                    union all
                    select row_number from later_file_flag
                )
            window bars as (partition by token_id, timeframe, price_source order by bar_start)
        )
        -- greatest() and least() pass over a NULL: an absent later neighbour leaves the earlier one.
        where earlier is not null and (later is not null or still_trades)
            and (
                close > {SUSPICION} * greatest(earlier, later)
                or {SUSPICION} * close < least(earlier, later)
            )
        """,
        {"as_of": as_of},
    )


def _absent(incoming: Incoming, as_of: datetime) -> str:
    """The required columns without a value, by name; cells that did not fit their type are another rule's."""
    cells = [
        f"case when {_is_absent(column)} and {_is_not_by_symbol(column)} "
        f"and not list_contains(unparsed, '{column.name}') then '{column.name}' end"
        for column in incoming.dataset.columns
        if column.required and column.name not in incoming.missing_columns
    ]
    return f"nullif(concat_ws(', ', {', '.join(cells)}), '')" if cells else "null::varchar"


def _flag_shared_symbols(connection: duckdb.DuckDBPyConnection) -> None:
    """Name the tokens of a delivery that share the symbol that stands for their id."""
    connection.execute(
        """
        update incoming set bearers = shared.bearers
        from (
            select stated_symbol, string_agg(distinct name, ', ' order by name) as bearers
            from incoming
            where stated_symbol is not null
            group by stated_symbol
            having count(distinct name) > 1
        ) as shared
        where incoming.stated_symbol = shared.stated_symbol
        """
    )


def _is_not_by_symbol(column: Column) -> str:
    """A row that names its token by a symbol has no id of its own, which is another rule's."""
    return "stated_symbol is null" if column.name == "token_id" else "true"


def _is_absent(column: Column) -> str:
    # DuckDB's NaN is a number, the largest; here it is none. Nor is the beginning of time a moment.
    nothing = {
        "DOUBLE": f" or isnan({column.name})",
        "TIMESTAMP": f" or {column.name} = '-infinity'::timestamp",
    }
    return f"({column.name} is null{nothing.get(column.type, '')})"


def _seconds_ahead(incoming: Incoming, as_of: datetime) -> str:
    newest = _epoch(f"greatest({', '.join(_stated_moments(incoming.dataset))})")
    return f"{newest} - epoch(timestamp '{as_of:%Y-%m-%d %H:%M:%S.%f}')"


def _stated_moments(dataset: Dataset) -> list[str]:
    """The moments of a row as the vendor gave them: not that of the bar of ours to which it belongs.

    Nor its expiry, which may lie in the future.
    """
    return [
        "stated_at" if column.name == dataset.moment else column.name
        for column in dataset.columns
        if column.type == "TIMESTAMP" and column is not EXPIRES_AT
    ]


def _seconds_until_known(incoming: Incoming, as_of: datetime) -> str:
    return f"{_epoch('known_at')} - epoch(stated_at)"


def _epoch(moment: str) -> str:
    """Seconds since 1970; DuckDB's own has none for the infinite moments that Parquet can hold."""
    return (
        f"case {moment} when 'infinity'::timestamp then 1e15 when '-infinity'::timestamp then -1e15 "
        f"else epoch({moment}) end"
    )


def _unprintable(incoming: Incoming, as_of: datetime) -> str:
    """The columns of text that hold what cannot be shown. A timeframe must be one of a few and needs no look."""
    texts = {column.name: column.name for column in incoming.dataset.columns if column.type == "VARCHAR"}
    texts |= {"vendor": "vendor"} if incoming.dataset.has_vendor else {}
    cells = [f"case when not is_printable({name}) then '{name}' end" for name in texts if name != "timeframe"]
    cells += [
        f"case when list_bool_and(list_transform({column.name}, lambda word: is_printable(word))) = false "
        f"then '{column.name}' end"
        for column in incoming.dataset.columns
        if column.type == "VARCHAR[]"
    ]
    return f"nullif(concat_ws(', ', {', '.join(cells)}), '')" if cells else "null::varchar"


def _is_snapped(incoming: Incoming, as_of: datetime) -> str:
    # The grid of an unknown timeframe is not known either.
    return f"is_snapped and {_TIMEFRAME_KNOWN}" if incoming.dataset.has_timeframe else "is_snapped"


def _is_late(incoming: Incoming, as_of: datetime) -> str:
    """Whether a row belongs to a later bar than the one in which its moment lies."""
    return f"({_is_snapped(incoming, as_of)} and {incoming.dataset.moment} > stated_at)"


_HELPERS: dict[str, Callable[[Incoming, datetime], str]] = {
    "unfit_columns": lambda incoming, as_of: "nullif(array_to_string(unparsed, ', '), '')",
    "absent_columns": _absent,
    "unprintable_columns": _unprintable,
    "shared_symbol": lambda incoming, as_of: (
        "case when bearers is not null then stated_symbol || ' is the symbol of ' || bearers end"
    ),
    "unknown_token_id": lambda incoming, as_of: (
        "case when bearers is null and coalesce(token_id not in (select token_id from known_token "
        "where token_id is not null), stated_symbol is not null) then coalesce(stated_symbol, token_id::varchar) end"
    ),
    "seconds_ahead": _seconds_ahead,
    "seconds_until_known": _seconds_until_known,
    "is_snapped": _is_snapped,
    "is_late": _is_late,
    "highest_price": lambda incoming, as_of: f"(1 - {ROUNDING} * sign(open)) * greatest(open, low, close)",
    "lowest_price": lambda incoming, as_of: f"(1 + {ROUNDING} * sign(open)) * least(open, high, close)",
    # How far the target lies beyond the stop, on the side of the signal.
    "target_beyond_stop": lambda incoming, as_of: (
        "case when direction in (-1, 1) then direction * (target_price - stop_price) end"
    ),
    "seconds_until_expired": lambda incoming, as_of: f"{_epoch('expires_at')} - epoch(signal_at)",
}
