"""What to write into `trackrecord.toml` where rows broke a rule because they were written for another tool."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import duckdb

from flows.datasets import Dataset
from flows.quality.cells import cell_of
from flows.quality.incoming import Incoming
from flows.sources.guesses import (
    ALIASES,
    core_of,
    decimal_of,
    direction_of,
    formats_of,
    level_of,
    open_decimal,
    plain,
    timeframe_of,
    toml_key,
    toml_value,
    words_toml,
)
from flows.timeframes import TIMEFRAMES

MOMENTS = (
    "A moment is ISO 8601 (2025-09-20, 2025-09-20T11:37:24, with or without an offset; the year has four digits) or an "
    "integer since 1970 (seconds, milliseconds, microseconds or nanoseconds)."
)
# Days since 1899-12-30, of this century.
SERIAL = re.compile(r"[3-7]\d{4}([.,]\d+)?")
SERIALS = "A number such as {} is the count of days of a spreadsheet: save that column as dates."
# A word behind the time of a day.
NAMED_ZONE = re.compile(r"\d:\d\d\S* ?([A-Za-z][A-Za-z_/]+)$")
ZONES = "{0} is the name of several zones: write it into the format, as in %Y-%m-%d %H:%M:%S {0}, and declare timezone."
NUMBERS = "A number has a point before its fraction and no other marks."
OPEN_DECIMAL = "Of {} only you know whether its comma is a decimal mark: declare decimal, see docs/folders.md."
N_VALUES = 200


def cure_of(connection: duckdb.DuckDBPyConnection, incoming: Incoming, rule: str) -> str | None:
    """The accepted forms and the lines to write, for rows in `bad_row` that broke a rule; None where there are none."""
    dataset = incoming.dataset
    match rule:
        case "type_fits":
            return _of_type(connection, incoming)
        case "timeframe_known":
            values = _values(connection, incoming, rule, "timeframe")
            known = {value: ours for value in values if (ours := timeframe_of(value)) and ours != value}
            return f"Timeframes are {', '.join(TIMEFRAMES)}.\n{_words(dataset, 'timeframe', known)}" if known else None
        case "direction_allowed" | "trend_allowed" | "side_allowed":
            column = rule.partition("_")[0]
            return "\n".join(_of_words(dataset, column, _values(connection, incoming, rule, column)))
        case "token_known":
            return _of_symbols(connection, incoming)
        case "bar_on_grid":
            return _of_grid(connection)
        case "on_grid":
            return f'\n[{dataset.name}]\nmoment = "published"'
        case _:
            return None


def missing_columns_cure(incoming: Incoming) -> str:
    """The lines that name the columns which a delivery has under other names."""
    known = set(incoming.dataset.column_names)
    others = {plain(name): name for name in incoming.delivered_columns if name.lower() not in known}
    pairs = {}
    for missing in incoming.missing_columns:
        aliases = [missing.replace("_", ""), *ALIASES.get(missing, ())]
        found = next((alias for alias in aliases if alias in others), None)
        close = [found] if found else get_close_matches(plain(missing), others, n=1, cutoff=0.75)
        if close:
            pairs[others.pop(close[0])] = missing
    dataset = incoming.dataset.name
    if pairs:
        return f"\n[{dataset}.columns]\n" + "\n".join(f"{toml_key(a)} = {toml_value(b)}" for a, b in pairs.items())
    if "timeframe" in incoming.missing_columns:
        return f'\n[{dataset}.constants]\ntimeframe = "1d"'
    return f'\n[{dataset}.columns]\n"their name" = "{incoming.missing_columns[0]}"'


def _of_type(connection: duckdb.DuckDBPyConnection, incoming: Incoming) -> str | None:
    """What is to be declared about all columns of which a cell could not be read."""
    dataset = incoming.dataset
    unread = connection.execute(
        "select distinct unnest(unparsed) as name from incoming where len(unparsed) > 0 order by name"
    ).fetchall()
    values = {name: _values(connection, incoming, "type_fits", name) for (name,) in unread}
    kinds = {column.name: column.type for column in dataset.columns if values.get(column.name)}
    moments = {name: values[name] for name, kind in kinds.items() if kind == "TIMESTAMP"}
    words = {name: values[name] for name in ("direction", "trend") if name in kinds}
    numbers = [value for name in kinds if name not in moments and name not in words for value in values[name]]
    forms, lines = [], []
    if moments:
        serials = [value for found in moments.values() for value in found if SERIAL.fullmatch(value)]
        zones = [match[1] for found in moments.values() for value in found if (match := NAMED_ZONE.search(value))]
        forms += [MOMENTS, *([SERIALS.format(serials[0])] if serials else [])]
        forms += [ZONES.format(zones[0])] if zones else []
        lines += [] if serials else [_formats(moments)]
    if numbers:
        forms += [NUMBERS, *([OPEN_DECIMAL.format(text)] if (text := open_decimal(numbers)) else [])]
        lines += [f"decimal = {toml_value(mark)}"] if (mark := decimal_of(numbers)) else []
    named = [_of_words(dataset, name, found) for name, found in words.items()]
    forms += [form for form, _ in named]
    head = [f"[{dataset.name}]", *lines] if lines else []
    return "\n".join([" ".join(forms), *head, *(text for _, text in named)]) if forms else None


def _formats(moments: Mapping[str, Sequence[str]]) -> str:
    """The line that declares the form of moments; where the order of day and month is open, it is to be looked at."""
    guessed = {name: formats_of(values) for name, values in moments.items()}
    if not all(guessed.values()):
        return 'datetime_format = "%d/%m/%Y"  # an example: write the form of these moments, as strptime has it'
    first = {name: formats[0] for name, formats in guessed.items()}
    others = sorted({one for formats in guessed.values() for one in formats[1:3]})
    remark = f"  # or {', '.join(others)}: see which is meant" if others else ""
    if len(set(first.values())) == 1:
        return f'datetime_format = "{next(iter(first.values()))}"{remark}'
    return "datetime_format = { " + ", ".join(f'{name} = "{one}"' for name, one in first.items()) + " }" + remark


def _of_words(dataset: Dataset, column: str, values: Sequence[str]) -> tuple[str, str]:
    """The values that a column may have, and the lines that give them to the words found."""
    guess = level_of if column == "side" else direction_of
    known = {value: ours for value in values if (ours := guess(value)) is not None}
    rest = [value for value in values if value not in known]
    forms = "support, resistance or empty" if column == "side" else "-1, 0 or 1"
    asked = f" What {', '.join(rest[:3])} stands for, only you know." if rest else ""
    return f"A {column} is {forms}.{asked}", _words(dataset, column, known or {rest[0] if rest else "WORD": "?"})


def _words(dataset: Dataset, column: str, words: dict[str, str]) -> str:
    return f"[{dataset.name}.words.{column}]\n{words_toml(words)}"


def _of_symbols(connection: duckdb.DuckDBPyConnection, incoming: Incoming) -> str | None:
    """The tokens that symbols of another spelling stand for, where only one can be meant."""
    spelled = _values(connection, incoming, "token_known", "symbol")
    rows = connection.execute("select known_symbol from known_symbol where known_id is not null").fetchall()
    by_core: dict[str, list[str]] = {}
    for (known,) in rows if spelled else ():
        by_core.setdefault(core_of(known), []).append(known)
    words = {one: found[0] for one in spelled if len(found := by_core.get(core_of(one), [])) == 1}
    return f"\n{_words(incoming.dataset, 'symbol', words)}" if words else None


def _of_grid(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The offset that most bars off the grid of a timeframe share."""
    row = connection.execute(
        """
        select timeframe, epoch(bar_start - bar_floor(timeframe, bar_start))::bigint as seconds, count(*) as n_bars
        from incoming
        where row_number in (select row_number from bad_row where rule = 'bar_on_grid')
        group by all
        order by n_bars desc, timeframe, seconds
        limit 1
        """
    ).fetchone()
    if row is None:
        return None
    timeframe, seconds, _ = row
    length = TIMEFRAMES[timeframe].seconds
    # A grid that is an hour early, rather than one that is 23 hours late.
    offset = seconds - length if seconds > length / 2 else seconds
    unit, size = next((unit, size) for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if offset % size == 0)
    if unit == "s":
        return None
    return f'\nbar_offset = {{ "{timeframe}" = "{offset // size:+d}{unit}" }}'


def _values(connection: duckdb.DuckDBPyConnection, incoming: Incoming, rule: str, column: str) -> list[str]:
    """Some different texts of the cells that a rule refused in a column, the commonest first."""
    types = {name.lower(): (name, "VARCHAR") for name in incoming.delivered_columns}
    cell = cell_of(column, "VARCHAR", types, incoming.declaration)
    if cell is None:
        return []
    is_refused = (
        f"select row_number from incoming where list_contains(unparsed, '{column}')"
        if rule == "type_fits"
        else f"select row_number from bad_row where rule = '{rule}'"
    )
    rows = connection.execute(
        f"select trim({cell.sql}::varchar) as value from delivered where row_number in ({is_refused}) "
        f"and value <> '' group by value order by count(*) desc, value limit {N_VALUES}"
    ).fetchall()
    return [value for (value,) in rows]
